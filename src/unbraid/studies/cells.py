"""Cells of a study, one a run, and the state that each run's folder tells.

``state.json`` of a run folder holds what its other files do not: which measurements were made, and
why an attempt failed. Only the process that has claimed the run writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from unbraid.core import locks
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_object, write_json

STATE, CLAIM = "state.json", "claim"
Status = Literal["finished", "diverged", "failed", "unfinished"]


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Args:
        id: a hash of all that decides the run's weights, the name of its folder.
        label: what it is called on a terminal.
        data: the name of its data in tables.
        method: the name of its method.
        setting: the options that its grid varies, as text; equal in all seeds.
        strength: name and value of the first of these.
        seed: of initialisation, order and noise.
        config: method, data and training, as config.json has them.
        wanted: by the key of each measurement, the options of ``unbraid evaluate``.
        timeout: seconds of an attempt, 0 for no limit.
    """

    id: str
    label: str
    data: str
    method: str
    setting: str
    strength: tuple[str, float] | None
    seed: int
    config: Mapping[str, Any]
    wanted: Mapping[str, Mapping[str, Any]]
    timeout: float = 0.0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Cell:
        """Return a cell from its JSON form."""
        strength = stored["strength"]
        return cls(**{**stored, "strength": None if strength is None else tuple(strength)})

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers."""
        return asdict(self)

    @property
    def steps(self) -> int:
        """Steps of the training; 0 if it goes by epochs."""
        return int(self.config["training"]["steps"])


@dataclass(frozen=True)
class State:
    """What a run's folder says of the work on it.

    Args:
        measured: by the key of each measurement that was made, its seconds.
        failures: of each attempt that failed: kind, type, message, step, attempt.
        failed: whether the last failure was final.
        trained: whether the training is done.
    """

    measured: Mapping[str, float]
    failures: tuple[Mapping[str, Any], ...] = ()
    failed: bool = False
    trained: bool = False

    def status(self, cell: Cell) -> Status:
        """Return where a run stands."""
        if self.failed:
            return "diverged" if self.failures[-1]["kind"] == "diverged" else "failed"
        done = self.trained and cell.wanted.keys() <= self.measured.keys()
        return "finished" if done else "unfinished"


NEW = State({})


def read_state(folder: Path) -> State:
    """Return what a run's folder says; a missing or damaged file says nothing.

    What it held is found again: weights and scores are in other files, and failures fail again.
    """
    with suppress(UnbraidError, KeyError, TypeError, ValueError):
        stored = read_object(folder / STATE, "measured")
        failures = tuple(dict(each) for each in stored["failures"])
        failed = bool(stored["failed"]) and bool(failures) and "kind" in failures[-1]
        return State(stored["measured"], failures, failed, bool(stored["trained"]))
    return NEW


def write_state(folder: Path, state: State) -> None:
    """Write what a run's folder says; only the process that claimed the run may."""
    for stray in folder.glob(".state-*"):  # what a killed process was writing
        stray.unlink(missing_ok=True)
    write_json(folder / STATE, asdict(state))


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Claim a run until the block or the process ends; yield False if another process has."""
    with locks.claimed(folder / CLAIM) as mine:
        yield mine


def is_claimed(folder: Path) -> bool:
    """Whether some process works on a run."""
    return locks.is_claimed(folder / CLAIM)
