"""Layers that the nets of both conditional methods have: normalisation, and dropout by key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Norm(nn.GroupNorm):
    """Group normalisation of contiguous maps: torch's is many times slower on channels-last."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps (B, C, H, W) normalised."""
        return super().forward(maps.contiguous())


class Dropout(nn.Module):
    """Dropout by a generator of its own, and only inside a ``dropping`` block.

    Args:
        share: of the inputs that become 0; the others grow so that the sum stays, on average.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.noise: torch.Generator | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs, a share of them 0."""
        if self.noise is None:
            return inputs
        draws = torch.rand(inputs.shape, generator=self.noise, device=inputs.device)
        return inputs * (draws >= self.share).to(inputs.dtype) / (1 - self.share)


@contextmanager
def dropping(net: nn.Module, noise: torch.Generator) -> Iterator[None]:
    """Have a net's Dropout layers drop inputs inside a block, if it is being trained."""
    layers = [layer for layer in net.modules() if isinstance(layer, Dropout) and net.training]
    for layer in layers:
        layer.noise = noise
    try:
        yield
    finally:
        for layer in layers:
            layer.noise = None
