"""Kinds of latents: how each is sampled, decoded from an index, varied in figures and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

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
