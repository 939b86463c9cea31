"""What a finished model reaches on images it never saw: reconstruction, KL, and what they hide."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unbraid.datasets import ImageSource
from unbraid.decomposition import monitor
from unbraid.distributions import bernoulli_entropy, gaussian_kl, gaussian_sample
from unbraid.methods import Method
from unbraid.methods._base import ROWS
from unbraid.nets import as_pixels
from unbraid.training import ACTIVE_VARIANCE, generator

LIMIT = 10_000  # images; the decomposition's cost grows with samples times images


def figures(model: Method, images: ImageSource, samples: int = 2000) -> dict[str, Any]:
    """Return a model's figures on at most 10,000 images, in nats per image unless said otherwise.

    Args:
        model: any method's model.
        images: uint8 (N, C, H, W).
        samples: codes drawn for the decomposition of the KL.

    Returns:
        ``reconstruction`` (-log p(x|z), z drawn from q(z|x)), ``floor`` (what a Bernoulli
        cross-entropy cannot go below), ``squared_error`` (summed over pixels, codes at their
        means), and where there is a posterior ``kl``, ``elbo``, ``active_units`` and the
        ``decomposition`` with its standard errors.
    """
    count = min(len(images), LIMIT)
    sums: dict[str, float] = {}
    means, logvars = [], []
    noise = generator(model.device, 0)
    for start in range(0, count, ROWS):
        pixels = as_pixels(torch.as_tensor(images[start : min(start + ROWS, count)].copy()))
        part, mean, logvar = _sums(model, pixels.to(model.device), noise)
        for name, value in part.items():
            sums[name] = sums.get(name, 0.0) + value
        means.append(mean.cpu())
        logvars.append(logvar.cpu())
    found: dict[str, Any] = {"images": count} | {k: v / count for k, v in sums.items()}
    if model.posterior(pixels[:1].to(model.device)) is None:
        return found
    mean, logvar = torch.cat(means), torch.cat(logvars)
    kl = gaussian_kl(mean.double(), logvar.double())
    parts = monitor(mean, logvar, samples)
    return found | {
        "kl": float(kl.sum(1).mean()),
        "elbo": -found["reconstruction"] - float(kl.sum(1).mean()),
        "active_units": int((mean.var(0) > ACTIVE_VARIANCE).sum()),
        "kl_by_latent": [round(value, 4) for value in kl.mean(0).tolist()],
        "decomposition": {
            name: {"value": getattr(parts, name)[0], "standard_error": getattr(parts, name)[1]}
            for name in ("index_code_mi", "total_correlation", "dimwise_kl")
        }
        | {"samples": parts.samples, "note": parts.explain()},
    }


@torch.no_grad()
def _sums(
    model: Method, pixels: Tensor, noise: torch.Generator
) -> tuple[dict[str, float], Tensor, Tensor]:
    """Return sums over a chunk of images, and the chunk's posteriors (mean, logvar)."""
    codes = model.codes(pixels)
    posterior = model.posterior(pixels)
    mean, logvar = posterior or (codes, codes)
    z = codes if posterior is None else gaussian_sample(mean, logvar, noise)
    sums = {
        "reconstruction": -float(model.log_likelihood(z, pixels).sum()),
        "squared_error": float((model.pixel_mean(codes) - pixels).square().sum()),
    }
    if model.config.likelihood == "bernoulli":
        sums["floor"] = float(bernoulli_entropy(pixels).sum())
    return sums, mean, logvar
