"""What the methods have in common whose codes are columns of factors, then a style."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid.core.factors import FactorSpec
from unbraid.core.latents import Categorical, Gaussian, Layout
from unbraid.methods._base import Images, Method
from unbraid.methods._capabilities import TakesFactors
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._given import images_given
from unbraid.methods._labelled import LabelledConfig
from unbraid.nn import nets


class Conditional(Method, TakesFactors):
    """A method that draws images of factors and a style.

    Args:
        config: the method's options.
        image_shape: (C, H, W).
        specs: of the factors.
        style_dim: number of style latents.
    """

    needs = frozenset({"factors", "labelled"})
    prior_kind = "own"  # factors evenly, and styles
    rejects = True

    def __init__(
        self,
        config: LabelledConfig,
        image_shape: nets.ImageShape,
        specs: tuple[FactorSpec, ...],
        style_dim: int,
    ) -> None:
        coder = FactorCodes(specs)
        reals = coder.width - coder.categories
        numbers = [Gaussian()] * (reals + style_dim)
        layout = Layout([*map(Categorical, coder.levels), *numbers])
        super().__init__(config, image_shape, layout)
        self.specs, self.coder = tuple(specs), coder
        self.factor_width, self.style_dim = coder.width, style_dim

    @torch.no_grad()
    def factor_codes(self, factors: Tensor) -> Tensor:
        """Return the code columns of factors (N, F), (N, factor_width)."""
        return self.coder.encode(factors)

    @torch.no_grad()
    def factors_of(self, codes: Tensor) -> Tensor:
        """Return the factors that codes (N, D) say, (N, F)."""
        return self.coder.decode(codes)

    def read(self, images: Tensor) -> Tensor:
        """Return the code columns read from images (B, C, H, W), (B, factor_width)."""
        raise NotImplementedError

    def read_factors(self, images: Images) -> Tensor:
        """Return the factors of images as the model reads them, (N, F), and not their style."""
        given = images_given(images, self.image_shape)
        columns = self._by_rows(lambda rows: self.read(self.to_pixels(rows)), given)
        return self.factors_of(columns)
