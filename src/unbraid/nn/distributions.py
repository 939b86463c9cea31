"""Likelihoods p(x|z), Gaussian codes q(z|x), their KL divergences and samples, all in nats.

Every function keeps one value an image (or one an image and latent): objectives decide what to
average. Sums run over pixels and channels, never means, so that beta means what the papers mean.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.latents import Discrete, Layout

LOG_2PI = math.log(2 * math.pi)


def bernoulli_log_likelihood(logits: Tensor, images: Tensor) -> Tensor:
    """Return log p(x|z) = sum over pixels of x log s(l) + (1-x) log(1-s(l)), shape (B,), nats.

    For grey pixels this is minus a cross-entropy, not a density: it never reaches 0 but stops at
    minus the pixels' own entropy (see ``bernoulli_entropy``). Kingma & Welling 2014, app. C.1.

    >>> bernoulli_log_likelihood(torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)) / 16
    tensor([-0.6931, -0.6931])
    """
    loss = F.binary_cross_entropy_with_logits(logits, images, reduction="none")
    return -loss.flatten(1).sum(1)


def bernoulli_entropy(images: Tensor) -> Tensor:
    """Return -sum x log x + (1-x) log(1-x) over pixels, shape (B,): the cross-entropy's floor."""
    pixels: Tensor = torch.special.entr(images) + torch.special.entr(1 - images)
    return pixels.flatten(1).sum(1)


def gaussian_log_likelihood(mean: Tensor, images: Tensor, log_variance: Tensor | float) -> Tensor:
    """Return log N(x; mean, exp(log_variance)) summed over pixels, shape (B,), nats.

    The full density, constants included; pixels are on [0, 1], so values may be positive.

    >>> float(gaussian_log_likelihood(torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), 0.0))
    -0.9189385175704956
    """
    log_variance = torch.as_tensor(log_variance, dtype=mean.dtype, device=mean.device)
    squares = (images - mean).square().flatten(1).sum(1)
    pixels = mean[0].numel()
    return -0.5 * (squares * torch.exp(-log_variance) + pixels * (log_variance + LOG_2PI))


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mean, exp(logvar)) || N(0, 1)) of each latent, shape of ``mean``, nats.

    Kingma & Welling 2014, appendix B.

    >>> gaussian_kl(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]))
    tensor([0.0000, 0.5000])
    """
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


def gaussian_sample(mean: Tensor, logvar: Tensor, noise: torch.Generator) -> Tensor:
    """Draw z ~ q(z|x) = N(mean, exp(logvar)) by reparameterisation, shape of ``mean``."""
    epsilon = torch.randn(mean.shape, generator=noise, device=mean.device, dtype=mean.dtype)
    return mean + torch.exp(0.5 * logvar) * epsilon


def gaussian_log_density(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Return log N(z; mean, exp(logvar)) of each latent, the arguments broadcast, nats."""
    return -0.5 * (LOG_2PI + logvar + (z - mean).square() * torch.exp(-logvar))


def categorical_kl(logits: Tensor) -> Tensor:
    """Return KL(softmax(logits) || uniform) = sum_k q_k log(K q_k), shape (...,), nats.

    Between 0 and log K; Dupont 2018, "Learning Disentangled Joint Continuous and Discrete
    Representations", appendix A.

    >>> categorical_kl(torch.tensor([[0.0, 0.0], [50.0, 0.0]]))
    tensor([0.0000, 0.6931])
    """
    log_q = torch.log_softmax(logits, -1)
    # where q is 0, log q is -inf and their product 0
    return (log_q.exp() * log_q.clamp(min=-1e30)).sum(-1) + math.log(logits.shape[-1])


def gumbel_softmax_sample(logits: Tensor, temperature: float, noise: torch.Generator) -> Tensor:
    """Draw relaxed one-hot vectors softmax((logits + g) / temperature), g Gumbel noise.

    Jang et al. 2017, "Categorical Reparameterization with Gumbel-Softmax", equation 2.
    """
    gumbel = -torch.empty_like(logits).exponential_(generator=noise).log()
    return torch.softmax((logits + gumbel) / temperature, -1)


def prior_sample(layout: Layout, count: int, noise: torch.Generator) -> Tensor:
    """Draw codes from the prior p(z) of each latent, (count, D).

    Consecutive continuous latents of one kind are drawn in one call.

    >>> from unbraid.core.latents import Categorical, Gaussian, Quantised
    >>> layout = Layout([Categorical(3), Quantised.evenly(2), Gaussian()])
    >>> prior_sample(layout, 100, torch.Generator().manual_seed(0)).shape
    torch.Size([100, 5])
    """
    device, columns = noise.device, [torch.zeros(count, 0, device=noise.device)]
    for _, group in groupby(layout.latents, type):
        latents = list(group)
        for latent in latents:
            if isinstance(latent, Discrete):
                index = torch.randint(latent.levels, (count,), generator=noise, device=device)
                columns.append(_table(latent, device)[index])
        if not latents[0].discrete:
            draw = torch.randn if latents[0].randomness == "normal" else torch.rand
            numbers = draw((count, len(latents)), generator=noise, device=device)
            columns.append(latents[0].place(numbers))
    return torch.cat(columns, 1)


@cache
def _table(latent: Discrete, device: torch.device) -> Tensor:
    """Return the columns of each level, on the device for good."""
    return torch.from_numpy(latent.table.astype("float32")).to(device)  # not all have float64
