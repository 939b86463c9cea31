"""3D Shapes: a shape in a room under six factors, 480,000 colour images of 64 x 64 (needs h5py).

Burgess and Kim, "3D Shapes Dataset", 2018, made for Kim and Mnih, "Disentangling by Factorising".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import Dataset
from unbraid.datasets._download import RemoteFile, locate
from unbraid.datasets._factored import (
    Rows,
    fingerprint,
    grid_dataset,
    grid_factors,
    reading,
    unpacked,
)
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec

SIZES = (10, 10, 10, 8, 4, 15)

FILE = RemoteFile(
    name="3dshapes.h5",
    urls=("https://storage.googleapis.com/3d-shapes/3dshapes.h5",),
    sha256="0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
    size=267_573_662,
    page="https://github.com/google-deepmind/3d-shapes",
)


@dataclass(frozen=True)
class Config:
    """Options of 3D Shapes.

    Args:
        path: ``3dshapes.h5`` or the folder it lies in; None to look in the data folder.
        download: fetch the file (268 MB) if it is not there.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in published order, in either split.
    """

    path: str | None = None
    download: bool = False
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str) -> Dataset:
    """Load 3D Shapes: images uint8 (N, 3, 64, 64), factors int64 (N, 6) of indices.

    The first time, the images are unpacked into the cache folder (5.9 GB) to be read row by row.
    """
    h5py = _h5py()
    path = locate(FILE, config.path, config.download)
    with reading(path, "3D Shapes file"), h5py.File(path, "r") as file:
        specs = read_specs(file["labels"][()], SIZES)
        images = unpacked(
            f"shapes3d-{fingerprint(path)}",
            (int(np.prod(SIZES)), 64, 64, 3),
            lambda: _blocks(file["images"]),
        )
    channels_first = images.transpose(0, 3, 1, 2)
    return grid_dataset(
        "shapes3d",
        lambda rows: Rows(channels_first, rows),
        specs,
        split,
        config.split_seed,
        config.full,
    )


def read_specs(labels: NDArray[np.float64], sizes: tuple[int, ...]) -> tuple[FactorSpec, ...]:
    """Return the factors with their values as the file gives them, shape (N, 6) in grid order."""
    levels, indices = zip(
        *(np.unique(column, return_inverse=True) for column in labels.T), strict=True
    )
    if (found := tuple(map(len, levels))) != sizes:
        raise ValueError(f"its labels have {found} different values, expected {sizes}")
    if not np.array_equal(np.stack(indices, 1), grid_factors(np.arange(np.prod(sizes)), sizes)):
        raise ValueError("its labels are not the full grid in published order")
    floor, wall, thing, scale, shape, orientation = (tuple(level.tolist()) for level in levels)
    return (
        FactorSpec("floor_hue", "periodic", values=floor, period=1),
        FactorSpec("wall_hue", "periodic", values=wall, period=1),
        FactorSpec("object_hue", "periodic", values=thing, period=1),
        FactorSpec("scale", "ordinal", values=scale),
        FactorSpec("shape", "categorical", values=shape),
        FactorSpec("orientation", "ordinal", values=orientation, unit="degrees"),
    )


def _blocks(images: Any, rows: int = 4000) -> Iterator[NDArray[np.uint8]]:
    if images.shape[1:] != (64, 64, 3) or images.dtype != np.uint8:
        raise ValueError(f"its images are {images.dtype} {images.shape}, expected uint8 64x64x3")
    for start in range(0, len(images), rows):
        yield images[start : start + rows]


def _h5py() -> Any:
    try:
        return import_module("h5py")
    except ImportError as error:
        raise UnbraidError(
            "shapes3d is an HDF5 file, and reading it needs the package h5py: pip install h5py."
        ) from error
