"""``mlp``: two hidden layers of 512."""

from __future__ import annotations

from torch import nn

from unbraid.nn.nets.layers import initialise
from unbraid.nn.nets.shapes import ImageShape, check_image_shape

HIDDEN = 512  # width of the layers


def encoder(shape: ImageShape, *heads: int) -> nn.Sequential:
    """Build a fully connected encoder, images (B, C, H, W) to (B, sum of heads)."""
    channels, height, width = check_image_shape(shape)
    net = nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, sum(heads)),
    )
    return initialise(net)


def decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build a fully connected decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    channels, height, width = check_image_shape(shape)
    net = nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, channels * height * width),
        nn.Unflatten(1, shape),
    )
    return initialise(net)
