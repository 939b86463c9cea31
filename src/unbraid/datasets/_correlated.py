"""Training images in which given pairs of factors are correlated; the others are left as they were.

Traeuble et al. 2021, "On Disentangled Representations Learned from Correlated Data": with
factors scaled to [0, 1],

    p(f_a, f_b) is proportional to exp(-(f_a - f_b)^2 / (2 width^2))

and Roth et al. 2023 for several pairs, whose densities are multiplied. A factor with levels is
scaled by their number, whatever it means: categories in their order, a circle cut at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.datasets._groups import whole_groups

if TYPE_CHECKING:
    from unbraid.datasets._dataset import Dataset, ImageSource

Floats = NDArray[np.float64]
Weigh = Callable[[NDArray[Any]], Floats]  # factors (N, F) to weights in 0..1, (N,)
STREAM = 9  # of the draws that choose rows
AT_ONCE = 256 << 20  # bytes of images that are copied rather than read row by row
PART = 10  # one image in so many is held out where there is no test split


@dataclass(frozen=True)
class Correlation:
    """Which factors are correlated in the training images, and how closely.

    Args:
        pairs: names of factors.
        width: standard deviation of the ridge, where each factor goes from 0 to 1.
    """

    pairs: tuple[tuple[str, str], ...]
    width: float

    @property
    def text(self) -> str:
        """The pairs as an option: ``shape:scale,posX:posY``."""
        return ",".join(":".join(pair) for pair in self.pairs)

    @property
    def told(self) -> str:
        """The pairs and the width in words."""
        named = ", of ".join(f"{one} and {other}" for one, other in self.pairs)
        return f"a correlation of {named} (width {self.width:g})"

    @property
    def note(self) -> str:
        """What results say of images without the correlation."""
        return f"the model was trained on images with {self.told}, which these images do not have"


def correlation_of(pairs: str | Sequence[Sequence[str]], width: float, owner: str) -> Correlation:
    """Return the correlation that a user asks for.

    Args:
        pairs: ``"shape:scale,posX:posY"``, or pairs of names.
        width: of the ridge.
        owner: how an error calls the data.

    Raises:
        UnbraidError: what are no pairs, or a width that is not above 0.

    >>> correlation_of("shape:scale, posX:posY", 0.1, "dsprites").pairs
    (('shape', 'scale'), ('posX', 'posY'))
    """
    given: list[Any] = list(pairs)
    if isinstance(pairs, str):
        given = [[name.strip() for name in pair.split(":")] for pair in pairs.split(",")]
    found = [tuple(str(name) for name in pair) for pair in given if not isinstance(pair, str)]
    sound = [len(pair) == len(set(pair)) == 2 and all(pair) for pair in found]
    if not found or len(found) < len(given) or not all(sound):
        raise UnbraidError(
            f"{owner}: the pairs of correlated factors are {pairs!r}, expected two different names "
            "with a colon between them, and commas between pairs, such as shape:scale,posX:posY."
        )
    sets = [frozenset(pair) for pair in found]
    for pair in found:
        if sets.count(frozenset(pair)) > 1:
            raise UnbraidError(
                f"{owner}: {pair[0]} and {pair[1]} are to be correlated twice: name each pair once."
            )
    if not (isfinite(width) and width > 0):
        raise UnbraidError(
            f"{owner}: the width of a correlation is {width:g}, expected a number above 0, such as "
            "0.1 (strong) to 0.7 (weak)."
        )
    return Correlation(tuple((pair[0], pair[1]) for pair in found), float(width))


def correlated_options(data: Dataset) -> dict[str, Any]:
    """Return the options of a data set's correlation, as config.json holds them; {} without one."""
    found = data.correlation
    return {"correlated": found.text, "correlated_width": found.width} if found else {}


def scaled(column: NDArray[Any], spec: FactorSpec) -> Floats:
    """Return values of a factor on a scale from 0, its lowest, to 1, its highest, (N,)."""
    low, high = (0.0, len(spec.values) - 1.0) if spec.values is not None else (spec.range or (0, 0))
    if high <= low:
        raise UnbraidError(
            f"{spec.name} has a single value, so it cannot be correlated: name another factor."
        )
    return (np.asarray(column, np.float64) - low) / (high - low)


def weights(factors: NDArray[Any], specs: Sequence[FactorSpec], wanted: Correlation) -> Floats:
    """Return the density of rows of factors (N, F) under a correlation, (N,).

    At most 1; 0 where one of the factors is unknown.

    >>> specs = [FactorSpec(name, "ordinal", values=(0, 1, 2)) for name in "ab"]
    >>> weights(np.array([[0, 0], [0, 1], [0, 2]]), specs, Correlation((("a", "b"),), 0.5)).round(3)
    array([1.   , 0.607, 0.135])
    """
    names = [spec.name for spec in specs]
    away = np.zeros(len(factors))
    for pair in wanted.pairs:
        for name in pair:
            if name not in names:
                raise UnbraidError(
                    f"there is no factor '{name}' to correlate{did_you_mean(name, names)}: the "
                    f"factors are {', '.join(names) or 'unknown'}."
                )
        one, other = (scaled(factors[:, at], specs[at]) for at in map(names.index, pair))
        away += (one - other) ** 2
    return np.nan_to_num(np.exp(-away / (2 * wanted.width**2)), nan=0.0)


def correlated(data: Dataset, wanted: Correlation, seed: int = 0) -> Dataset:
    """Return the images of a data set in which factors are correlated.

    A row is kept with a probability that is its density by the highest one: no image is in it
    twice. A data set that draws its images draws as many as it has.

    Raises:
        UnbraidError: no factors, none of a name, or fewer than two rows that are kept.
    """
    check(data, wanted)
    specs = data.specs
    chosen = data.thinned(lambda factors: weights(factors, specs, wanted), [seed, STREAM])
    note = f"{len(chosen):,} images with {wanted.told}, of {len(data):,} without."
    return replace(chosen, notes=(*data.notes, note), correlation=wanted)


def check_left(count: int, data: Dataset) -> None:
    """Raise an UnbraidError if hardly any images have factors of any weight."""
    if count < 2:
        raise UnbraidError(
            f"{data.name}: {count} of {len(data):,} images are left under the correlation asked "
            "for: give it a larger width or fewer pairs."
        )


def check(data: Dataset, wanted: Correlation) -> None:
    """Raise an UnbraidError unless a data set has the factors that are to be correlated."""
    if data.factors is None:
        raise UnbraidError(
            f"{data.name}: correlated needs images whose factors are known, and there are none: "
            "take data with factors."
        )
    weights(data.factors[:1], data.specs, wanted)


def in_parts(data: Dataset) -> tuple[Dataset, Dataset]:
    """Return nine tenths of a data set and the random other tenth, to train and to test on."""
    order = np.random.default_rng(STREAM).permutation(len(data))
    edge = max(1, len(data) // PART)
    kept, left_out = np.sort(order[edge:]), np.sort(order[:edge])
    if data.groups is not None:
        out = whole_groups(data.groups, edge, STREAM)
        kept, left_out = np.flatnonzero(~out), np.flatnonzero(out)
    train, test = (
        replace(some(data, rows), split=split)
        for rows, split in ((kept, "train"), (left_out, "test"))
    )
    return train, test


class Deferred:
    """Images of which rows are not read when they are taken, but when they are asked for."""

    def __init__(self, images: ImageSource) -> None:
        self.images = images

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return self.images.shape

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: NDArray[np.int64]) -> Any:
        from unbraid.datasets._factored import Rows

        return Rows(self.images, rows)


def some(data: Dataset, rows: NDArray[np.int64]) -> Dataset:
    """Return rows of a data set; large ones, and those that are drawn, when they are asked for."""
    small = isinstance(data.images, np.ndarray) and len(rows) * prod(data.image_shape) <= AT_ONCE
    return data.take(rows) if small else replace(data, images=Deferred(data.images)).take(rows)


def split_of(
    load: Callable[[str], Dataset], split: str, wanted: Correlation, *, full: bool
) -> Dataset:
    """Return a split of a data set that is correlated in its train split alone.

    Where there is no test split, a tenth of the images, drawn at random, is that.

    Args:
        load: gives a split of the data set as it is.
        split: ``"train"`` or ``"test"``.
        wanted: the correlation.
        full: whether both splits are the same images.
    """
    test = None
    if not full:
        with suppress(UnbraidError):  # there may be none
            test = load("test")
    if test is None:
        train, test = in_parts(load("train"))
    elif split == "train":
        train = load("train")
    if split == "train":
        return correlated(train, wanted)
    check(test, wanted)
    return replace(test, correlation=wanted)
