"""Control of a method whose model takes factors as input."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unbraid.control.controller import Draw, Edits, Redrawing, checked_factors, checked_styles
from unbraid.methods import Method, TakesFactors


class Native(Edits):
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
        return self.reject and cast(TakesFactors, self.model).rejects

    @property
    def examples(self) -> NDArray[np.float64] | None:
        """Factors from their joint distribution, (K, F), NaN where unknown; None if not stored."""
        rows = cast(TakesFactors, self.model).examples().cpu()
        found: NDArray[np.float64] = rows.double().numpy()
        return found if len(found) else None

    @property
    def reading_error(self) -> NDArray[np.float64] | None:
        """Usual error of the model's readings, (F,), in each factor's unit; None if not known."""
        error = cast(TakesFactors, self.model).reading_error()
        return None if error is None else error.detach().cpu().double().numpy()

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the factors (N, F), (N, C, H, W) on [0, 1].

        Args:
            factors: as stored in a data set, indices for levels.
            styles: (N,) integers.

        Raises:
            UnbraidError: rows of another width, or another number of styles than rows.
        """
        given = checked_factors(factors, self.specs)
        return self.drawing()(given, checked_styles(styles, len(given)))

    def drawing(self) -> Draw:
        """Return a function that does as ``draw``, and remembers the styles of its calls.

        Whether a style is rejected takes as long to find out as drawing with it, and is the same
        whatever the factors but the categorical ones.
        """
        columns = [k for k, spec in enumerate(self.specs) if spec.kind == "categorical"]
        known: dict[tuple[float, ...], Tensor] = {}

        def draw(factors: NDArray[np.float64], styles: NDArray[np.int64]) -> NDArray[np.float32]:
            numbers = styles.tolist()
            keys = list(zip(numbers, *factors[:, columns].T.tolist(), strict=True))
            rows = torch.from_numpy(factors).float().to(self.model.device)
            fresh = [row for row, key in enumerate(keys) if key not in known]
            if fresh or not keys:
                found = self._styles([numbers[row] for row in fresh], rows[fresh])
                known.update(zip([keys[row] for row in fresh], found, strict=True))
            style = torch.stack([known[key] for key in keys]) if keys else found
            return self._decode(rows, style)

        return draw

    def _styles(self, numbers: list[int], rows: Tensor) -> Tensor:
        """Return the styles (N, S) of integers for rows of factors (N, F)."""
        model = cast(TakesFactors, self.model)
        base = np.zeros((len(numbers), model.style_dim + 1), np.float32)
        for row, style in enumerate(numbers):
            base[row] = np.random.default_rng(style % 2**63).standard_normal(base.shape[1])
        style_from = model.style_from if self.reject else model.first_style
        return style_from(torch.from_numpy(base).to(self.model.device), rows)

    def read(self, images: Any) -> NDArray[np.float64]:
        """Return the factors of images, (N, F), as the model reads them."""
        found = cast(TakesFactors, self.model).read_factors(images)
        return found.numpy().astype(np.float64)

    def redrawing(self, images: Any) -> Redrawing:
        """Read images once; return their factors and what redraws them with their style kept."""
        model = cast(TakesFactors, self.model)
        codes = self.model.encode(images).to(self.model.device)
        style, before = codes[:, model.factor_width :], model.factors_of(codes)

        def redraw(factors: NDArray[np.float64]) -> NDArray[np.float32]:
            rows = torch.from_numpy(factors).float().to(self.model.device)
            return self._decode(rows, model.restyle(style, before, rows))

        return Redrawing(before.cpu().double().numpy(), redraw)

    @torch.no_grad()
    def _decode(self, rows: Tensor, style: Tensor) -> NDArray[np.float32]:
        columns = cast(TakesFactors, self.model).factor_codes(rows)
        return self.model.decode(torch.cat([columns, style], 1).cpu()).numpy()


def takes_factors(model: Method) -> bool:
    """Whether a model takes factors as input."""
    return isinstance(model, TakesFactors)
