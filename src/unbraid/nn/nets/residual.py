"""``residual``: the residual network of Tripod, the largest here, whose decoder takes a style.

Hsu et al. 2024, "Tripod: Three Complementary Inductive Biases for Disentangled Representation
Learning", as its code has it. At 64 by 64 pixels:

- encoder: four stages of two residual blocks with 32, 64, 128 and 256 maps; each stage ends with a
  convolution of 2 by 2 taps and stride 2 to twice the maps. The mean over each of the 512 last maps
  goes through 512 units.
- decoder: codes go through 256 units twice, which gives the style. A constant of 512 maps of 4 by
  4, learned, goes through four stages of two residual blocks with 512, 256, 128 and 64 maps; each
  ends by repeating pixels and a convolution of 3 taps, the last of which makes the image.
- A residual block adds two convolutions of 3 taps to what it gets, each followed by instance
  normalisation and GELU; in the decoder ``maps * (1 + scale) + shift``, linear in the style, stands
  between the two. Fully connected layers are followed by layer normalisation and GELU.

Weights and biases begin uniform within 1 / sqrt(inputs). At other sizes there are fewer or more
stages, as ``conv_plan`` says.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.nn.nets.layers import InstanceNorm
from unbraid.nn.nets.shapes import ImageShape, conv_plan

FIRST, MOST = 32, 512  # maps of the encoder's first stage, and the most there are
DENSE, STYLE = 512, 256  # units of the encoder's layer, and size of the style
EPSILON = 1e-5  # of normalisation


def residual_plan(shape: ImageShape) -> list[ImageShape]:
    """Return the shapes of ``conv_plan`` with the maps that the encoder has at each size.

    >>> residual_plan((3, 64, 64))
    [(32, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]
    """
    return [(min(FIRST << n, MOST), *size[1:]) for n, size in enumerate(conv_plan(shape))]


def encoder(shape: ImageShape, *heads: int) -> nn.Module:
    """Build the encoder, images (B, C, H, W) to (B, sum of heads)."""
    plan = residual_plan(shape)
    channels, layers = shape[0], list[nn.Module]()
    for before, after in pairwise(plan):
        layers += [Block(channels, before[0]), Block(before[0], before[0])]
        layers.append(Halve(before[0], after[0]))
        channels = after[0]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *_dense(channels, DENSE)]
    return nn.Sequential(*layers, nn.Linear(DENSE, sum(heads)))


def decoder(shape: ImageShape, inputs: int) -> nn.Module:
    """Build the decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    return ResidualDecoder(shape, inputs)


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.GELU("tanh")]


class Halve(nn.Conv2d):
    """A convolution of 2 by 2 taps with stride 2, which rounds sizes up.

    The published code stacks the pixels of each 2 by 2 square and takes a convolution of 1 tap of
    them, which is the same.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 2, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of half the size."""
        height, width = maps.shape[2:]
        return super().forward(F.pad(maps, (0, width % 2, 0, height % 2)))


class Block(nn.Module):
    """A residual block; one for the decoder is given a style.

    Args:
        inputs: maps it gets.
        outputs: maps it returns.
        styled: whether it is given a style; else its normalisation learns a scale and a shift.
    """

    def __init__(self, inputs: int, outputs: int, *, styled: bool = False) -> None:
        super().__init__()
        sizes = ((inputs, outputs), (outputs, outputs))
        self.layers = nn.ModuleList(nn.Conv2d(*size, 3, padding=1) for size in sizes)
        self.norms = nn.ModuleList(InstanceNorm(outputs, EPSILON, affine=not styled) for _ in sizes)
        self.conditions = nn.ModuleList(nn.Linear(STYLE, 2 * outputs) for _ in sizes if styled)
        self.past = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, maps: Tensor, style: Tensor | None = None) -> Tensor:
        """Return the maps (B, outputs, h, w) of maps (B, inputs, h, w) and a style (B, STYLE)."""
        found = maps
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            found = norm(layer(found))
            if style is not None:
                styled = self.conditions[number](style)[:, :, None, None]
                scale, shift = styled.chunk(2, 1)
                found = torch.addcmul(shift, found, 1 + scale)
            found = F.gelu(found, approximate="tanh")
        past: Tensor = self.past(maps)
        return past + found


class ResidualDecoder(nn.Module):
    """The decoder; codes (B, inputs) to pixel parameters (B, C, H, W)."""

    def __init__(self, shape: ImageShape, inputs: int) -> None:
        super().__init__()
        plan = residual_plan(shape)[::-1]
        self.dense = nn.Sequential(*_dense(inputs, STYLE), *_dense(STYLE, STYLE))
        self.constant = nn.Parameter(torch.ones(plan[0]))
        self.sizes = [after[1:] for after in plan[1:]]
        maps = [size[0] for size in plan[:-1]]
        self.blocks = nn.ModuleList(
            nn.ModuleList(Block(each, each, styled=True) for _ in range(2)) for each in maps
        )
        after = [*maps[1:], shape[0]]
        self.layers = nn.ModuleList(
            nn.Conv2d(*each, 3, padding=1) for each in zip(maps, after, strict=True)
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Return the pixel parameters of codes."""
        style = self.dense(codes)
        maps = self.start(codes)
        for number in range(len(self.sizes)):
            maps = self.stage(number, maps, style)
        return maps

    def hidden(self, codes: Tensor) -> list[Tensor]:
        """Return the style of codes, and the maps of each stage but the last."""
        style = self.dense(codes)
        found, maps = [style], self.start(codes)
        for number in range(len(self.sizes) - 1):
            maps = self.stage(number, maps, style)
            found.append(maps)
        return found

    def start(self, codes: Tensor) -> Tensor:
        """Return the constant for each code."""
        return self.constant.expand(codes.shape[0], -1, -1, -1)

    def stage(self, number: int, maps: Tensor, style: Tensor) -> Tensor:
        """Return the maps of a stage, twice as high and wide; the last gives the image."""
        blocks = self.blocks[number]
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            maps = block(maps, style)
        found: Tensor = self.layers[number](F.interpolate(maps, self.sizes[number], mode="nearest"))
        return found
