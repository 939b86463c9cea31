"""Labelled images that a run was not trained on, to train and to test a judge."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.units import varies
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, load_dataset, whole_groups
from unbraid.training import given_labels, split_rows

ENOUGH = 10_000  # training images from the test split, above which no others are used
MAX_TRAIN, MAX_TEST = 20_000, 5_000
MIN_TRAIN, MIN_PER_LEVEL = 200, 10  # training images, in total and per level of a category
MIN_TEST = 100
MAX_LEVELS = 500  # of a category; factors with more, such as identities, are not judged
_ORDER = 0x4A554447  # key of the random stream that shuffles
_CHUNK = 2_000  # images hashed at once


@dataclass(frozen=True)
class LabelledImages:
    """Images with their factors.

    Args:
        images: uint8 (N, C, H, W).
        factors: (N, F) as stored, NaN where unknown.
        groups: (N,) numbers of images that belong together, None if there are no groups.
    """

    images: NDArray[np.uint8]
    factors: NDArray[np.float64]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Any) -> LabelledImages:
        """Return some of the images: a slice, rows, or truth values."""
        groups = None if self.groups is None else self.groups[rows]
        return LabelledImages(self.images[rows], self.factors[rows], groups)

    def digest(self) -> str:
        """Return a hash of the content."""
        found = hashlib.sha256(repr(self.images.shape).encode())
        found.update(np.ascontiguousarray(self.images).data)
        found.update(np.ascontiguousarray(self.factors).data)
        if self.groups is not None:
            found.update(np.ascontiguousarray(self.groups).data)
        return found.hexdigest()


@dataclass(frozen=True)
class JudgeData:
    """Images for a judge of a data set.

    Args:
        columns: of the factors that a judge can read, which vary and have at most 500 levels.
        train: images to train the judge on.
        test: images to test the judge on, and to compare controllers with.
        dataset: the train split, from which runs take their training images.
        run_rows: the rows of it that runs are trained on.
        notes: remarks for the report.
    """

    columns: tuple[int, ...]
    train: LabelledImages
    test: LabelledImages
    dataset: Dataset
    run_rows: NDArray[np.int64]
    notes: tuple[str, ...]


def judge_data(name: str, options: Mapping[str, Any], validation: float) -> JudgeData:
    """Return labelled images that no run on this data set is trained on, to train and test a judge.

    They are from the test split, half of them for the test. If that leaves fewer than 10,000
    training images, the images held out for validation are added. Of images in groups, whole groups
    are for the test, so that no group is in both.

    Args:
        name: of the data set.
        options: of the data set.
        validation: share of the train split that the run holds out.

    Raises:
        UnbraidError: data without factors, or too few images that were not trained on.
    """
    training = load_dataset(name, "train", **options)
    if training.factors is None:
        raise UnbraidError(
            f"{training.name} has no factors, so a judge has nothing to read: use data whose "
            "factors are known, such as digits or a folder with a subfolder per class."
        )
    columns, notes = _readable(training)
    kept, held_out = (rows.numpy() for rows in split_rows(training, validation))
    try:
        test: Dataset | None = load_dataset(name, "test", **options)
    except UnbraidError:  # data without a test split
        test = None
    unseen = [] if test is None else [_labelled(test, np.arange(len(test)))]
    if not unseen or len(unseen[0]) < 2 * ENOUGH:
        unseen.append(_labelled(training, held_out))
    parts, left_out = _without_duplicates(unseen, training, kept)
    specs = [training.specs[column] for column in columns]
    least = min_train_images(specs)
    train_images, test_images = _split(parts, test is not None, least)
    if len(train_images) < least or len(test_images) < MIN_TEST:
        raise UnbraidError(_too_few(parts, training, least, left_out, validation))
    if left_out:
        notes.append(
            f"{left_out:,} images for the judge are left out, as they are duplicates or also among "
            "the training images."
        )
    notes += _missing_levels(specs, train_images.factors[:, columns])
    return JudgeData(columns, train_images, test_images, training, kept, tuple(notes))


def _readable(training: Dataset) -> tuple[tuple[int, ...], list[str]]:
    """Return the columns of factors that a judge can read, and remarks about the others."""
    found, notes = [], []
    for column, spec in enumerate(training.specs):
        levels = len(spec.values or ()) if spec.kind == "categorical" else 0
        if levels > MAX_LEVELS:
            notes.append(
                f"{spec.name} has {levels:,} levels, more than the {MAX_LEVELS} that a judge can "
                "distinguish: it is not judged."
            )
        elif varies(spec):
            found.append(column)
    if not found:
        raise UnbraidError(
            f"no factor of {training.name} has several values that a judge could distinguish: use "
            "data whose factors vary."
        )
    return tuple(found), notes


def _labelled(data: Dataset, rows: NDArray[np.int64]) -> LabelledImages:
    """Return the labelled images among some rows in a random order, at most as many as needed."""
    factors = np.array(data.factors, np.float64)
    usable = rows[~np.isnan(given_labels(data, factors)[rows]).all(1)]
    order = np.random.default_rng([_ORDER, len(data)]).permutation(usable)
    order = order[: MAX_TRAIN + MAX_TEST]
    groups = None if data.groups is None else data.groups[order]
    return LabelledImages(np.asarray(data.images[order]), factors[order], groups)


def _without_duplicates(
    parts: Sequence[LabelledImages], training: Dataset, rows: NDArray[np.int64]
) -> tuple[list[LabelledImages], int]:
    """Return the parts without duplicates and training images, and the number left out."""
    keys = [_keys(part.images, part.factors) for part in parts]
    rows_of_parts = {row.tobytes() for part in parts for row in part.factors}
    factors = np.array(training.factors, np.float64)[rows]
    # images with other factors cannot be duplicates
    candidates = rows[[row.tobytes() in rows_of_parts for row in factors]]
    seen: set[bytes] = set()
    for start in range(0, len(candidates), _CHUNK):
        some = candidates[start : start + _CHUNK]
        labels = np.array(np.asarray(training.factors)[some], np.float64)
        seen.update(_keys(np.asarray(training.images[some]), labels))
    found = []
    left_out = 0
    for part, own in zip(parts, keys, strict=True):
        new = np.zeros(len(part), bool)
        for row, key in enumerate(own):
            new[row] = key not in seen
            seen.add(key)
        left_out += int((~new).sum())
        found.append(part.take(new))
    return found, left_out


def _keys(images: NDArray[np.uint8], factors: NDArray[np.float64]) -> list[bytes]:
    """Return a hash of each image and its factors."""
    return [
        hashlib.blake2b(image.tobytes() + row.tobytes(), digest_size=16).digest()
        for image, row in zip(images, factors, strict=True)
    ]


def _split(
    parts: Sequence[LabelledImages], tested: bool, least: int
) -> tuple[LabelledImages, LabelledImages]:
    """Return images for training and for the test, which are of the test split, in random order.

    Half of the test split are for the test, fewer if ``least`` would not be left for training, but
    not fewer than a third of all. Images in groups: about as many, in whole groups.
    """
    every = _joined(parts)
    own = len(parts[0]) if tested else 0
    count = min(MAX_TEST, max(min(own // 2, len(every) - least), len(every) // 3))
    if every.groups is None:
        return every.take(slice(count, count + MAX_TRAIN)), every.take(slice(count))
    test = _whole_groups(every.groups, own, count, least)
    train_rows, test_rows = (np.flatnonzero(rows) for rows in (~test, test))
    return every.take(train_rows[:MAX_TRAIN]), every.take(test_rows[:MAX_TEST])


def _joined(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Return all images, those of the first part first."""
    numbers = [part.groups for part in parts if part.groups is not None]
    return LabelledImages(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.factors for part in parts]),
        np.concatenate(numbers) if len(numbers) == len(parts) else None,
    )


def _whole_groups(groups: NDArray[np.int64], own: int, count: int, least: int) -> NDArray[np.bool_]:
    """Return which images are for the test: random whole groups with about ``count`` images, (N,).

    They are of the first ``own`` images, those of the test split, and of all if these do not leave
    enough images for the test and for training. None if all do not either.
    """
    for pool in (groups[:own], groups):
        for wanted in (count, len(groups) - least):
            drawn = whole_groups(pool, wanted, _ORDER)
            test: NDArray[np.bool_] = np.isin(groups, pool[drawn])
            if MIN_TEST <= test.sum() <= len(groups) - least:
                return test
    return np.zeros(len(groups), bool)


def min_train_images(specs: Sequence[FactorSpec]) -> int:
    """Return the number of images that training a judge of these factors needs."""
    levels = max((len(s.values or ()) for s in specs if s.kind == "categorical"), default=0)
    return max(MIN_TRAIN, MIN_PER_LEVEL * levels)


def _too_few(
    parts: Sequence[LabelledImages],
    training: Dataset,
    least: int,
    left_out: int,
    validation: float,
) -> str:
    """Return the error of too few images that were not trained on, and what to do."""
    every = _joined(parts)
    found = len(every)
    if found == 0 and left_out:
        return (
            f"all labelled images of {training.name} are training images of the run, so none are "
            "left for a judge: train without full=True, or hold some out with --validation 0.2."
        )
    needed = max(math.ceil(least * 1.5), least + MIN_TEST)
    if every.groups is not None and found >= needed:
        number = len(np.unique(every.groups))
        return (
            f"{found:,} labelled images of {training.name} are not training images of the run, but "
            f"they are in {number:,} groups, which cannot be divided into {least:,} images or more "
            f"to train a judge and {MIN_TEST} or more to test it without images of one group in "
            "both: train with a larger --validation, or give more groups."
        )
    share = _enough_validation(training, needed - found, validation)
    advice = f"train with --validation {share:g}, or " if share else ""
    return (
        f"{found:,} labelled images of {training.name} are not training images of the run, but a "
        f"judge needs {needed:,} of them ({least:,} for training, the others for the test): "
        f"{advice}give more images."
    )


def _enough_validation(training: Dataset, more: int, validation: float) -> float:
    """Return the smallest share that holds out so many more labelled images, 0 if none below 0.6.

    Not every image has a label, and no more than ``VALIDATION_LIMIT`` are held out.
    """
    known = ~np.isnan(given_labels(training, np.array(training.factors, np.float64))).all(1)

    def labelled(share: float) -> int:
        return int(known[split_rows(training, share)[1].numpy()].sum())

    wanted = labelled(validation) + more
    shares = (percent / 100 for percent in range(math.floor(100 * validation) + 1, 60))
    return next((share for share in shares if labelled(share) >= wanted), 0.0)


def _missing_levels(specs: Sequence[FactorSpec], factors: NDArray[np.float64]) -> list[str]:
    """Return a remark for each factor with levels that are not in the training images."""
    notes = []
    for column, spec in enumerate(specs):
        if spec.kind == "categorical":
            known = set(factors[:, column].tolist())
            absent = [str(v) for level, v in enumerate(spec.values or ()) if level not in known]
            if absent and len(absent) < len(spec.values or ()):
                notes.append(
                    f"No training image of the judge has {spec.name} {', '.join(absent)}: it "
                    "cannot read these levels."
                )
    return notes
