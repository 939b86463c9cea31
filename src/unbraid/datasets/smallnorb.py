"""Small NORB: toys of five kinds photographed from all around, 24,300 grey images a split.

LeCun, Huang and Bottou, "Learning Methods for Generic Object Recognition with Invariance to Pose
and Lighting", CVPR 2004. Train and test hold different toys.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.datasets import Dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._download import RemoteFile, locate
from unbraid.datasets._factored import fingerprint, reading, resized

COUNT, SIDE = 24_300, 96
CAMERAS = {"left": slice(0, 1), "right": slice(1, 2), "both": slice(0, 2)}
MAGIC = {"u1": 0x1E3D4C55, "<i4": 0x1E3D4C54}  # of matrices of bytes and of integers
MIRRORS = (
    "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    "http://www.cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
)
STEMS = {
    "train": "smallnorb-5x46789x9x18x6x2x96x96-training",
    "test": "smallnorb-5x01235x9x18x6x2x96x96-testing",
}
PUBLISHED = {  # (split, part): (bytes, SHA-256)
    ("train", "dat"): (
        131_896_188,
        "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
    ),
    ("train", "cat"): (348, "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"),
    ("train", "info"): (71_052, "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"),
    ("test", "dat"): (
        130_799_817,
        "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
    ),
    ("test", "cat"): (347, "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"),
    ("test", "info"): (10_428, "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"),
}

SPECS = (
    FactorSpec("category", "categorical", values=("animal", "human", "airplane", "truck", "car")),
    FactorSpec("instance", "categorical", values=tuple(range(10))),
    FactorSpec("elevation", "ordinal", values=tuple(range(30, 75, 5)), unit="degrees"),
    FactorSpec("azimuth", "periodic", values=tuple(range(0, 360, 20)), unit="degrees", period=360),
    FactorSpec("lighting", "categorical", values=tuple(range(6))),
)


@dataclass(frozen=True)
class Config:
    """Options of Small NORB.

    Args:
        path: the folder of the published ``.mat.gz`` files (or ``.mat``); None for the data folder.
        download: fetch the split's three files (131 MB) if they are not there.
        size: pixels a side; 96 is the published size, 64 the usual one in disentanglement.
        camera: ``left``, ``right`` or ``both`` (two channels) of the stereo pair.
    """

    path: str | None = None
    download: bool = False
    size: int = 64
    camera: str = "left"


def load(config: Config, split: str) -> Dataset:
    """Load Small NORB: images uint8 (24300, 1 or 2, size, size), factors int64 (24300, 5).

    Factors are indices of category, instance, elevation, azimuth and lighting. The splits are the
    published ones.
    """
    if config.camera not in CAMERAS:
        raise UnbraidError(
            f"smallnorb has no camera '{config.camera}'{did_you_mean(config.camera, CAMERAS)}: "
            f"it is {', '.join(CAMERAS)}."
        )
    if not 8 <= config.size <= SIDE:
        raise UnbraidError(f"smallnorb: size is {config.size}, expected 8 to {SIDE} pixels.")
    data, category, info = (_file(config, split, part) for part in ("dat", "cat", "info"))
    factors = read_factors(category, info)
    images = cached(
        f"smallnorb-{split}-{config.camera}-{config.size}-{fingerprint(data)}",
        lambda: resized(
            read_matrix(data, "u1", (COUNT, 2, SIDE, SIDE))[:, CAMERAS[config.camera]], config.size
        ),
    )
    return Dataset("smallnorb", images, factors, SPECS, split)


def remote_file(split: str, part: str) -> RemoteFile:
    """Return one of the published files; ``part`` is ``dat``, ``cat`` or ``info``."""
    name = f"{STEMS[split]}-{part}.mat.gz"
    size, sha256 = PUBLISHED[split, part]
    return RemoteFile(name, tuple(m + name for m in MIRRORS), sha256, size=size, page=MIRRORS[0])


def _file(config: Config, split: str, part: str) -> Path:
    remote = remote_file(split, part)
    if config.path is not None:
        plain = expand(config.path) / remote.name.removesuffix(".gz")
        if plain.is_file():
            return plain
        if not plain.parent.is_dir():
            raise UnbraidError(
                f"smallnorb: path is {config.path}, expected the folder of its .mat.gz files."
            )
    return locate(remote, config.path, config.download)


def read_factors(category: Path, info: Path) -> NDArray[np.int64]:
    """Read the factor indices, (24300, 5), from the ``cat`` and ``info`` files."""
    kinds = read_matrix(category, "<i4", (COUNT,))
    # Azimuths are even numbers, in tens of degrees.
    instance, elevation, azimuth, lighting = read_matrix(info, "<i4", (COUNT, 4)).T
    factors = np.stack([kinds, instance, elevation, azimuth // 2, lighting], axis=1)
    sizes = [len(spec.values or ()) for spec in SPECS]
    with reading(info, "Small NORB file"):
        if (factors < 0).any() or (factors >= sizes).any():
            raise ValueError(f"its factors go outside their {sizes} values")
    return factors.astype(np.int64)


def read_matrix(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read one binary matrix: magic number, number of dimensions, sizes, values, little-endian.

    At least three sizes are stored; those beyond the number of dimensions mean nothing.
    """
    with reading(path, "Small NORB file", zlib.error):
        with limits.opened(path) as file:
            longest = 8 + 4 * max(3, len(shape)) + prod(shape) * np.dtype(dtype).itemsize
            content = limits.read_at_most(file, longest + 1)
        magic, dims = (int(n) for n in np.frombuffer(content, "<i4", 2))
        if magic != MAGIC[dtype]:
            raise ValueError(f"it starts with {magic:#x}, expected {MAGIC[dtype]:#x}")
        found = tuple(int(n) for n in np.frombuffer(content, "<i4", dims, offset=8))
        if found != shape:
            raise ValueError(f"it has shape {found}, expected {shape}")
        return np.frombuffer(content, dtype, offset=8 + 4 * max(3, dims)).reshape(shape)
