"""The protocol of a controller, and checks that its implementations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec

if TYPE_CHECKING:
    from unbraid.control.language.request import Request
    from unbraid.methods import Method


Redraw = Callable[[NDArray[np.float64]], NDArray[np.float32]]  # (N, F) to (N, C, H, W)
# factors (N, F) and styles (N,) to images (N, C, H, W)
Draw = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True)
class Redrawing:
    """Images that have been read, and are to be drawn again with their style kept.

    Args:
        factors: of the images as they were read, (N, F).
        draw: a function of factors (N, F) that redraws the images.

    >>> found = Redrawing(np.array([[7.0]]), lambda to: np.zeros((len(to), 1, 16, 16), np.float32))
    >>> found.draw(found.factors + 1).shape
    (1, 1, 16, 16)
    """

    factors: NDArray[np.float64]
    draw: Redraw


class Controller(Protocol):
    """Draws, reads and edits images by their factors; rows of factors are (N, F).

    A style is an integer. Everything in an image that is not given by the factors is a
    deterministic function of its style: the same style under other factors is the same handwriting.
    """

    @property
    def specs(self) -> tuple[FactorSpec, ...]:
        """The factors' specs, one per column."""

    @property
    def model(self) -> Method:
        """The model that draws."""

    @property
    def reading_error(self) -> NDArray[np.float64] | None:
        """Usual error of ``read``, (F,), in each factor's unit; None if unknown."""

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1]."""

    def drawing(self) -> Draw:
        """Return a function that does as ``draw``, to draw other factors in the same styles."""

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model infers them."""

    def redrawing(self, images: Any) -> Redrawing:
        """Read images once; return their factors and what redraws them with their style kept."""

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images with the requested changes and everything else kept."""

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""


class Edits(ABC):
    """Edits and swaps of a controller, by reading the factors and drawing the image again."""

    specs: tuple[FactorSpec, ...]

    @abstractmethod
    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1]."""

    def drawing(self) -> Draw:
        """Return a function that does as ``draw``, to draw other factors in the same styles."""
        return self.draw

    @abstractmethod
    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F)."""

    @abstractmethod
    def redrawing(self, images: Any) -> Redrawing:
        """Read images once; return their factors and what redraws them with their style kept."""

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images (N, C, H, W) with the requested changes and everything else kept."""
        found = self.redrawing(images)
        return found.draw(changes.applied(self.specs, found.factors))

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``.

        Raises:
            UnbraidError: an unknown factor, or unequal numbers of images.
        """
        columns = [column_of(name, self.specs) for name in names]
        if len(a) != len(b):
            raise UnbraidError(
                f"there are {len(a)} images to change, but {len(b)} to take factors from: give as "
                "many of both."
            )
        found = self.redrawing(a)
        factors = found.factors.copy()
        factors[:, columns] = self.read(b)[:, columns]
        return found.draw(factors)


def checked_factors(factors: ArrayLike, specs: Sequence[FactorSpec]) -> NDArray[np.float64]:
    """Return rows of factors (N, F) as floats.

    Raises:
        UnbraidError: another number of columns, or values that are not finite.
    """
    rows = np.ascontiguousarray(np.atleast_2d(np.asarray(factors, np.float64)))
    if rows.ndim != 2 or rows.shape[1] != len(specs) or not np.isfinite(rows).all():
        raise UnbraidError(
            f"factors have shape {rows.shape} or are not all finite, expected a row of "
            f"{len(specs)} numbers per image: {', '.join(spec.name for spec in specs)}."
        )
    return rows


def checked_styles(styles: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return styles (N,) as integers.

    Raises:
        UnbraidError: another number of styles than ``count``.
    """
    numbers = np.asarray(styles).ravel().astype(np.int64)
    if len(numbers) != count:
        raise UnbraidError(
            f"there are {len(numbers)} styles for {count} rows of factors: give one style per row."
        )
    return numbers


def column_of(name: str, specs: Sequence[FactorSpec]) -> int:
    """Return the column of a factor.

    Raises:
        UnbraidError: no factor has this name.
    """
    names = [spec.name for spec in specs]
    if name not in names:
        raise UnbraidError(
            f"unknown factor '{name}'{did_you_mean(name, names)}: this model varies "
            f"{', '.join(names)}."
        )
    return names.index(name)
