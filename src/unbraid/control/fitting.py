"""Control of any method with codes: which latents carry which factor, learnt from few labels.

For a code z and factors f the model is linear and Gaussian in functions of the factors,

    z_S | f ~ N(mean + W' phi(f), C),        the other latents from the prior,

where phi holds an indicator for each level of a category (so that z has a mean for each), and for
a number its value and its bend, or its harmonics on a circle. W comes from a regression that
decides for each latent and factor whether there is anything (``_relevance``); S are the latents
with evidence for it. A categorical latent has a table for the factor it goes with (``_links``).

An image is *drawn* by drawing z, *read* by the factors that make its code most probable, and
*edited* by moving z from where its factors put it to where the new ones do.
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

from unbraid.control import _inversion, _links, _stored
from unbraid.control._basis import Basis
from unbraid.control._learning import Fit, learn, values_of
from unbraid.control.controller import checked, column_of
from unbraid.control.requests import Request
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.methods import Method

Array = NDArray[np.float64]


class Fitted:
    """Draws, reads and changes images of any method by their factors.

    Args:
        model: any method's model.
        specs: of the factors.
        found: what ``fit`` learnt.
        seed: of the free randomness.
    """

    def __init__(self, model: Method, specs: Sequence[FactorSpec], found: Fit, seed: int) -> None:
        self.model, self.specs, self.found, self.seed = model, tuple(specs), found, seed
        self.basis = Basis(self.specs)
        self.categories = model.layout.categories
        self.skip = sum(self.categories)  # columns of a code before the continuous ones
        self.root = _root(found.noise)
        model.eval()

    # -- what is asked of a controller ---------------------------------------------------------

    def draw(self, factors: ArrayLike, styles: ArrayLike) -> NDArray[np.float32]:
        """Return images that have the given factors, (N, C, H, W) on [0, 1].

        Args:
            factors: (N, F).
            styles: (N,) whole numbers; all that is free in image n depends on its own alone.
        """
        rows = checked(factors, self.specs)
        numbers = np.asarray(styles, np.int64).ravel()
        if len(numbers) != len(rows):
            raise UnbraidError(
                f"there are {len(numbers)} styles for {len(rows)} rows of factors: give one a row."
            )
        return self._decode(self._code(rows, *self._noise(numbers)), numbers)

    def read(self, images: Any) -> Array:
        """Return the factors of images as their codes tell them, (N, F)."""
        return self.read_codes(self._encode(images))

    def edit(self, images: Any, changes: Request) -> NDArray[np.float32]:
        """Return images (N, C, H, W) with some factors changed and all else kept."""
        codes = self._encode(images)
        now = self.read_codes(codes)
        return self._decode(self.move(codes, now, changes.applied(self.specs, now)))

    def swap(self, a: Any, b: Any, names: Sequence[str]) -> NDArray[np.float32]:
        """Return images ``a`` with the named factors of images ``b``."""
        codes = self._encode(a)
        taken = self.read(b)
        if len(taken) != len(codes):
            raise UnbraidError(
                f"there are {len(codes)} images to change but {len(taken)} to take from."
            )
        now = self.read_codes(codes)
        columns = [column_of(name, self.specs) for name in names]
        wanted = now.copy()
        wanted[:, columns] = taken[:, columns]
        return self._decode(self.move(codes, now, wanted))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write control.safetensors and control.json into the model's run folder."""
        _stored.save(Path(folder), self.model, self.found, self.specs, self.seed)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], model: Method) -> Fitted:
        """Return the controller of a model that a run folder holds."""
        arrays, specs, seed = _stored.load(Path(folder), model)
        return cls(model, specs, Fit(**arrays), seed)

    # -- codes ---------------------------------------------------------------------------------

    def read_codes(self, codes: Array) -> Array:
        """Return the most probable factors of codes (N, D), (N, F)."""
        return _inversion.read(
            self.basis, self.found, values_of(codes, self.categories), codes[:, self.skip :]
        )

    def move(self, codes: Array, now: Array, wanted: Array) -> Array:
        """Return codes (N, D) moved from factors they are read as to others, (N, F) each."""
        moved = codes.copy()
        shift = (self.basis(wanted) - self.basis(now)) @ self.found.weights
        moved[:, self.skip :] += shift
        start = 0
        for count, link in zip(self.categories, self.found.links, strict=True):
            block = moved[:, start : start + count]
            if link.factor >= 0:
                before, after = (_links.bins(self.basis, link.factor, f) for f in (now, wanted))
                other = before != after
                block[other] = np.eye(count)[link.table[after[other]].argmax(1)]
            start += count
        return moved

    def _code(self, factors: Array, normal: Array, gumbel: Array) -> Array:
        """Return codes (N, D) of factors and noise, normal (N, continuous), gumbel (N, rest)."""
        found, layout = self.found, self.model.layout
        made = found.mean + (self.basis(factors) - found.middle) @ found.weights
        made = made + _inversion.consistent(self.basis, found, factors, normal @ self.root.T)
        prior = 2 * ndtr(normal) - 1 if layout.uniform else found.free[0] + normal * found.free[1]
        continuous = np.where(found.carried, made, prior)
        blocks, start = [], 0
        for count, link in zip(self.categories, found.links, strict=True):
            rows = np.zeros(len(factors), int)
            if link.factor >= 0:
                rows = _links.bins(self.basis, link.factor, factors)
            odds = np.log(link.table[rows]) if link.factor >= 0 else 0.0
            blocks.append(np.eye(count)[(odds + gumbel[:, start : start + count]).argmax(1)])
            start += count
        return np.concatenate([*blocks, continuous], 1)

    def _noise(self, styles: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return normal noise (N, continuous) and Gumbel noise (N, rest), by style."""
        width = self.model.layout.continuous
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
        tensor = torch.from_numpy(codes.astype(np.float32))
        if styles is None or type(self.model).pixel_sample is Method.pixel_sample:
            return np.asarray(self.model.decode(tensor).numpy())
        images = np.zeros((len(codes), *self.model.image_shape), np.float32)
        for row, style in enumerate(styles.tolist()):  # what the decoder draws is the style's, too
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
    """Return a controller of a model, learnt from the codes and factors of labelled images.

    Args:
        model: any method's model.
        codes: (N, D), ``model.encode`` of the images.
        factors: (N, F), NaN where a label is missing.
        specs: of the factors.
        seed: of the free randomness of what will be drawn.

    Raises:
        UnbraidError: arrays that do not fit each other or the model, or too few labels.

    >>> from unbraid import load_dataset, train
    >>> data = load_dataset("digits", n=300, canvas=32, stream=True)
    >>> model = train("vae", data, epochs=1, batch_size=50)
    >>> codes = model.encode(data.images[:100])
    >>> controller = fit(model, codes, data.factors[:100], data.specs)
    >>> controller.draw([[7, 30, 0, 0, 20, 4]], styles=[5]).shape
    (1, 1, 32, 32)
    """
    return Fitted(model, specs, learn(model, codes, factors, Basis(specs)), seed)


def _root(noise: Array) -> Array:
    """Return R with R R' = noise, for a covariance that may be singular."""
    values, vectors = np.linalg.eigh(noise) if len(noise) else (noise[:0].sum(1), noise)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
