"""The KL term decomposed: index-code mutual information, total correlation, dimension-wise KL.

Chen et al. 2018, "Isolating Sources of Disentanglement in VAEs", equation 2:

    E_n KL(q(z|n) || p(z)) = I(z; n) + KL(q(z) || prod_j q(z_j)) + sum_j KL(q(z_j) || p(z_j))

All three need log q(z), the aggregate posterior over the N training images, which a batch of B
can only estimate. ``minibatch_decomposition`` estimates it inside the training step; ``monitor``
computes it over many thousand posteriors, for reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.nn.distributions import LOG_2PI, gaussian_kl, gaussian_log_density, gaussian_sample

Estimator = Literal["mss", "mws"]

NEGLIGIBLE = -80.0  # nats: e^-80 is lost in rounding, yet not a denormal in single precision
CHUNK = 200_000  # pairs of a code and a posterior scored at once: a few megabytes, cache-sized


def log_importance_weights(
    batch: int, total: int, estimator: Estimator, device: torch.device | None = None
) -> Tensor:
    """Return log W, shape (batch, batch), where log q(z_i) = logsumexp_k(log W_ik + log q(z_i|k)).

    ``mss`` (minibatch stratified sampling, Chen et al. 2018, appendix C.2): the image a code came
    from is in the batch for certain and so weighs only 1/N; one other weighs (N-M)/(NM) and the
    rest 1/M, with M = batch - 1. Every row sums to one, and q(z) is estimated without bias.

    ``mws`` (minibatch weighted sampling, C.1): every weight is 1/(NB). Simpler, but it adds
    constants: log N to the mutual information, (D-1) log N to the total correlation and -D log N
    to the dimension-wise KL. They cancel in the sum and have no gradient.

    Note where the 1/N belongs: on the diagonal. A widely copied version writes it into column 0
    of every row instead, which leaves each code's own density at 1/M and caps the mutual
    information near log B.

    >>> log_importance_weights(4, 100, "mss").exp().sum(1)
    tensor([1., 1., 1., 1.], dtype=torch.float64)
    """
    # GPUs of Apple have no float64
    dtype = torch.float32 if device is not None and device.type == "mps" else torch.float64
    if estimator == "mws":
        value = -math.log(total * batch)
        return torch.full((batch, batch), value, dtype=dtype, device=device)
    if batch < 2:
        raise UnbraidError(f"the mss estimator needs a batch of at least 2 images, found {batch}.")
    if batch > total:
        raise UnbraidError(
            f"the batch has {batch} images and the data set {total}: give the number of images of "
            "the data set, or a smaller batch."
        )
    others = batch - 1
    weights = torch.full((batch, batch), 1 / others, dtype=dtype, device=device)
    rows = torch.arange(batch, device=device)
    # filled in without an index, which would send the numbers to a GPU one by one
    following = (rows[:, None] + 1) % batch == rows
    weights = weights.masked_fill(following, (total - others) / (total * others))
    return weights.masked_fill(rows[:, None] == rows, 1 / total).log()


def log_sum_exp(values: Tensor, dim: int) -> Tensor:
    """Return log sum exp(values) over a dimension, with shares below e^-80 counted as e^-80.

    Narrow posteriors are thousands of nats apart, and exponentials that underflow to denormal
    numbers take CPUs ten times as long; torch.logsumexp computes them, this does not.
    """
    peak = values.detach().amax(dim, keepdim=True)
    # threshold is clamp(min=...) with a gradient computed several times as fast
    shares = F.threshold(values - peak, NEGLIGIBLE, NEGLIGIBLE).exp()
    return shares.sum(dim).log() + peak.squeeze(dim)


def minibatch_log_q(density: Tensor, log_weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the estimates of log q(z_i), (B,), and of each log q(z_ij), (B, D).

    Args:
        density: log q(z_ij|n_k), row i a code, column k a posterior, (B, B, D).
        log_weights: from ``log_importance_weights``, (B, B).
    """
    joint = log_sum_exp(log_weights + density.sum(2), 1)
    return joint, log_sum_exp(log_weights[:, :, None] + density, 1)


def minibatch_decomposition(
    z: Tensor, mean: Tensor, logvar: Tensor, log_weights: Tensor
) -> dict[str, Tensor]:
    """Estimate the three terms from one batch, each averaged over its B codes, nats.

    Args:
        z: codes, one drawn from each posterior, (B, D).
        mean, logvar: the batch's posteriors q(z|n), (B, D).
        log_weights: from ``log_importance_weights``, (B, B).

    Returns:
        ``index_code_mi``, ``total_correlation`` and ``dimwise_kl``; their sum is the sampled KL.
    """
    # laid out (D, B, B) in memory: sums over posteriors are twice as quick along rows
    code, centre, spread = (values.T.contiguous() for values in (z, mean, logvar))  # (D, B)
    density = gaussian_log_density(code[:, :, None], centre[:, None], spread[:, None])
    density = density.permute(1, 2, 0)  # (B, B, D)
    log_q_z, log_q_zj = minibatch_log_q(density, log_weights.to(density))
    log_q_marginals = log_q_zj.sum(1)  # (B,)
    log_q_z_given_n = gaussian_log_density(z, mean, logvar).sum(1)  # (B,)
    log_p_z = gaussian_log_density(z, z.new_zeros(()), z.new_zeros(())).sum(1)  # (B,)
    return {
        "index_code_mi": (log_q_z_given_n - log_q_z).mean(),
        "total_correlation": (log_q_z - log_q_marginals).mean(),
        "dimwise_kl": (log_q_marginals - log_p_z).mean(),
    }


@dataclass(frozen=True)
class Decomposition:
    """The KL decomposition of an aggregate posterior, in nats, with standard errors.

    ``index_code_mi``, ``total_correlation`` and ``dimwise_kl`` are (value, standard error);
    ``kl`` is the closed-form total they sum to in expectation, ``dimwise`` the dimension-wise KL
    of each latent, ``images`` the N over which q(z) is exact and ``samples`` the codes drawn.
    """

    index_code_mi: tuple[float, float]
    total_correlation: tuple[float, float]
    dimwise_kl: tuple[float, float]
    kl: float
    dimwise: tuple[float, ...]
    images: int
    samples: int

    def explain(self) -> str:
        """Say in a sentence or two what the values mean and what limits them."""
        limit = math.log(self.images)
        text = (
            f"Exact mixture of {self.images:,} posteriors, {self.samples:,} sampled codes: neither "
            "mutual information nor total correlation can be negative but by sampling error."
        )
        if self.index_code_mi[0] > limit - 0.5:
            text += (
                f" The mutual information is at its ceiling log N = {limit:.2f} nats, so each "
                "posterior is a spike of its own and the total correlation is that of the spikes: "
                "it says little of the latents' dependence."
            )
        return text


def _mixture_log_densities(z: Tensor, mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return log (1/N) sum_n q(z|n) of codes (S, D), shape (S,), and of each latent, (S, D).

    Codes are standardised in double precision, since a narrow posterior multiplies their last
    digits; the rest is in single precision, which costs up to 1e-5 nats. Each code came from one of
    the posteriors, so a latent's sum cannot underflow and needs no shift.
    """
    means, precisions = mean.T.contiguous(), torch.exp(-0.5 * logvar).T.contiguous()  # (D, N)
    log_peaks = -0.5 * (LOG_2PI + logvar)  # log q at its mean
    peaks, log_peak = log_peaks.exp().float().T.contiguous(), log_peaks.sum(1).float()
    joint, each = [], []
    for part in torch.split(z, max(1, CHUNK // len(mean))):
        exponents = log_peak.repeat(len(part), 1)  # (chunk, N)
        sums = []
        for j, peak in enumerate(peaks):
            standard = (part[:, j, None] - means[j]).mul_(precisions[j]).float()
            exponent = standard.square_().mul_(-0.5)
            exponents += exponent
            sums.append(exponent.clamp_(min=NEGLIGIBLE).exp_() @ peak)
        joint.append(log_sum_exp(exponents, 1))
        each.append(torch.stack(sums, 1).log())
    log_total = math.log(len(mean))
    return torch.cat(joint).double() - log_total, torch.cat(each).double() - log_total


@torch.no_grad()
def monitor(mean: Tensor, logvar: Tensor, samples: int = 4000, seed: int = 0) -> Decomposition:
    """Measure the three terms with q(z) the exact mixture of all given posteriors.

    Training's own figures come from small batches and are biased (the estimate of log q(z) is a
    log of a mean), so a logged total correlation may even be negative. This one is not: each
    sampled code is scored against all N posteriors, so every term is unbiased for the N images
    given, and its standard error is returned.

    Args:
        mean, logvar: posteriors of N images, (N, D).
        samples: how many codes to draw, spread evenly over the images.
        seed: of the draw.
    """
    mean, logvar = mean.cpu().double(), logvar.cpu().double()
    total = len(mean)
    noise = torch.Generator().manual_seed(seed)
    order = torch.randperm(total, generator=noise)
    rows = order.repeat(-(-samples // total))[:samples]
    z = gaussian_sample(mean[rows], logvar[rows], noise)  # (S, D)

    with torch.autocast("cpu", enabled=False):  # a caller's bf16 is for networks, not for this
        log_q_z, log_q_zj = _mixture_log_densities(z, mean, logvar)  # (S,), (S, D)
    log_q_z_given_n = gaussian_log_density(z, mean[rows], logvar[rows]).sum(1)
    log_p_zj = gaussian_log_density(z, z.new_zeros(()), z.new_zeros(()))

    def estimate(values: Tensor) -> tuple[float, float]:
        return float(values.mean()), float(values.std() / math.sqrt(samples))

    return Decomposition(
        index_code_mi=estimate(log_q_z_given_n - log_q_z),
        total_correlation=estimate(log_q_z - log_q_zj.sum(1)),
        dimwise_kl=estimate((log_q_zj - log_p_zj).sum(1)),
        kl=float(gaussian_kl(mean, logvar).sum(1).mean()),
        dimwise=tuple((log_q_zj - log_p_zj).mean(0).tolist()),
        images=total,
        samples=samples,
    )
