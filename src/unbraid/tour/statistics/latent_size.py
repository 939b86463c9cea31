"""Reconstruction error of simple baselines, and the intrinsic dimension of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.subsets import some_rows
from unbraid.datasets import Dataset
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.dimension import levina_bickel, two_nn

SUBSETS, EACH = 4, 3000  # images that the dimension is estimated from

TWONN, LEVINA = "TwoNN", "maximum likelihood"  # the estimates

Estimates = dict[str, list[float]]


def class_means(data: Dataset) -> NDArray[np.float64]:
    """Return the average image of each digit, (10, C, H, W) on [0, 1]."""
    digit = data.factor("digit").astype(int)
    sums = np.zeros((10, *data.image_shape))
    for start in range(0, len(data), 5000):
        np.add.at(sums, digit[start : start + 5000], np.asarray(data.images[start : start + 5000]))
    means: NDArray[np.float64] = (
        sums / np.bincount(digit, minlength=10).clip(1)[:, None, None, None]
    )
    return means / 255


def squared_error(drawn: NDArray[Any], data: Dataset) -> float:
    """Return the squared error of drawn images (N, C, H, W), summed over pixels, mean over N."""
    real = np.asarray(data.images[:]) / 255
    return float(np.square(drawn - real).sum((1, 2, 3)).mean())


def images_of(data: Dataset, count: int) -> NDArray[np.uint8]:
    """Return at most so many of a data set's images, random but always the same."""
    return np.asarray(data.take(some_rows(len(data), count)).images[:])


def estimates(images: NDArray[np.uint8]) -> Estimates:
    """Return each estimate of the dimension, on every one of a few disjoint sets of images."""
    flat = images.reshape(len(images), -1) / 255
    parts = np.array_split(flat, SUBSETS)
    return {
        TWONN: [two_nn(part) for part in parts],
        LEVINA: [levina_bickel(part) for part in parts],
    }


def dimension_range(dimension: Estimates) -> str:
    """Write the estimates' means as a range of whole numbers."""
    return spread.between([spread.mean(values) for values in dimension.values()], 0)
