"""Control of any method with codes, by a model of its codes that is estimated from few labels.

Codes z given factors f are modelled as linear and Gaussian in functions phi of the factors,

    z_S | f ~ N(mean + W' phi(f), C),        the other latents from the prior,

where phi has an indicator for each level of a categorical factor, polynomials of a number and
harmonics of an angle (``design_matrix``). W is estimated by a regression that selects the factors
of each latent (``ard_regression``), and S are the latents that depend on any. A categorical latent
has a table of probabilities given the factor that it depends on (``categorical_links``).

An image is *drawn* by sampling z given f, *read* by the maximum a posteriori f of its code, and
*edited* by adding the difference of the means given the new and the current factors to its code.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from unbraid.control.controller import Edits, Redrawing, checked_factors, checked_styles
from unbraid.control.linear_gaussian import categorical_links, inference, store
from unbraid.control.linear_gaussian.design_matrix import DesignMatrix
from unbraid.control.linear_gaussian.learning import categorical_values, estimate
from unbraid.control.linear_gaussian.parameters import Parameters
from unbraid.core.factors import FactorSpec
from unbraid.methods import Method

Array = NDArray[np.float64]


class Fitted(Edits):
    """Control of any method's model, with parameters estimated by ``fit``.

    Args:
        model: of any method.
        specs: of the factors.
        params: of the model of its codes.
        seed: of the random numbers behind styles.
    """

    def __init__(
        self, model: Method, specs: Sequence[FactorSpec], params: Parameters, seed: int
    ) -> None:
        self.model, self.specs, self.params, self.seed = model, tuple(specs), params, seed
        self.design = DesignMatrix(self.specs)
        self.categories = model.layout.categories
        self.skip = sum(self.categories)  # number of columns before the latents that are numbers
        self.noise_root = _square_root(params.noise_cov)
        model.eval()

    # -- the protocol of a controller ---------------------------------------------------------

    @property
    def reading_error(self) -> None:
        """Not known: labels are too few to hold some out."""

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the given factors, (N, C, H, W) on [0, 1].

        Args:
            factors: (N, F).
            styles: (N,) integers; everything in image n that is not given by the factors depends
                on styles[n] only.
        """
        rows = checked_factors(factors, self.specs)
        numbers = checked_styles(styles, len(rows))
        return self._decode(self._code(rows, *self.noise(numbers)), numbers)

    def read(self, images: Any) -> Array:
        """Return the factors of images, (N, F), inferred from their codes."""
        return self.read_codes(self._encode(images))

    def redrawing(self, images: Any) -> Redrawing:
        """Read images once; return their factors and what redraws them with their style kept."""
        codes = self._encode(images)
        current = self.read_codes(codes)
        return Redrawing(current, lambda to: self._decode(self.move(codes, current, to)))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write control.safetensors and control.json into the model's run folder."""
        store.save(Path(folder), self.model, self.params, self.specs, self.seed)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], model: Method) -> Fitted:
        """Return the controller of a model from its run folder."""
        params, specs, seed = store.load(Path(folder), model)
        return cls(model, specs, params, seed)

    # -- codes ---------------------------------------------------------------------------------

    def read_codes(self, codes: Array) -> Array:
        """Return the maximum a posteriori factors of codes (N, D), (N, F)."""
        values = categorical_values(codes, self.categories)
        return inference.infer_factors(self.design, self.params, values, codes[:, self.skip :])

    def move(self, codes: Array, current: Array, target: Array) -> Array:
        """Return codes (N, D) shifted from current to target factors, (N, F) each."""
        moved = codes.copy()
        shift = (self.design(target) - self.design(current)) @ self.params.weights
        moved[:, self.skip :] += shift
        start = 0
        for count, link in zip(self.categories, self.params.links, strict=True):
            block = moved[:, start : start + count]
            if link.factor >= 0:
                before, after = (
                    categorical_links.factor_bins(self.design, link.factor, factors)
                    for factors in (current, target)
                )
                differs = before != after
                block[differs] = np.eye(count)[link.table[after[differs]].argmax(1)]
            start += count
        return moved

    def _code(self, factors: Array, normal: Array, gumbel: Array) -> Array:
        """Return codes (N, D) of factors, normal (N, numbers) and Gumbel noise (N, skip)."""
        params, layout = self.params, self.model.layout
        given = params.code_mean + (self.design(factors) - params.phi_mean) @ params.weights
        residuals = normal @ self.noise_root.T
        given = given + inference.consistent_residuals(self.design, params, factors, residuals)
        mean, deviation = params.free_moments
        free = 2 * ndtr(normal) - 1 if layout.prior == "uniform" else mean + normal * deviation
        continuous = np.where(params.informative, given, free)
        blocks, start = [], 0
        for count, link in zip(self.categories, params.links, strict=True):
            rows = np.zeros(len(factors), int)
            if link.factor >= 0:
                rows = categorical_links.factor_bins(self.design, link.factor, factors)
            logits = np.log(link.table[rows]) if link.factor >= 0 else 0.0
            blocks.append(np.eye(count)[(logits + gumbel[:, start : start + count]).argmax(1)])
            start += count
        return np.concatenate([*blocks, continuous], 1)

    def noise(self, styles: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the normal (N, numbers) and Gumbel noise (N, skip) of styles."""
        width = self.model.layout.numbers
        normal, gumbel = np.zeros((len(styles), width)), np.zeros((len(styles), self.skip))
        for row, style in enumerate(styles.tolist()):
            rng = np.random.default_rng((self.seed, style % 2**63))
            normal[row], gumbel[row] = rng.standard_normal(width), rng.gumbel(size=self.skip)
        return normal, gumbel

    # -- images --------------------------------------------------------------------------------

    def _encode(self, images: Any) -> Array:
        return np.asarray(self.model.encode(images).numpy(), np.float64)

    @torch.no_grad()
    def _decode(self, codes: Array, styles: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        tensor = torch.from_numpy(self.model.layout.snap(codes).astype(np.float32))
        if styles is None or type(self.model).pixel_sample is Method.pixel_sample:
            return np.asarray(self.model.decode(tensor).numpy())
        images = np.zeros((len(codes), *self.model.image_shape), np.float32)
        for row, style in enumerate(
            styles.tolist()
        ):  # the decoder's noise depends on the style too
            noise = torch.Generator().manual_seed(style % 2**63)
            code = tensor[row : row + 1].to(self.model.device)
            images[row] = self.model.pixel_sample(code, noise)[0].cpu().numpy()
        return images


def fit(
    model: Method,
    codes: ArrayLike,
    factors: ArrayLike,
    specs: Sequence[FactorSpec],
    seed: int = 0,
) -> Fitted:
    """Return a controller of a model, estimated from codes and factors of labelled images.

    Args:
        model: of any method.
        codes: (N, D), ``model.encode`` of the images.
        factors: (N, F), NaN where a label is missing; a factor without any is not controlled.
        specs: of the factors.
        seed: of the random numbers behind styles.

    Raises:
        UnbraidError: arrays whose shapes do not match, or too few labels.

    >>> from unbraid import load_dataset, train
    >>> data = load_dataset("digits", n=300, canvas=32, stream=True)
    >>> model = train("vae", data, epochs=1, batch_size=50)
    >>> codes = model.encode(data.images[:100])
    >>> controller = fit(model, codes, data.factors[:100], data.specs)
    >>> controller.draw([[7, 30, 0, 0, 20, 4]], styles=[5]).shape
    (1, 1, 32, 32)
    """
    return Fitted(model, specs, estimate(model, codes, factors, DesignMatrix(specs)), seed)


def _square_root(noise: Array) -> Array:
    """Return R with R R' = noise, a covariance that may be singular."""
    values, vectors = np.linalg.eigh(noise) if len(noise) else (noise[:0].sum(1), noise)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
