"""Size, place and angle of what an image shows: reading frames out of images, and warping them.

Where factors called size, x, y and angle are lengths in pixels and degrees, what they do to an
image is known: a similarity. Its effect on the factors is known as well, so one labelled image
gives as many as one likes. Lengths are pixels of a 64-pixel canvas; x counts to the right, y up,
and angles counter-clockwise, from the canvas's centre, as in the data set ``digits``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.factors import FactorSpec
from unbraid.nn import nets

HALF = 32.0  # pixels from the canvas's centre to its edge
FRAME = 0.8  # sizes from a frame's centre to its edge
NODES = 28  # of a frame, in each direction
UNITS = {"size": "pixels", "x": "pixels right", "y": "pixels up", "angle": "degrees"}


class Pose(NamedTuple):
    """Where things are, each (B,)."""

    x: Tensor
    y: Tensor
    log_size: Tensor
    angle: Tensor  # radians

    def detach(self) -> Pose:
        """Return it without gradient."""
        return Pose(*(part.detach() for part in self))


def columns(specs: Sequence[FactorSpec]) -> dict[str, int] | None:
    """Return the columns of size, x, y and angle (and thickness); None unless all four are there.

    >>> columns([FactorSpec("x", "continuous", range=(0, 1), unit="pixels right")])
    """
    found = {
        spec.name: index
        for index, spec in enumerate(specs)
        if spec.kind == "continuous" and UNITS.get(spec.name, "pixels") == spec.unit
    }
    if not UNITS.keys() <= found.keys():
        return None
    return {name: found[name] for name in (*UNITS, "thickness") if name in found}


def centres(count: int) -> Tensor:
    """Return the centres of ``count`` equal cells of [-1, 1]."""
    return (torch.arange(count) + 0.5) / count * 2 - 1


def _turned(right: Tensor, up: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    return cos * right - sin * up, sin * right + cos * up


def frame_grid(pose: Pose) -> Tensor:
    """Return where in the image the frame's nodes lie, (B, NODES, NODES, 2) on [-1, 1]."""
    node = centres(NODES).to(pose.x)
    scale = (pose.log_size.exp() * (FRAME / HALF))[:, None, None]
    right, up = _turned(node[None, None, :], -node[None, :, None], pose.angle)
    right = (pose.x / HALF)[:, None, None] + scale * right
    up = (pose.y / HALF)[:, None, None] + scale * up
    return torch.stack([right, -up], -1)


def image_grid(pose: Pose, height: int, width: int) -> Tensor:
    """Return where in the frame an image's pixels lie, (B, height, width, 2) on [-1, 1]."""
    right = centres(width).to(pose.x)[None, None, :] - (pose.x / HALF)[:, None, None]
    up = -centres(height).to(pose.x)[None, :, None] - (pose.y / HALF)[:, None, None]
    right, up = _turned(right, up, -pose.angle)
    scale = (pose.log_size.exp() * (FRAME / HALF))[:, None, None]
    return torch.stack([right / scale, -up / scale], -1)


def crop(images: Tensor, pose: Pose) -> Tensor:
    """Return what lies in the frames of a pose, upright, (B, C, NODES, NODES)."""
    return nets.sample(images, frame_grid(pose))


def distorted(images: Tensor, pose: Pose, noise: torch.Generator) -> Tensor:
    """Return what ``crop`` does, as another hand might have drawn it: the same thing, out of shape.

    Turned by up to 14 degrees, slanted by up to 0.35, up to a quarter narrower, wider, lower or
    higher, and each part a little elsewhere: a bicubic surface through 5 by 5 random nodes.
    """
    count, node = len(pose.x), centres(NODES).to(pose.x)
    draws = torch.rand((4, count, 1, 1), generator=noise, device=noise.device) * 2 - 1
    nodes = torch.randn((count, 2, 5, 5), generator=noise, device=noise.device) * 0.07
    bent = F.interpolate(nodes, (NODES, NODES), mode="bicubic", align_corners=True)
    right, up = node[None, None, :], -node[None, :, None]
    right = torch.exp(0.25 * draws[0]) * (right + 0.35 * draws[1] * up) + bent[:, 0]
    up = torch.exp(0.25 * draws[2]) * up + bent[:, 1]
    right, up = _turned(right, up, pose.angle + 0.25 * draws[3, :, 0, 0])
    scale = (pose.log_size.exp() * (FRAME / HALF))[:, None, None]
    right = (pose.x / HALF)[:, None, None] + scale * right
    up = (pose.y / HALF)[:, None, None] + scale * up
    return nets.sample(images, torch.stack([right, -up], -1))


def put(frames: Tensor, pose: Pose, height: int, width: int) -> Tensor:
    """Return frames (B, 1, NODES, NODES) put into images; beyond its edge a frame goes on."""
    grid = image_grid(pose, height, width)
    return nets.sample(frames, grid, "border")


def rim(pose: Pose, height: int, width: int, inner: float = 0.85) -> Tensor:
    """Return how far an image's pixels lie beyond ``inner`` of a frame, 0 within, (B, 1, H, W)."""
    return (image_grid(pose, height, width).abs().amax(-1) - inner).clamp_min(0)[:, None]


class Warp(NamedTuple):
    """Similarities about the canvas's centre: turned, enlarged, then shifted; each (B,)."""

    angle: Tensor
    log_scale: Tensor
    right: Tensor
    up: Tensor

    def images(self, images: Tensor) -> Tensor:
        """Return the images warped."""
        size = self.log_scale + math.log(HALF / FRAME)  # of a frame as large as the image
        grid = image_grid(Pose(self.right, self.up, size, self.angle), *images.shape[2:])
        return nets.sample(images, grid)

    def pose(self, pose: Pose) -> Pose:
        """Return the poses warped."""
        cos, sin, scale = torch.cos(self.angle), torch.sin(self.angle), self.log_scale.exp()
        return Pose(
            scale * (cos * pose.x - sin * pose.y) + self.right,
            scale * (sin * pose.x + cos * pose.y) + self.up,
            pose.log_size + self.log_scale,
            pose.angle + self.angle,
        )


def draw_warp(count: int, noise: torch.Generator, still: float = 0.0) -> Warp:
    """Draw warps of up to 29 degrees, a fifth in size and 5 pixels; a share ``still`` of none."""
    draws = torch.rand((5, count), generator=noise, device=noise.device)
    moved = (draws[4] >= still).float()
    angle, scale, right, up = (draws[:4] * 2 - 1) * moved
    return Warp(angle * 0.5, scale * 0.2, right * 5, up * 5)


def jitter(pose: Pose, noise: torch.Generator, share: float = 1.0) -> Pose:
    """Return poses a little off, as a first reading is, or a share of that."""
    draws = torch.randn((4, len(pose.x)), generator=noise, device=noise.device)
    scale = torch.tensor([[1.7], [1.7], [0.1], [0.17]], device=draws.device)
    off = (draws * scale * share).unbind(0)
    return Pose(*(part + by for part, by in zip(pose, off, strict=True)))
