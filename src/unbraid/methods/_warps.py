"""Small warps of images, and how they move factors: learned from readings, not built in.

A warp turns, scales, stretches, shears and shifts an image a little. What it does to the factors is
not known for data of one's own, but it is the same for all images and smooth: to second order, the
code columns c of the real and periodic factors move by ``W phi(theta, c)``, where theta are the
warp's parameters and phi holds theta, its products and its products with c. W is a ridge regression
of what a reader reads from warped images on what it reads from the images themselves (Hoerl and
Kennard 1970, "Ridge Regression"). A labelled image then gives as many labelled ones as one likes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Half-widths of a warp's parameters: turn (radians), log of scale, stretch, shear (parts of a
# side), and shifts to the right and down (parts of half a side).
LIMITS = (0.35, 0.2, 0.2, 0.2, 0.2, 0.2)
PARAMETERS = len(LIMITS)
RIDGE = 1e-3
MEMORY = 0.99  # of the regression's moments, an update


def draw_warps(count: int, noise: torch.Generator, still: float = 0.2) -> Tensor:
    """Draw warps in units of their limits, (count, PARAMETERS), a share ``still`` of them none.

    Each has a strength of its own, so that there are weak ones and strong ones.
    """
    drawn = torch.rand((count, PARAMETERS + 2), generator=noise, device=noise.device)
    strength, moved = drawn[:, -1:], drawn[:, -2:-1] >= still
    return (drawn[:, :-2] * 2 - 1) * strength * moved


def warp(images: Tensor, warps: Tensor) -> Tensor:
    """Return images (B, C, H, W) under warps (B, PARAMETERS); what comes from outside is dark."""
    turn, scale, stretch, shear, right, down = (warps * warps.new_tensor(LIMITS)).unbind(1)
    cos, sin = torch.cos(turn), torch.sin(turn)
    # from a place in the warped image to one in the image: rows of two matrices, multiplied
    shrink = (torch.exp(-scale - stretch), shear, shear, torch.exp(-scale + stretch))
    a, b = shrink[0] * cos - shrink[1] * sin, shrink[0] * sin + shrink[1] * cos
    c, d = shrink[2] * cos - shrink[3] * sin, shrink[2] * sin + shrink[3] * cos
    across = torch.stack([a, b, -a * right - b * down], 1)
    along = torch.stack([c, d, -c * right - d * down], 1)
    grid = F.affine_grid(torch.stack([across, along], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, "bilinear", "zeros", align_corners=False)


class WarpAction(nn.Module):
    """How warps move code columns, learned along with a reader.

    Args:
        columns: R, of the real and periodic factors.
    """

    def __init__(self, columns: int) -> None:
        super().__init__()
        size = PARAMETERS + PARAMETERS * (PARAMETERS + 1) // 2 + PARAMETERS * columns
        self.register_buffer("inputs", torch.zeros(size, size))  # second moments of features,
        self.register_buffer("products", torch.zeros(size, columns))  # and with the moves
        self.register_buffer("weight", torch.zeros(size, columns))
        self.register_buffer("upper", torch.ones(PARAMETERS, PARAMETERS).triu().bool(), False)
        self.inputs: Tensor
        self.products: Tensor
        self.weight: Tensor
        self.upper: Tensor

    def features(self, warps: Tensor, codes: Tensor) -> Tensor:
        """Return phi(theta, c) of warps (B, PARAMETERS) and code columns (B, R)."""
        squares = (warps[:, :, None] * warps[:, None, :])[:, self.upper]
        mixed = (warps[:, :, None] * codes[:, None, :]).flatten(1)
        return torch.cat([warps, squares, mixed], 1)

    def forward(self, warps: Tensor, codes: Tensor) -> Tensor:
        """Return the code columns (B, R) of warped images.

        >>> WarpAction(2)(torch.ones(1, PARAMETERS), torch.ones(1, 2))  # nothing learned yet
        tensor([[1., 1.]])
        """
        # written out: autocast would round the product
        return codes + (self.features(warps, codes)[:, :, None] * self.weight).sum(1)

    @torch.no_grad()
    def update(self, warps: Tensor, codes: Tensor, found: Tensor) -> None:
        """Learn from code columns (B, R) and what was read from the warped images, (B, R)."""
        if not self.weight.numel():
            return
        features = self.features(warps, codes).double().cpu()
        moves = (found - codes).double().cpu()
        for moments, other in ((self.inputs, features), (self.products, moves)):
            fresh = (features.T @ other / len(features)).to(moments)
            moments.lerp_(fresh, 1 - MEMORY)
        inputs = self.inputs.double().cpu()
        inputs += RIDGE * inputs.diagonal().mean() * torch.eye(len(inputs), dtype=inputs.dtype)
        solved = torch.linalg.solve(inputs, self.products.double().cpu())
        self.weight.copy_(solved.to(self.weight))
