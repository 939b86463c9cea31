"""The data set itself: images with, where they are known, the factors that made them."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.core.files import readable
from unbraid.core.signals import Signal
from unbraid.datasets._correlated import (
    Correlation,
    Weigh,
    check_left,
    correlated,
    correlation_of,
    in_parts,
    some,
)
from unbraid.datasets._groups import GROUPED, group_index, group_partners, numbered
from unbraid.datasets._levels import check_levels
from unbraid.datasets._pairs import Indices, Pairs, Rule, Seed, index_of, partner_rows

if TYPE_CHECKING:
    from unbraid.datasets._images import Layout
    from unbraid.datasets._items import PictureOptions


class ImageSource(Protocol):
    """What ``Dataset.images`` must do: a uint8 array, or something that makes rows on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""

    def __len__(self) -> int:
        """N."""

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Images of an integer array or slice of rows, uint8 (len(rows), C, H, W)."""


@dataclass(frozen=True, eq=False, repr=False)  # arrays are neither compared nor printed
class Dataset:
    """Images with, where they are known, the factors that made them.

    Args:
        name: what the data set is called in run folders and titles.
        images: uint8 (N, C, H, W), an array or an ImageSource that renders rows on demand.
        factors: (N, F), int64 where every factor is discrete and known, else float64 with NaN
            where one is unknown; None if there are none. A factor with ``values`` is the index of
            its value; ``from_arrays`` takes the values themselves.
        specs: one FactorSpec per column of ``factors``.
        split: ``"train"`` or ``"test"``; ``"all"`` where an option ``full`` makes both splits the
            same images.
        notes: sentences on how the data was read.
        signal: what the arrays are and how they are shown; plain images if not given.
        correlation: which factors are correlated in the train split, and in no other.
        held_out: images that were left out of it to measure models on, if it has no test split.
        groups: (N,), the number of each image's group, such as the clip a frame is of; None without
            any.

    Raises:
        UnbraidError: images or factors of another shape, or a factor that is no index.

    >>> from unbraid import load_dataset
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
    signal: Signal = None  # type: ignore[assignment]  # set below where it is not given
    correlation: Correlation | None = None
    held_out: Dataset | None = None
    groups: NDArray[np.int64] | None = None

    one_each: ClassVar[bool] = False  # whether ``draw`` makes the same image of equal factors

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", readable(self.name))  # a file's may hold any bytes
        shape = self.images.shape
        if len(shape) != 4:
            raise UnbraidError(f"{self.name}: images have shape {shape}, expected (N, C, H, W).")
        if not len(self.images):
            raise UnbraidError(f"{self.name}: there are no images in it.")
        if min(shape[1:]) < 1:
            raise UnbraidError(f"{self.name}: images have shape {shape}, and so no pixels.")
        if self.signal is None or self.signal == Signal.image(self.signal.shape):
            object.__setattr__(self, "signal", Signal.image(self.image_shape))
        elif self.signal.shape != self.image_shape:
            raise UnbraidError(
                f"{self.name}: images have shape {self.image_shape}, but its signal is one of "
                f"shape {self.signal.shape}: give a signal of that shape."
            )
        if self.factors is not None and self.factors.shape != (shape[0], len(self.specs)):
            raise UnbraidError(
                f"{self.name}: factors have shape {self.factors.shape}, expected "
                f"({shape[0]}, {len(self.specs)}): one row an image, one column a factor."
            )
        if type(self) is Dataset and isinstance(self.factors, np.ndarray):
            check_levels(self.factors, self.specs, self.name)  # others make theirs themselves
        if self.groups is None:
            return
        groups = numbered(self.groups)
        if groups.shape != shape[:1]:
            raise UnbraidError(
                f"{self.name}: groups have shape {groups.shape}, expected ({shape[0]},): a number "
                "an image."
            )
        object.__setattr__(self, "groups", groups)

    @classmethod
    def from_arrays(
        cls,
        images: Any,
        factors: Any = None,
        *,
        layout: Layout = "auto",
        signal: Signal | None = None,
        **options: Unpack[PictureOptions],
    ) -> Dataset:
        """Return a data set of images in memory and, if they are known, their factors.

        Args:
            images: (N, H, W), (N, H, W, C) or (N, C, H, W), an array, a tensor or a list of
                pictures; whole numbers in 0..255, truth values or reals in 0..1.
            factors: a mapping or data frame of columns (N,), or an array (N,), (N, F) or of
                records. NaN, None and empty words are unknown.
            layout: where the channels of images with four axes are, ``nchw`` or ``nhwc``.
            signal: what they are, if no plain images: reals are then in the units of its channels.
            **options: ``name``, what it is called in titles; ``units`` of factors, by name;
                ``kinds``, by name too, ``categorical``, ``ordinal``, ``ordinal:LOW/HIGH``,
                ``continuous`` or ``circular:PERIOD`` (those of others are inferred); ``split``,
                ``"train"`` or ``"test"``; ``group``, the column that names the group of each image,
                which is no factor then; ``size``, ``fit``, ``channels`` and ``background``, to
                convert images as ``from_torch`` does, not with ``signal``.

        Raises:
            UnbraidError: what are no images or no factors, or not as many of both.

        >>> factors = {"digit": [7, 1, 7], "angle": [10.5, float("nan"), 30.0]}
        >>> images = np.zeros((3, 8, 8))
        >>> data = Dataset.from_arrays(images, factors, kinds={"angle": "circular:360"})
        >>> [spec.kind for spec in data.specs]
        ['categorical', 'periodic']
        """
        from unbraid.datasets import _convert, _items

        return _convert.from_arrays(images, factors, layout, _items.reading(options), signal)

    @classmethod
    def from_torch(
        cls,
        dataset: Any,
        *,
        names: Sequence[str] | None = None,
        **options: Unpack[PictureOptions],
    ) -> Dataset:
        """Return a data set of all items of a torch data set, or of any that has items.

        Args:
            dataset: its items are (image, label), (image, label, label), (image, {name: label})
                or {"image": ..., name: label}; images are pictures, arrays or tensors. The names of
                classes are taken from its ``classes``.
            names: of the labels.
            **options: ``name``, the name of its class by default; ``units``, ``kinds``, ``group``
                and ``split``, as in ``from_arrays``; ``size``, height and width of the images made
                (their own, if that is one); ``fit``, ``channels`` and ``background``, what pictures
                are made into, as for folders of images.

        Raises:
            UnbraidError: images of several sizes without ``size``, or what are no images or labels.

        >>> items = [(np.full((8, 8), shade), shade) for shade in (0.2, 0.8, 0.2)]
        >>> Dataset.from_torch(items, names=["shade"], size=16).image_shape
        (1, 16, 16)
        """
        from unbraid.datasets import _convert, _items

        return _convert.from_torch(
            dataset, names, _items.reading({"name": type(dataset).__name__, **options})
        )

    @classmethod
    def from_huggingface(
        cls, dataset: Any, *, image: str | None = None, **options: Unpack[PictureOptions]
    ) -> Dataset:
        """Return a data set of a split that Hugging Face's ``datasets`` has loaded.

        Args:
            dataset: has ``column_names`` and ``features``; classes and single values are factors.
            image: the column of the images; the first of that kind if not given.
            **options: as of ``from_torch``.

        Raises:
            UnbraidError: several splits, no column of images, or images of several sizes.
        """
        from unbraid.datasets import _convert, _items

        return _convert.from_huggingface(dataset, image, _items.reading(options))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        images: Any = None,
        *,
        root: str | Path = ".",
        **options: Unpack[PictureOptions],
    ) -> Dataset:
        """Return a data set of a data frame with a row an image, such as one of pandas.

        Args:
            frame: has ``columns``; all but that of the files are factors.
            images: the column of image files or pictures (of Pillow, arrays, or the bytes of
                files), or the images themselves; the column ``file``, ``filename``, ``path`` or
                ``image`` if not given.
            root: the folder that the files' paths start from.
            **options: as of ``from_torch``; paths are read at a ``size`` of 64 by default.

        Raises:
            UnbraidError: no such column, or a file that cannot be read.
        """
        from unbraid.datasets import _convert, _items

        return _convert.from_frame(frame, images, root, _items.reading(options))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        images = f"{len(self):,} {self.split} images {self.image_shape}"
        known = f", factors {', '.join(self.factor_names)}" if self.factor_names else ""
        return f"Dataset('{self.name}': {images}{known})"

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
        hue, where they are defined: docs/your_data.md explains how each is measured.

        Args:
            reference: decides which factors there are, and their ranges; the data set itself if
                not given. A test split takes its train split.

        >>> from unbraid import load_dataset
        >>> some = load_dataset("mnist", split="test").take(np.arange(2000))
        >>> some.measured().factor_names
        ('digit', 'size', 'slant', 'thickness', 'length', 'elongation')
        """
        from unbraid.datasets._measured import with_measured

        return with_measured(self, reference)

    def correlated(
        self, pairs: str | Sequence[Sequence[str]], width: float = 0.1, seed: int = 0
    ) -> Dataset:
        """Return those images in which pairs of factors are correlated, to be trained on.

        A random tenth of the images is left out before, as ``held_out`` of what is returned: their
        factors are as they were, and models trained by ``unbraid.train`` are measured on them.

        Args:
            pairs: ``"shape:scale,posX:posY"``, or pairs of names.
            width: standard deviation of the ridge ``exp(-(a - b)^2 / (2 width^2))`` that the
                density of two factors gets, where each goes from 0 to 1 (Traeuble et al. 2021,
                "On Disentangled Representations Learned from Correlated Data").
            seed: of the rows that are kept.

        Raises:
            UnbraidError: factors that are not there, or no images that are left.

        >>> from unbraid import load_dataset
        >>> data = load_dataset("shapes3d").correlated("floor_hue:wall_hue", width=0.1)
        >>> floor, wall = (data.factor(name) for name in ("floor_hue", "wall_hue"))
        >>> bool(np.corrcoef(floor, wall)[0, 1] > 0.9)
        True
        """
        wanted = correlation_of(pairs, width, self.name)
        train, test = in_parts(self)
        held_out = dataclasses.replace(test, correlation=wanted)
        return dataclasses.replace(correlated(train, wanted, seed), held_out=held_out)

    def thinned(self, weigh: Weigh, seed: Seed) -> Dataset:
        """Return rows that are kept with a probability of their weight by the highest one.

        A data set that draws its images may draw others, and return as many as it has.

        Raises:
            UnbraidError: fewer than two are kept.
        """
        weight = weigh(np.asarray(self.factors))
        draws = np.random.default_rng(seed).random(len(weight))
        rows = np.flatnonzero(draws * weight.max() < weight)
        check_left(len(rows), self)
        return some(self, rows)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Return the data set made of the given rows, in that order.

        Raises:
            UnbraidError: there are no such rows.
        """
        try:
            if not isinstance(rows, slice):
                rows = np.arange(len(self))[np.asarray(rows) if len(rows) else slice(0)]
        except IndexError as error:
            raise UnbraidError(
                f"{self.name} has {len(self):,} images, and rows {reprlib.repr(rows)} are none of "
                f"them: give whole numbers from 0 to {len(self) - 1}, or {len(self):,} truth "
                "values."
            ) from error
        factors = None if self.factors is None else self.factors[rows]
        groups = None if self.groups is None else self.groups[rows]
        return dataclasses.replace(self, images=self.images[rows], factors=factors, groups=groups)

    def draw(self, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Return an image of each row of factors (M, F), uint8 (M, C, H, W), whichever its split.

        None, the default, where there are only the images there are.
        """
        return None

    def pairs(
        self,
        rows: NDArray[Any],
        rule: Rule = 1,
        seed: Seed = 0,
        among: NDArray[np.int64] | None = None,
    ) -> Pairs:
        """Return for each of the rows another image that differs from it in some factors.

        The other images are rows of this data set, so that a train split gives none of the test
        split's; where no row differs in the factors drawn, it is one that differs in as many
        others. A data set that draws its images draws them and holds what is no factor, such as
        the handwriting of ``digits``. A factor with a single value never changes. A changed value
        is uniform over the others; it counts as changed even where a symmetry makes it look the
        same.

        Args:
            rows: (B,), the first images of the pairs.
            rule: how many factors change. A whole number k; ``"uniform"``, k uniform on 1..F-1 of
                the F that can (Locatello et al. 2020, "Weakly-Supervised Disentanglement Without
                Compromises", section 5); or ``"redraw-one-or-k"``, the rule of that paper's public
                code: one factor or k, uniform on 1..F-1, with equal chance, is drawn again from all
                of its values, so that it may keep its own. Of images in groups: ``"group"``, any
                other image of the same group; or ``"next"``, the next one in the order of the data
                set (the one before for the last). No factor need be known then.
            seed: a number or several, such as (seed, purpose, counter): the pairs of a training
                step then do not depend on what ran before.
            among: the rows that partners are taken from, such as those trained on; all if not
                given. A data set that draws its images draws the partners, too, and ignores it.

        Returns:
            ``images`` uint8 (B, C, H, W), and ``changed`` bool (B, F): which factors differ, of
            those known.

        Raises:
            UnbraidError: no groups where they are asked for, factors that are unknown, more to
                change than there are, or a row from which no other differs in that many.

        >>> from unbraid import load_dataset
        >>> data = load_dataset("dsprites")
        >>> images, changed = data.pairs(np.arange(64), rule=2, seed=(0, 7, 100))
        >>> images.shape, set(changed.sum(1).tolist())
        ((64, 1, 64, 64), {2})
        """
        if rule in GROUPED:
            index = self._indices.of(self, among, group_index)
            found = group_partners(self, index, rows, str(rule), np.random.default_rng(seed))
            return Pairs(np.asarray(self.images[found]), self._differ(rows, found))
        found, changed = partner_rows(
            self, self._indices.of(self, among, index_of), rows, rule, seed
        )
        return Pairs(np.asarray(self.images[found]), changed)

    def _differ(self, rows: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which factors differ between rows, (B, F), False where one is unknown."""
        if self.factors is None:
            return np.zeros((len(rows), 0), bool)
        one, other = self.factors[rows], self.factors[others]
        known = ~np.isnan(one.astype(float)) & ~np.isnan(other.astype(float))
        return np.asarray((one != other) & known)

    @cached_property
    def _indices(self) -> Indices:
        return Indices()
