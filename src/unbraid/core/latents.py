"""Kinds of latents: how each is sampled, decoded from an index, varied in figures and measured.

A code is a row of columns. A latent has one column, or one a category. ``Layout`` says which
columns of a code belong to which latent; methods declare it. No torch: sampling with torch's
random numbers is ``unbraid.nn.distributions.prior_sample``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# p(z) of the latents that are numbers, from which codes are drawn: "gaussian": N(0, 1);
# "uniform": U(-1, 1); "levels": each level of a quantised latent with the same probability;
# "none": codes are held to no prior, and N(0, 1) stands in; "mixed": latents differ;
# "own": whatever the method's ``prior_sample`` draws, such as styles given factors.
Prior = Literal["gaussian", "uniform", "levels", "none", "mixed", "own"]
Randomness = Literal["normal", "uniform", "level"]


@dataclass(frozen=True)
class Latent:
    """One latent of a code: the base of all kinds, each of which is a number unless it says else.

    ``prior`` names p(z), ``prior_text`` writes it. ``randomness`` is what a sample is made from:
    standard normal numbers, numbers of U(0, 1), or a level's index, all equally probable.
    """

    prior: ClassVar[Prior] = "gaussian"
    prior_text: ClassVar[str] = "N(0, I)"
    randomness: ClassVar[Randomness] = "normal"
    categorical: ClassVar[bool] = False  # values without an order, one-hot columns

    @property
    def width(self) -> int:
        """How many columns of a code it has."""
        return 1

    @property
    def levels(self) -> int | None:
        """How many values it can take; None if any number."""
        return None

    @property
    def discrete(self) -> bool:
        """Whether metrics see a variable of finitely many values, which needs no binning."""
        return self.levels is not None

    def place(self, numbers: Any) -> Any:
        """Return samples of p(z) made from random numbers of ``randomness``, array or tensor."""
        return numbers

    def encode(self, columns: Floats) -> Floats:
        """Return columns (..., W) of codes as the one number that metrics see, (...,)."""
        return columns[..., 0]

    def path(self, shares: Floats, low: float, high: float) -> Floats:
        """Return columns (S, W) of a traversal from ``low`` to ``high`` at shares of the way."""
        return (low + (high - low) * shares)[:, None]

    def quantiles(self, steps: int) -> Floats:
        """Return the middles of equally probable intervals of p(z), (steps,).

        >>> Gaussian().quantiles(3).round(2).tolist()
        [-0.97, 0.0, 0.97]
        """
        from scipy.special import ndtri

        places: Floats = ndtri((np.arange(steps) + 0.5) / steps)
        return places


class Gaussian(Latent):
    """A number whose prior is N(0, 1)."""


class Point(Latent):
    """A number without a prior, such as an autoencoder's; N(0, 1) stands in where one is drawn."""

    prior = "none"


class Uniform(Latent):
    """A number whose prior is U(-1, 1)."""

    prior = "uniform"
    prior_text = "U(-1, 1)"
    randomness = "uniform"

    def place(self, numbers: Any) -> Any:
        """Return samples of U(-1, 1) made from numbers of U(0, 1), array or tensor."""
        return numbers * 2 - 1

    def quantiles(self, steps: int) -> Floats:
        """Return the middles of equally probable intervals of U(-1, 1), (steps,)."""
        return (np.arange(steps) + 0.5) / steps * 2 - 1


class Discrete(Latent):
    """A latent of finitely many values, each with its columns: the base of two kinds."""

    randomness = "level"

    @property
    def levels(self) -> int:
        """How many values it can take."""
        return len(self.table)

    @property
    def table(self) -> Floats:
        """The columns of each value, (levels, W)."""
        raise NotImplementedError

    def index(self, columns: Floats) -> Ints:
        """Return which value columns (..., W) are nearest to, (...,)."""
        raise NotImplementedError

    def decode(self, index: ArrayLike) -> Floats:
        """Return the columns (..., W) of values given by their index (...,).

        >>> Categorical(3).decode([2, 0]).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        >>> Quantised.evenly(3).decode([2, 0]).tolist()
        [[1.0], [-1.0]]
        """
        columns: Floats = self.table[np.asarray(index)]
        return columns

    def path(self, shares: Floats, low: float, high: float) -> Floats:
        """Return all values one after the other, spread over the shares, whatever the ends."""
        return self.decode(self._spread(shares))

    def _spread(self, shares: Floats) -> Ints:
        count = len(self.table)
        return np.minimum((shares * count).astype(np.int64), count - 1)


@dataclass(frozen=True)
class Categorical(Discrete):
    """A category out of ``categories``, without an order: one-hot columns, or probabilities.

    >>> Categorical(10).width
    10
    """

    categories: int
    prior: ClassVar[Prior] = "levels"
    prior_text: ClassVar[str] = "the uniform distribution over categories"
    categorical: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """A column for each category."""
        return self.categories

    @property
    def table(self) -> Floats:
        """One-hot columns, (categories, categories)."""
        return np.eye(self.categories)

    def index(self, columns: Floats) -> Ints:
        """Return the most probable category of columns (..., categories), (...,)."""
        return np.asarray(columns.argmax(-1))

    def encode(self, columns: Floats) -> Floats:
        """Return the most probable category's index, (...,)."""
        return self.index(columns).astype(np.float64)


@dataclass(frozen=True)
class Quantised(Discrete):
    """An ordered number that takes one of the given values only.

    Metrics that estimate entropies see a discrete variable, linear ones the number. The code
    holds the value, not its index.

    Args:
        values: at least 2, in ascending order.

    >>> Quantised((-1.0, 0.0, 2.0)).index(np.array([[1.2], [-3.0]])).tolist()
    [2, 0]
    """

    values: tuple[float, ...]
    prior: ClassVar[Prior] = "levels"
    prior_text: ClassVar[str] = "the uniform distribution over levels"

    def __post_init__(self) -> None:
        if len(self.values) < 2 or list(self.values) != sorted(self.values):
            raise UnbraidError(
                f"the values of a quantised latent are {self.values}, expected at least two "
                "numbers in ascending order."
            )

    @classmethod
    def evenly(cls, levels: int, low: float = -1.0, high: float = 1.0) -> Quantised:
        """Return a latent of that many levels, evenly spaced from ``low`` to ``high``.

        >>> Quantised.evenly(5).values
        (-1.0, -0.5, 0.0, 0.5, 1.0)
        """
        return cls(tuple(np.linspace(low, high, levels).tolist()))

    @property
    def table(self) -> Floats:
        """The values as one column, (levels, 1)."""
        return np.array(self.values)[:, None]

    def index(self, columns: Floats) -> Ints:
        """Return the level whose value is nearest to columns (..., 1), (...,)."""
        return np.asarray(np.abs(columns - np.array(self.values)).argmin(-1))

    def encode(self, columns: Floats) -> Floats:
        """Return the nearest value, (...,)."""
        return np.array(self.values)[self.index(columns)]

    def quantiles(self, steps: int) -> Floats:
        """Return the levels one after the other, spread over the steps, (steps,)."""
        return self.decode(self._spread((np.arange(steps) + 0.5) / steps))[:, 0]


class _Columns(Protocol):
    def __getitem__(self, key: Any, /) -> Any: ...


Codes = TypeVar("Codes", bound=_Columns)


@dataclass(frozen=True)
class Layout:
    """Which columns of a code belong to which latent, and what each latent is.

    Args:
        latents: in the order of their columns: categorical ones, then quantised, then others.

    Raises:
        UnbraidError: another order.

    >>> Layout([Categorical(10), Gaussian(), Gaussian()]).width
    12
    >>> Layout([Quantised.evenly(5)] * 8).levels
    (5, 5, 5, 5, 5, 5, 5, 5)
    """

    latents: Sequence[Latent] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "latents", tuple(self.latents))
        ranks = [0 if latent.categorical else 2 - latent.discrete for latent in self.latents]
        if ranks != sorted(ranks):
            kinds = ", ".join(type(latent).__name__ for latent in self.latents)
            raise UnbraidError(
                f"the latents are {kinds}, expected categorical ones first, then quantised ones, "
                "then all others."
            )

    @cached_property
    def categories(self) -> tuple[int, ...]:
        """How many categories each categorical latent has; they come first."""
        return tuple(latent.width for latent in self.latents if latent.categorical)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """How many levels each quantised latent has; they follow the categorical ones."""
        levels = (latent.levels for latent in self.latents if not latent.categorical)
        return tuple(count for count in levels if count is not None)

    @property
    def numbers(self) -> int:
        """How many latents are numbers of one column each, quantised and continuous."""
        return len(self.latents) - len(self.categories)

    @property
    def continuous(self) -> int:
        """How many latents are numbers of any value; they come last."""
        return self.numbers - len(self.levels)

    @cached_property
    def width(self) -> int:
        """D, columns of a code."""
        return sum(latent.width for latent in self.latents)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """The columns of each latent."""
        ends = np.cumsum([0, *(latent.width for latent in self.latents)]).tolist()
        return tuple(slice(start, end) for start, end in pairwise(ends))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The latents' names: ``c0``, ... for categorical ones and ``z0``, ... for numbers.

        >>> Layout([Categorical(3), Quantised.evenly(4), Gaussian()]).names
        ('c0', 'z0', 'z1')
        """
        skip = len(self.categories)
        return (*(f"c{i}" for i in range(skip)), *(f"z{i}" for i in range(self.numbers)))

    @property
    def prior(self) -> Prior:
        """What the prior is of the latents that are numbers; ``mixed`` if they differ."""
        kinds: set[Prior] = {latent.prior for latent in self.latents if not latent.categorical}
        return "gaussian" if not kinds else kinds.pop() if len(kinds) == 1 else "mixed"

    @property
    def prior_text(self) -> str:
        """The prior of the latents that are numbers, in words.

        >>> Layout([Quantised.evenly(4), Gaussian()]).prior_text
        'the uniform distribution over levels and N(0, I)'
        """
        numbers = (latent.prior_text for latent in self.latents if not latent.categorical)
        return " and ".join(dict.fromkeys(numbers)) or "the uniform distribution over categories"

    def split(self, codes: Codes) -> tuple[list[Codes], Codes]:
        """Return each categorical latent's columns (..., K), and the numbers (..., numbers)."""
        skip = len(self.categories)
        blocks: list[Codes] = [codes[..., part] for part in self.columns[:skip]]
        rest: Codes = codes[..., sum(self.categories) :]
        return blocks, rest

    def encode(self, codes: NDArray[Any]) -> Floats:
        """Return codes (N, D) with one column a latent, as metrics take them, (N, latents).

        A category's probabilities become its index, and a quantised latent the nearest value.

        >>> Layout([Categorical(2), Gaussian()]).encode(np.array([[0.1, 0.9, 0.5]]))
        array([[1. , 0.5]])
        """
        parts = zip(self.latents, self.columns, strict=True)
        columns = [latent.encode(codes[:, part]) for latent, part in parts]
        return np.stack(columns, 1) if columns else np.zeros((len(codes), 0))

    def snap(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return codes (..., D) whose quantised latents have the values nearest to those given."""
        if not self.levels:
            return codes
        snapped = codes.copy()
        for latent, part in zip(self.latents, self.columns, strict=True):
            if isinstance(latent, Quantised):
                snapped[..., part] = latent.encode(codes[..., part])[..., None]
        return snapped

    def with_values(self, values: Iterable[ArrayLike]) -> Layout:
        """Return the layout with other values of the quantised latents, such as learned ones.

        Args:
            values: of each quantised latent in turn, (levels,), in any order.

        >>> Layout([Quantised.evenly(2)]).with_values([[0.5, -0.25]]).latents
        (Quantised(values=(-0.25, 0.5)),)
        """
        given = iter(values)
        return Layout(
            [
                Quantised(tuple(np.sort(np.asarray(next(given), np.float64)).tolist()))
                if isinstance(latent, Quantised)
                else latent
                for latent in self.latents
            ]
        )
