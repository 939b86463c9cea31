"""What a worker does for a cell: train, or continue, its run; measure it; record what failed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from unbraid.core.errors import UnbraidError
from unbraid.studies import cells
from unbraid.studies.cells import NEW, Cell, State, read_state, write_state
from unbraid.studies.code import record_code
from unbraid.studies.engines import Busy, Emit, Fatal, Stop
from unbraid.studies.failures import (
    AGAIN,
    FATAL,
    Passing,
    Timeout,
    described,
    ends,
    number_of,
    record_failure,
)

if TYPE_CHECKING:
    from unbraid.runs import RunConfig

LOOK = 1.0  # seconds between looks whether to end


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

        A metric that fails is no failure of the run: its other numbers are kept.

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
                record_failure(self.folder, self.cell, failure, self.retries)
            except Exception as worse:
                raise Fatal(str(worse)) from worse
            said = f"{failure['kind']}: {failure['message']}"
            if read_state(self.folder).status(self.cell) != "finished":
                raise UnbraidError(said) from error
            reporter.warn(f"what was left to measure is not measured: {said}")

    def _train_and_measure(self, state: State, reporter: Any, alarm: Alarm) -> None:
        from unbraid.runs import train_run
        from unbraid.studies.plan import config_of

        record_code(self.folder, self.cell)
        config = config_of(self.cell)
        before, now = cells.began_with(self.folder), self.cell.measured_on
        if before and now and before != now:
            self._renew(config, state)
        train_run(config, self.folder, resume=True, display=reporter)
        renewed = replace(state.renewed(self.cell), trained=True)
        if renewed != state:
            state = renewed
            write_state(self.folder, state)
        # nothing is added to a finished run: it would take three times the model's size
        (self.folder / "checkpoint.safetensors").unlink(missing_ok=True)
        alarm.measuring = True
        self._measure(state, reporter)

    def _renew(self, config: RunConfig, state: State) -> None:
        """Have the run be of the test split as it is now.

        The state comes first: what is ended before config.json is written is done again.
        """
        from unbraid.runs.renewing import renew

        if state != NEW:
            write_state(self.folder, state.renewed(self.cell))
        renew(config, self.folder)

    def _measure(self, state: State, reporter: Any) -> None:
        """Measure what is left, and record metrics that fail.

        Raises:
            Passing: a failure that another attempt may not meet, once all else is measured.
        """
        again: Mapping[str, Any] | None = None
        for told, keys in grouped(self.cell, state):
            begun = time.monotonic()
            found = measure(self.folder, told)
            seconds = round((time.monotonic() - begun) / len(keys), 3)
            measured, unmeasured = dict(state.measured), dict(state.unmeasured)
            for key in keys:
                asked = self.cell.wanted[key]["metrics"]
                own = {name: each for name, each in found.items() if asked in ("all", name)}
                passing = [each for each in own.values() if each["kind"] in AGAIN]
                if passing:
                    again = passing[0]
                elif own:
                    unmeasured[key] = own
                    for name, each in own.items():
                        reporter.warn(f"{name} not measured: {each['type']}: {each['message']}")
                else:
                    measured[key] = seconds
            state = replace(state, measured=measured, unmeasured=unmeasured)
            write_state(self.folder, state)
        if again is not None:
            raise Passing(again)


def measure(folder: Path, told: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Measure a run as told, and return what failed, by metric; other scores are stored.

    Raises:
        Exception: one that ends the attempt.
    """
    from unbraid.evaluation.scores import Config
    from unbraid.runs.evaluating import evaluate

    # an error itself would keep the model in memory, by its traceback
    lost: dict[str, Mapping[str, Any]] = {}

    def failed(names: Sequence[str], error: Exception) -> None:
        if ends(error):
            raise error
        if len(names) == 1:  # several are measured again, one by one
            lost[names[0]] = described(error, 0)

    try:
        evaluate([str(folder)], Config(**told), failed)
    except Exception as error:  # of all metrics, as where the data have gone
        if ends(error):
            raise
        return dict.fromkeys(told["metrics"].split(","), described(error, 0))
    return lost


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
    for key in state.left(cell):
        told = cell.wanted[key]
        apart = told["metrics"] if told["metrics"] == "all" else ""
        groups.setdefault((apart, *(told[n] for n in told if n != "metrics")), []).append(key)
    for keys in groups.values():
        names = ",".join(cell.wanted[key]["metrics"] for key in keys)
        yield {**cell.wanted[keys[0]], "metrics": names}, keys


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
