"""What metrics get of a model and a data set: codes, factors, images, likelihoods."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from torch import Tensor

from unbraid import metrics
from unbraid.core.errors import UnbraidError
from unbraid.core.subsets import some_rows
from unbraid.datasets import Dataset, ImageSource
from unbraid.evaluation import factor_draws
from unbraid.methods import HasLikelihood, HasPosterior, Method, name_of
from unbraid.nn.distributions import gaussian_log_density
from unbraid.nn.nets import as_pixels
from unbraid.training import generator

WEIGHED = 500  # images whose likelihood is estimated: each takes one decoding per sample
Groups = dict[str, dict[str, Any]]
# codes, how many values each categorical one has, and how many levels each quantised one
Coded = tuple[NDArray[np.float64], tuple[int, ...], tuple[int, ...]]


def chosen_rows(data: Dataset, limit: int, seed: int) -> Dataset:
    """Return at most ``limit`` rows of a data set, drawn by the seed and in their order."""
    return data.take(some_rows(len(data), limit, seed))


def varying(data: Dataset) -> Dataset:
    """Return the data set without factors of a single value."""
    if data.factors is None:
        return data
    # NaN: an unknown label
    kept = [j for j, v in enumerate(data.factors.T) if len(np.unique(v[~np.isnan(v)])) > 1]
    specs = tuple(data.specs[j] for j in kept)
    factors = data.factors[:, kept] if len(kept) else None
    return dataclasses.replace(data, factors=factors, specs=specs)


def encoded(model: Method, images: ImageSource) -> NDArray[np.float64]:
    """Return the codes of images as metrics take them, see ``Layout.encode``."""
    return model.layout.encode(model.encode(np.asarray(images[:])).double().numpy())


def image_noise(
    images: NDArray[np.uint8], width: int, seed: int, model: int = 0
) -> NDArray[np.float64]:
    """Return standard normal noise for each image, (N, width), independent even of equal images.

    It does not depend on images that differ, so that a score does not depend on what else is
    measured. Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators",
    figure 13, hashes an image's checksum, how many equal images come before it, the column, the
    model and the seed.

    Args:
        images: uint8 (N, C, H, W).
        width: number of latents.
        seed: of the noise.
        model: a number that others do not have: their codes are drawn independently.
    """
    one: Callable[[int], np.uint64] = np.uint64
    keys = np.fromiter((zlib.crc32(row.tobytes()) for row in images), np.uint64, len(images))
    start = one(int(np.random.SeedSequence([seed, model]).generate_state(1, np.uint64)[0]))
    columns = _equal_before(keys)[:, None] * one(width) + np.arange(width, dtype=np.uint64)
    state: NDArray[Any] = (keys[:, None] << one(32)) + columns + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> one(shift))) * one(factor)
    uniform = ((state ^ (state >> one(31))) >> one(11)).astype(np.float64) + 0.5
    found: NDArray[np.float64] = ndtri(uniform / 2**53)
    return found


def _equal_before(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return how many equal keys come before each, (N,)."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0])
    lengths = np.diff(np.r_[starts, len(keys)])
    before = np.empty(len(keys), np.uint64)
    before[order] = np.arange(len(keys)) - np.repeat(starts, lengths)
    return before


def fingerprint(model: Method) -> int:
    """Return a checksum of a model's weights."""
    found = 0
    for tensor in model.state_dict().values():
        found = zlib.crc32(tensor.detach().cpu().double().numpy().tobytes(), found)
    return found


class Encoding:
    """The codes of a model's images, encoded once, at their first use.

    Args:
        model: any method's model.
        images: uint8 (N, C, H, W).
        sampled: whether codes are drawn from the posterior, in place of its mean.
        seed: of these draws.

    Raises:
        UnbraidError: codes are to be drawn, and the model has no Gaussian posterior.
    """

    def __init__(
        self, model: Method, images: ImageSource, sampled: bool = False, seed: int = 0
    ) -> None:
        self.model, self.images = model, np.asarray(images[:])
        self.sampled, self.seed = sampled, seed
        if sampled and not self.gaussian:
            raise UnbraidError(
                f"{name_of(model.config)} has no Gaussian posterior to draw codes from: measure "
                "its codes with --representation mean."
            )

    @cached_property
    def gaussian(self) -> bool:
        """Whether all latents have a Gaussian posterior, whose mean is the code."""
        latents = self.model.layout.latents
        return isinstance(self.model, HasPosterior) and not any(z.discrete for z in latents)

    @cached_property
    def _parts(self) -> tuple[Tensor, Tensor | None]:
        if self.sampled:
            return torch.from_numpy(self.encode(self.images)).float(), None
        if self.gaussian:
            return self.model.encode_posterior(self.images)
        return self.model.encode(self.images), None

    @cached_property
    def codes(self) -> NDArray[np.float64]:
        """The codes as metrics take them, see ``Layout.encode``."""
        return self.model.layout.encode(self._parts[0].double().numpy())

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the codes of images as metrics take them."""
        if not self.sampled:
            return encoded(self.model, images)
        mean, deviation = np.split(self.described(images), 2, axis=1)
        noise = image_noise(images, mean.shape[1], self.seed, fingerprint(self.model))
        drawn: NDArray[np.float64] = mean + deviation * noise
        return drawn

    def described(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return what codes of images are drawn from: their codes, or (mean, deviation)."""
        if not self.sampled:
            return encoded(self.model, images)
        mean, logvar = (part.double().numpy() for part in self.model.encode_posterior(images))
        return np.concatenate([mean, np.exp(0.5 * logvar)], axis=1)

    def drawn(self, described: NDArray[np.float64], rng: np.random.Generator) -> Any:
        """Return codes drawn from what ``described`` returned, independently for each row."""
        if not self.sampled:
            return described
        mean, deviation = np.split(described, 2, axis=1)
        return mean + deviation * rng.standard_normal(mean.shape)

    @property
    def coded(self) -> Coded:
        """The codes, how many values the categorical ones have, and levels the quantised ones."""
        return self.codes, self.model.layout.categories, self.model.layout.levels

    def provided(self) -> set[str]:
        """Return the names of the arguments of ``metrics.evaluate`` that ``inputs`` can make.

        Those of factors depend on the data.
        """
        found = {"codes", "images", "reconstructions"}
        if self.gaussian and not self.sampled:
            found.add("logvar")
        if self.gaussian and isinstance(self.model, HasLikelihood):
            found.add("log_weights")
        if self.model.layout.categories:
            found.add("categories")
        return found

    @property
    def logvar(self) -> NDArray[np.float64] | None:
        """The log variance of each code, (N, D); None without Gaussian posteriors."""
        found: NDArray[np.float64] | None = None
        if (logvar := self._parts[1]) is not None:
            found = logvar.double().numpy()
        return found

    def reconstructions(self) -> NDArray[np.float32]:
        """Return the images of the codes, (N, C, H, W) on [0, 1]."""
        made: NDArray[np.float32] = self.model.decode(self._parts[0]).numpy()
        return made


@torch.no_grad()
def log_weights(model: Method, images: Tensor, samples: int, seed: int) -> NDArray[Any]:
    """Return log p(x|z) p(z) / q(z|x) at draws from the posterior, (N, samples), nats.

    Burda et al. 2016, "Importance Weighted Autoencoders", equation 8.

    Args:
        model: a method with a Gaussian posterior over all its latents.
        images: (N, C, H, W) on [0, 1].
        samples: draws per image.
        seed: of the draws.
    """
    assert isinstance(model, HasPosterior)  # called for no other
    assert isinstance(model, HasLikelihood)
    noise = generator(model.device, seed)
    rows = []
    for image in torch.split(images.to(model.device), 1):
        mean, logvar = model.posterior(image)
        epsilon = torch.randn((samples, mean.shape[1]), generator=noise, device=model.device)
        z = mean + (0.5 * logvar).exp() * epsilon  # (samples, D)
        zero = z.new_zeros(())
        log_prior = gaussian_log_density(z, zero, zero).sum(1)
        log_q = gaussian_log_density(z, mean, logvar).sum(1)
        log_p = model.log_likelihood(z, image.expand(samples, -1, -1, -1))
        rows.append((log_p + log_prior - log_q).cpu())
    weights: NDArray[Any] = torch.stack(rows).double().numpy()
    return weights


def inputs(
    encoding: Encoding, data: Dataset, needed: set[str], protocol: str, samples: int, seed: int
) -> tuple[Groups, tuple[str, ...]]:
    """Return the arguments of ``metrics.evaluate``, in groups measured apart, and notes on codes.

    Args:
        encoding: of the data set's images by a model.
        data: images, with factors if they are known.
        needed: names of arguments that some metric requires; expensive ones are made only if they
            are among these.
        protocol: ``"none"`` or a name of ``metrics.PROTOCOLS``.
        samples: importance samples per image.
        seed: of every draw.
    """
    model, images = encoding.model, encoding.images
    known = varying(data)
    if protocol in metrics.SIZES and known.factors is not None:
        group, notes = _published(encoding, data, known, protocol, seed)
    else:
        group, notes = {"codes": encoding.codes}, ()
        if known.factors is not None:
            group["factors"] = known.factors
        if (logvar := encoding.logvar) is not None:
            group["logvar"] = logvar
    if known.factors is not None:
        group["specs"] = known.specs
    if model.layout.categories:
        group["categories"] = model.layout.categories
    if model.layout.levels:
        group["levels"] = model.layout.levels
    groups: Groups = {"codes": group}
    if "images" in needed:
        pixels = as_pixels(torch.tensor(images)).numpy()  # a copy: files are mapped read-only
        groups["images"] = {"images": pixels, "reconstructions": encoding.reconstructions()}
    if "log_weights" in needed and encoding.gaussian and isinstance(model, HasLikelihood):
        some = as_pixels(torch.tensor(images[some_rows(len(images), WEIGHED, seed)]))
        groups["likelihood"] = {"log_weights": log_weights(model, some, samples, seed)}
    return groups, notes


def _published(
    encoding: Encoding, data: Dataset, known: Dataset, protocol: str, seed: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return codes and factors to fit and to test on, as many as a protocol says, and a note.

    Factors are drawn anew and their images encoded, as published. If the data set cannot render
    images of given factors, its rows are split instead.

    Args:
        encoding: of the data set's images.
        data: images and factors.
        known: the same, with the factors that vary.
        protocol: a name of ``metrics.SIZES``.
        seed: of the draws.
    """
    train, test = metrics.SIZES[protocol]
    rng = np.random.default_rng(seed)
    group: dict[str, Any] = {}
    if factor_draws.can_draw(data):
        columns = np.array([data.factor_names.index(name) for name in known.factor_names])
        encoder = factor_draws.encoder(data, encoding.described, columns, encoding.drawn)
        factors: NDArray[Any] = factor_draws.draw_factors(known.specs, train + test, rng)
        codes, group["encoder"] = encoder(factors, rng), encoder
        note = f"{train:,} fresh draws of the factors to fit on and {test:,} to test on"
        if data.one_each:
            note += f", from all images of {data.name}, training images among them, as published"
    else:
        factors = np.asarray(known.factors)
        order = rng.permutation(len(factors))
        codes, factors = encoding.codes[order], factors[order]
        asked = f"{train:,} and {test:,} fresh draws of the factors that {protocol} asks for"
        train = min(train, round(len(order) * train / (train + test)))
        note = (
            f"{data.name} cannot be drawn by its factors: {train:,} of its images to fit on and "
            f"{len(order) - train:,} to test on replace the {asked}"
        )
    group |= {"codes": codes[:train], "factors": factors[:train]}
    return group | {"test": (codes[train:], factors[train:])}, (note,)
