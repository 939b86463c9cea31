"""Logs of trainings beside metrics.jsonl: each file here is one, ``--log NAME`` writes it.

A logger's module defines ``Log``, a ``Logger``. It is told of what is in a checkpoint already, so
that a training that was killed and resumed logs no step twice, and may import what it needs when it
is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.training import Progress

__all__ = ["Logger", "check", "make"]


class Logger:
    """Writes what a training reports into a run folder.

    Args:
        folder: the run folder.

    Raises:
        UnbraidError: what it needs is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, progress: Progress, records: Sequence[dict[str, Any]]) -> None:
        """Begin, or go on from where the training stands.

        Args:
            progress: steps after ``progress.step``, logged before a kill, are to be dropped.
            records: of the epochs done so far, as metrics.jsonl holds them.
        """

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Log a finished step, if at all."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Log the record of a finished epoch, which a checkpoint holds."""

    def close(self) -> None:
        """Finish, whether the training ended, was stopped or failed."""


def check(names: Sequence[str]) -> None:
    """Raise an UnbraidError unless each name is that of a logger, and none is given twice."""
    for name in names:
        registry.check("loggers", name)
    if len(set(names)) < len(names):
        raise UnbraidError(f"the logs are {', '.join(names)}: name each once.")


def make(names: str | Sequence[str], folder: Path) -> list[Logger]:
    """Return the named loggers of a run folder.

    >>> [type(logger).__module__ for logger in make(["csv"], Path("runs/first"))]
    ['unbraid.loggers.csv']
    """
    names = [names] if isinstance(names, str) else names
    check(names)
    return [registry.load("loggers", name).Log(folder) for name in names]
