"""Nets of the conditional flow: a reader of factors, and an autoencoder of images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unbraid import nets
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._reader import Dropout, Norm

GROUPS = 8  # of channels that are normalised together
SIDE = 32  # pixels of the shorter side that factors are read from; larger images are averaged down
SOFT = 0.1  # in widths of the error: below it the loss of a real factor is quadratic


def _coarsest(shape: nets.ImageShape, least: int) -> list[nets.ImageShape]:
    """Return the shapes of maps from the image to one of about ``least`` pixels a side."""
    plan = nets.conv_plan(shape)
    ends = [index for index, (_, *sides) in enumerate(plan) if min(sides) >= least]
    return plan[: ends[-1] + 1]


def _halving(
    shape: nets.ImageShape, widths: Sequence[int], least: int
) -> tuple[list[nn.Module], int]:
    """Return layers that halve maps down to about ``least`` pixels a side, and what they give."""
    plan = _coarsest(shape, least)
    layers: list[nn.Module] = []
    inputs = shape[0]
    for stage, before in enumerate(plan[:-1]):
        width = widths[min(stage, len(widths) - 1)]
        layers += [
            nn.Conv2d(inputs, width, nets.kernel(before), 2, 1),
            Norm(GROUPS, width),
            nn.SiLU(),
        ]
        if stage == 1:
            layers += [nn.Conv2d(width, width, 3, 1, 1), Norm(GROUPS, width), nn.SiLU()]
        inputs = width
    return layers, inputs * math.prod(plan[-1][1:])


class Reader(nn.Module):
    """Reads any factors from any images.

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
        small = (channels, *(-(-side // self.shrink) for side in sides))
        layers, features = _halving(small, (width, 2 * width, 4 * width), 4)  # type: ignore[arg-type]
        self.net = nn.Sequential(
            *layers,
            nn.Flatten(),
            Dropout(0.2),
            nn.Linear(features, 6 * width),
            nn.SiLU(),
            Dropout(0.2),
            nn.Linear(6 * width, codes.width),
        )
        # log of the usual error of each column that is not a category's, in halves of its range
        self.log_width = nn.Parameter(torch.full((codes.width - codes.categories,), -1.5))

    def forward(self, images: Tensor) -> Tensor:
        """Return the code columns read from images, (B, width), categories as logits."""
        if self.shrink > 1:
            images = nn.functional.avg_pool2d(images, self.shrink, ceil_mode=True)
        return Tensor.float(self.net(images))

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


def encoder(shape: nets.ImageShape, outputs: int, width: int) -> nn.Sequential:
    """Build the autoencoder's encoder, images (B, C, H, W) to (B, outputs)."""
    layers, features = _halving(shape, (width, 2 * width), 8)
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(features, 8 * width),
        nn.SiLU(),
        nn.Linear(8 * width, outputs),
    )


def decoder(shape: nets.ImageShape, inputs: int, width: int) -> nn.Sequential:
    """Build the autoencoder's decoder, codes (B, inputs) to logits (B, C, H, W)."""
    plan = _coarsest(shape, 8)[::-1]
    _, height, side = plan[0]
    now = 2 * width
    layers: list[nn.Module] = [
        nn.Linear(inputs, 8 * width),
        nn.SiLU(),
        nn.Linear(8 * width, now * height * side),
        nn.SiLU(),
        nn.Unflatten(1, (now, height, side)),
        nn.Conv2d(now, now, 3, 1, 1),
        nn.SiLU(),
    ]
    for stage, after in enumerate(plan[1:]):
        last = stage == len(plan) - 2
        outputs = shape[0] if last else width
        # with even kernels of stride 2, every pixel is drawn from as many: no checkerboard
        layers.append(nets.Upsample(now, outputs, nets.kernel(after)))
        if not last:
            layers += [nn.SiLU(), nn.Conv2d(width, width, 3, 1, 1), nn.SiLU()]
        now = outputs
    if len(plan) == 1:  # images so small that nothing was halved
        layers.append(nn.Conv2d(now, shape[0], 3, 1, 1))
    return nn.Sequential(*layers)
