"""Checks before a run is continued: the same options, and as many epochs or steps or more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from unbraid import methods
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.store import read_tensors
from unbraid.datasets import NAMING, PATHS
from unbraid.runs.fingerprints import DataChanged
from unbraid.training import FREE, Loop, Progress

if TYPE_CHECKING:
    from unbraid.runs.config import RunConfig
    from unbraid.runs.run import Run


def check_same(run: Run, config: RunConfig, resume: bool) -> None:
    """Raise an UnbraidError unless a run may be continued with this config.

    The number of epochs or steps may differ, options that decide no weights, and the path and names
    of the data if they have a fingerprint.
    """
    if not resume:
        raise UnbraidError(
            f"{run.folder} already holds a run: add --resume to continue it, or choose another "
            "--out."
        )
    # both with their defaults filled in
    stored, asked = (each.to_json(run.image_shape) for each in (run.config, config))
    free = {
        "training": {"epochs", "steps", *FREE},
        "data": {*PATHS, *NAMING} if run.fingerprints else set(),
    }
    for part in ("method", "data", "training"):
        differing = [
            key
            for key in {**asked[part], **stored[part]}
            if stored[part].get(key) != asked[part].get(key) and key not in free.get(part, ())
        ]
        if differing:
            found = ", ".join(
                f"{key} {stored[part].get(key)}, not {asked[part].get(key)}" for key in differing
            )
            raise UnbraidError(
                f"{run.folder} holds a run with another {part} ({found}): "
                "resume it with the options it was started with, or choose another --out."
            )


def check_end(run: Run, loop: Loop) -> None:
    """Raise an UnbraidError unless a run can be continued to the last step of the loop."""
    path, asked = run.folder / "checkpoint.safetensors", loop.progress
    done = run.result["training"]["steps"] if run.finished else 0
    before: Progress | None = None
    if path.is_file():
        before = progress_of(read_tensors(path)[1], path)
        done = max(done, before.step)
    elsewhere = "train again with another --out"
    if before is not None and before.steps_per_epoch != asked.steps_per_epoch:
        raise DataChanged(  # also of runs without a fingerprint
            f"{run.folder} began with {before.steps_per_epoch:,} steps an epoch, and its data give "
            f"{asked.steps_per_epoch:,} now: restore them, or {elsewhere}."
        )
    if asked.steps < done:
        raise UnbraidError(
            f"{run.folder} has trained for {done / asked.steps_per_epoch:g} epochs ({done:,} "
            f"steps) already, but {asked.length:g} ({asked.steps:,} steps) are asked for: ask for "
            f"more, or {elsewhere}."
        )
    if run.finished and before is None:
        raise UnbraidError(
            f"{run.folder} is finished and its checkpoint.safetensors, which holds the optimizer's "
            f"state, is missing, so that it cannot be continued: {elsewhere}."
        )
    needs = [name for name, phase in loop.phases.items() if phase.needs_length]
    if needs and before is not None and before.steps != asked.steps:
        raise UnbraidError(
            f"the learning rates of {methods.name_of(run.config.method)} depend on the length of "
            f"the training, and {run.folder} was started for {before.length:g} epochs, not "
            f"{asked.length:g}: resume it with {before.length:g}, or {elsewhere}."
        )


def progress_of(metadata: dict[str, str], path: Path) -> Progress:
    """Return the progress stored in a checkpoint's metadata.

    Raises:
        UnbraidError: it is missing or damaged.
    """
    try:
        progress = Progress(**json.loads(metadata["progress"]))
        registry.check_types(progress, "a checkpoint")
        if progress.steps_per_epoch < 1 or not all(
            isinstance(value, float | int)
            for value in (*progress.sums.values(), *progress.counts.values())
        ):
            raise ValueError
        return progress
    except (
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
        RecursionError,
        UnbraidError,
    ) as error:
        raise UnbraidError(
            f"{path} is not a checkpoint of this run: delete it to start from the beginning."
        ) from error
