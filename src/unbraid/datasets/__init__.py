"""Data sets: each file here is one, found by its name; ``load_dataset`` opens any of them.

A data set module defines a frozen dataclass ``Config`` (its options, each with a default where
there can be one) and ``load(config, split) -> Dataset``. It may import numpy, not torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid import memory, registry
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec
from unbraid.files import expand, readable

SPLITS = ("train", "test")


class ImageSource(Protocol):
    """What ``Dataset.images`` must do: a uint8 array, or something that makes rows on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Images of an integer array or slice of rows, uint8 (len(rows), C, H, W)."""


@dataclass(frozen=True)
class Dataset:
    """Images with, where they are known, the factors that made them.

    Args:
        name: what the data set is called in run folders and titles.
        images: uint8 (N, C, H, W), an array or an ImageSource that renders rows on demand.
        factors: (N, F), int64 where every factor is discrete, else float64; None if unknown.
        specs: one FactorSpec per column of ``factors``.
        split: ``"train"`` or ``"test"``; ``"all"`` where an option ``full`` makes both splits the
            same images.

    >>> data = load_dataset("mnist", split="test")
    >>> data.images.shape, data.factor_names
    ((10000, 1, 28, 28), ('digit',))
    """

    name: str
    images: ImageSource
    factors: NDArray[Any] | None = None
    specs: tuple[FactorSpec, ...] = ()
    split: str = "train"

    one_each: ClassVar[bool] = False  # whether ``draw`` makes the same image of equal factors

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", readable(self.name))  # a file's may hold any bytes
        shape = self.images.shape
        if len(shape) != 4:
            raise UnbraidError(f"{self.name}: images have shape {shape}, expected (N, C, H, W).")
        if not len(self.images):
            raise UnbraidError(f"{self.name}: there are no images in it.")
        if self.factors is not None and self.factors.shape != (shape[0], len(self.specs)):
            raise UnbraidError(
                f"{self.name}: factors have shape {self.factors.shape}, expected "
                f"({shape[0]}, {len(self.specs)}): one row an image, one column a factor."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def factor_names(self) -> tuple[str, ...]:
        """The names of the columns of ``factors``."""
        return tuple(spec.name for spec in self.specs)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def factor(self, name: str) -> NDArray[Any]:
        """Return the column of ``factors`` called ``name``, shape (N,)."""
        if self.factors is None or name not in self.factor_names:
            raise UnbraidError(
                f"{self.name} has no factor '{name}'{did_you_mean(name, self.factor_names)}: "
                f"its factors are {', '.join(self.factor_names) or 'unknown'}."
            )
        column: NDArray[Any] = self.factors[:, self.factor_names.index(name)]
        return column

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Return the data set made of the given rows, in that order."""
        factors = None if self.factors is None else self.factors[rows]
        return dataclasses.replace(self, images=self.images[rows], factors=factors)

    def draw(self, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Return an image of each row of factors (M, F), uint8 (M, C, H, W), whichever its split.

        None, the default, where there are only the images there are.
        """
        return None


def resolve(name: str) -> tuple[str, dict[str, str]]:
    """Tell which data set a user means: a registered name, or a path to images of their own.

    Returns the registered name and the options the path implies.
    """
    if name in registry.names("datasets"):
        return name, {}
    path = expand(name)
    if path.is_dir():
        return "folder", {"path": str(path)}
    if path.is_file():
        return _reader_of(path), {"path": str(path)}
    known = registry.names("datasets")
    raise UnbraidError(
        f"unknown dataset '{name}'{did_you_mean(name, known)}: it is neither a file or folder "
        f"that exists nor one of {', '.join(known)}."
    )


def _reader_of(path: Path) -> str:
    """Return which data set reads a file, by its first bytes and its name.

    Raises:
        UnbraidError: none does.
    """
    from unbraid.datasets._decode import SUFFIXES

    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError:
        start = b""  # its reader says what is wrong
    if suffix in (".npz", ".npy") or start == b"\x93NUMPY":
        return "npz"
    if suffix in SUFFIXES:
        raise UnbraidError(
            f"{path} is a single image, expected many to learn from: give the folder that holds "
            "them."
        )
    if start[:2] == b"PK":
        raise UnbraidError(
            f"{path} is a zip archive: unpack it and give the folder, or give it the suffix .npz "
            "if numpy wrote it."
        )
    if start[:2] in (b"\0\0", b"\x1f\x8b") or "idx" in path.name or not start:
        return "idx"
    raise UnbraidError(
        f"{path} is in no format that is read: expected a folder of images, a .npz file or IDX "
        "files."
    )


def load_dataset(name: str, split: str = "train", **options: Any) -> Dataset:
    """Load a data set by name, or images of your own by path.

    Args:
        name: a registered name (``unbraid datasets`` lists them), an IDX or ``.npz`` file, or a
            folder of images.
        split: ``"train"`` or ``"test"``.
        **options: the data set's own options, the fields of its ``Config``.

    Raises:
        UnbraidError: unknown name, split or option, or data that cannot be read.

    >>> load_dataset("mnist", split="test").factors.shape
    (10000, 1)
    """
    if split not in SPLITS:
        raise UnbraidError(f"unknown split '{split}': it is 'train' or 'test'.")
    name, implied = resolve(name)
    module = registry.load("datasets", name)
    config = registry.build(module.Config, {**implied, **options}, f"dataset {name}")
    with memory.enough(f"loading {name}", "use fewer or smaller images"):
        dataset: Dataset = module.load(config, split)
    if getattr(config, "full", False):
        dataset = dataclasses.replace(dataset, split="all")
    return dataset


def label_spec(labels: NDArray[np.int64], name: str = "label") -> FactorSpec:
    """Return the spec of integer labels 0..K-1 whose classes have no names."""
    return FactorSpec(name, "categorical", values=tuple(range(int(labels.max()) + 1)))
