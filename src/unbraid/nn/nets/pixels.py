"""Images as floats, and images sampled between their pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import forward_ad


def sample(images: Tensor, grid: Tensor, padding: str = "zeros") -> Tensor:
    """Return images (B, C, H, W) at places (B, h, w, 2), bilinear, (B, C, h, w) float32.

    Torch's ``grid_sample`` without ``align_corners``, which has no derivative in forward mode; for
    that, the same sums are written out.

    Args:
        images: any.
        grid: right and down, -1 and 1 at the images' edges.
        padding: ``zeros`` or ``border``, what lies outside.
    """
    if forward_ad._current_level < 0:
        return F.grid_sample(images.float(), grid, padding_mode=padding, align_corners=False)
    height, width = images.shape[2:]
    flat, total = images.float().flatten(2), torch.zeros(())
    right = ((grid[..., 0] + 1) * width - 1).flatten(1) / 2
    down = ((grid[..., 1] + 1) * height - 1).flatten(1) / 2
    if padding == "border":
        right, down = right.clamp(0, width - 1), down.clamp(0, height - 1)
    for column in (right.floor(), right.floor() + 1):
        for row in (down.floor(), down.floor() + 1):
            share = (1 - (right - column).abs()) * (1 - (down - row).abs())
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            places = place.long()[:, None].expand(-1, flat.shape[1], -1)
            total = total + (share * inside)[:, None] * flat.gather(2, places)
    return total.view(-1, flat.shape[1], *grid.shape[1:3])


def as_pixels(images: Tensor) -> Tensor:
    """Return uint8 images as float32 on [0, 1]; floats pass unchanged."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
