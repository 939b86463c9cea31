"""A reader of any factors of any images, for the conditional flow."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid import nets
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._reader import Dropout, Norm

GROUPS = 8  # of channels that are normalised together
SIDE = 32  # pixels of the shorter side that factors are read from; larger images are averaged down
SOFT = 0.1  # in widths of the error: below it the loss of a real factor is quadratic


class Reader(nn.Module):
    """Reads any factors from any images: one net the categories, another all other columns.

    In a net for both, real factors, whose errors become small, would outweigh the categories.

    Args:
        codes: of the factors.
        shape: of the images.
        width: channels of the first maps.
    """

    def __init__(self, codes: FactorCodes, shape: nets.ImageShape, width: int = 32) -> None:
        super().__init__()
        self.codes = codes
        channels, *sides = nets.check_image_shape(shape)
        self.shrink = max(min(sides) // SIDE, 1)
        height, side = (-(-each // self.shrink) for each in sides)
        small, reals = (channels, height, side), codes.width - codes.categories
        self.kinds = _looker(small, codes.categories, width) if codes.categories else None
        self.reals = _looker(small, reals, width) if reals else None
        # log of the usual error of each column that is not a category's, in halves of its range
        self.log_width = nn.Parameter(torch.full((reals,), -1.5))

    def forward(self, images: Tensor, others: Tensor | None = None) -> Tensor:
        """Return the code columns read from images, (B, width), categories as logits.

        Args:
            images: (B, C, H, W), that categories are read from.
            others: that all else is read from, the same images if not given.
        """
        pairs = ((self.kinds, images), (self.reals, images if others is None else others))
        return torch.cat(
            [Tensor.float(net(self.shrunk(seen))) for net, seen in pairs if net is not None], 1
        )

    def shrunk(self, images: Tensor) -> Tensor:
        """Return the images as factors are read from them."""
        return F.avg_pool2d(images, self.shrink, ceil_mode=True) if self.shrink > 1 else images

    def real_loss(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Return -log q of the columns that are not categories, summed, (B,), nats.

        q falls off as Laplace's density, as wide as the reader usually errs, with a rounded top.
        Unknown columns count 0.
        """
        away = self.codes.away(outputs, codes)
        known = ~torch.isnan(away)
        width = self.log_width.clamp(-6, 1)
        share = torch.where(known, away, 0.0) * torch.exp(-width)
        loss = torch.sqrt(share.square() + SOFT**2) - SOFT + width + math.log(2)
        return (loss * known).sum(1)


def _looker(shape: nets.ImageShape, outputs: int, width: int) -> nn.Sequential:
    """Build a net that looks at images (B, C, H, W) and tells outputs, (B, outputs)."""
    plan = nets.conv_plan(shape)
    layers: list[nn.Module] = []
    inputs = shape[0]
    for stage, before in enumerate(plan[:-1]):
        maps = width * min(2**stage, 4)
        convolutions: list[nn.Module] = [nn.Conv2d(inputs, maps, nets.kernel(before), 2, 1)]
        if stage == 1:
            convolutions.append(nn.Conv2d(maps, maps, 3, 1, 1))
        for convolution in convolutions:
            layers += [convolution, Norm(GROUPS, maps), nn.SiLU()]
        inputs = maps
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        Dropout(0.2),
        nn.Linear(inputs * math.prod(plan[-1][1:]), 4 * width),
        nn.SiLU(),
        Dropout(0.2),
        nn.Linear(4 * width, outputs),
    )
