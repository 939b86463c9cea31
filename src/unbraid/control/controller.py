"""The protocol of a controller, and checks that its implementations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec

if TYPE_CHECKING:
    from unbraid.control.language.request import Request
    from unbraid.methods import Method


Redraw = Callable[[NDArray[np.float64]], NDArray[np.float32]]  # (N, F) to (N, C, H, W)


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

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model infers them."""

    def redrawing(self, images: Any) -> Redraw:
        """Return a function of factors that redraws images with their style kept."""

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images with the requested changes and everything else kept."""

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""


class Edits(ABC):
    """Edits and swaps of a controller, by reading the factors and drawing the image again."""

    specs: tuple[FactorSpec, ...]

    @abstractmethod
    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F)."""

    @abstractmethod
    def redrawing(self, images: Any) -> Redraw:
        """Return a function of factors (N, F) that redraws images with their style kept."""

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images (N, C, H, W) with the requested changes and everything else kept."""
        return self.redrawing(images)(changes.applied(self.specs, self.read(images)))

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``.

        Raises:
            UnbraidError: an unknown factor, or unequal numbers of images.
        """
        columns = [column_of(name, self.specs) for name in names]
        factors, other = self.read(a), self.read(b)
        if len(factors) != len(other):
            raise UnbraidError(
                f"there are {len(factors)} images to change, but {len(other)} to take factors "
                "from: give as many of both."
            )
        factors[:, columns] = other[:, columns]
        return self.redrawing(a)(factors)


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
