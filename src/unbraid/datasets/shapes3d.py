"""3D Shapes: a shape in a room under six factors, 480,000 colour images of 64 x 64.

The structure is the published one (Burgess and Kim, "3D Shapes Dataset", 2018, made for Kim and
Mnih, "Disentangling by Factorising"): six factors, their values and the order of the images. The
room is drawn by ray casting; docs/drawn_shapes3d.md compares the images with the published
ones. The published file is read where there is one (needs h5py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, _room
from unbraid.datasets._download import RemoteFile, find, locate
from unbraid.datasets._factored import (
    Rows,
    Source,
    fingerprint,
    grid_dataset,
    grid_factors,
    reading,
    scaled_down,
    unpacked,
)

SIZES = (10, 10, 10, 8, 4, 15)
Values = tuple[Any, ...]

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
        original: use the published file: False draws the images, True expects the file in the
            data folder, None (the default) uses the file if it is there and draws otherwise.
        path: ``3dshapes.h5`` or its folder.
        download: fetch the file (268 MB) if it is not in the data folder.
        size: height and width in pixels: 64, or 32, each pixel the mean of four.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in published order, in either split.
    """

    original: bool | None = None
    path: str | None = None
    download: bool = False
    size: int = 64
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str) -> Dataset:
    """Load 3D Shapes: images uint8 (N, 3, size, size), factors int64 (N, 6) of indices.

    The first time, the published file is unpacked into the cache folder (5.9 GB) to be read row by
    row. Without it, images are drawn when they are asked for.

    >>> load(Config(original=False, size=32), "test").images.shape
    (48000, 3, 32, 32)
    """
    named = config.path is not None or config.download
    if named and config.original is False:
        raise UnbraidError(
            "shapes3d: path and download (--data.path, --data.download) are of the published file, "
            "but original is False: drop one."
        )
    file = None
    if named or config.original:
        _h5py()  # before 268 MB are fetched
        file = locate(FILE, config.path, config.download)
    elif config.original is None:
        file = find(FILE)
    options = split, config.split_seed, config.full
    if file is None:
        drawn = scaled_down(Rooms, config.size, "shapes3d")
        if config.size == 32:  # the same but for rounding, and quicker
            drawn = partial(Rooms, size=32)
        return grid_dataset("shapes3d", drawn, drawn_specs(), *options)
    specs, source = _published(file)
    return grid_dataset(
        "shapes3d-original", scaled_down(source, config.size, "shapes3d"), specs, *options
    )


class Rooms:
    """The drawn images of the given rows."""

    def __init__(self, rows: NDArray[np.int64], size: int = 64) -> None:
        self.rows, self.size = rows, size

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, 3, size, size)."""
        return len(self.rows), 3, self.size, self.size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        chosen = self.rows[rows]
        images = _room.draw(grid_factors(np.atleast_1d(chosen), SIZES), self.size)
        return images if np.ndim(chosen) else images[0]


def drawn_specs() -> tuple[FactorSpec, ...]:
    """Return the factors with their published values."""
    hues = tuple(_room.HUES.round(1).tolist())
    return _specs(
        hues,
        hues,
        hues,
        tuple(_room.SCALES.tolist()),
        _room.SHAPES,
        tuple(_room.ORIENTATIONS.tolist()),
    )


def _published(file: Path) -> tuple[tuple[FactorSpec, ...], Source]:
    h5py = _h5py()
    with reading(file, "3D Shapes file"), h5py.File(file, "r") as opened:
        specs = read_specs(opened["labels"][()], SIZES)
        images = unpacked(
            f"shapes3d-{fingerprint(file)}",
            (int(np.prod(SIZES)), 64, 64, 3),
            lambda: _blocks(opened["images"]),
        )
    channels_first = images.transpose(0, 3, 1, 2)
    return specs, lambda rows: Rows(channels_first, rows)


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
    if shape == tuple(range(len(_room.SHAPES))):  # the file numbers them in the order of these
        shape = _room.SHAPES
    return _specs(floor, wall, thing, scale, shape, orientation)


def _specs(
    floor: Values, wall: Values, thing: Values, scale: Values, shape: Values, orientation: Values
) -> tuple[FactorSpec, ...]:
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
