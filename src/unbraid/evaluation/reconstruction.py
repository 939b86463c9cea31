"""Held-out reconstruction, KL and ELBO of a finished model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unbraid.core.subsets import some_rows
from unbraid.datasets import ImageSource
from unbraid.methods import ROWS, HasLikelihood, HasPosterior, Method
from unbraid.nn.decomposition import monitor
from unbraid.nn.nets import as_pixels
from unbraid.training import ACTIVE_VARIANCE, generator

LIMIT = 10_000  # images; the decomposition's cost grows with samples times images


def reconstruction_stats(model: Method, images: ImageSource, samples: int = 2000) -> dict[str, Any]:
    """Return reconstruction, KL and ELBO of images, in nats per image unless said otherwise.

    Of more than 10,000 images, a fixed random 10,000 are used.

    Args:
        model: any method's model.
        images: uint8 (N, C, H, W).
        samples: number of codes drawn for the decomposition of the KL.

    Returns:
        ``reconstruction`` (-log p(x|z), z drawn from q(z|x)), ``floor`` (the lowest
        possible Bernoulli cross-entropy), ``squared_error`` (summed over pixels, codes at their
        means), and for methods with a posterior ``kl``, ``elbo``, ``active_units`` and the
        ``decomposition`` with its standard errors.
    """
    chosen = some_rows(len(images), LIMIT)
    count = len(chosen)
    noise = generator(model.device, 0)
    sums: dict[str, float] = {}
    posteriors: list[tuple[Tensor, Tensor]] = []
    kls: list[Tensor] = []
    for start in range(0, count, ROWS):
        rows = np.asarray(images[chosen[start : start + ROWS]])
        pixels = as_pixels(torch.tensor(rows, device=model.device))
        for name, value in _sums(model, pixels, noise).items():
            sums[name] = sums.get(name, 0.0) + value
        with torch.no_grad():
            if isinstance(model, HasPosterior):
                mean, logvar = model.posterior(pixels)
                posteriors.append((mean.cpu(), logvar.cpu()))
                kls.append(model.kl(pixels).cpu().double())  # some GPUs have no float64
    found: dict[str, Any] = {"images": count} | {k: v / count for k, v in sums.items()}
    if kls:
        by_latent = torch.cat(kls).mean(0)
        found["kl"] = float(by_latent.sum())
        found["elbo"] = -found["reconstruction"] - found["kl"]
        found["kl_by_latent"] = [round(value, 4) for value in by_latent.tolist()]
    if posteriors:
        mean, logvar = (torch.cat(part) for part in zip(*posteriors, strict=True))
        found["active_units"] = int((mean.var(0, correction=0) > ACTIVE_VARIANCE).sum())
        found["decomposition"] = _decomposition(mean, logvar, samples)
    return found


def _decomposition(mean: Tensor, logvar: Tensor, samples: int) -> dict[str, Any]:
    """Return the decomposition of the KL as result.json holds it."""
    parts = monitor(mean, logvar, samples)
    terms = ("index_code_mi", "total_correlation", "dimwise_kl")
    found: dict[str, Any] = {
        name: {"value": getattr(parts, name)[0], "standard_error": getattr(parts, name)[1]}
        for name in terms
    }
    return found | {"samples": parts.samples, "note": parts.explain()}


@torch.no_grad()
def _sums(model: Method, pixels: Tensor, noise: torch.Generator) -> dict[str, float]:
    """Return squared error, reconstruction and floor, each summed over a chunk of images."""
    drawn = model.pixel_mean(model.codes(pixels))
    sums = {"squared_error": float((drawn - pixels).square().sum())}
    if isinstance(model, HasLikelihood):
        z = model.draw(pixels, noise)
        sums["reconstruction"] = -float(model.log_likelihood(z, pixels).sum())
        if (floor := model.floor(pixels)) is not None:
            sums["floor"] = float(floor.sum())
    return sums
