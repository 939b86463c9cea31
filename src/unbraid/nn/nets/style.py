"""``style``: the network of QLAE, whose decoder draws one fixed map in the style that codes give.

Hsu et al. 2023, "Disentanglement via Latent Quantization", as its code has it. At 64 by 64 pixels:

- encoder: four groups of three convolutions (3, 3 and 4 taps, the last with stride 2) of 32, 64,
  128 and 256 maps, each followed by instance normalisation and leaky ReLU; 256 units twice, ReLU.
- decoder: codes go through 256 units twice, ReLU, which gives the style. A constant of 256 maps of
  4 by 4, learned, goes through four groups of three transposed convolutions (256, 128, 64, 32
  maps). After each come leaky ReLU, instance normalisation and ``maps * scale + shift``, both from
  one rectified layer of the style, so neither is negative. A convolution of 3 taps makes the image.

No convolution has a bias. Weights begin uniform within 1 / sqrt(inputs). At other sizes there are
fewer or more groups, as ``conv_plan`` says.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.nn.nets.layers import InstanceNorm
from unbraid.nn.nets.shapes import ImageShape, conv_plan, kernel

FIRST, MOST = 32, 256  # maps of the group nearest to the image, and the most a group has
DENSE = 256  # units of the fully connected layers, and size of the style
SLOPE = 0.2  # of leaky ReLU
EPSILON = 1e-6  # of instance normalisation
START = 0.1  # value of the constant before training


def style_plan(shape: ImageShape) -> list[ImageShape]:
    """Return the shapes of ``conv_plan`` with the maps of this network: those of each group.

    >>> style_plan((3, 64, 64))
    [(3, 64, 64), (32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4)]
    """
    image, *maps = conv_plan(shape)
    return [image] + [(min(FIRST << n, MOST), *size[1:]) for n, size in enumerate(maps)]


def encoder(shape: ImageShape, *heads: int) -> nn.Sequential:
    """Build the encoder, images (B, C, H, W) to (B, sum of heads)."""
    plan = style_plan(shape)
    layers: list[nn.Module] = []
    for before, (maps, _, _) in pairwise(plan):
        strided = nn.Conv2d(maps, maps, kernel(before), stride=2, padding=1, bias=False)
        for layer in (_plain(before[0], maps), _plain(maps, maps), strided):
            norm = InstanceNorm(maps, EPSILON, affine=True)
            layers += [layer, norm, nn.LeakyReLU(SLOPE)]
    channels, height, width = plan[-1]
    layers += [nn.Flatten(), *_dense(channels * height * width), nn.Linear(DENSE, sum(heads))]
    return nn.Sequential(*layers)


def decoder(shape: ImageShape, inputs: int) -> nn.Module:
    """Build the decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    return StyleDecoder(shape, inputs)


def _plain(inputs: int, outputs: int) -> nn.Conv2d:
    # a transposed convolution of stride 1 is a convolution, with its weights turned round
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def _dense(inputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, DENSE), nn.ReLU(), nn.Linear(DENSE, DENSE), nn.ReLU()]


class Styled(nn.Module):
    """A layer whose normalised maps are scaled and shifted by a style.

    Args:
        layer: a convolution, (B, C, h, w) to (B, outputs, h', w').
        outputs: maps it returns.
    """

    def __init__(self, layer: nn.Module, outputs: int) -> None:
        super().__init__()
        self.layer = layer
        self.condition = nn.Linear(DENSE, 2 * outputs)
        self.norm = InstanceNorm(outputs, EPSILON)

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """Return the maps (B, outputs, h', w') in a style (B, DENSE)."""
        scale, shift = F.relu(self.condition(style))[:, :, None, None].chunk(2, 1)
        maps = self.norm(F.leaky_relu(self.layer(maps), SLOPE))
        return torch.addcmul(shift, maps, scale)


class StyleDecoder(nn.Module):
    """The decoder; codes (B, inputs) to pixel parameters (B, C, H, W)."""

    def __init__(self, shape: ImageShape, inputs: int) -> None:
        super().__init__()
        plan = style_plan(shape)[::-1]
        self.dense = nn.Sequential(*_dense(inputs))
        self.constant = nn.Parameter(torch.full(plan[0], START))
        self.sizes = [after[1:] for after in plan[1:]]
        layers: list[Styled] = []
        channels = plan[0][0]
        for maps, _, _ in plan[:-1]:
            doubling = nn.ConvTranspose2d(maps, maps, 4, stride=2, padding=1, bias=False)
            nn.init.uniform_(doubling.weight, -((16 * maps) ** -0.5), (16 * maps) ** -0.5)
            for layer in (_plain(channels, maps), _plain(maps, maps), doubling):
                layers.append(Styled(layer, maps))
            channels = maps
        self.layers = nn.ModuleList(layers)
        self.image = _plain(channels, shape[0])

    def forward(self, codes: Tensor) -> Tensor:
        """Return the pixel parameters of codes."""
        style = self.dense(codes)
        maps = self.start(codes)
        for number in range(len(self.sizes)):
            maps = self.group(number, maps, style)
        image: Tensor = self.image(maps)
        return image

    def hidden(self, codes: Tensor) -> list[Tensor]:
        """Return the style of codes, and the maps of each group but the last."""
        style = self.dense(codes)
        found, maps = [style], self.start(codes)
        for number in range(len(self.sizes) - 1):
            maps = self.group(number, maps, style)
            found.append(maps)
        return found

    def start(self, codes: Tensor) -> Tensor:
        """Return the constant for each code."""
        return self.constant.expand(codes.shape[0], -1, -1, -1)

    def group(self, number: int, maps: Tensor, style: Tensor) -> Tensor:
        """Return the maps of a group, twice as high and wide."""
        for layer in self.layers[3 * number : 3 * number + 3]:
            maps = layer(maps, style)
        height, width = self.sizes[number]
        return maps[:, :, :height, :width]  # doubled, by one too many where a side is odd
