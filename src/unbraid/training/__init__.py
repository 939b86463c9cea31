"""Training: the only loop, its options, what it is fed and what it reports.

``loop.py`` holds the loop; ``batches.py`` takes images by row, and holds all randomness by key;
``supervision.py`` adds the labels and pairs that a method needs; ``validation.py`` is what held-out
images say; ``fleet.py`` trains many seeds at once; ``recorder.py`` reports events to a run folder
or a display.
"""

from __future__ import annotations

from unbraid.core.hardware import threads
from unbraid.training.batches import VALIDATION_LIMIT, Batches, generator, reseed, split_rows
from unbraid.training.config import FREE, TrainingConfig
from unbraid.training.fleet import Fleet
from unbraid.training.loop import Loop, few_steps
from unbraid.training.recorder import (
    Diverged,
    Interrupted,
    Progress,
    Recorder,
    checked_recorder,
)
from unbraid.training.start import LIGHTER, new_model, train
from unbraid.training.supervision import Labels, Supervision, given_labels, labelled_rows, named
from unbraid.training.validation import ACTIVE_VARIANCE

__all__ = [
    "ACTIVE_VARIANCE",
    "FREE",
    "LIGHTER",
    "VALIDATION_LIMIT",
    "Batches",
    "Diverged",
    "Fleet",
    "Interrupted",
    "Labels",
    "Loop",
    "Progress",
    "Recorder",
    "Supervision",
    "TrainingConfig",
    "checked_recorder",
    "few_steps",
    "generator",
    "given_labels",
    "labelled_rows",
    "named",
    "new_model",
    "reseed",
    "split_rows",
    "threads",
    "train",
]
