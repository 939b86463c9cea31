"""The network of a judge of any data: residual blocks and image moments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.nn.nets import ImageShape

MAX_SIDE = 96  # pixels; larger images are averaged down
_HIDDEN = 96
_MOMENTS = 7


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut, each after normalisation and ReLU (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (B, outputs, H / stride, W / stride)."""
        inner = self.conv1(F.relu(self.norm1(maps)))
        both: Tensor = self.shortcut(maps) + self.conv2(F.relu(self.norm2(inner)))
        return both


class JudgeNetwork(nn.Module):
    """Residual blocks after a strided stem, and moments of the difference from the border.

    Args:
        shape: (C, H, W) of the images, with sides of 16 pixels or more.
        outputs: number of outputs.
    """

    def __init__(self, shape: ImageShape, outputs: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.pool = max(1, -(-max(height, width) // MAX_SIDE))
        height, width = height // self.pool, width // self.pool
        side = max(height, width)
        first = 1 if side <= 20 else 2
        plan = [(32, 1), (64, 2), (64, 1), (96, 2)]
        if side > 48:
            plan = [(32, 2), *plan]
        maps = 32
        self.stem = nn.Conv2d(channels, maps, 5, first, 2)
        blocks = []
        for size, stride in plan:
            blocks.append(ResidualBlock(maps, size, stride))
            maps = size
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(maps)
        stride = first * math.prod(each for _, each in plan)
        features = maps * -(-height // stride) * -(-width // stride)
        self.hidden = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(features + _MOMENTS, 2 * _HIDDEN), nn.ReLU()
        )
        self.out = nn.Linear(2 * _HIDDEN + _MOMENTS, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return outputs (B, outputs) for images (B, C, H, W) on [0, 1]."""
        if self.pool > 1:
            images = F.avg_pool2d(images, self.pool)
        maps = F.relu(self.norm(self.blocks(self.stem(images - 0.5)))).flatten(1).float()
        with torch.autocast(
            images.device.type, enabled=False
        ):  # positions need more precision than bf16
            contrast = moments(images.float())
            hidden = self.hidden(torch.cat([maps, contrast], 1))
            out: Tensor = self.out(torch.cat([hidden, contrast], 1))
            return out


def moments(images: Tensor) -> Tensor:
    """Return log mass, centroid, (co)variances and log extent of the difference from the border.

    Args:
        images: (B, C, H, W) on [0, 1]; the mass of a constant image is set to a small value.

    Returns:
        (B, 7), scaled to about 1.
    """
    _, _, height, width = images.shape
    edge = torch.cat([images[:, :, 0], images[:, :, -1], images[..., 0], images[..., -1]], 2)
    border = edge.median(2).values[:, :, None, None]  # (B, C, 1, 1)
    contrast = (images - border).abs().mean(1)  # (B, H, W)
    share = contrast.sum(1).sum(1, keepdim=True) / (height * width)
    x, y, xx, yy, xy = central_moments(contrast, share.clamp(min=1e-5) * (height * width))
    extent = (xx + yy).clamp(min=1e-4).log() / 2 + 1
    amount = share.clamp(min=1e-5).log() / 2 + 1
    return torch.cat([amount, 3 * x, 3 * y, 5 * xx, 5 * yy, 10 * xy, extent], 1)


def central_moments(weights: Tensor, mass: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return centroid x and y, variances xx and yy, and covariance xy of weights, (B, 1) each.

    Args:
        weights: (B, H, W); x to the right and y upwards go from -1 to 1.
        mass: what they are divided by, (B, 1).
    """
    _, height, width = weights.shape
    across = (torch.arange(width, device=weights.device) + 0.5) / (width / 2) - 1
    up = 1 - (torch.arange(height, device=weights.device) + 0.5) / (height / 2)
    rows, columns = weights.sum(2), weights.sum(1)
    x, y = (columns @ across)[:, None] / mass, (rows @ up)[:, None] / mass
    xx = (columns @ across.square())[:, None] / mass - x.square()
    yy = (rows @ up.square())[:, None] / mass - y.square()
    xy = torch.einsum("bij,i,j->b", weights, up, across)[:, None] / mass - x * y
    return x, y, xx, yy, xy


def to_floats(images: Any) -> Tensor:
    """Return images as float32 on [0, 1]."""
    tensor = torch.as_tensor(np.ascontiguousarray(images))
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float().clamp(0, 1)


def channels_last(images: Tensor) -> Tensor:
    """Return images in channels-last memory format."""
    return images.contiguous(memory_format=torch.channels_last)
