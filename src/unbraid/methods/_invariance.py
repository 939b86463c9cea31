"""Categories that a slight warp does not change: what methods with a categorical code may ask for.

Ji et al. 2019, "Invariant Information Clustering for Unsupervised Image Classification and
Segmentation", equation 3: the categories of an image and of its warped copy share as much
information as they can. So they agree, are sure, and are equally frequent.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.methods._base import Images, Method


def shared_information(one: Tensor, other: Tensor) -> Tensor:
    """Return the mutual information, nats, of two views' categories over a batch.

    Ji et al. 2019, equation 3: that of the joint distribution P = mean of p(x) p(x')^T, made
    symmetric. At most log K, reached where views agree surely and categories are equally frequent.

    Args:
        one: probabilities of each image's category, (B, K).
        other: those of its warped copy, (B, K).

    >>> sure = torch.eye(4)
    >>> round(float(shared_information(sure, sure)) / math.log(4), 4)
    1.0
    """
    # not as a matrix product, which autocast would compute in bfloat16
    joint = (one[:, :, None] * other[:, None, :]).mean(0)  # (K, K)
    joint = ((joint + joint.T) / 2).clamp_min(1e-8)
    margin = joint.sum(0).log()
    return (joint * (joint.log() - margin[:, None] - margin[None, :])).sum()


def warp(images: Tensor, noise: torch.Generator, upright: int = 0) -> Tensor:
    """Return images (B, C, H, W) each turned, sheared, scaled and shifted a little at random.

    Up to 15 degrees, 0.3 of slant, a sixth in size and 8% of each side: less than what makes a
    digit another.

    Args:
        images: (B, C, H, W).
        noise: draws the warps.
        upright: how many, the first ones, are only scaled and shifted.
    """
    draws = torch.rand((len(images), 6), generator=noise, device=images.device) * 2 - 1
    draws[:upright, :2] = 0
    angle, slant = draws[:, 0] * math.radians(15), draws[:, 1] * 0.3
    wide, high = (draws[:, 2:4] / 6).exp().unbind(1)
    cos, sin = angle.cos(), angle.sin()
    # places are in halves of each side, in which a turn of an image that is not square is none
    shape = images.shape[2] / images.shape[3]
    across = torch.stack([cos * wide, (slant * cos - sin) * wide * shape, draws[:, 4] * 0.16], 1)
    down = torch.stack([sin * high / shape, (slant * sin + cos) * high, draws[:, 5] * 0.16], 1)
    grid = F.affine_grid(torch.stack([across, down], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images.float(), grid, align_corners=False).to(images.dtype)


def clarity(model: Method, images: Images, seed: int = 0) -> float:
    """Return the information, nats, that the categories of images and of warped ones share.

    At most log K: a model whose first categorical code files images surely, evenly, and as before
    after a slight warp. What it files them by cannot be told without labels, but a category that
    holds halves of two digits has a border through each, where slight warps cross it.

    Args:
        model: one with a categorical code.
        images: (N, C, H, W).
        seed: of the warps.
    """
    pixels = model.to_pixels(images)
    warped = warp(pixels, torch.Generator(pixels.device).manual_seed(seed))
    one, other = (
        model.layout.split(model.encode(part).double())[0][0] for part in (pixels, warped)
    )
    return float(shared_information(one, other))
