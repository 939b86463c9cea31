"""Grids, splits, rows on access and unpacking to the cache, for the published factored sets."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import atomic, cache_folder
from unbraid.datasets import Dataset, ImageSource
from unbraid.datasets._groups import whole_groups

TEST_SHARE = 0.1


def split_rows(
    count: int, split: str, seed: int, full: bool, groups: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Return the rows of a split in ascending order: a tenth, drawn by ``seed``, is the test set.

    With ``full`` both splits are all rows. Of rows in ``groups`` (N,), whole groups are drawn.

    >>> split_rows(20, "test", seed=0, full=False).size
    2
    """
    if full:
        return np.arange(count)
    if seed < 0:
        raise UnbraidError(f"split_seed is {seed}, but a seed is 0 or more.")
    edge = round(count * TEST_SHARE)
    if groups is not None:
        test = whole_groups(groups, edge, seed)
        return np.flatnonzero(test if split == "test" else ~test)
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[:edge] if split == "test" else order[edge:])


def grid_factors(rows: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return the factor indices (N, F) of rows of a full grid whose last factor moves fastest.

    >>> grid_factors(np.array([0, 1, 5]), (2, 4)).tolist()
    [[0, 0], [0, 1], [1, 1]]
    """
    return np.stack(np.unravel_index(rows, tuple(sizes)), axis=1)


class Rows:
    """Some rows of an array of images, in channels-first order, read when they are asked for.

    Args:
        images: (N, C, H, W), an array of any strides or another source; a memory map stays one.
        rows: the rows it shows.
    """

    def __init__(self, images: ImageSource, rows: NDArray[np.int64]) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return (len(self.rows), *self.images.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self.images[self.rows[rows]])


class Smaller:
    """Square images of a source, scaled down when they are asked for.

    Args:
        images: (N, C, H, H).
        size: height and width that they get, each pixel the mean of its area.
    """

    def __init__(self, images: ImageSource, size: int) -> None:
        self.images, self.size = images, size

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, size, size)."""
        return (*self.images.shape[:2], self.size, self.size)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        return resized(np.asarray(self.images[rows]), self.size)


Source = Callable[[NDArray[np.int64]], ImageSource]  # makes images of rows of the whole grid


def scaled_down(source: Source, size: int, name: str) -> Source:
    """Return a source of images of 64 x 64 pixels as one of the given size.

    Raises:
        UnbraidError: another size than 64 or 32.
    """
    if size not in (32, 64):
        raise UnbraidError(f"{name}: size is {size}, expected 64 or 32 pixels.")
    return source if size == 64 else lambda rows: Smaller(source(rows), size)


@dataclass(frozen=True, eq=False, repr=False)
class GridDataset(Dataset):
    """Some images of a full grid of factors, which also has all others.

    Args:
        source: makes images of rows of the grid, its last factor fastest.
        sizes: how many levels each factor of the grid has.
    """

    source: Source | None = None
    sizes: tuple[int, ...] = ()

    one_each: ClassVar[bool] = True

    def draw(self, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Return the image of each row of factors (M, F), of either split.

        None where some of the grid's factors have been left out.
        """
        if self.source is None or len(self.specs) != len(self.sizes):
            return None
        rows = np.ravel_multi_index(tuple(np.asarray(factors, np.int64).T), self.sizes)
        return np.asarray(self.source(rows)[:])


def grid_dataset(
    name: str,
    source: Source,
    specs: tuple[FactorSpec, ...],
    split: str,
    seed: int,
    full: bool,
) -> Dataset:
    """Return a split of a data set that has each combination of its factors once, in grid order."""
    sizes = tuple(len(spec.values or ()) for spec in specs)
    rows = split_rows(math.prod(sizes), split, seed, full)
    factors = grid_factors(rows, sizes)
    return GridDataset(name, source(rows), factors, specs, split, source=source, sizes=sizes)


def fingerprint(*paths: Path) -> str:
    """Return a short key that changes when one of the files is replaced (place, size or time)."""
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@contextmanager
def reading(path: Path, what: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn what a broken file raises into one sentence naming what was expected."""
    expected: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, KeyError, *errors)
    try:
        yield
    except expected as error:
        reason = str(error).strip("'\"") or type(error).__name__
        raise UnbraidError(
            f"{path} is not a complete {what} ({reason}): download it again, or pass another path "
            "(--data.path)."
        ) from error


def unpacked(
    key: str, shape: tuple[int, ...], blocks: Callable[[], Iterable[NDArray[np.uint8]]]
) -> NDArray[np.uint8]:
    """Return a uint8 array too large for memory, memory-mapped from the cache folder.

    Args:
        key: the cache file's stem; it must change whenever the array does.
        shape: the array's shape.
        blocks: gives the array piece by piece along its first axis; called if it is not cached.

    Raises:
        ValueError: the source cannot be read, or does not add up to ``shape``.
        UnbraidError: the cache cannot be written.
    """
    path = cache_folder() / f"{key}.npy"
    mapped: NDArray[np.uint8]
    with suppress(OSError, ValueError):  # not there yet, or cut short
        mapped = np.lib.format.open_memmap(path, mode="r")
        return mapped
    # Written block by block, not through a writable map: on a full disk that would kill us.
    with atomic(path) as temporary, temporary.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for block in _source_errors(blocks()):
            file.write(np.ascontiguousarray(block).data)
        if (written := file.tell() - start) != math.prod(shape):
            raise ValueError(f"{written} bytes came out of it, expected {math.prod(shape)}")
    mapped = np.lib.format.open_memmap(path, mode="r")
    return mapped


def _source_errors(blocks: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Keep a failed read of the source from passing for a failed write of the cache."""
    try:
        yield from blocks
    except OSError as error:
        raise ValueError(str(error)) from error


def check_npy_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    """Read past a ``.npy`` header; raise ValueError unless it is of uint8 rows of ``shape``."""
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    found, fortran, dtype = read(file)
    if found != shape or fortran or dtype != np.uint8:
        raise ValueError(f"it holds {dtype} {found}, expected uint8 {shape}")


def resized(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return square planes (..., H, H) scaled down to ``size``, each pixel the mean of its area."""
    *lead, side, _ = images.shape
    if side == size:
        return images
    edges = np.arange(size + 1) * (side / size)
    # Overlap of each new pixel with each old one along an axis: (size, H).
    covered = np.diff(np.clip(edges[:, None] - np.arange(side), 0, 1), axis=0)
    weights = (covered * (size / side)).astype(np.float32)
    planes = images.reshape(-1, side, side)
    out = np.empty((len(planes), size, size), np.uint8)
    for start in range(0, len(planes), 256):
        block = slice(start, start + 256)
        out[block] = np.rint(weights @ planes[block].astype(np.float32) @ weights.T)
    return out.reshape(*lead, size, size)
