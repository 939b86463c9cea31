"""Fingerprints of data sets: number of images, their shape, and a hash of images and factors.

The hash is of every byte of up to 64 MiB. Of larger arrays, it is of the same random pixels of each
image; of images that are rendered or read on demand, of 1,000 random images. Paths do not enter, so
that data keep their fingerprint when they are moved.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, ImageSource

MOST_BYTES = 64 << 20  # hashed of images and of factors: a tenth of a second
SAMPLE_BYTES = 8 << 20  # of the pixels of more images than that
LAZY_ROWS = 1000  # images hashed where each is rendered or read on demand
CHUNK = 16 << 20  # bytes of images hashed at once


class DataChanged(UnbraidError):
    """The data are not those that a run was trained on."""


@dataclass(frozen=True)
class Fingerprint:
    """The fingerprint of one split of a data set.

    Args:
        images: the number of images.
        shape: (C, H, W).
        rows: the number of images that are hashed, drawn at random.
        pixels: the number of values of each image that are hashed, drawn at random.
        content: the hash of the images.
        factors: the names of the factors.
        values: the hash of the factors, "" if there are none.
        groups: the hash of the groups, which decide the split, "" if there are none.
    """

    images: int
    shape: tuple[int, ...]
    rows: int
    pixels: int
    content: str
    factors: tuple[str, ...] = ()
    values: str = ""
    groups: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fingerprint as config.json stores it."""
        told = {**asdict(self), "shape": list(self.shape), "factors": list(self.factors)}
        return told if self.groups else {k: told[k] for k in told if k != "groups"}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Fingerprint:
        """Return a fingerprint from config.json; raises TypeError or KeyError if it is none."""
        read = {"shape": tuple(stored["shape"]), "factors": tuple(stored["factors"])}
        return cls(**{**stored, **read})

    def difference(self, other: Fingerprint, *, factors: bool) -> str:
        """Describe how another fingerprint differs from this one; "" if it does not.

        Args:
            other: of the present data, of the same rows and pixels.
            factors: whether to compare factors; only methods that learn from labels depend on them.
        """
        if other.images != self.images:
            return f"{other.images:,} images, not {self.images:,}"
        if other.shape != self.shape:
            return f"images of shape {other.shape}, not {self.shape}"
        if other.content != self.content:
            return "other images, or the same ones in another order"
        if other.groups != self.groups:
            return "other groups of images"
        if factors and other.factors != self.factors:
            found, expected = (", ".join(each.factors) or "none" for each in (other, self))
            return f"the factors {found}, not {expected}"
        if factors and other.values != self.values:
            return "other values of the factors"
        return ""


def fingerprint(data: Dataset, like: Fingerprint | None = None) -> Fingerprint:
    """Return the fingerprint of one split of a data set.

    Args:
        data: the split.
        like: a fingerprint to compare it with: the same rows and pixels are hashed.

    >>> images = np.zeros((3, 1, 4, 4), np.uint8)
    >>> fingerprint(Dataset("mine", images)).rows
    3
    """
    count, size = len(data), math.prod(data.image_shape)
    if like is not None:
        rows, pixels = min(like.rows, count), min(like.pixels, size)
    elif isinstance(data.images, np.ndarray):
        rows, pixels = count, size
        if count * size > MOST_BYTES:
            pixels = min(size, max(64, SAMPLE_BYTES // count))
    else:
        rows, pixels = min(count, LAZY_ROWS), size
    names, values = data.factor_names, ""
    if data.factors is not None:
        values = _of_factors(data.factors)
    groups = "" if data.groups is None else _of_factors(data.groups[:, None])
    content = _of_images(data.images, _some(count, rows), _some(size, pixels))
    shape = tuple(data.image_shape)
    return Fingerprint(count, shape, rows, pixels, content, names, values, groups)


def _some(count: int, wanted: int) -> NDArray[np.int64]:
    """Return ``wanted`` of the numbers below ``count``, always the same, in ascending order."""
    if wanted == count:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:wanted])


def _of_images(images: ImageSource, rows: NDArray[np.int64], pixels: NDArray[np.int64]) -> str:
    digest = hashlib.sha256()
    size = math.prod(images.shape[1:])
    for chosen in _chunks(rows, max(1, CHUNK // size), len(images)):
        values = np.asarray(images[chosen]).reshape(-1, size)
        if len(pixels) < size:
            values = values.take(pixels, axis=1)
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:32]


def _chunks(rows: NDArray[np.int64], step: int, count: int) -> Iterator[Any]:
    """Yield the rows in parts; as slices, which copy nothing, if they are all there are."""
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        yield slice(start, stop) if len(rows) == count else rows[start:stop]


def _of_factors(factors: NDArray[Any]) -> str:
    most = MOST_BYTES // (8 * max(1, factors.shape[1]))
    rows = _some(len(factors), min(len(factors), most))
    return hashlib.sha256(np.ascontiguousarray(factors[rows], "<f8").data).hexdigest()[:32]
