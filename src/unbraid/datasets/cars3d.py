"""Cars3D: 183 car models seen from 24 azimuths and 4 elevations (17,568 colour images).

Reed, Zhang, Zhang and Lee, "Deep Visual Analogy-Making", NeurIPS 2015.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import scipy.io
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.datasets import Dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._download import RemoteFile, locate
from unbraid.datasets._factored import Rows, fingerprint, grid_dataset, reading, resized

ELEVATIONS, AZIMUTHS, CARS, SIDE = 4, 24, 183, 128
LARGEST = 64 << 20  # bytes read of a file in the archive; a car's take 5 MB

FILE = RemoteFile(
    name="nips2015-analogy-data.tar.gz",
    urls=(
        "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
        "http://www-personal.umich.edu/~reedscot/files/nips2015-analogy-data.tar.gz",
    ),
    md5="4e866a7919c1beedf53964e6f7a23686",
    page="http://www.scottreed.info",
)


@dataclass(frozen=True)
class Config:
    """Options of Cars3D.

    Args:
        path: the published ``.tar.gz`` file, or the folder of the ``.mat`` files in it; None to
            look in the data folder.
        download: fetch the file if it is not there.
        size: pixels a side; 128 is the published size, 64 the usual one in disentanglement.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in grid order, in either split.
    """

    path: str | None = None
    download: bool = False
    size: int = 64
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str) -> Dataset:
    """Load Cars3D: images uint8 (N, 3, size, size), factors int64 (N, 3) of indices.

    Factors are elevation, azimuth and car, the last moving fastest.
    """
    if not 8 <= config.size <= SIDE:
        raise UnbraidError(f"cars3d: size is {config.size}, expected 8 to {SIDE} pixels.")
    path = _locate(config)
    # list.txt says in which order the cars are
    files = [*sorted(path.glob("*.mat")), *path.glob("list.txt")] if path.is_dir() else [path]
    images = cached(
        f"cars3d-{config.size}-{fingerprint(*files)}", lambda: read_cars(path, CARS, config.size)
    )
    specs = (
        FactorSpec("elevation", "ordinal", values=tuple(range(ELEVATIONS))),
        FactorSpec(
            "azimuth", "periodic", values=tuple(range(0, 360, 15)), unit="degrees", period=360
        ),
        FactorSpec("car", "categorical", values=tuple(range(CARS))),
    )
    return grid_dataset(
        "cars3d",
        lambda rows: Rows(images, rows),
        specs,
        split,
        config.split_seed,
        config.full,
    )


def _locate(config: Config) -> Path:
    if config.path is not None:
        given = expand(config.path)
        for folder in (given, given / "cars", given / "data" / "cars"):
            if next(folder.glob("*.mat"), None) is not None:
                return folder
    return locate(FILE, config.path, config.download)


def read_cars(path: Path, count: int, size: int) -> NDArray[np.uint8]:
    """Read the cars of the archive or folder: uint8 (elevations * azimuths * count, 3, size, size).

    The cars are in the order of ``list.txt``, of their names where there is none.

    Raises:
        UnbraidError: a file is broken, or there are not ``count`` cars.
    """
    cars: dict[str, NDArray[np.uint8]] = {}
    order: list[str] | None = None
    with reading(path, "Cars3D file", tarfile.TarError, zlib.error, NotImplementedError):
        for name, content in _members(path):
            if name == "list.txt":
                order = content.decode().split()
            else:
                cars[name.removesuffix(".mat")] = resized(_views(name, content), size)
        order = sorted(cars) if order is None else order
        if len(order) != count or set(order) != set(cars):
            raise ValueError(f"it holds {len(cars)} cars and lists {len(order)}, expected {count}")
    stacked = np.stack([cars[name] for name in order], axis=2)
    return stacked.reshape(-1, 3, size, size)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the ``.mat`` files and the list; nothing is extracted to disk."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.suffix == ".mat" or file.name == "list.txt":
                yield file.name, file.read_bytes()
        return
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            wanted = name.suffix == ".mat" or name.name == "list.txt"
            if wanted and name.parent.name == "cars":
                content = archive.extractfile(member)
                if content is not None:
                    yield name.name, bytes(limits.read_at_most(content, LARGEST))


def _views(name: str, content: bytes) -> NDArray[np.uint8]:
    """Read one car, stored as (row, column, channel, azimuth, elevation): elevation first, etc."""
    views: NDArray[np.uint8] = scipy.io.loadmat(io.BytesIO(content), variable_names=["im"])["im"]
    shape = (SIDE, SIDE, 3, AZIMUTHS, ELEVATIONS)
    if views.shape != shape or views.dtype != np.uint8:
        raise ValueError(f"{name} holds {views.dtype} {views.shape}, expected uint8 {shape}")
    return views.transpose(4, 3, 2, 0, 1)
