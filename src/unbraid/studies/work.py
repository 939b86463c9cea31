"""What a worker does for a cell: train, or continue, its run; measure it; record what failed."""

from __future__ import annotations

import errno
import signal
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.studies import cells
from unbraid.studies.cells import Cell, State, read_state, write_state
from unbraid.studies.engines import Busy, Emit, Fatal, Stop

# Failures of the machine, which the next run would meet too: disk full, quota, read-only
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
LOOK = 1.0  # seconds between looks whether to end
AGAIN = ("died", "files")  # kinds of failure that another attempt may not meet


class Timeout(Exception):
    """An attempt took longer than the study allows."""


@dataclass(frozen=True)
class CellJob:
    """The job of a cell, for any engine.

    Args:
        cell: the run.
        folder: its run folder.
        threads: CPU threads of metrics; those of training are an option of the run.
        retries: further attempts after failures that another attempt may not meet.
    """

    cell: Cell
    folder: Path
    threads: int = 1
    retries: int = 2

    @property
    def name(self) -> str:
        """The id of the run."""
        return self.cell.id

    def work(self, emit: Emit, stop: Stop) -> None:
        """Train, or continue, and measure the run; record a failure in its folder.

        Nothing is done if another process works on the run, or if it is finished.

        Raises:
            UnbraidError: the run failed.
            Interrupted: ``stop`` was true; a checkpoint has been saved.
            Fatal: no job can go on, such as on a full disk, or where no folder can be made: a
                failure that cannot be recorded would be met again without end.
        """
        with claim(self.folder) as mine:
            if not mine:
                raise Busy
            state = read_state(self.folder)
            if state.status(self.cell) != "unfinished":
                return
            self._attempt(state, emit, stop)

    def _attempt(self, state: State, emit: Emit, stop: Stop) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from unbraid.studies.engines.reporter import EventReporter
        from unbraid.training import Interrupted

        reporter = EventReporter(self.name, emit, stop)
        try:
            with threadpool_limits(self.threads), Alarm(self.cell.timeout, stop) as alarm:
                self._train_and_measure(state, reporter, alarm)
        except Interrupted:
            raise
        except Exception as error:
            failure = described(error, reporter.reached)
            try:
                if number_of(error) in FATAL:
                    raise error
                record_failure(self.folder, failure, self.retries)
            except Exception as worse:
                raise Fatal(str(worse)) from worse
            raise UnbraidError(f"{failure['kind']}: {failure['message']}") from error

    def _train_and_measure(self, state: State, reporter: Any, alarm: Alarm) -> None:
        from unbraid.evaluation.scores import Config
        from unbraid.runs import train_run
        from unbraid.runs.evaluating import evaluate
        from unbraid.studies.plan import config_of

        train_run(config_of(self.cell), self.folder, resume=True, display=reporter)
        if not state.trained:
            state = replace(state, trained=True)
            write_state(self.folder, state)
        # nothing is added to a finished run: it would take three times the model's size
        (self.folder / "checkpoint.safetensors").unlink(missing_ok=True)
        alarm.measuring = True
        for told, keys in grouped(self.cell, state):
            begun = time.monotonic()
            evaluate([str(self.folder)], Config(**told))
            seconds = round((time.monotonic() - begun) / len(keys), 3)
            state = replace(state, measured={**state.measured, **dict.fromkeys(keys, seconds)})
            write_state(self.folder, state)


@contextmanager
def claim(folder: Path) -> Iterator[bool]:
    """Claim a run as ``cells.claimed`` does.

    Raises:
        Fatal: its folder cannot be made or written.
    """
    with ExitStack() as stack:
        try:
            mine = stack.enter_context(cells.claimed(folder))
        except UnbraidError as error:
            raise Fatal(str(error)) from error
        yield mine


def grouped(cell: Cell, state: State) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Yield the options of each evaluation that is left, and the keys of what it measures.

    Metrics of the same images and protocol are measured together, so that images are encoded once.
    """
    groups: dict[tuple[Any, ...], list[str]] = {}
    for key, told in cell.wanted.items():
        if key not in state.measured:
            apart = told["metrics"] if told["metrics"] == "all" else ""
            groups.setdefault((apart, *(told[n] for n in told if n != "metrics")), []).append(key)
    for keys in groups.values():
        told = dict(cell.wanted[keys[0]])
        yield {**told, "metrics": ",".join(cell.wanted[key]["metrics"] for key in keys)}, keys


def described(error: Exception, step: int) -> dict[str, Any]:
    """Return what is recorded of a failure.

    Args:
        error: what happened.
        step: the last step of training that was done; 0 before the first and after training.
    """
    from unbraid.training import Diverged

    kind = "error"
    if isinstance(error, Diverged):
        kind = "diverged"
    elif isinstance(error, Timeout):
        kind = "timeout"
    elif any(memory.ran_out(each) for each in _chain(error)):
        kind = "out of memory"
    elif number_of(error) is not None:
        kind = "files"
    found = {"kind": kind, "type": type(error).__name__, "message": str(error), "step": step}
    if not isinstance(error, UnbraidError | Timeout):
        found["traceback"] = "".join(traceback.format_exception(error))[-4000:]
    return found


def record_failure(folder: Path, failure: Mapping[str, Any], retries: int) -> bool:
    """Add a failure to the state of a claimed run; return whether it may be tried again."""
    state = read_state(folder)
    attempt = len(state.failures) + 1
    kept = [each for each in state.failures if each.get("kind") in AGAIN]
    again = failure["kind"] in AGAIN and len(kept) < retries
    failures = (*state.failures, {**failure, "attempt": attempt})
    write_state(folder, replace(state, failures=failures, failed=not again))
    return again


class Alarm:
    """Looks now and then, in the main thread, whether an attempt is to end. A context manager.

    Training asks itself whether to stop, at each step. Measuring does not: within ``measuring``, a
    wish to stop raises ``Interrupted`` wherever it is. What was being measured is measured again.
    Windows has no timer of this kind: there, measuring goes on to its end, and nothing is limited.

    Args:
        seconds: after which ``Timeout`` is raised; 0 for no limit.
        stop: whether to stop.
    """

    def __init__(self, seconds: float, stop: Stop) -> None:
        self.seconds, self.stop = seconds, stop
        self.measuring = False
        self.begun = time.monotonic()

    def __enter__(self) -> Alarm:
        if hasattr(signal, "setitimer"):
            self.before = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        from unbraid.training import Interrupted

        if self.measuring and self.stop():
            raise Interrupted
        if self.seconds and time.monotonic() - self.begun > self.seconds:
            raise Timeout(f"the attempt took longer than {self.seconds:g} s")


def number_of(error: BaseException) -> int | None:
    """Return the number of the operating system's error behind an exception, None without one."""
    return next((e.errno for e in _chain(error) if isinstance(e, OSError) and e.errno), None)


def _chain(error: BaseException) -> Iterator[Exception]:
    found: BaseException | None = error
    with suppress(RecursionError):
        while isinstance(found, Exception):
            yield found
            found = found.__cause__
