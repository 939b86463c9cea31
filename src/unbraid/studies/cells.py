"""Cells of a study, one a run, and the state that each run's folder tells.

``state.json`` of a run folder holds what its other files do not: which measurements were made, and
why an attempt or a metric failed. Only the process that has claimed the run writes it.

A run's identity is of what it is trained on. What it is measured on may change alone, as where
labels of the test split are corrected: ``measured_on`` is a hash of that split, and measurements
count only where that of the state is that of the cell. States of earlier versions have none: theirs
is the test split's fingerprint in config.json, which is older than any measurement, so that what is
finished on unchanged data stays finished. Without either, as in runs from before fingerprints,
nothing shows a change, and the measurements count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from unbraid.core import locks
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_object, write_json

STATE, CLAIM = "state.json", "claim"
RESULT = "result.json"  # which a training writes last
CONFIG = "config.json"
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
        measured_on: a hash of the test split of its data, "" if it is not known.
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
    measured_on: str = ""

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
        unmeasured: by the key of each measurement that failed, of each metric that did: kind, type
            and message. The others of the run are kept, and it is finished.
        before: failures of attempts before the last ``unbraid study retry``, which count no more.
        measured_on: a hash of the test split when it was measured, "" if it is not known.
    """

    measured: Mapping[str, float]
    failures: tuple[Mapping[str, Any], ...] = ()
    failed: bool = False
    trained: bool = False
    unmeasured: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    before: tuple[Mapping[str, Any], ...] = ()
    measured_on: str = ""

    def status(self, cell: Cell) -> Status:
        """Return where a run stands."""
        if self.failed:
            return "diverged" if self.failures[-1]["kind"] == "diverged" else "failed"
        done = self.trained and self.current(cell) and not self.left(cell)
        return "finished" if done else "unfinished"

    def current(self, cell: Cell) -> bool:
        """Whether measurements, as far as there are any, were made on the cell's images."""
        return not (self.measured_on and cell.measured_on) or self.measured_on == cell.measured_on

    def renewed(self, cell: Cell) -> State:
        """Return the state in which no measurement on other images than the cell's counts."""
        if self.current(cell):
            return replace(self, measured_on=cell.measured_on or self.measured_on)
        return replace(self, measured={}, unmeasured={}, measured_on=cell.measured_on)

    def left(self, cell: Cell) -> list[str]:
        """Return the keys of the measurements that are to be made."""
        if not self.current(cell):
            return list(cell.wanted)
        return [key for key in cell.wanted if key not in {*self.measured, *self.unmeasured}]

    def lost(self, cell: Cell) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Return the measurements that failed, each as options of one metric, and its failure."""
        return [
            ({**told, "metrics": metric}, failure)
            for key, told in cell.wanted.items()
            for metric, failure in self.unmeasured.get(key, {}).items()
            if self.current(cell)
        ]

    def forgiven(self, cell: Cell) -> State:
        """Return the state of which no failure counts, so that what failed is tried again."""
        kept = {key: each for key, each in self.unmeasured.items() if key not in cell.wanted}
        before = (*self.before, *self.failures)
        return replace(self, failures=(), failed=False, unmeasured=kept, before=before)


NEW = State({})


def read_state(folder: Path) -> State:
    """Return what a run's folder says; a missing or damaged file says nothing.

    What it held is found again: weights and scores are in other files, and failures fail again.
    Without result.json, which holds the scores, nothing is trained or measured.
    """
    with suppress(UnbraidError, AttributeError, KeyError, TypeError, ValueError):
        stored = read_object(folder / STATE, "measured")
        failures = tuple(dict(each) for each in stored["failures"])
        failed = bool(stored["failed"]) and bool(failures) and "kind" in failures[-1]
        lost = {  # which earlier versions did not write
            key: {metric: {"kind": "error", **failure} for metric, failure in failures.items()}
            for key, failures in stored.get("unmeasured", {}).items()
        }
        before = tuple(dict(each) for each in stored.get("before", ()))
        if not (folder / RESULT).is_file():
            return State({}, failures, failed, before=before)
        trained = bool(stored["trained"])
        on = str(stored.get("measured_on") or began_with(folder))
        return State(stored["measured"], failures, failed, trained, lost, before, on)
    return NEW


def began_with(folder: Path) -> str:
    """Return a hash of the test split that a run began with, "" where nothing tells it."""
    with suppress(UnbraidError, LookupError, TypeError, ValueError):
        return digest(read_object(folder / CONFIG)["fingerprint"]["test"])
    return ""


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


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
