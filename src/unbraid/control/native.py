"""Control of a method whose model takes factors as input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unbraid.control.controller import (
    check_equal_count,
    checked_factors,
    checked_styles,
    column_of,
)
from unbraid.methods import Method

if TYPE_CHECKING:
    from unbraid.control.language.request import Request


class _TakesFactors(Protocol):
    """A model whose codes are the columns of factors followed by those of the style."""

    factor_width: int  # K
    style_dim: int  # S

    def factor_codes(self, factors: Tensor) -> Tensor:
        """Return the code columns of factors (N, F), (N, K)."""

    def factors_of(self, codes: Tensor) -> Tensor:
        """Return the factors of codes (N, K + S), (N, F)."""

    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style, (N, S), of standard normal numbers (N, S + 1) for factors (N, F)."""

    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return styles (N, S) adapted from the factors of images to other factors, (N, F) each."""


class Native:
    """Control of a method that takes factors itself.

    For refined images, see ``ClosedLoop``.

    Args:
        model: of ``conditional-vae``, or another whose codes are [factors' columns, style].
        reject: let the model draw a style again that it rejects; if False, the first style is
            taken (``first_style`` of the model).
    """

    def __init__(self, model: Method, reject: bool = True) -> None:
        self.model = model.eval()
        self.specs = tuple(cast(Any, model).specs)
        self.reject = reject

    @property
    def rejects(self) -> bool:
        """Whether the model rejects styles and draws them again."""
        return self.reject and hasattr(self.model, "first_style")

    @property
    def examples(self) -> NDArray[np.float64] | None:
        """Factors from their joint distribution, (K, F), NaN where unknown; None if not stored."""
        if not hasattr(self.model, "examples"):
            return None
        found: NDArray[np.float64] = cast(Any, self.model).examples().cpu().double().numpy()
        return found if len(found) else None

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1].

        Args:
            factors: as stored in a data set, indices for levels.
            styles: (N,) integers.

        Raises:
            UnbraidError: rows of another width, or another number of styles than rows.
        """
        given = checked_factors(factors, self.specs)
        numbers = checked_styles(styles, len(given))
        model = cast(_TakesFactors, self.model)
        base = np.zeros((len(numbers), model.style_dim + 1), np.float32)
        for row, style in enumerate(numbers.tolist()):
            base[row] = np.random.default_rng(style % 2**63).standard_normal(base.shape[1])
        rows = torch.from_numpy(given).float().to(self.model.device)
        style_from = model.style_from
        if not self.reject:  # a model without first_style does not reject
            style_from = getattr(model, "first_style", style_from)
        style = style_from(torch.from_numpy(base).to(self.model.device), rows)
        return self._decode(rows, style)

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model reads them."""
        return self._factors(self.model.encode(images))

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images with the requested changes and their style kept."""
        codes = self.model.encode(images)
        return self._redraw(codes, changes.applied(self.specs, self._factors(codes)))

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""
        codes, other = self.model.encode(a), self.read(b)
        check_equal_count(codes, other)
        rows = self._factors(codes)
        for name in names:
            column = column_of(name, self.specs)
            rows[:, column] = other[:, column]
        return self._redraw(codes, rows)

    def _factors(self, codes: Tensor) -> NDArray[np.float64]:
        found = cast(_TakesFactors, self.model).factors_of(codes)
        return found.numpy().astype(np.float64)

    def _redraw(self, codes: Tensor, factors: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return images with the style of codes and other factors."""
        model = cast(_TakesFactors, self.model)
        codes = codes.to(self.model.device)
        rows = torch.from_numpy(factors).float().to(self.model.device)
        style = model.restyle(codes[:, model.factor_width :], model.factors_of(codes), rows)
        return self._decode(rows, style)

    @torch.no_grad()
    def _decode(self, rows: Tensor, style: Tensor) -> NDArray[np.float32]:
        columns = cast(_TakesFactors, self.model).factor_codes(rows)
        return self.model.decode(torch.cat([columns, style], 1).cpu()).numpy()


def takes_factors(model: Method) -> bool:
    """Whether a model takes factors as input."""
    return all(hasattr(model, name) for name in ("factor_codes", "factors_of", "style_from"))
