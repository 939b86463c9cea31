"""MPI3D: a robot arm holding an object, drawn or photographed under seven factors (64 x 64).

Gondal et al., "On the Transfer of Inductive Bias from Simulation to the Real World: a New
Disentanglement Dataset", NeurIPS 2019: 1,036,800 images a variant, 460,800 in ``complex``.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.datasets._download import RemoteFile, locate
from unbraid.datasets._factored import (
    Rows,
    check_npy_header,
    fingerprint,
    grid_dataset,
    reading,
    unpacked,
)

MIRRORS = (
    "https://storage.googleapis.com/disentanglement_dataset/Final_Dataset/",
    "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/",
)
PAGE = "https://github.com/rr-learning/disentanglement_dataset"
MD5 = {
    "toy": "55889cb7c7dfc655d6e0277beee88868",
    "realistic": "59a6225b88b635365f70c91b3e52f70f",
    "real": "0f33f609918fb5c97996692f91129802",
}
FILES = {
    variant: RemoteFile(
        name=f"mpi3d_{variant}.npz",
        urls=tuple(f"{mirror}mpi3d_{variant}.npz" for mirror in MIRRORS),
        md5=md5,
        page=PAGE,
    )
    for variant, md5 in MD5.items()
} | {"complex": RemoteFile(name="mpi3d_real_complex.npz", urls=(), page=PAGE)}

SIMPLE = (
    ("white", "green", "red", "blue", "brown", "olive"),
    ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere"),
)
COMPLEX = (
    ("yellow", "green", "olive", "red"),
    ("coffee-cup", "tennis-ball", "croissant", "beer-cup"),
)


@dataclass(frozen=True)
class Config:
    """Options of MPI3D.

    Args:
        variant: ``toy`` (simply rendered), ``realistic`` (rendered), ``real`` (photographs) or
            ``complex`` (photographs of everyday objects; to be downloaded by hand).
        path: the ``.npz`` file or its folder; None to look in the data folder.
        download: fetch the file if it is not there.
        split_seed: draws the tenth of the images that is the test set.
        full: all images in published order, in either split.
    """

    variant: str = "toy"
    path: str | None = None
    download: bool = False
    split_seed: int = 0
    full: bool = False


def load(config: Config, split: str) -> Dataset:
    """Load MPI3D: images uint8 (N, 3, 64, 64), factors int64 (N, 7) of indices.

    Images stay on disk. If the file is compressed they are unpacked into the cache folder once
    (12.7 GB; 5.7 GB for ``complex``).
    """
    if config.variant not in FILES:
        raise UnbraidError(
            f"mpi3d has no variant '{config.variant}'{did_you_mean(config.variant, FILES)}: "
            f"its variants are {', '.join(FILES)}."
        )
    specs = factor_specs(config.variant)
    path = locate(FILES[config.variant], config.path, config.download)
    count = math.prod(len(spec.values or ()) for spec in specs)
    images = read_images(path, (count, 64, 64, 3)).transpose(0, 3, 1, 2)
    return grid_dataset(
        f"mpi3d-{config.variant}",
        lambda rows: Rows(images, rows),
        specs,
        split,
        config.split_seed,
        config.full,
    )


def factor_specs(variant: str) -> tuple[FactorSpec, ...]:
    """Return the seven factors, slowest first."""
    colors, shapes = COMPLEX if variant == "complex" else SIMPLE
    steps = tuple(range(40))
    return (
        FactorSpec("object_color", "categorical", values=colors),
        FactorSpec("object_shape", "categorical", values=shapes),
        FactorSpec("object_size", "ordinal", values=("small", "large")),
        FactorSpec("camera_height", "ordinal", values=("top", "center", "bottom")),
        FactorSpec("background_color", "categorical", values=("purple", "sea green", "salmon")),
        FactorSpec("horizontal_axis", "ordinal", values=steps),
        FactorSpec("vertical_axis", "ordinal", values=steps),
    )


def read_images(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Map the ``images`` of an ``.npz`` file, in place if they are stored uncompressed.

    Raises:
        UnbraidError: it is not an ``.npz`` file with uint8 images of this shape, or is cut short.
    """
    with reading(path, "MPI3D file", zipfile.BadZipFile, zlib.error):
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("images.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            return unpacked(f"mpi3d-{fingerprint(path)}", shape, lambda: _blocks(path, shape))
        with path.open("rb") as file:
            # The local header repeats the name and may have other extra fields than the directory.
            file.seek(member.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            file.seek(name + extra, 1)
            check_npy_header(file, shape)
            return np.memmap(path, np.uint8, mode="r", offset=file.tell(), shape=shape)


def _blocks(path: Path, shape: tuple[int, ...], size: int = 1 << 24) -> Iterator[NDArray[np.uint8]]:
    with zipfile.ZipFile(path) as archive, archive.open("images.npy") as file:
        check_npy_header(file, shape)
        while block := file.read(size):
            yield np.frombuffer(block, np.uint8)
