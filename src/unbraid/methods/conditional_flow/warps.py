"""Small warps of images, and how they move factors: learned from readings, not built in.

A warp turns, scales, stretches, shears and shifts an image a little. What it does to the factors is
not known for data of one's own, but it is the same for all images and smooth: to second order, the
code columns c of the real and periodic factors move by ``W phi(theta, c)``, where theta are the
warp's parameters and phi holds theta, its products and its products with c. W is a ridge regression
(Hoerl and Kennard 1970, "Ridge Regression") of how far readings move when an image is warped, on
labelled images that the reader does not learn from. A labelled image then gives as many labelled
ones as one likes.

Readings do not go past the range of the labels, so each column is regressed on images in the middle
of its range. And a reader of few labels errs towards the middle, and so reads too small a move: a
move that is read is divided by the slope of readings over labels (Krutchkoff 1967, "Classical and
Inverse Regression Methods of Calibration").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from unbraid.methods.conditional_flow.frames import affine, inverse, see

# Half-widths of a warp's parameters: turn (radians), log of scale, stretch, shear, and shifts to
# the right and down (parts of half the longer side).
LIMITS = (0.35, 0.2, 0.2, 0.2, 0.2, 0.2)
PARAMETERS = len(LIMITS)
RIDGE = 1e-3
MEMORY = 0.99  # of the regression's moments, an update
SLOPES = 0.2, 1.2  # that are believed; a factor that cannot be read has none
MIDDLE = 0.2, 0.8  # quantiles of labels between which moves are learned from


def draw_warps(count: int, noise: torch.Generator, still: float = 0.2) -> Tensor:
    """Draw warps in units of their limits, (count, PARAMETERS), a share ``still`` of them none.

    Each has a strength of its own, so that there are weak ones and strong ones.
    """
    drawn = torch.rand((count, PARAMETERS + 2), generator=noise, device=noise.device)
    strength, moved = drawn[:, -1:], drawn[:, -2:-1] >= still
    return (drawn[:, :-2] * 2 - 1) * strength * moved


def moves(warps: Tensor) -> Tensor:
    """Return the affine maps (B, 2, 3) by which warps (B, PARAMETERS) move what is in an image."""
    turn, *others = (warps * warps.new_tensor(LIMITS)).unbind(1)
    return affine(torch.stack([torch.sin(turn), torch.cos(turn) - 1, *others], 1))


def warp(images: Tensor, warps: Tensor) -> Tensor:
    """Return images (B, C, H, W) under warps (B, PARAMETERS); edges go on where none was."""
    return see(images, inverse(moves(warps)))


class WarpAction(nn.Module):
    """How warps move code columns, learned along with a reader.

    Args:
        columns: R, of the real and periodic factors.
        periodic: how many of the last columns have no ends.
    """

    def __init__(self, columns: int, periodic: int = 0) -> None:
        super().__init__()
        self.real = columns - periodic
        size = PARAMETERS + PARAMETERS * (PARAMETERS + 1) // 2 + PARAMETERS * columns
        # for each column, second moments of features, and of features with moves
        self.register_buffer("inputs", torch.zeros(columns, size, size))
        self.register_buffer("products", torch.zeros(columns, size))
        self.register_buffer("weight", torch.zeros(size, columns))
        # of codes of labelled images not learned from: variance, and covariance with readings
        self.register_buffer("spread", torch.zeros(columns))
        self.register_buffer("shared", torch.zeros(columns))
        # of few labels: which columns were read well enough to be learned from warped images
        self.register_buffer("taught", torch.zeros(columns, dtype=torch.bool))
        self.register_buffer("upper", torch.ones(PARAMETERS, PARAMETERS).triu().bool(), False)
        self.inputs: Tensor
        self.products: Tensor
        self.weight: Tensor
        self.spread: Tensor
        self.shared: Tensor
        self.taught: Tensor
        self.upper: Tensor

    def slope(self) -> Tensor:
        """Return how far a reading moves where a column moves by 1, (R,); 0 at first."""
        return self.shared / self.spread.clamp_min(1e-9)

    def teaches(self, warps: Tensor, slope: float = math.inf) -> Tensor:
        """Return which columns may be learned of images under warps (B, PARAMETERS), (B, R).

        All of them, unless there are few labels: then those that were read well enough, or whose
        slope is at least ``slope``.
        """
        able = self.taught | (self.slope() >= slope) | ~self.taught.any()
        return able | (warps == 0).all(1, keepdim=True)

    @torch.no_grad()
    def calibrate(self, codes: Tensor, found: Tensor) -> None:
        """Learn the slope from code columns (B, R), NaN where unknown, and readings (B, R)."""
        known = ~torch.isnan(codes)
        away = codes - codes.nanmean(0)
        for moments, other in ((self.spread, away), (self.shared, found)):
            product = torch.where(known, away * other, 0.0).sum(0) / known.sum(0).clamp_min(1)
            moments.lerp_(product.to(moments), 1 - MEMORY)

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
    def update(self, warps: Tensor, codes: Tensor, used: Tensor, away: Tensor) -> None:
        """Learn from how far readings moved under warps.

        Args:
            warps: (B, PARAMETERS).
            codes: code columns of the images before, (B, R).
            used: which of them a column's moves are learned from, (B, R).
            away: moves of the readings, (B, R).
        """
        if not self.weight.numel():
            return
        features = self.features(warps, codes).cpu().double()
        slope = torch.where(self.spread > 0, self.slope().clamp(*SLOPES), 1.0)
        away = (away / slope).cpu().double()
        chosen = features.T * used.T.cpu()[:, None] / len(features)  # (R, size, B)
        fresh = chosen @ features, (chosen @ away.T[:, :, None])[:, :, 0]
        some = used.any(0)  # columns without an image stay as they are
        for moments, each in zip((self.inputs, self.products), fresh, strict=True):
            moments[some] = moments[some].lerp(each.to(moments)[some], 1 - MEMORY)
        inputs = self.inputs.cpu().double()
        ridge = RIDGE * inputs.diagonal(dim1=1, dim2=2).mean(1) + 1e-9  # there may be none so far
        inputs += ridge[:, None, None] * torch.eye(inputs.shape[1], dtype=inputs.dtype)
        solved = torch.linalg.solve(inputs, self.products.cpu().double()[:, :, None])[:, :, 0]
        self.weight.copy_(solved.T.to(self.weight))

    def middle(self, codes: Tensor) -> Tensor:
        """Return which labels, code columns (B, R) or NaN, lie in the middle of those there are."""
        low, high = torch.nanquantile(codes, codes.new_tensor(MIDDLE), 0)
        inside = (codes >= low) & (codes <= high)
        ends = torch.arange(codes.shape[1], device=codes.device) < self.real
        return torch.where(ends, inside, ~torch.isnan(codes))
