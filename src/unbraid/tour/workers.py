"""Trainings side by side, each in a process of its own, which reports events."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, NamedTuple

import torch

from unbraid.core.errors import UnbraidError
from unbraid.runs import train_run
from unbraid.tour.plan import Job
from unbraid.tour.statistics.scores import score_run
from unbraid.training import Interrupted, Progress, Recorder

EVERY = 0.2  # seconds between reports of a training's progress


class Event(NamedTuple):
    """An event of a job: ``sentence`` is a warning or an error, the rest is a step's progress.

    ``at`` is when it happened, on the clock that all processes of a machine share.
    """

    job: str
    kind: Literal["step", "warning", "done", "stopped", "failed"]
    sentence: str = ""
    done: int = 0
    total: int = 1
    images_per_second: float = 0.0
    at: float = 0.0


Emit = Callable[[Event], None]
Stop = Callable[[], bool]


class EventReporter(Recorder):
    """Reports a training's progress as events."""

    def __init__(self, job: str, emit: Emit, stop: Stop) -> None:
        self.job, self.emit, self.stop = job, emit, stop
        self.reported = 0.0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Report the step, unless one was reported a moment ago."""
        now = time.monotonic()
        if now - self.reported >= EVERY:
            self.reported = now
            done, total = progress.step, progress.steps
            self.emit(Event(self.job, "step", "", done, total, images_per_second, now))

    def warn(self, sentence: str) -> None:
        """Report the warning."""
        self.emit(Event(self.job, "warning", sentence))

    def stop_requested(self) -> bool:
        """Whether the training is to save and stop."""
        return self.stop()


def train_all(jobs: Sequence[Job], processes: int, emit: Emit, stop: Stop) -> None:
    """Train all jobs, started in their order; finished ones are passed over, others continue.

    Args:
        jobs: what to train.
        processes: how many at once; a single one is this process.
        emit: is given each event, in this process.
        stop: polled; once true, all trainings save and stop.

    Raises:
        UnbraidError: a training failed; the others have saved and stopped.
        Interrupted: ``stop`` was true.
    """
    if min(processes, len(jobs)) < 2:
        for job in jobs:
            _train(job, emit, stop)
    else:
        with _Team(jobs, min(processes, len(jobs))) as team:
            team.work(emit, stop)


def _train(job: Job, emit: Emit, stop: Stop) -> None:
    run = train_run(
        job.config, job.folder, resume=True, display=EventReporter(job.name, emit, stop)
    )
    if job.scored:
        score_run(run)
    # nothing is added to a finished one: it would take three times the model's size
    (job.folder / "checkpoint.safetensors").unlink(missing_ok=True)
    emit(Event(job.name, "done", at=time.monotonic()))


def _serve(connection: Connection) -> None:
    """Train the jobs that come over the connection, until it says stop or closes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # may go to all at once; the parent decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    torch.set_num_threads(1)

    def emit(event: Event) -> None:
        with suppress(OSError):  # the parent has gone: first save, then go too
            connection.send(event)

    def stop() -> bool:
        try:
            return connection.poll()  # whatever comes while training, its end too, says stop
        except OSError:
            return True

    with suppress(EOFError, OSError):
        while (job := connection.recv()) is not None:
            try:
                _train(job, emit, stop)
            except Interrupted:
                emit(Event(job.name, "stopped"))
            except UnbraidError as error:
                emit(Event(job.name, "failed", str(error)))


class _Team:
    """Worker processes with a job each. A context manager: at its end all have saved and gone."""

    def __init__(self, jobs: Sequence[Job], size: int) -> None:
        self.waiting = deque(jobs)
        self.size = size
        self.busy: dict[Any, tuple[BaseProcess, Job]] = {}  # by connection
        self.processes: list[BaseProcess] = []
        self.failure = ""
        self.stopping = False

    def __enter__(self) -> _Team:
        # Not forked: torch's threads do not survive a fork, and a child must not hold its
        # siblings' ends of the connections, whose closing says that the parent has gone.
        context = multiprocessing.get_context("spawn")
        for _ in range(self.size):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self.processes.append(process)
            self._give(ours, process)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self.busy:
            connection.close()  # which a worker takes as a wish to save and stop
        for process in self.processes:
            process.join()

    def _give(self, connection: Any, process: BaseProcess) -> None:
        """Hand the next job to a worker, or let it go if there is none."""
        self.busy.pop(connection, None)
        if self.waiting:
            job = self.waiting.popleft()
            self.busy[connection] = (process, job)
            connection.send(job)
        else:
            connection.close()

    def _stop(self) -> None:
        """Ask all workers to save and stop."""
        self.stopping = True
        self.waiting.clear()
        for connection in self.busy:
            with suppress(OSError):
                connection.send(None)

    def work(self, emit: Emit, stop: Stop) -> None:
        """Pass events on and hand out jobs, until none is left."""
        while self.busy:
            for connection in wait(list(self.busy), timeout=0.1):
                self._receive(connection, emit)
            if (stop() or self.failure) and not self.stopping:
                self._stop()
        if self.failure:
            raise UnbraidError(self.failure)
        if self.stopping:
            raise Interrupted

    def _receive(self, connection: Any, emit: Emit) -> None:
        process, job = self.busy[connection]
        try:
            event = connection.recv()
        except (EOFError, OSError):
            process.join()
            self.busy.pop(connection)
            self.failure = self.failure or (
                f"the process that trained {job.name} ended early (exit code {process.exitcode}): "
                "start the tour again to continue; --jobs 1 takes the least memory."
            )
            return
        if event.kind == "failed":
            self.failure = self.failure or event.sentence
        if event.kind in ("done", "stopped", "failed"):
            self._give(connection, process)  # before emitting, which may take seconds
        emit(event)
