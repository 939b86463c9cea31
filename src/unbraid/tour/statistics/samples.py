"""Generated samples compared with held-out images: nearest neighbours and shares of digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import Dataset
from unbraid.runs import Run


def digits_by_likeness(images: NDArray[Any], data: Dataset) -> NDArray[np.int64]:
    """Return for each image (N, C, H, W) on [0, 1] the digit of the real image it is most like."""
    return np.asarray(data.factor("digit")[nearest(images, data)[0]])


def nearest(images: NDArray[Any], data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which real image each image (N, C, H, W) on [0, 1] is most like, and how far it is.

    Distances are squared and summed over pixels, as squared errors are.
    """
    real = np.asarray(data.images[:]).reshape(len(data), -1).astype(np.float32) / 255
    flat = images.reshape(len(images), -1).astype(np.float32)
    # the squared distance without the part that is the same for all real images
    distance = np.square(real).sum(1) - 2 * flat @ real.T
    index = distance.argmin(1)
    far = distance[np.arange(len(flat)), index] + np.square(flat).sum(1)
    return index, far.clip(0)


def shares(digits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of each digit, (10,)."""
    return np.bincount(digits, minlength=10) / len(digits)


def mismatch(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the share that would have to change for one distribution to be the other."""
    return float(np.abs(one - other).sum() / 2)


ASKED = 7  # the digit that is looked for
DRAWN = 2000  # samples whose digits are counted


def sample_digits(run: Run) -> NDArray[np.int64]:
    """Return the digits that a model's samples are most like."""
    return digits_by_likeness(run.model().sample(DRAWN).numpy(), run.unseen())
