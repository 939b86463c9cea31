"""Progress of training, the recorder of its events, and how it may be stopped."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from unbraid.core.errors import UnbraidError


@dataclass
class Progress:
    """Where training stands: what a checkpoint must hold besides weights and optimizer state."""

    step: int = 0
    steps_per_epoch: int = 1
    epochs: int = 1  # started in all: the last one may be cut short by ``limit``
    limit: int = 0  # steps in all where they are no whole epochs, else 0
    sums: dict[str, float] = field(default_factory=dict)  # of each term over this epoch's steps
    counts: dict[str, int] = field(default_factory=dict)  # of the steps that had each term
    seconds: float = 0.0  # spent in training steps, over all sessions
    precision: str = ""  # that the networks compute in, f32 or bf16; "" in earlier versions

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.steps_per_epoch

    @property
    def step_of_epoch(self) -> int:
        """Steps done of the epoch that the last step belongs to."""
        return self.step % self.steps_per_epoch or self.steps_per_epoch

    def add(self, name: str, value: float) -> None:
        """Take in a term of a step."""
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Return the mean of each term over those steps of the epoch that had it."""
        return {name: value / self.counts[name] for name, value in self.sums.items()}

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.limit or self.steps_per_epoch * self.epochs

    @property
    def length(self) -> float:
        """Epochs in all, fractions included."""
        return self.steps / self.steps_per_epoch

    def __str__(self) -> str:
        if self.limit:
            return f"step {self.step:,} of {self.limit:,}"
        return f"epoch {round(self.step / self.steps_per_epoch, 1):g} of {self.epochs}"


class Recorder:
    """Receives the events of the loop. This one ignores them; subclasses show, store or stop."""

    def start(self, progress: Progress) -> None:
        """Receive the start of training, or its continuation, at the present progress."""

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Receive the terms of a finished step."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Receive the record of a finished epoch: its terms, flat, for metrics.jsonl."""

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Store a checkpoint, before the loop goes on."""

    def warn(self, sentence: str) -> None:
        """Receive a warning for the user."""
        warnings.warn(sentence, stacklevel=3)

    def note(self, sentence: str) -> None:
        """Receive a note on what was done without being requested, such as images scaled."""

    def stop_requested(self) -> bool:
        """Whether to save a checkpoint and stop after this step."""
        return False


def checked_recorder(recorder: Any, name: str = "recorder") -> Recorder:
    """Return what a user gave to receive events.

    Args:
        recorder: has the methods of ``Recorder``.
        name: what it is, as an error names it.

    Raises:
        UnbraidError: it lacks one of them.

    >>> checked_recorder(print)
    Traceback (most recent call last):
    unbraid.core.errors.UnbraidError: recorder is of type builtin_function_or_method, expected ...
    """
    if isinstance(recorder, Recorder):
        return recorder
    wanted = [each for each in vars(Recorder) if not each.startswith("_")]
    if isinstance(recorder, type) or not all(
        callable(getattr(recorder, each, None)) for each in wanted
    ):
        raise UnbraidError(
            f"{name} is of type {type(recorder).__name__}, expected an object with the methods of "
            "unbraid.training.Recorder: give one of a class that extends it."
        )
    found: Recorder = recorder
    return found


class Interrupted(Exception):
    """Training stopped on request, after a checkpoint."""


class Diverged(UnbraidError):
    """Training stopped because a term or a weight is not finite, or a loss grew beyond bounds.

    Args:
        sentence: that says so.
        step: that was being taken.
    """

    def __init__(self, sentence: str, step: int) -> None:
        super().__init__(sentence)
        self.step = step

    def __reduce__(self) -> tuple[type[Diverged], tuple[str, int]]:
        """Let it be sent between processes."""
        return Diverged, (str(self), self.step)
