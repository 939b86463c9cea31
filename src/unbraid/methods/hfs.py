"""HFS: latents may be correlated, but each combination of their values must have a code near it.

Roth et al. 2023, "Disentanglement of Correlated Factors via Hausdorff Factorized Support":

    loss = -E log p(x|z) + beta KL(q(z|x) || p(z)) + gamma sum over pairs (a, b) of latents of
           max over (i, j) of min over l of (mu_ia - mu_la)^2 + (mu_jb - mu_lb)^2

with mu_i the mean of q(z|x_i) and i, j, l images of the batch. (mu_ia, mu_jb) is a point of the
product of both latents' supports; the term is how far the farthest of these is from any code, the
squared Hausdorff distance of the codes and that product. It is 0 for any distribution of codes,
correlated ones too, in which all combinations occur. Both the point and the nearest code get its
gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Context, Terms
from unbraid.nn.distributions import gaussian_kl, gaussian_sample


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of HFS.

    Args:
        gamma: weight of the Hausdorff distances, nats.
        beta: weight of the KL term; with 0, codes are near points and samples from the prior
            mean little.
        latent_pairs: pairs of latents that a step looks at, drawn at random; all if there are
            fewer.
        points: combinations of two values that a step looks at in each pair of latents, drawn at
            random; 0 takes all of the batch, as the public code does.
        spread: weight of ``sum_j max(0, 1 - sd_j)``, nats, with sd_j the standard deviation of a
            latent's means; keeps codes from shrinking.

    >>> Config(gamma=1000.0).beta
    0.0
    """

    gamma: float = 300.0
    beta: float = 0.0
    latent_pairs: int = 25
    points: int = 100
    spread: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma, 0, "gamma")
        require(self.beta, 0, "beta")
        require(self.latent_pairs, 1, "latent_pairs")
        require(self.points, 0, "points")
        require(self.spread, 0, "spread")


def drawn_pairs(latents: int, count: int, noise: torch.Generator) -> Tensor:
    """Return different pairs a < b of latents, (P, 2), at most ``count`` and drawn at random."""
    every = torch.combinations(torch.arange(latents, device=noise.device))
    if len(every) <= count:
        return every
    order = torch.rand(len(every), generator=noise, device=noise.device).argsort()
    return every[order[:count]]


def farthest(codes: Tensor, points: int, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return the images (i, j, l) of the Hausdorff distance of two latents' codes (B, 2).

    (codes[i, 0], codes[j, 1]) is the point that is farthest from all codes, and l its nearest code.

    Args:
        codes: of a pair of latents.
        points: how many points are drawn; 0 for all B^2.
        noise: draws them.
    """
    with torch.no_grad():
        one, other = ((z[:, None] - z[None]).square() for z in codes.unbind(1))  # (B, B) each
        count = len(codes)
        if points:
            first, second = torch.randint(
                count, (2, points), generator=noise, device=codes.device
            ).unbind()
            most = (one[first] + other[second]).amin(1).argmax()
            i, j = first[most], second[most]
        else:
            most = (one[:, None] + other[None]).amin(2).argmax()
            i, j = most // count, most % count
        return i, j, (one[i] + other[j]).argmin()


def hausdorff(codes: Tensor, pairs: Tensor, points: int, noise: torch.Generator) -> Tensor:
    """Return the sum over pairs of latents (P, 2) of squared Hausdorff distances of codes (B, D).

    >>> corner = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # (1, 1) is not there
    >>> hausdorff(corner, torch.tensor([[0, 1]]), 0, torch.Generator()).item()
    1.0
    """
    found = codes.new_zeros(())
    for a, b in pairs.tolist():
        one, other = codes[:, a], codes[:, b]
        i, j, nearest = farthest(torch.stack([one, other], 1), points, noise)
        # only these three get a gradient from max and min
        found = found + (one[i] - one[nearest]).square() + (other[j] - other[nearest]).square()
    return found


def shrinkage(codes: Tensor) -> Tensor:
    """Return how far the standard deviations of latents over a batch (B, D) are below 1, summed."""
    deviation = (codes.var(0, correction=0) + 1e-6).sqrt()
    return (1 - deviation).clamp_min(0).sum()


class Model(vae.Model):
    """HFS."""

    config: Config
    least_batch = 2  # of one, all combinations are there

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and the unweighted ``hausdorff`` and ``shrinkage``."""
        config, noise = self.config, context.noise
        z = gaussian_sample(mean, logvar, noise)
        log_likelihood = self.log_likelihood(z, images)
        weight = self.kl_weight(context)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), weight * config.beta)
        pairs = drawn_pairs(mean.shape[1], config.latent_pairs, noise)
        distance = hausdorff(mean, pairs, config.points, noise)
        short = shrinkage(mean)
        weighed = config.gamma * distance + config.spread * short
        loss = found["loss"] + weight * weighed
        return {**found, "loss": loss, "hausdorff": distance, "shrinkage": short}
