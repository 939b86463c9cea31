"""How networks begin, and layers that torch has in no fit form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class InstanceNorm(nn.Module):
    """Instance normalisation of maps (B, C, h, w), also of none: torch's fails where B is 0.

    Args:
        maps: C.
        epsilon: added to the variance.
        affine: whether each map learns a scale and a shift.
    """

    def __init__(self, maps: int, epsilon: float, *, affine: bool = False) -> None:
        super().__init__()
        self.epsilon, self.affine = epsilon, affine
        if affine:
            self.weight = nn.Parameter(torch.ones(maps))
            self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps with mean 0 and variance 1 over their pixels, then scaled and shifted."""
        # of contiguous ones: channels-last is several times slower
        size = [int(side) for side in maps.shape[2:]]  # ONNX takes no traced ones
        found = F.layer_norm(maps.contiguous(), size, eps=self.epsilon)
        if self.affine:
            found = torch.addcmul(self.bias[:, None, None], found, self.weight[:, None, None])
        return found


class _Bias(nn.Linear):
    """A linear layer without inputs: its bias, 0 to begin with."""

    def reset_parameters(self) -> None:
        """Draw as many random numbers as torch does, so that later layers get the same ones."""
        nn.init.uniform_(self.bias, 0.0, 0.0)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """Return torch's linear layer, or without inputs one that does not warn of it.

    >>> linear(0, 3)(torch.zeros(2, 0)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return nn.Linear(inputs, outputs) if inputs else _Bias(inputs, outputs)
