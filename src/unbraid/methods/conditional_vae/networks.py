"""Nets that read factors out of images, and nets that draw images from factors and style."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._layers import Dropout, Norm
from unbraid.methods.conditional_vae import pose as _pose
from unbraid.methods.conditional_vae.pose import HALF, NODES, Pose
from unbraid.nn import nets

SIDE = 32  # pixels of the images that poses are read from; larger ones are averaged down to it
SHARPNESS = 6.2  # logits of ink a pixel: the logistic curve as wide as a pixel seen edge on


def small_convnet(side: int, outputs: int, width: int) -> nn.Sequential:
    """Build a small convolutional net, (B, 1, side, side) to (B, outputs)."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),
        Norm(width // 4, width),
        nn.SiLU(),
        nn.Conv2d(width, 2 * width, 4, 2, 1),
        Norm(width // 4, 2 * width),
        nn.SiLU(),
        nn.Conv2d(2 * width, 2 * width, 3, 1, 1),
        Norm(width // 4, 2 * width),
        nn.SiLU(),
        nn.Flatten(),
        Dropout(0.2),
        nn.Linear(2 * width * (side // 4) ** 2, 96),
        nn.SiLU(),
        Dropout(0.3),
        nn.Linear(96, outputs),
    )


class NamedColumns:
    """Some factors by name among the code columns.

    Args:
        codes: of the factors.
        columns: of the factors, by name.
    """

    def __init__(self, codes: FactorCodes, columns: dict[str, int]) -> None:
        order = {column: codes.categories + i for i, column in enumerate(codes.real)}
        self.codes = codes
        real = {name: column for name, column in columns.items() if column in order}
        self.at = {name: order[column] for name, column in real.items()}  # code columns
        self.bounds = {name: codes.bounds(column) for name, column in real.items()}

    def value(self, outputs: Tensor, name: str) -> Tensor:
        """Return a factor in its own unit out of code columns."""
        low, high = self.bounds[name]
        return low + (outputs[:, self.at[name]] + 1) / 2 * (high - low)

    def with_values(self, outputs: Tensor, values: dict[str, Tensor]) -> Tensor:
        """Return code columns that say other values, in the factors' own units."""
        columns = list(outputs.unbind(1))
        for name, value in values.items():
            low, high = self.bounds[name]
            columns[self.at[name]] = (value - low) / (high - low) * 2 - 1
        return torch.stack(columns, 1)


class PoseCodes(NamedColumns):
    """Poses and thickness as code columns: of size, x, y, angle and perhaps thickness."""

    def pose(self, outputs: Tensor) -> Pose:
        """Return the pose that code columns say."""
        low, _ = self.bounds["size"]
        size = self.value(outputs, "size").clamp_min(low / 4 + 1e-3)
        angle = self.value(outputs, "angle") * (math.pi / 180)
        return Pose(self.value(outputs, "x"), self.value(outputs, "y"), size.log(), angle)

    def with_pose(self, outputs: Tensor, pose: Pose, thickness: Tensor | None = None) -> Tensor:
        """Return code columns that say another pose (and thickness)."""
        degrees = pose.angle * (180 / math.pi)
        said = {"x": pose.x, "y": pose.y, "size": pose.log_size.exp(), "angle": degrees}
        if "thickness" in self.at and thickness is not None:
            said["thickness"] = thickness
        return self.with_values(outputs, said)


class PosedReader(nn.Module):
    """Reads a pose, looks again at what lies in its frame, and corrects it; twice.

    Args:
        codes: where poses stand among the code columns.
    """

    def __init__(self, codes: PoseCodes) -> None:
        super().__init__()
        self.codes = codes
        self.first = small_convnet(SIDE, 4, 16)
        self.second = small_convnet(NODES, 4 + codes.codes.width, 32)
        with torch.no_grad():
            cast(nn.Linear, self.second[-1]).weight.mul_(0.1)

    def glance(self, images: Tensor) -> Pose:
        """Return a first reading of the pose."""
        raw = self.first(images).float()
        low, high = self.codes.bounds["size"]
        size = 0.5 * math.log(max(low, 1e-3) * high) + 0.2 * raw[:, 2]
        # so that outputs of about 1 are about as far as things usually lie and turn
        return Pose(9 * raw[:, 0], 9 * raw[:, 1], size, 0.5 * raw[:, 3])

    def look(self, images: Tensor, pose: Pose) -> Tensor:
        """Return the code columns read from a frame, which correct its pose, (B, width)."""
        raw = self.second(_pose.crop(images, pose)).float()
        off, outputs = raw[:, :4], raw[:, 4:]
        size = pose.log_size.exp()
        right, up = 0.1 * size * off[:, 0], 0.1 * size * off[:, 1]
        cos, sin = torch.cos(pose.angle), torch.sin(pose.angle)
        better = Pose(
            pose.x + cos * right - sin * up,
            pose.y + sin * right + cos * up,
            pose.log_size + 0.1 * off[:, 2],
            pose.angle + 0.2 * off[:, 3],
        )
        # a frame shows thickness as a share of the size: from 0.117, a usual one, in steps of 0.05
        thickness = None
        if "thickness" in self.codes.at:
            share = 0.117 + 0.05 * outputs[:, self.codes.at["thickness"]]
            thickness = better.log_size.detach().exp() * share
        return self.codes.with_pose(outputs, better, thickness)

    def recognise(self, frames: Tensor) -> Tensor:
        """Return code columns of frames (B, 1, NODES, NODES), of which only categories count."""
        return Tensor.float(self.second(frames))[:, 4:]

    def small(self, images: Tensor) -> Tensor:
        """Return the images as poses are read from them, (B, 1, SIDE, SIDE)."""
        if images.shape[2:] != (SIDE, SIDE):
            images = F.interpolate(images.float(), (SIDE, SIDE), mode="area")
        return images.float()

    def forward(self, images: Tensor, start: Pose | None = None) -> Tensor:
        """Return the code columns read from images, (B, width), categories as logits.

        Given a pose to start from, it looks once.
        """
        images = self.small(images)
        if start is not None:
            return self.look(images, start)
        outputs = self.look(images, self.glance(images))
        return self.look(images, self.codes.pose(outputs).detach())


class FieldDrawer(nn.Module):
    """Draws a line from its distance field, in a frame, under the pose and thickness asked for.

    The field is the net's; a stroke is where the distance is below half its thickness. So edges
    are sharp wherever they lie, and a pose is obeyed whatever the style.
    """

    def __init__(
        self, codes: PoseCodes, shape: nets.ImageShape, style_dim: int, hidden: int
    ) -> None:
        super().__init__()
        self.codes, self.shape = codes, shape
        inputs = codes.codes.categories + style_dim
        self.net = nn.Sequential(
            nn.Linear(inputs, hidden // 2),
            nn.SiLU(),
            nn.Linear(hidden // 2, hidden),
            nn.SiLU(),
            nn.Linear(hidden, NODES * NODES),
        )
        node = _pose.centres(NODES)
        away = torch.hypot(node[:, None], node[None, :]).flatten()
        with torch.no_grad():  # at first, a blot in the middle
            last = cast(nn.Linear, self.net[-1])
            last.bias.copy_(0.1 + 0.3 * away)
            last.weight.mul_(0.3)

    def forward(self, codes: Tensor, style: Tensor) -> Tensor:
        """Return logits (B, 1, H, W) of code columns and style."""
        _, height, width = self.shape
        inputs = torch.cat([codes[:, : self.codes.codes.categories], style], 1)
        field = self.net(inputs).float().view(-1, 1, NODES, NODES)
        pose = self.codes.pose(codes)
        unit = width / (2 * HALF)  # the image's own pixels in one of a 64-pixel canvas
        distance = _pose.put(field, pose, height, width)
        if not self.training:  # no digit reaches the rim: what is there was never taught, specks
            distance = distance + 10 * _pose.rim(pose, height, width)
        distance = distance * (pose.log_size.exp() * unit)[:, None, None, None]
        if "thickness" not in self.codes.at:
            return SHARPNESS * (1.5 * unit - distance)
        stroke = self.codes.value(codes, "thickness") * (unit / 2)
        return SHARPNESS * (stroke[:, None, None, None] - distance)


class PlainReader(nn.Module):
    """Reads any factors from any images with the usual encoder."""

    def __init__(self, codes: FactorCodes, shape: nets.ImageShape) -> None:
        super().__init__()
        self.net = nets.encoder("conv", shape, codes.width)

    def forward(self, images: Tensor) -> Tensor:
        """Return the code columns read from images, (B, width), categories as logits."""
        return Tensor.float(self.net(images))


class PlainDrawer(nn.Module):
    """Draws any images from factors and style with the usual decoder."""

    def __init__(self, shape: nets.ImageShape, inputs: int) -> None:
        super().__init__()
        self.net = nets.decoder("conv", shape, inputs)

    def forward(self, codes: Tensor, style: Tensor) -> Tensor:
        """Return logits (B, C, H, W) of code columns and style."""
        return Tensor.float(self.net(torch.cat([codes, style], 1)))
