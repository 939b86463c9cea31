"""Encoders and decoders for any image of at least 16 by 16 pixels with 1 to 4 channels.

``conv`` is the four-layer network of Locatello et al. 2019 (table 4, from Burgess et al. 2018) at
64 by 64, and the same pattern with fewer or more stride-2 layers at other sizes. ``mlp`` has two
hidden layers of 512.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from unbraid.errors import UnbraidError

Net = Literal["conv", "mlp"]
ImageShape = tuple[int, int, int]  # (C, H, W)

HIDDEN = 512  # width of the mlp's layers
DENSE = 256  # width between the conv layers and the codes


def check_image_shape(shape: ImageShape) -> ImageShape:
    """Return ``shape`` if networks can be built for it, else raise an UnbraidError."""
    channels, height, width = shape
    if not 1 <= channels <= 4:
        raise UnbraidError(
            f"images have {channels} channels, expected 1 to 4: convert them to grey or RGB."
        )
    if min(height, width) < 16:
        raise UnbraidError(
            f"images are {height} by {width} pixels, expected at least 16 by 16: "
            "enlarge or pad them."
        )
    return shape


def conv_plan(shape: ImageShape) -> list[ImageShape]:
    """Return the feature shapes from the image to the coarsest map, each half the one before.

    Odd sizes round up, so 28 becomes 14, 7, 4; layers are added until the shorter side is 4 or
    less. Channels are 32, 32, then 64.

    >>> conv_plan((1, 28, 28))
    [(1, 28, 28), (32, 14, 14), (32, 7, 7), (64, 4, 4)]
    """
    plan = [check_image_shape(shape)]
    _, height, width = shape
    while min(height, width) > 4:
        height, width = -(-height // 2), -(-width // 2)
        plan.append((32 if len(plan) < 3 else 64, height, width))
    return plan


def kernel(shape: ImageShape) -> tuple[int, int]:
    """Return the kernel that halves (or doubles to) ``shape`` exactly, with stride 2, padding 1."""
    _, height, width = shape
    return 4 - height % 2, 4 - width % 2


def conv_encoder(shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build a convolutional encoder, images (B, C, H, W) to (B, outputs)."""
    plan = conv_plan(shape)
    layers: list[nn.Module] = []
    for before, after in pairwise(plan):
        layers += [
            nn.Conv2d(before[0], after[0], kernel(before), stride=2, padding=1),
            nn.ReLU(inplace=True),
        ]
    channels, height, width = plan[-1]
    layers += [
        nn.Flatten(),
        nn.Linear(channels * height * width, DENSE),
        nn.ReLU(inplace=True),
        nn.Linear(DENSE, outputs),
    ]
    return nn.Sequential(*layers)


def conv_decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
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
            nn.ConvTranspose2d(before[0], after[0], kernel(after), stride=2, padding=1),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers[:-1])  # pixel parameters are not rectified


def mlp_encoder(shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build a fully connected encoder, images (B, C, H, W) to (B, outputs)."""
    channels, height, width = check_image_shape(shape)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, outputs),
    )


def mlp_decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build a fully connected decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    channels, height, width = check_image_shape(shape)
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(inplace=True),
        nn.Linear(HIDDEN, channels * height * width),
        nn.Unflatten(1, shape),
    )


def initialise(net: nn.Sequential) -> nn.Sequential:
    """Scale a network's weights so that signals keep their size through its rectified layers.

    He et al. 2015, equation 10, with zero biases; the last layer, not rectified, gets half the
    variance. Torch's own default shrinks signals at each layer, and a VAE then takes an epoch or
    two to find that its codes are of any use.
    """
    layers = [layer for layer in net if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd)]
    for layer in layers:
        inputs = layer.weight[0].numel()
        if isinstance(layer, nn.ConvTranspose2d):  # weights are (in, out, h, w); a pixel sees 1/4
            inputs = layer.weight[:, 0].numel() // (layer.stride[0] * layer.stride[1])
        variance = (1 if layer is layers[-1] else 2) / inputs
        nn.init.normal_(layer.weight, std=variance**0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return net


def encoder(net: Net, shape: ImageShape, outputs: int) -> nn.Sequential:
    """Build the encoder of the named kind.

    >>> encoder("conv", (1, 28, 28), 20)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 20])
    """
    return initialise((conv_encoder if net == "conv" else mlp_encoder)(shape, outputs))


def decoder(net: Net, shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build the decoder of the named kind.

    >>> decoder("conv", (3, 45, 64), 10)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 45, 64])
    """
    return initialise((conv_decoder if net == "conv" else mlp_decoder)(shape, inputs))


def as_pixels(images: Tensor) -> Tensor:
    """Return uint8 images as float32 on [0, 1]; floats pass unchanged."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
