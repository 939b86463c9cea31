"""The local engine: worker processes on this machine, each with a job at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from unbraid.core.errors import UnbraidError
from unbraid.studies.engines import ENDS, Emit, Event, Job, Stop, do

LOOK = 0.05  # seconds between looks at the connection, each of which is several system calls
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Local:
    """Worker processes on this machine. They start when there is a job for them.

    Workers are not forked: torch's threads do not survive a fork, and a worker must not hold its
    siblings' ends of the connections, whose closing says that the parent has gone.

    Args:
        size: how many jobs run at once.
        threads: of each worker.
        cards: ``CUDA_VISIBLE_DEVICES`` of each worker; if none, workers see what this process does.
    """

    def __init__(self, size: int, threads: int = 1, cards: Sequence[str] = ()) -> None:
        self.size, self.threads = size, threads
        self.free = list(cards)[::-1]  # of no worker
        self.cards: dict[Connection, str] = {}
        self.busy: dict[Connection, Job] = {}
        self.idle: list[Connection] = []
        self.processes: dict[Connection, BaseProcess] = {}
        self.early: list[Event] = []  # of jobs whose workers died before they got them

    @property
    def room(self) -> int:
        """How many jobs may be submitted now."""
        return self.size - len(self.busy) - len(self.early)

    def submit(self, job: Job) -> None:
        """Hand a job to an idle worker, or to a new one."""
        while self.idle:
            if self._sent(self.idle.pop(), job):
                return
        connection = self._start()
        if connection is None or not self._sent(connection, job):
            self.early.append(Event(job.name, "died", "while it started"))

    def _sent(self, connection: Connection, job: Job) -> bool:
        """Send a job to a worker; return False if the worker has died."""
        try:
            connection.send(job)
        except OSError:
            self._gone(connection)
            return False
        self.busy[connection] = job
        return True

    def wait(self, seconds: float) -> list[Event]:
        """Return the events since the last call; wait up to so many seconds for one."""
        if self.early:
            found, self.early = self.early, []
            return found
        if not self.busy:
            time.sleep(seconds)
            return []
        return [self._receive(each) for each in wait(list(self.busy), timeout=seconds)]  # type: ignore[arg-type]

    def close(self) -> None:
        """Have all workers save and stop, and wait until they have."""
        for connection in self.processes:
            connection.close()  # which a worker takes as a wish to save and stop
        for process in self.processes.values():
            process.join()
        self.busy, self.idle, self.processes = {}, [], {}

    def _start(self) -> Connection | None:
        """Start a worker; return None if it died at once."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.threads), daemon=True)
        cards = self.free.pop() if self.free else None
        try:
            with environment(self.threads, cards):
                process.start()
        except BrokenPipeError:
            ours.close()
            self._give_back(cards)
            return None
        finally:
            theirs.close()
        self.processes[ours] = process
        if cards is not None:
            self.cards[ours] = cards
        return ours

    def _gone(self, connection: Connection) -> int | None:
        """Return the exit code of a worker that has ended, and forget it."""
        process = self.processes.pop(connection)
        connection.close()
        process.join()
        self._give_back(self.cards.pop(connection, None))
        return process.exitcode

    def _give_back(self, cards: str | None) -> None:
        if cards is not None:
            self.free.append(cards)

    def _receive(self, connection: Connection) -> Event:
        try:
            event: Event = connection.recv()
        except (EOFError, OSError):
            job = self.busy.pop(connection)
            return Event(job.name, "died", f"exit code {self._gone(connection)}")
        if event.kind in ENDS:
            del self.busy[connection]
            self.idle.append(connection)
        return event


@contextmanager
def environment(threads: int, cards: str | None = None) -> Iterator[None]:
    """Let processes that are started within the block compute with a number of threads.

    Args:
        threads: how many.
        cards: the GPUs that they see, if not those of this process.
    """
    told = dict.fromkeys(THREADS, str(threads))
    if cards is not None:
        told["CUDA_VISIBLE_DEVICES"] = cards
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _serve(connection: Connection, threads: int) -> None:
    """Do the jobs that come over the connection, until it closes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # may go to all at once; the parent decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    import torch

    torch.set_num_threads(threads)

    def emit(event: Event) -> None:
        with suppress(OSError):  # the parent has gone: first save, then go too
            connection.send(event)

    looked = 0.0

    def stop() -> bool:
        nonlocal looked
        if time.monotonic() - looked < LOOK:
            return False
        looked = time.monotonic()
        try:
            return connection.poll()  # nothing comes while a job is done but the end
        except OSError:
            return True

    with suppress(EOFError, OSError):
        while True:
            job: Job = connection.recv()
            emit(do(job, emit, stop))


def run_all(jobs: Sequence[Job], processes: int, emit: Emit, stop: Stop) -> None:
    """Do all jobs or stop at the first that fails.

    Args:
        jobs: what to do, started in their order.
        processes: how many at once; a single one is this process.
        emit: is given each event, in this process.
        stop: polled; once true, all jobs save and stop.

    Raises:
        UnbraidError: a job failed; the others have saved and stopped.
        Interrupted: ``stop`` was true.
    """
    from unbraid.training import Interrupted

    if min(processes, len(jobs)) < 2:
        for job in jobs:
            job.work(emit, stop)
            emit(Event(job.name, "done", at=time.monotonic()))
        return
    engine = Local(min(processes, len(jobs)))
    waiting = list(jobs)[::-1]
    try:
        while waiting or engine.room < engine.size:
            while waiting and engine.room:
                engine.submit(waiting.pop())
            events = engine.wait(0.1)
            while waiting and engine.room:  # before emitting, which may take seconds
                engine.submit(waiting.pop())
            for event in events:
                if event.kind == "died":
                    raise UnbraidError(
                        f"the process that trained {event.job} ended early ({event.sentence}): "
                        "start again to continue; --jobs 1 takes the least memory."
                    )
                if event.kind == "failed":
                    raise UnbraidError(event.sentence)
                emit(event)
            if stop():
                raise Interrupted
    finally:
        engine.close()
