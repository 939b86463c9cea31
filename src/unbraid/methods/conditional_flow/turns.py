"""Reads periodic factors: angles, hues and the like.

They have a net of their own, since in a shared one factors with small errors, such as position,
dominate the loss. Images are resampled without the frame's rotation, which would remove the angle.

What repeats after a part of a turn, such as the angle of a square, is not a smooth function of the
image: of a slightly larger angle the code may be that of a much smaller one. Its sine and cosine
times the number of repeats are, so that a net learns these, a pair for each number of repeats.

A picture may be turned to learn from more of them only if it is known what that does to a factor.
A rotation by phi adds s phi to the code's angle, where s is a whole number: 1 or -1 for a factor
that begins again after a whole rotation, 2 or -2 for one that does after half of one, such as the
direction of a bar, 0 for, say, a hue. Once the errors of what is read of turned pictures are
clearly smallest for another number than 0, pictures are turned to be learned from.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods.conditional_flow.frames import compose, inverse, see

SLOPES = tuple(float(slope) for slope in range(-4, 5))  # of a code's angle over a rotation
SPIN = 0.5  # radians, by which pictures are turned at most,
LEAST = 0.2  # and at least where readings of them tell the slope
CLEAR = 0.7  # of the error of slope 0, below which another slope is taken for true
MEMORY = 0.95  # of the errors of slopes, a step


class Turns(nn.Module):
    """A net that reads periodic factors from pictures, (B, K): a pair for each number of repeats.

    Args:
        codes: of the factors; at least one is periodic.
        net: of images to 2 outputs for each of ``pairs_of(codes)``.
    """

    def __init__(self, codes: FactorCodes, net: nn.Module) -> None:
        super().__init__()
        self.codes, self.net, self.pairs = codes, net, pairs_of(codes)
        # log of the usual errors of the outputs
        self.width = nn.Parameter(torch.full((2 * len(self.pairs),), -0.5))
        # of readings of turned pictures, if a factor has a slope; less than 0 before there are any
        self.register_buffer("errors", torch.full((len(codes.periodic), len(SLOPES)), -1.0))
        self.errors: Tensor

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pairs read from pictures (B, C, H, W), (B, K)."""
        return Tensor.float(self.net(pictures))

    def targets(self, codes: Tensor) -> Tensor:
        """Return the pairs of codes (B, width), (B, K); NaN where another number of repeats counts.

        A factor that has no meaning or is not known has none.
        """
        found = []
        for at, repeats in self.pairs:
            sine, cosine = self._pair(codes, at).unbind(1)
            angle = repeats * torch.atan2(sine, cosine)
            angle = torch.where(self._repeats(codes, at) == repeats, angle, math.nan)
            found.append(torch.stack([angle.sin(), angle.cos()], 1))
        return torch.cat(found, 1)

    def columns(self, pairs: Tensor, codes: Tensor) -> Tensor:
        """Return the code columns of the periodic factors (B, 2P) of pairs read, (B, K).

        Args:
            pairs: sines and cosines, of any length.
            codes: code columns whose categories tell which pair counts, (B, width).
        """
        angles = [torch.zeros_like(pairs[:, 0])] * len(self.codes.periodic)
        for number, (at, repeats) in enumerate(self.pairs):
            angle = torch.atan2(pairs[:, 2 * number], pairs[:, 2 * number + 1]) / repeats
            angles[at] = torch.where(self._repeats(codes, at) == repeats, angle, angles[at])
        return torch.cat([torch.stack([each.sin(), each.cos()], 1) for each in angles], 1)

    def turned(self, pairs: Tensor, angles: Tensor) -> Tensor:
        """Return the pairs (B, K) of factors that are larger by angles (B, P), radians."""
        found = []
        for number, (at, repeats) in enumerate(self.pairs):
            sine, cosine = pairs[:, 2 * number], pairs[:, 2 * number + 1]
            sin, cos = (repeats * angles[:, at]).sin(), (repeats * angles[:, at]).cos()
            found.append(torch.stack([sine * cos + cosine * sin, cosine * cos - sine * sin], 1))
        return torch.cat(found, 1)

    def slopes(self) -> Tensor:
        """Return the slope of each factor over a rotation of the picture, (P,), NaN if unclear."""
        least, best = self.errors.min(1)
        still = self.errors[:, SLOPES.index(0.0)]
        clear = (least >= 0) & (least < CLEAR * still)
        return torch.where(clear, self.errors.new_tensor(SLOPES)[best], math.nan)

    def expected(self, pairs: Tensor, spins: Tensor) -> Tensor:
        """Return the pairs (B, K) of turned pictures; NaN where it is not clear what they are.

        Args:
            pairs: of the pictures before.
            spins: by how much they are turned, (B,), radians.
        """
        angles = torch.where(spins[:, None] == 0, 0.0, self.slopes() * spins[:, None])
        return self.turned(pairs, angles)

    @torch.no_grad()
    def observe(self, found: Tensor, pairs: Tensor, spins: Tensor) -> None:
        """Learn how rotations move factors.

        Args:
            found: what was read of turned pictures, (B, K).
            pairs: what had been right before, (B, K), NaN where not known.
            spins: by how much they are turned, (B,), radians.
        """
        wide = (spins.abs() >= LEAST)[:, None]
        for number, slope in enumerate(SLOPES):
            angles = slope * spins[:, None].expand(-1, len(self.codes.periodic))
            away = (found - self.turned(pairs, angles)).abs()
            away = torch.where(wide, away, math.nan)
            for at in range(len(self.codes.periodic)):
                own = torch.tensor([each == at for each, _ in self.pairs]).repeat_interleave(2)
                error = away[:, own.to(away.device)].nanmean()
                kept = self.errors[at, number]
                fresh = torch.where(kept < 0, error, MEMORY * kept + (1 - MEMORY) * error)
                self.errors[at, number] = torch.where(torch.isnan(error), kept, fresh)

    def error(self) -> Tensor:
        """Return the usual errors of the periodic factors' code columns, (2P,)."""
        widths = self.width.detach().exp().view(-1, 2).mean(1)
        found = [
            torch.stack([w / n for w, (a, n) in zip(widths, self.pairs, strict=True) if a == at])
            for at in range(len(self.codes.periodic))
        ]
        return torch.stack([each.mean() for each in found]).repeat_interleave(2)

    def _pair(self, codes: Tensor, at: int) -> Tensor:
        first = self.codes.categories + len(self.codes.real) + 2 * at
        return codes[:, first : first + 2]

    def _repeats(self, codes: Tensor, at: int) -> Tensor:
        return self.codes.repeats(self.codes.periodic[at], codes[:, : self.codes.categories])


def pairs_of(codes: FactorCodes) -> list[tuple[int, float]]:
    """Return for each pair which of the periodic factors it is of, and by what it multiplies it.

    >>> from unbraid.datasets.dsprites import SPECS
    >>> pairs_of(FactorCodes(SPECS))
    [(0, 1.0), (0, 2.0), (0, 4.0)]
    """
    found = []
    levels = {codes.specs[k].name: codes.specs[k].values or () for k in codes.categorical}
    for at, column in enumerate(codes.periodic):
        spec = codes.specs[column]
        repeats = {
            (spec.period or 1.0) / each.period
            for each in spec.symmetries
            if each.period and each.value in levels.get(each.factor, ())
        }
        told = [
            set(values) <= {each.value for each in spec.symmetries if each.factor == name}
            for name, values in levels.items()
        ]
        # a factor all of whose levels repeat sooner, or have no meaning, has no whole turn
        found += [(at, n) for n in sorted(repeats if repeats and any(told) else repeats | {1.0})]
    return found


def spun(images: Tensor, frames: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures of images in frames (B, 2, 3), half of them turned, and by how much, (B,)."""
    drawn = torch.rand((2, len(images)), generator=noise, device=images.device)
    spins = SPIN * (2 * drawn[0] - 1) * (drawn[1] < 0.5)
    return see(images, compose(upright(frames), inverse(spin_maps(spins)))), spins


def spin_maps(spins: Tensor) -> Tensor:
    """Return the maps (B, 2, 3) by which what is in pictures turns by angles (B,), radians."""
    sin, cos, none = spins.sin(), spins.cos(), torch.zeros_like(spins)
    return torch.stack([torch.stack([cos, -sin, none], 1), torch.stack([sin, cos, none], 1)], 1)


def upright(maps: Tensor) -> Tensor:
    """Return maps (B, 2, 3) of the same places and areas that do not turn, stretch or shear."""
    linear = maps[:, :, :2].flatten(1)
    area = linear[:, 0] * linear[:, 3] - linear[:, 1] * linear[:, 2]
    size = area.clamp_min(1e-3).sqrt()[:, None, None]
    straight = torch.eye(2, device=maps.device, dtype=maps.dtype) * size
    return torch.cat([straight, maps[:, :, 2:]], 2)
