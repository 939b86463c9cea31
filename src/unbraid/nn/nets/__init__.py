"""Encoders and decoders for any image of at least 16 by 16 pixels with 1 to 4 channels.

A kind of network is a file here with ``encoder`` and ``decoder``: ``conv`` and ``mlp``, and
``conv-2019``, ``style`` and ``residual``, which at 64 by 64 pixels are as published. At other sizes
they have the same layers, for as many sizes of maps as it takes.
"""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor, nn

from unbraid.nn.nets import conv, conv_2019, mlp, residual, style
from unbraid.nn.nets.layers import initialise, linear
from unbraid.nn.nets.pixels import as_pixels, sample
from unbraid.nn.nets.shapes import ImageShape, check_image_shape, conv_plan, kernel
from unbraid.nn.nets.upsample import Upsample, as_exported, is_transformed

__all__ = [
    "ImageShape",
    "Net",
    "Upsample",
    "as_exported",
    "as_pixels",
    "check_image_shape",
    "conv_plan",
    "decoder",
    "encoder",
    "hidden",
    "initialise",
    "is_transformed",
    "kernel",
    "linear",
    "sample",
]

Net = Literal["conv", "mlp", "conv-2019", "style", "residual"]


class _Kind(Protocol):
    """A file of this folder."""

    def encoder(self, shape: ImageShape, *heads: int) -> nn.Module: ...
    def decoder(self, shape: ImageShape, inputs: int) -> nn.Module: ...


KINDS: dict[Net, _Kind] = {
    "conv": conv,
    "mlp": mlp,
    "conv-2019": conv_2019,
    "style": style,
    "residual": residual,
}


def encoder(net: Net, shape: ImageShape, *heads: int) -> nn.Module:
    """Build the encoder of the named kind, images (B, C, H, W) to (B, sum of heads).

    Args:
        net: the kind.
        shape: (C, H, W).
        heads: sizes of the outputs, such as 10 means and 10 log variances. It is one layer for
            all, but ``conv-2019`` initialises each for itself.

    >>> import torch
    >>> encoder("conv", (1, 28, 28), 10, 10)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 20])
    """
    return KINDS[net].encoder(shape, *heads)


def decoder(net: Net, shape: ImageShape, inputs: int) -> nn.Module:
    """Build the decoder of the named kind, codes (B, inputs) to pixel parameters (B, C, H, W).

    >>> import torch
    >>> decoder("conv", (3, 45, 64), 10)(torch.zeros(2, 10)).shape
    torch.Size([2, 3, 45, 64])
    """
    return KINDS[net].decoder(shape, inputs)


def hidden(decoder: nn.Module, codes: Tensor) -> list[Tensor]:
    """Return what the hidden layers of a decoder of ``decoder`` give for codes (B, inputs).

    Those of ``style`` and ``residual`` are the style, and the maps of each size below the image's;
    of other kinds they are the rectified layers. The image is not computed.

    >>> import torch
    >>> [tuple(each.shape) for each in hidden(decoder("mlp", (1, 16, 16), 4), torch.zeros(3, 4))]
    [(3, 512), (3, 512)]
    """
    if isinstance(decoder, style.StyleDecoder | residual.ResidualDecoder):
        return decoder.hidden(codes)
    assert isinstance(decoder, nn.Sequential)
    found, value, layers = list[Tensor](), codes, list(decoder)
    last = max(number for number, layer in enumerate(layers) if isinstance(layer, nn.ReLU))
    for layer in layers[: last + 1]:
        value = layer(value)
        if isinstance(layer, nn.ReLU):
            found.append(value)
    return found
