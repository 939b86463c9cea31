"""The data of a run: compared with those it was trained on, and those it was not trained on."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, correlation_of
from unbraid.methods import needs_of
from unbraid.runs import held_out
from unbraid.runs.fingerprints import DataChanged, fingerprint
from unbraid.training import split_rows

if TYPE_CHECKING:
    from unbraid.runs.run import Run


def checked(run: Run, data: Dataset, split: str) -> Dataset:
    """Return a split after comparing it with the stored fingerprint, see ``Run.checked``."""
    stored = run.fingerprints.get(split)
    if stored is None:
        return data
    learnt = bool(needs_of(run.config.method))
    found = fingerprint(data, stored)
    changed = stored.difference(found, factors=learnt)
    if not changed:
        return data
    place = run.data_options.get("path")
    if not place and (stored.images, stored.shape) == (found.images, found.shape):
        # rendered: another machine may round pixels differently
        warnings.warn(
            f"{run.data} differs from what {run.folder} was trained on ({changed} in the "
            f"{split} split): another version or machine rendered it.",
            stacklevel=3,
        )
        return data
    raise DataChanged(
        f"{place or run.data} holds other data than {run.folder} was trained on ({changed} "
        f"in the {split} split): restore them, give an unchanged copy with --data PATH, or "
        "train again with another --out."
    )


def stored_images(run: Run, split: str) -> Dataset:
    """Return the held-out images stored with a run on images in memory."""
    if split == "test":
        saved = held_out.load(run.folder, run.config.data, run.specs)
        found = run.data_options.get("correlated")
        if found:
            width = run.data_options.get("correlated_width", 0.1)
            found = correlation_of(found, width, run.config.data)
        return dataclasses.replace(saved, signal=run.signal, correlation=found)
    raise UnbraidError(
        f"{run.folder} was trained on images in memory, which are not stored with it: to use "
        "its training images, train on a data set's name or a path."
    )


def unseen(run: Run) -> Dataset:
    """Return images that a run's model was not trained on, see ``Run.unseen``."""
    return unseen_of(run.dataset, run.config.training.validation)


def test_of(load: Callable[[str], Dataset]) -> Dataset | None:
    """Return the test split of data that ``load`` loads by split, None if there is none."""
    try:
        return load("test")
    except UnbraidError:
        return None


def unseen_of(load: Callable[[str], Dataset], validation: float) -> Dataset:
    """Return the images that no training with such an option sees, see ``Run.unseen``.

    Args:
        load: loads a split of the data.
        validation: share of the training images that are held out.
    """
    try:
        data = load("test")
        if data.split == "test":
            return data
    except DataChanged:
        raise
    except UnbraidError:  # no test split
        pass
    data = load("train")
    _, rows = split_rows(data, validation)
    if not len(rows):
        return dataclasses.replace(data, split="train")
    return dataclasses.replace(data.take(rows.numpy()), split="validation")
