"""dSprites: a square, an ellipse or a heart at every scale, orientation and place (737,280 images).

The structure is the published one (Matthey, Higgins, Hassabis and Lerchner, 2017): six latents,
their values and the order of the images. The shapes are drawn from their equations;
docs/dsprites.md compares them with the published images. The original file is read where there is
one.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import Dataset
from unbraid.datasets._download import RemoteFile, find, locate
from unbraid.datasets._factored import (
    Source,
    check_npy_header,
    fingerprint,
    grid_dataset,
    grid_factors,
    reading,
    scaled_down,
    unpacked,
)

SCALES = np.linspace(0.5, 1, 6)
ORIENTATIONS = np.linspace(0, 2 * np.pi, 40)
POSITIONS = np.linspace(0, 1, 32)
CANVAS = 64
CROP = CANVAS - len(POSITIONS) + 1  # pixels a sprite can move in: one step of position is a pixel

# The published images have a mean of 0.042494423521889584: with equal areas for the three shapes,
# this is the area of each at scale 1, in square pixels.
AREA = 0.042494423521889584 * CANVAS**2 / float(np.mean(SCALES**2))
ELLIPSE_RATIO = 5 / 3

SPECS = (
    FactorSpec("color", "categorical", values=("white",)),
    FactorSpec("shape", "categorical", values=("square", "ellipse", "heart")),
    FactorSpec("scale", "ordinal", values=tuple(SCALES.tolist())),
    FactorSpec(
        "orientation",
        "periodic",
        values=tuple(ORIENTATIONS.tolist()),
        unit="radians clockwise",
        period=2 * np.pi,
        symmetries=(Symmetry("shape", "square", np.pi / 2), Symmetry("shape", "ellipse", np.pi)),
    ),
    FactorSpec("posX", "ordinal", values=tuple(POSITIONS.tolist()), unit="of the way right"),
    FactorSpec("posY", "ordinal", values=tuple(POSITIONS.tolist()), unit="of the way down"),
)

ORIGINAL = RemoteFile(
    name="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
    urls=(
        "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
        "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
        "https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/"
        "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
    ),
    md5="7da33b31b13a06f4b04a70402ce90c2e",
    page="https://github.com/google-deepmind/dsprites-dataset",
)


@dataclass(frozen=True)
class Config:
    """Options of dSprites.

    Args:
        original: use the published file: True fetches it if it is not in the data folder, False
            draws the sprites, None (the default) uses the file if it is there and draws otherwise.
        path: the published ``.npz`` file, or its folder.
        size: height and width in pixels: 64, or 32, each pixel the mean of four.
        split_seed: draws the tenth of the images that is the test set.
        full: all 737,280 images in published order, in either split.
    """

    original: bool | None = None
    path: str | None = None
    size: int = 64
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str) -> Dataset:
    """Load dSprites: images uint8 (N, 1, size, size), factors int64 (N, 6) of indices.

    Images of 64 x 64 pixels are of 0 and 255.

    >>> load(Config(full=True), "train").images.shape
    (737280, 1, 64, 64)
    """
    if config.path is not None and config.original is False:
        raise UnbraidError(
            "dsprites: path (--data.path) names the original file, but original is False: drop one."
        )
    file = None
    if config.path is not None or config.original:
        file = locate(ORIGINAL, config.path, download=config.path is None)
    elif config.original is None:
        file = find(ORIGINAL)
    name = "dsprites"
    source: Source = Sprites
    if file is not None:
        packed, name = read_original(file), "dsprites-original"
        source = partial(PackedSprites, packed)
    source = scaled_down(source, config.size, "dsprites")
    return grid_dataset(name, source, SPECS, split, config.split_seed, config.full)


def gauge(shape: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by what scale the shape must be drawn for its outline to pass through (x, y).

    The point is inside the shape drawn at any greater scale. Coordinates are pixels from the
    shape's centroid, y upwards.
    """
    if shape == "square":
        reach = np.maximum(abs(x), abs(y))
        unit = AREA**0.5 / 2  # half a side
    elif shape == "ellipse":
        reach = np.hypot(x / ELLIPSE_RATIO, y)
        unit = (AREA / np.pi / ELLIPSE_RATIO) ** 0.5  # the minor half-axis
    else:
        reach = np.hypot(x, y)
        angle, radius = heart_outline()
        unit = np.interp(np.arctan2(y, x), angle, radius, period=2 * np.pi)
    scale: NDArray[np.float64] = reach / unit
    return scale


@cache
def heart_outline() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the heart's outline as seen from its centroid: angles and radii (pixels at scale 1).

    The curve is x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t (Weisstein, "Heart
    Curve", MathWorld). Its area is 180 pi and its centroid (0, 5/6); from there each ray meets it
    once.
    """
    t = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t) - 5 / 6
    return np.arctan2(y, x), np.hypot(x, y) * np.sqrt(AREA / (180 * np.pi))


@cache
def crops() -> NDArray[np.uint8]:
    """Return each shape, scale and orientation once, 0 or 255, shape (3, 6, 40, 33, 33).

    A pixel is lit if its centre is inside the shape. Positive orientations turn clockwise on the
    screen, where y points down.
    """
    offsets = np.arange(CROP, dtype=np.float64) - CROP // 2
    down, right = np.meshgrid(offsets, offsets, indexing="ij")
    # cos(2 pi) and sin(2 pi) are not exactly those of 0, and the two orientations are one.
    turn = ORIENTATIONS[:, None, None] % (2 * np.pi)
    x = right * np.cos(turn) + down * np.sin(turn)
    y = right * np.sin(turn) - down * np.cos(turn)
    gauges = np.stack([gauge(str(shape), x, y) for shape in SPECS[1].values or ()])
    inside = gauges[:, None] <= SCALES[:, None, None, None]
    return np.where(inside, np.uint8(255), np.uint8(0))


@cache
def windows() -> NDArray[np.uint8]:
    """Return all images as one read-only view, shape (720, 32, 32, 64, 64), in published order.

    To move a sprite is to move a window over it: each crop is stored once, surrounded by zeros,
    and the 737,280 images overlap in those 6.5 MB.
    """
    margin = CANVAS - CROP
    padded = np.pad(crops().reshape(-1, CROP, CROP), ((0, 0), (margin, margin), (margin, margin)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (CANVAS, CANVAS), axis=(1, 2))
    return view[:, ::-1, ::-1].transpose(0, 2, 1, 3, 4)  # sprite, posX, posY, row, column


class Sprites:
    """The drawn images of the given rows."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self.rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, 1, 64, 64)."""
        return len(self.rows), 1, CANVAS, CANVAS

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        every = windows()
        images = every[np.unravel_index(self.rows[rows], every.shape[:3])]
        return np.ascontiguousarray(images)[..., None, :, :]


class PackedSprites:
    """The original images of the given rows, kept as one bit a pixel: uint8 (737280, 64, 8)."""

    def __init__(self, packed: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self.packed, self.rows = packed, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, 1, 64, 64)."""
        return len(self.rows), 1, CANVAS, CANVAS

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        bits = np.unpackbits(self.packed[self.rows[rows]], axis=-1)
        return np.negative(bits, out=bits)[..., None, :, :]  # 1 becomes 255


def read_original(path: Path, sizes: tuple[int, ...] | None = None) -> NDArray[np.uint8]:
    """Read the published file into the cache, a bit a pixel, and map it: uint8 (N, 64, 8).

    Only its plain arrays are read; its pickled ``metadata`` is not.

    Args:
        path: the ``.npz`` file.
        sizes: how many values each latent has, the published (1, 3, 6, 40, 32, 32) by default.

    Raises:
        UnbraidError: it is broken, or not in the published order.
    """
    sizes = sizes or tuple(len(spec.values or ()) for spec in SPECS)
    count = int(np.prod(sizes))
    with reading(path, "dSprites file", zipfile.BadZipFile, zlib.error):
        with np.load(path, allow_pickle=False) as archive:
            limits.check_array(archive, "latents_classes")
            classes = archive["latents_classes"]
        if not np.array_equal(classes, grid_factors(np.arange(count), sizes)):
            raise ValueError(f"its latents_classes are not the {sizes} grid in published order")
        return unpacked(
            f"dsprites-original-{fingerprint(path)}",
            (count, CANVAS, CANVAS // 8),
            lambda: _packed_blocks(path, count),
        )


def _packed_blocks(path: Path, count: int, rows: int = 4096) -> Iterator[NDArray[np.uint8]]:
    with zipfile.ZipFile(path) as archive, archive.open("imgs.npy") as file:
        check_npy_header(file, (count, CANVAS, CANVAS))
        for start in range(0, count, rows):
            want = min(rows, count - start) * CANVAS**2
            if len(block := file.read(want)) != want:
                raise EOFError("its imgs are cut short")
            yield np.packbits(np.frombuffer(block, np.uint8).reshape(-1, CANVAS, CANVAS), axis=-1)
