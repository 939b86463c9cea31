"""``conv``: the pattern of Locatello et al. 2019 (table 4, from Burgess et al. 2018) for any size.

Four convolutions with 4 by 4 taps and stride 2 at 64 by 64; fewer or more at other sizes.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from unbraid.nn.nets.layers import initialise
from unbraid.nn.nets.shapes import ImageShape, conv_plan, kernel
from unbraid.nn.nets.upsample import Upsample

DENSE = 256  # width between the conv layers and the codes


def encoder(shape: ImageShape, *heads: int) -> nn.Sequential:
    """Build a convolutional encoder, images (B, C, H, W) to (B, sum of heads)."""
    plan = conv_plan(shape)
    layers: list[nn.Module] = []
    for before, after in pairwise(plan):
        layers += [
            nn.Conv2d(before[0], after[0], kernel(before), stride=2, padding=1),
            nn.ReLU(inplace=True),
        ]
    channels, height, width = plan[-1]
    # flattened before it is rectified: the gradient then has the layout of what is rectified
    layers[-1:] = [
        nn.Flatten(),
        nn.ReLU(inplace=True),
        nn.Linear(channels * height * width, DENSE),
        nn.ReLU(inplace=True),
        nn.Linear(DENSE, sum(heads)),
    ]
    return initialise(nn.Sequential(*layers))


def decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build a convolutional decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    plan = conv_plan(shape)[::-1]
    channels, height, width = plan[0]
    layers: list[nn.Module] = [
        nn.Linear(inputs, DENSE),
        nn.ReLU(inplace=True),
        nn.Linear(DENSE, channels * height * width),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (channels, height, width)),
    ]
    for before, after in pairwise(plan):
        layers += [
            Upsample(before[0], after[0], kernel(after)),
            nn.ReLU(inplace=True),
        ]
    return initialise(nn.Sequential(*layers[:-1]))  # pixel parameters are not rectified
