"""Labelled images that a run was not trained on: what a judge learns from, and is measured on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control._scale import varies
from unbraid.datasets import Dataset, load_dataset
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.training import split_rows

ENOUGH = 10_000  # images of the test split to learn from, above which no others are needed
MOST_LEARNT, MOST_MEASURED = 20_000, 5_000
LEAST_LEARNT, LEAST_A_LEVEL = 200, 10  # images to learn from, and of each level of a category
LEAST_MEASURED = 100
MOST_LEVELS = 500  # of a category; identities of thousands are not judged
_ORDER = 0x4A554447  # names the stream that shuffles
_CHUNK = 2_000  # images hashed at once


@dataclass(frozen=True)
class Labelled:
    """Images with their factors.

    Args:
        images: uint8 (N, C, H, W).
        factors: (N, F) as stored, NaN where unknown.
    """

    images: NDArray[np.uint8]
    factors: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)

    def digest(self) -> str:
        """Return a key of the content."""
        found = hashlib.sha256(repr(self.images.shape).encode())
        found.update(np.ascontiguousarray(self.images).data)
        found.update(np.ascontiguousarray(self.factors).data)
        return found.hexdigest()


@dataclass(frozen=True)
class Aside:
    """What is set aside for a judge.

    Args:
        columns: of the factors that a judge can read: those that vary, and are no identities.
        learnt: what it learns from.
        measured: what it and the drawers are measured on.
        training: the data set that a run with this share of validation is trained on.
        rows: those trained on.
        notes: sentences.
    """

    columns: tuple[int, ...]
    learnt: Labelled
    measured: Labelled
    training: Dataset
    rows: NDArray[np.int64]
    notes: tuple[str, ...]


def set_aside(name: str, options: Mapping[str, Any], validation: float) -> Aside:
    """Return labelled images that no run on this data is trained on, in two parts.

    They are those of the test split, half of them to measure on, and where that leaves fewer than
    10,000 to learn from, those that training holds out for validation, too.

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
            f"{training.name} has no factors, so there is nothing for a judge to read: take data "
            "whose factors are known, such as digits or a folder with a subfolder a class."
        )
    columns, notes = _readable(training)
    kept, held_out = (rows.numpy() for rows in split_rows(len(training), validation))
    try:
        test: Dataset | None = load_dataset(name, "test", **options)
    except UnbraidError:  # data that comes without one
        test = None
    unseen = [] if test is None else [_part(test, np.arange(len(test)))]
    if not unseen or len(unseen[0]) < 2 * ENOUGH:
        unseen.append(_part(training, held_out))
    parts, left_out = _without(unseen, training, kept)
    learnt, measured = _divided(parts, test is not None)
    specs = [training.specs[column] for column in columns]
    _check(learnt, measured, training, specs, left_out, validation)
    if left_out:
        notes.append(
            f"{left_out:,} images set aside for the judge are also among those trained on, or "
            "come twice: they are left out."
        )
    notes += _not_learnt(specs, learnt.factors[:, columns])
    return Aside(columns, learnt, measured, training, kept, tuple(notes))


def _readable(training: Dataset) -> tuple[tuple[int, ...], list[str]]:
    """Return the columns of factors that can be judged, and sentences about the others."""
    found, notes = [], []
    for column, spec in enumerate(training.specs):
        levels = len(spec.values or ()) if spec.kind == "categorical" else 0
        if levels > MOST_LEVELS:
            notes.append(
                f"{spec.name} has {levels:,} levels, of which at most {MOST_LEVELS} can be told "
                "apart: it is not judged."
            )
        elif varies(spec):
            found.append(column)
    if not found:
        raise UnbraidError(
            f"no factor of {training.name} has several values that a judge could tell apart: take "
            "data whose factors vary."
        )
    return tuple(found), notes


def _part(data: Dataset, rows: NDArray[np.int64]) -> Labelled:
    """Return at most as many labelled images as are needed, in a random order."""
    factors = np.array(data.factors, np.float64)
    able = rows[~np.isnan(factors[rows]).all(1)]
    order = np.random.default_rng([_ORDER, len(data)]).permutation(able)
    order = order[: MOST_LEARNT + MOST_MEASURED]
    return Labelled(np.asarray(data.images[order]), factors[order])


def _without(
    parts: Sequence[Labelled], training: Dataset, rows: NDArray[np.int64]
) -> tuple[list[Labelled], int]:
    """Return the parts without images that are trained on or come twice, and how many those are."""
    keys = [_keys(part.images, part.factors) for part in parts]
    wanted = {row.tobytes() for part in parts for row in part.factors}
    factors = np.array(training.factors, np.float64)[rows]
    alike = rows[[row.tobytes() in wanted for row in factors]]  # images of others are not looked at
    seen: set[bytes] = set()
    for start in range(0, len(alike), _CHUNK):
        some = alike[start : start + _CHUNK]
        labels = np.array(np.asarray(training.factors)[some], np.float64)
        seen.update(_keys(np.asarray(training.images[some]), labels))
    found = []
    left_out = 0
    for part, mine in zip(parts, keys, strict=True):
        fresh = np.zeros(len(part), bool)
        for row, key in enumerate(mine):
            fresh[row] = key not in seen
            seen.add(key)
        left_out += int((~fresh).sum())
        found.append(Labelled(part.images[fresh], part.factors[fresh]))
    return found, left_out


def _keys(images: NDArray[np.uint8], factors: NDArray[np.float64]) -> list[bytes]:
    """Return a key of each image and its factors."""
    return [
        hashlib.blake2b(image.tobytes() + row.tobytes(), digest_size=16).digest()
        for image, row in zip(images, factors, strict=True)
    ]


def _divided(parts: Sequence[Labelled], tested: bool) -> tuple[Labelled, Labelled]:
    """Return what to learn from and what to measure on: the first of the test split."""
    images = np.concatenate([part.images for part in parts])
    factors = np.concatenate([part.factors for part in parts])
    half = len(parts[0]) // 2 if tested else 0
    measured = min(MOST_MEASURED, max(half, len(images) // 3))
    learnt = slice(measured, measured + MOST_LEARNT)
    return (
        Labelled(images[learnt], factors[learnt]),
        Labelled(images[:measured], factors[:measured]),
    )


def least_learnt(specs: Sequence[FactorSpec]) -> int:
    """Return how many images a judge needs to learn these factors from."""
    levels = max((len(s.values or ()) for s in specs if s.kind == "categorical"), default=0)
    return max(LEAST_LEARNT, LEAST_A_LEVEL * levels)


def _check(
    learnt: Labelled,
    measured: Labelled,
    training: Dataset,
    specs: Sequence[FactorSpec],
    left_out: int,
    validation: float,
) -> None:
    least = least_learnt(specs)
    found = len(learnt) + len(measured)
    if len(learnt) >= least and len(measured) >= LEAST_MEASURED:
        return
    if found == 0 and left_out:
        raise UnbraidError(
            f"all images of {training.name} that have labels were trained on, so none are left "
            "for a judge to learn from: train without full=True, or hold some out with "
            "--validation 0.2."
        )
    needed = max(math.ceil(least * 1.5), least + LEAST_MEASURED)
    share = validation + (needed - found) / max(len(training), 1)
    advice = f"train with --validation {math.ceil(100 * share) / 100:g}, or " if share < 0.6 else ""
    raise UnbraidError(
        f"{found:,} labelled images of {training.name} were not trained on, but a judge needs "
        f"{needed:,} of them ({least:,} to learn from, the others to be measured on): {advice}"
        "give more images."
    )


def _not_learnt(specs: Sequence[FactorSpec], factors: NDArray[np.float64]) -> list[str]:
    """Say which levels the judge has no image of."""
    notes = []
    for column, spec in enumerate(specs):
        if spec.kind == "categorical":
            known = set(factors[:, column].tolist())
            absent = [str(v) for level, v in enumerate(spec.values or ()) if level not in known]
            if absent and len(absent) < len(spec.values or ()):
                notes.append(
                    f"No image that the judge learnt from has {spec.name} {', '.join(absent)}: it "
                    "cannot read what it never saw."
                )
    return notes
