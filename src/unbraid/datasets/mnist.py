"""MNIST: 70,000 handwritten digits, 28 x 28 and grey, embedded whole (LeCun and Cortes, 1998)."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._embedded import read_embedded

PACKED = Path(__file__).parent / "data" / "mnist.npz"
# Of PACKED's bytes; tools/pack_mnist.py prints it.
SHA256 = "a450432bb01240a11a5858964bed6fd0ec42acbd4ea727051364b0bb2ff1765f"
ROWS = {"train": slice(0, 60_000), "test": slice(60_000, 70_000)}
DIGIT = FactorSpec("digit", "categorical", values=tuple(range(10)))


@dataclass(frozen=True)
class Config:
    """MNIST has no options of its own."""


def load(config: Config, split: str = "train") -> Dataset:
    """Load uint8 images (60,000 or 10,000, 1, 28, 28) and the factor ``digit``, int64 (N, 1).

    The first load on a machine unpacks the embedded file into the cache folder; later ones map
    that into memory.

    Raises:
        UnbraidError: the embedded file is missing, or its bytes do not have the known SHA-256.

    >>> load(Config(), "test").factor("digit")[:5].tolist()
    [7, 2, 1, 0, 4]
    """
    key = SHA256[:12]
    images = cached(f"mnist-images-{key}", lambda: unpack_images(_read_checked()))
    labels = cached(f"mnist-labels-{key}", lambda: unpack_labels(_read_checked()))
    rows = ROWS[split]
    digits = labels[rows, None].astype(np.int64)
    return Dataset("mnist", images[rows, None], digits, (DIGIT,), split)


def unpack_images(packed: bytes) -> NDArray[np.uint8]:
    """Return the images in the packed file's bytes, (70,000, 28, 28), the test set last."""
    with np.load(io.BytesIO(packed)) as archive, ThreadPoolExecutor() as threads:
        mask, ink = threads.map(archive.__getitem__, ("mask", "ink"))
    images = np.zeros(mask.size * 8, np.uint8)
    images[np.unpackbits(mask).view(bool)] = ink
    return images.reshape(-1, 28, 28)


def unpack_labels(packed: bytes) -> NDArray[np.uint8]:
    """Return the labels in the packed file's bytes, (70,000,)."""
    with np.load(io.BytesIO(packed)) as archive:
        labels: NDArray[np.uint8] = archive["labels"]
    return labels


def _read_checked() -> bytes:
    return read_embedded(PACKED, SHA256, "MNIST")
