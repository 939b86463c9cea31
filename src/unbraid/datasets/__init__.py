"""Data sets: each file here is one, found by its name; ``load_dataset`` opens any of them.

A data set module defines a frozen dataclass ``Config`` (its options, each with a default where
there can be one) and ``load(config, split) -> Dataset``. It may import numpy, not torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid import memory, registry
from unbraid.datasets._names import called as called
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.factors import FactorSpec
from unbraid.files import expand, readable

if TYPE_CHECKING:
    from unbraid.datasets._decode import Fit
    from unbraid.datasets._images import Layout

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
        factors: (N, F), int64 where every factor is discrete and known, else float64 with NaN
            where one is unknown; None if there are none.
        specs: one FactorSpec per column of ``factors``.
        split: ``"train"`` or ``"test"``; ``"all"`` where an option ``full`` makes both splits the
            same images.
        notes: sentences on how the data was read.

    >>> data = load_dataset("mnist", split="test")
    >>> data.images.shape, data.factor_names
    ((10000, 1, 28, 28), ('digit',))
    """

    name: str
    images: ImageSource
    factors: NDArray[Any] | None = None
    specs: tuple[FactorSpec, ...] = ()
    split: str = "train"
    notes: tuple[str, ...] = ()

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

    @classmethod
    def from_arrays(
        cls,
        images: Any,
        factors: Any = None,
        *,
        name: str = "images",
        units: Mapping[str, str] | str | None = None,
        kinds: Mapping[str, str] | str | None = None,
        layout: Layout = "auto",
        split: str = "train",
    ) -> Dataset:
        """Return a data set of images in memory and, if they are known, their factors.

        Args:
            images: (N, H, W), (N, H, W, C) or (N, C, H, W), an array, a tensor or a list of
                pictures; whole numbers in 0..255, truth values or reals in 0..1.
            factors: a mapping or data frame of columns (N,), or an array (N,), (N, F) or of
                records. NaN, None and empty words are unknown.
            name: what it is called in titles.
            units: of factors, by name.
            kinds: ``categorical``, ``ordinal``, ``ordinal:LOW/HIGH``, ``continuous`` or
                ``circular:PERIOD``, by name; those of others are inferred.
            layout: where the channels of images with four axes are, ``nchw`` or ``nhwc``.
            split: ``"train"`` or ``"test"``.

        Raises:
            UnbraidError: what are no images or no factors, or not as many of both.

        >>> factors = {"digit": [7, 1, 7], "angle": [10.5, float("nan"), 30.0]}
        >>> images = np.zeros((3, 8, 8))
        >>> data = Dataset.from_arrays(images, factors, kinds={"angle": "circular:360"})
        >>> [spec.kind for spec in data.specs]
        ['categorical', 'periodic']
        """
        from unbraid.datasets import _convert

        return _convert.from_arrays(images, factors, name, units, kinds, layout, split)

    @classmethod
    def from_torch(
        cls,
        dataset: Any,
        *,
        names: Sequence[str] | None = None,
        name: str | None = None,
        units: Mapping[str, str] | str | None = None,
        kinds: Mapping[str, str] | str | None = None,
        size: int | None = None,
        fit: Fit = "crop",
        channels: Literal["auto", 1, 3] = "auto",
        background: str = "white",
        split: str = "train",
    ) -> Dataset:
        """Return a data set of all items of a torch data set, or of any that has items.

        Args:
            dataset: its items are (image, label), (image, label, label), (image, {name: label})
                or {"image": ..., name: label}; images are pictures, arrays or tensors. The names of
                classes are taken from its ``classes``.
            names: of the labels.
            name: what it is called in titles; the name of its class if not given.
            units, kinds: of factors, as in ``from_arrays``.
            size: height and width of the images made; their own, if that is one, if not given.
            fit, channels, background: what pictures are made into, as for folders of images.
            split: ``"train"`` or ``"test"``.

        Raises:
            UnbraidError: images of several sizes without ``size``, or what are no images or labels.
        """
        from unbraid.datasets import _convert

        return _convert.from_torch(
            *(dataset, names, name or type(dataset).__name__, units, kinds),
            *(size, fit, channels, background, split),
        )

    @classmethod
    def from_huggingface(
        cls,
        dataset: Any,
        *,
        image: str | None = None,
        name: str = "images",
        units: Mapping[str, str] | str | None = None,
        kinds: Mapping[str, str] | str | None = None,
        size: int | None = None,
        fit: Fit = "crop",
        channels: Literal["auto", 1, 3] = "auto",
        background: str = "white",
        split: str = "train",
    ) -> Dataset:
        """Return a data set of a split that Hugging Face's ``datasets`` has loaded.

        Args:
            dataset: has ``column_names`` and ``features``; classes and single values are factors.
            image: the column of the images; the first of that kind if not given.
            name, units, kinds, size, fit, channels, background, split: as in ``from_torch``.

        Raises:
            UnbraidError: several splits, no column of images, or images of several sizes.
        """
        from unbraid.datasets import _convert

        return _convert.from_huggingface(
            dataset, image, name, units, kinds, size, fit, channels, background, split
        )

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        images: Any = None,
        *,
        root: str | Path = ".",
        name: str = "images",
        units: Mapping[str, str] | str | None = None,
        kinds: Mapping[str, str] | str | None = None,
        size: int = 64,
        fit: Fit = "crop",
        channels: Literal["auto", 1, 3] = "auto",
        background: str = "white",
        split: str = "train",
    ) -> Dataset:
        """Return a data set of a data frame with a row an image, such as one of pandas.

        Args:
            frame: has ``columns``; all but that of the files are factors.
            images: the column of image files, or the images themselves; the column ``file``,
                ``filename``, ``path`` or ``image`` if not given.
            root: the folder that the files' paths start from.
            name, units, kinds, size, fit, channels, background, split: as in ``from_torch``.

        Raises:
            UnbraidError: no such column, or a file that cannot be read.
        """
        from unbraid.datasets import _convert

        return _convert.from_frame(
            frame, images, root, name, units, kinds, size, fit, channels, background, split
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

    def measured(self, reference: Dataset | None = None) -> Dataset:
        """Return the data set with factors measured from its images after those it has.

        Place, size, slant or direction, thickness and length of lines, elongation, brightness and
        hue, as far as they make sense: docs/datasets.md tells how each is measured.

        Args:
            reference: decides which factors there are, and their ranges; the data set itself if
                not given. A test split takes its train split.

        >>> some = load_dataset("mnist", split="test").take(np.arange(2000))
        >>> some.measured().factor_names
        ('digit', 'size', 'slant', 'thickness', 'length', 'elongation')
        """
        from unbraid.datasets._measured import with_measured

        return with_measured(self, reference)

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


def anchored(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options whose paths are absolute, since a run is opened from other folders, too."""
    found = dict(options)
    for name in ("path", "labels", "names"):
        value = found.get(name)
        if isinstance(value, str) and (path := expand(value)).exists():
            found[name] = str(path.absolute())
    return found


@cache
def config_of(name: str) -> type[Any]:
    """Return the dataclass of a registered data set's options, with those of every data set."""
    from unbraid.datasets._measured import Options

    own: type[Any] = registry.load("datasets", name).Config
    both = dataclasses.make_dataclass("Config", [], bases=(own, Options), frozen=True)
    both.__doc__, both.__module__ = own.__doc__, own.__module__
    return both


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
        **options: the data set's own options, the fields of its ``Config``, and ``measured``, which
            every data set takes.

    Raises:
        UnbraidError: unknown name, split or option, or data that cannot be read.

    >>> load_dataset("mnist", split="test").factors.shape
    (10000, 1)
    """
    if split not in SPLITS:
        raise UnbraidError(f"unknown split '{split}': it is 'train' or 'test'.")
    name, implied = resolve(name)
    module = registry.load("datasets", name)
    config = registry.build(config_of(name), {**implied, **options}, f"dataset {name}")
    own = module.Config(
        **{field.name: getattr(config, field.name) for field in dataclasses.fields(module.Config)}
    )
    with memory.enough(f"loading {name}", "use fewer or smaller images"):
        dataset: Dataset = module.load(own, split)
    if getattr(config, "full", False):
        dataset = dataclasses.replace(dataset, split="all")
    if not config.measured:
        return dataset
    reference = None
    if split != "train":
        with suppress(UnbraidError):  # there may be no train split beside the test split
            reference = module.load(own, "train")
    return dataset.measured(reference)


def as_dataset(thing: Any, **options: Any) -> Dataset:
    """Return a data set of whatever holds images.

    Args:
        thing: a data set, an array or tensor of images, a pair of images and factors, a torch data
            set, one of Hugging Face, or a data frame.
        **options: of ``Dataset.from_arrays``, ``from_torch``, ``from_huggingface`` or
            ``from_frame``, whichever is called.

    Raises:
        UnbraidError: something else.

    >>> as_dataset((np.zeros((3, 8, 8)), {"digit": [7, 1, 7]})).factor("digit").tolist()
    [1, 0, 1]
    """
    from unbraid.datasets import _convert

    return _convert.as_dataset(thing, **options)


def label_spec(labels: NDArray[np.int64], name: str = "label") -> FactorSpec:
    """Return the spec of integer labels 0..K-1 whose classes have no names."""
    return FactorSpec(name, "categorical", values=tuple(range(int(labels.max()) + 1)))
