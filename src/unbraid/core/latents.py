"""Latents of a code: what each is, and which columns of the code belong to it.

A code is a row of columns. A latent has one column, or one a category. Methods declare their
latents as a ``Layout``. No torch: sampling with torch's random numbers is
``unbraid.nn.distributions.prior_sample``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.latent_kinds import (
    Categorical,
    Discrete,
    Floats,
    Gaussian,
    Latent,
    Point,
    Prior,
    Quantised,
    Uniform,
)

__all__ = [
    "Categorical",
    "Discrete",
    "Gaussian",
    "Latent",
    "Layout",
    "Point",
    "Prior",
    "Quantised",
    "Uniform",
]


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
