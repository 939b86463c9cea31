"""Events of workers on other machines, by a small file of each job in a folder that all see."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_object, write_json
from unbraid.studies.engines import Event

EVERY = 2.0  # seconds between files of a job, and between looks at them
Told = tuple[Sequence[Any], Sequence[str]]  # steps done, all, images a second; and all warnings


class Sender:
    """Writes how far a job is, and its warnings, into a file, from its beginning on.

    What cannot be written is not told: it is not worth ending a run.

    Args:
        folder: of the files.
        job: the name of the job.
    """

    def __init__(self, folder: Path, job: str) -> None:
        self.path = file_of(folder, job)
        self.step: tuple[Any, ...] = ()
        self.warnings: list[str] = []
        self._write()

    def emit(self, event: Event) -> None:
        """Take an event; a warning is written at once, a step now and then."""
        if event.kind == "warning":
            self.warnings.append(event.sentence)
        else:
            self.step = event.done, event.total, event.images_per_second
        if event.kind == "warning" or time.monotonic() - self.written >= EVERY:
            self._write()

    @property
    def told(self) -> Told:
        """What there is to tell."""
        return self.step, self.warnings

    def _write(self) -> None:
        self.written = time.monotonic()
        step, warnings = self.told
        if self.path.parent.is_dir():  # else the driver has gone
            with suppress(UnbraidError, OSError):
                write_json(self.path, {"step": list(step), "warnings": warnings})


class Receiver:
    """Turns the files of jobs into events, each of which is told once.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: dict[str, tuple[Any, ...]] = {}
        self.warned: dict[str, int] = {}

    def has_begun(self, job: str) -> bool:
        """Whether a worker has begun a job."""
        return file_of(self.folder, job).is_file()

    def look(self, job: str) -> list[Event]:
        """Return what is new in a job's file."""
        with suppress(UnbraidError, LookupError, TypeError, ValueError):
            stored = read_object(file_of(self.folder, job))
            return self.news(job, (stored["step"], stored["warnings"]))
        return []

    def news(self, job: str, told: Told) -> list[Event]:
        """Return what is new in what a job tells."""
        step, warnings = tuple(told[0]), list(told[1])
        events = [Event(job, "warning", each) for each in warnings[self.warned.get(job, 0) :]]
        self.warned[job] = len(warnings)
        if step and step != self.steps.get(job):
            self.steps[job] = step
            done, total, rate = step
            events.append(Event(job, "step", "", done, total, rate, time.monotonic()))
        return events

    def forget(self, job: str) -> None:
        """Forget a job that has ended, of which another attempt may come, and its file."""
        self.steps.pop(job, None)
        self.warned.pop(job, None)
        with suppress(OSError):
            file_of(self.folder, job).unlink(missing_ok=True)


def file_of(folder: Path, job: str) -> Path:
    """Return the file of a job."""
    return folder / f"{job}.json"
