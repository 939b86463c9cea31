"""A rectified flow over a latent code: noise becomes a code along a path that factors decide.

Liu et al. 2023, "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified
Flow", equation 1: with h a code, e standard normal noise and h_t = (1 - t) e + t h,

    loss = E |v(h_t, t, f) - (h - e)|^2

The path is followed by Heun's rule, from noise to code or back.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OCTAVES = 1  # of sines and cosines of each real factor: more, and styles change with factors
WAVES = 16  # of sines and cosines of the time
FASTEST = 50.0  # radians over the whole path


class Block(nn.Module):
    """A residual layer whose normalised input is scaled and shifted by the condition."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.modulate = nn.Linear(condition, 3 * width)

    def forward(self, values: Tensor, condition: Tensor) -> Tensor:
        """Return the values (B, width) after the layer."""
        modulation: Tensor = self.modulate(condition)
        scale, shift, gate = modulation.chunk(3, 1)
        moved = self.first(self.norm(values) * (1 + scale) + shift)
        change: Tensor = self.second(F.silu(moved))
        return values + (1 + gate) * change


class Velocity(nn.Module):
    """v(h_t, t, f), which way a code goes.

    Args:
        latents: D, of a code.
        categories: columns of categorical factors.
        reals: all other columns of factors.
        hidden: width of the layers.
        layers: how many.
    """

    def __init__(self, latents: int, categories: int, reals: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.categories = categories
        condition = max(hidden // 4, 16)
        inputs = categories + reals * (1 + 2 * OCTAVES) + 1 + 2 * WAVES
        self.condition = nn.Sequential(
            nn.Linear(inputs, condition), nn.SiLU(), nn.Linear(condition, condition), nn.SiLU()
        )
        self.first = nn.Linear(latents, hidden)
        self.blocks = nn.ModuleList([Block(hidden, condition) for _ in range(layers)])
        self.norm = nn.LayerNorm(hidden)
        self.last = nn.Linear(hidden, latents)
        waves = torch.exp(torch.linspace(0, math.log(FASTEST), WAVES))
        self.register_buffer("waves", waves, False)
        self.waves: Tensor

    def forward(self, codes: Tensor, time: Tensor, factors: Tensor, hidden: Tensor) -> Tensor:
        """Return the velocity at codes (B, D) and times (B, 1), (B, D) float32.

        Args:
            codes: h_t.
            time: from 0, noise, to 1, codes.
            factors: their code columns, (B, width).
            hidden: (B, 1), 1 where the factors are not told.
        """
        real = factors[:, self.categories :]
        octaves = [real * (math.pi / 2 * 2**octave) for octave in range(OCTAVES)]
        told = torch.cat([factors, *map(torch.sin, octaves), *map(torch.cos, octaves)], 1)
        turns = time * self.waves
        inputs = [told * (1 - hidden), hidden, torch.sin(turns), torch.cos(turns)]
        condition = self.condition(torch.cat(inputs, 1))
        values = self.first(codes)
        for block in self.blocks:
            values = block(values, condition)
        velocity: Tensor = self.last(self.norm(values))
        return velocity.float()


def follow(
    velocity: Callable[[Tensor, Tensor], Tensor], start: Tensor, steps: int, back: bool = False
) -> Tensor:
    """Return where a path from ``start`` (B, D) at time 0 ends at time 1, or the way back.

    Heun's rule: each step is taken with the mean of the velocities at its two ends.

    >>> follow(lambda h, t: torch.ones_like(h), torch.zeros(1, 2), steps=3)
    tensor([[1., 1.]])
    """
    here, step = start, (-1.0 if back else 1.0) / steps
    time = torch.full_like(start[:, :1], float(back))
    for _ in range(steps):
        first = velocity(here, time)
        second = velocity(here + step * first, time + step)
        here, time = here + step * 0.5 * (first + second), time + step
    return here
