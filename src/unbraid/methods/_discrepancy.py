"""Maximum mean discrepancy between codes and draws from the prior, without bias.

Gretton et al. 2012, "A Kernel Two-Sample Test", equation 3: for rows x and y of two samples,

    MMD^2 = mean_{i!=j} k(x_i, x_j) + mean_{i!=j} k(y_i, y_j) - 2 mean_{i,j} k(x_i, y_j)

Pairs of a row with itself are left out, so that two samples of one distribution give 0 on average.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError

Kernel = Literal["imq", "rbf"]
# of the widths of inverse multiquadrics: Tolstikhin et al. 2018, "Wasserstein Auto-Encoders",
# whose public code sums over them
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def kernel_of(squared: Tensor, dim: int, kernel: Kernel) -> Tensor:
    """Return k at squared distances of standard normal codes with ``dim`` latents.

    ``imq`` is sum_s c_s / (c_s + d^2) with c_s = 2 dim s; ``rbf`` is exp(-d^2 / (2 dim)): twice
    the number of latents is the mean squared distance of two draws from the prior.
    """
    width = 2.0 * dim
    if kernel == "rbf":
        return torch.exp(-squared / width)
    return torch.stack([width * s / (width * s + squared) for s in SCALES]).sum(0)


def mmd(codes: Tensor, prior: Tensor, kernel: Kernel = "imq") -> Tensor:
    """Return the unbiased estimate of MMD^2 of two samples (B, D) and (M, D), a scalar.

    Raises:
        UnbraidError: a sample has fewer than 2 rows.

    >>> rows = torch.eye(4)
    >>> bool(mmd(rows, rows + 3) > mmd(rows, rows + 1))
    True
    """
    fewest = min(len(codes), len(prior))
    if fewest < 2:
        raise UnbraidError(f"the discrepancy needs at least 2 images a batch, found {fewest}.")

    def within(rows: Tensor) -> Tensor:
        # one distance for each pair, none of a row and itself: its root has no gradient at 0
        first, second = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
        squared = (rows[first] - rows[second]).square().sum(1)
        return kernel_of(squared, rows.shape[1], kernel).mean()

    across = (codes[:, None] - prior[None]).square().sum(2)
    return within(codes) + within(prior) - 2 * kernel_of(across, codes.shape[1], kernel).mean()
