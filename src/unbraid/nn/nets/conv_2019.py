"""``conv-2019``: the network of the study of Locatello et al. 2019, as its code has it.

"Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations",
disentanglement_lib's ``conv_encoder`` and ``deconv_decoder``. At 64 by 64 pixels:

- encoder: 32 maps of 4 by 4 taps, twice, then 64 maps of **2 by 2** taps, twice, stride 2; 256
  units; a layer for each head. The paper's table says 4 by 4 throughout, as ``conv`` has it; the
  code and the models that were released have 2 by 2.
- decoder: 256 and 1,024 units; transposed convolutions of 4 by 4 taps, stride 2, to 64, 32, 32 maps
  and the image.
- ReLU between layers. Weights are uniform (Glorot & Bengio 2010, equation 16), biases 0.

At other sizes there are fewer or more layers, as ``conv_plan`` says, and where a side is odd,
kernels have 3 taps along it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from unbraid.nn.nets import conv
from unbraid.nn.nets.shapes import ImageShape, conv_plan

WIDE = 2  # layers of the encoder with kernels of 4 taps


def encoder(shape: ImageShape, *heads: int) -> nn.Sequential:
    """Build the encoder, images (B, C, H, W) to (B, sum of heads)."""
    net = conv.encoder(shape, *heads)
    for number, (before, after) in enumerate(pairwise(conv_plan(shape))):
        if number >= WIDE:
            odd = before[1] % 2, before[2] % 2
            taps = 2 + odd[0], 2 + odd[1]
            net[2 * number] = nn.Conv2d(before[0], after[0], taps, 2, odd)
    return glorot(net, heads)


def decoder(shape: ImageShape, inputs: int) -> nn.Sequential:
    """Build the decoder, codes (B, inputs) to pixel parameters (B, C, H, W)."""
    return glorot(conv.decoder(shape, inputs))


def glorot(net: nn.Sequential, heads: tuple[int, ...] = ()) -> nn.Sequential:
    """Draw weights uniformly within sqrt(6 / (inputs + outputs)), biases 0.

    Args:
        net: layers, in order.
        heads: sizes of the layers that the last one puts together; itself if not given.
    """
    layers = [each for each in net if isinstance(each, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    for layer in layers:
        rows = list(heads) if heads and layer is layers[-1] else [len(layer.weight)]
        for weight in torch.split(layer.weight.detach(), rows):
            nn.init.xavier_uniform_(weight)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    return net
