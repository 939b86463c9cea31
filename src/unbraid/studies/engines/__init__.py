"""Engines run jobs in other processes. Each is three functions: submit, wait and close."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from unbraid.core.errors import UnbraidError

Kind = Literal["started", "step", "warning", "done", "busy", "stopped", "failed", "fatal", "died"]
ENDS = ("done", "busy", "stopped", "failed", "fatal", "died")  # of a job's work


class Event(NamedTuple):
    """An event of a job.

    ``sentence`` is a warning or an error, the rest is a step's progress. ``busy`` says that another
    process does the job, ``fatal`` that no job can go on, ``died`` that the job's process ended.
    ``at`` is when it happened, on the clock that all processes of a machine share.
    """

    job: str
    kind: Kind
    sentence: str = ""
    done: int = 0
    total: int = 1
    images_per_second: float = 0.0
    at: float = 0.0


Emit = Callable[[Event], None]
Stop = Callable[[], bool]


class Job(Protocol):
    """What an engine runs."""

    @property
    def name(self) -> str:
        """What events call the job."""

    def work(self, emit: Emit, stop: Stop) -> None:
        """Do the job in a process of the engine.

        Args:
            emit: is given events; ``done``, where work returns, is the engine's.
            stop: polled; once true, the work saves what it has and raises ``Interrupted``.

        Raises:
            UnbraidError: the job failed.
            Fatal: no job can go on.
            Busy: another process does the job.
        """


class Engine(Protocol):
    """Runs jobs, ``room`` more at present."""

    @property
    def room(self) -> int:
        """How many jobs may be submitted now."""

    def submit(self, job: Job) -> None:
        """Start a job; there must be room."""

    def wait(self, seconds: float) -> list[Event]:
        """Return the events since the last call; wait up to so many seconds for one."""

    def close(self) -> None:
        """Have all jobs save and stop, and wait until they have."""


class Busy(Exception):
    """Another process does the job."""


class Fatal(UnbraidError):
    """No job can go on, such as on a full disk."""


def do(job: Job, emit: Emit, stop: Stop) -> Event:
    """Do a job and return the event of its end."""
    from unbraid.training import Interrupted

    kind: Kind = "done"
    sentence = ""
    try:
        job.work(emit, stop)
    except Interrupted:
        kind = "stopped"
    except Busy:
        kind = "busy"
    except Fatal as error:
        kind, sentence = "fatal", str(error)
    except UnbraidError as error:
        kind, sentence = "failed", str(error)
    return Event(job.name, kind, sentence, at=time.monotonic())
