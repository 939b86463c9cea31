"""A reader of any factors of any images, for the conditional flow: it looks again, through frames.

A glance at the image tells the real and periodic factors roughly, and so a frame (see Frame) in
which all things lie and are turned alike. What is seen there tells the categories, what else the
factors are, and how the frame should have lain; twice more the reader looks through a better one.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._layers import Dropout, Norm
from unbraid.methods.conditional_flow import frames as _frames
from unbraid.methods.conditional_flow.frames import Frame, see
from unbraid.methods.conditional_flow.turns import Turns, pairs_of, upright
from unbraid.nn import nets

GROUPS = 8  # of channels that are normalised together
SIDE = 32  # pixels of the shorter side that factors are read from; larger images are averaged down
SOFT = 0.1  # in widths of the error: below it the loss of a real factor is quadratic
LOOKS = 3  # through frames
CORRECTION = 0.2  # of a map's numbers that an output of 1 stands for,
REST = 0.3  # and of a code column that frames do not tell


class Reader(nn.Module):
    """Reads any factors from any images.

    One net reads the categories, one the periodic factors (see Turns), others all else: in a net
    for all, real factors, whose errors become small, would outweigh the others.

    Args:
        codes: of the factors.
        shape: of the images.
        width: channels of the first maps.
    """

    def __init__(self, codes: FactorCodes, shape: nets.ImageShape, width: int = 32) -> None:
        super().__init__()
        self.codes, self.columns = codes, codes.width - codes.categories
        channels, *sides = nets.check_image_shape(shape)
        self.shrink = max(min(sides) // SIDE, 1)
        height, side = (-(-each // self.shrink) for each in sides)
        small, reals = (channels, height, side), self.columns
        self.frame = Frame(reals)
        self.kinds = _looker(small, codes.categories, width) if codes.categories else None
        self.reals = _looker(small, reals + 6, width) if reals else None
        self.first = _looker(small, reals, max(3 * width // 4 // 8, 1) * 8) if reals else None
        told = 11 + reals  # by a frame and the glance
        self.told = nn.Linear(told, reals) if reals else None
        self.told_more = (
            nn.Sequential(nn.Linear(told, 64), nn.SiLU(), nn.Linear(64, reals)) if reals else None
        )
        # logs of the usual errors of a glance and of a look, in halves of a factor's range, and
        # of how far a frame is seen to be off, in units of CORRECTION
        self.glance_width = nn.Parameter(torch.full((reals,), -1.0))
        self.real_width = nn.Parameter(torch.full((reals,), -1.5))
        self.frame_width = nn.Parameter(torch.full((6 if reals else 0,), -2.0))
        self.turns = (
            Turns(codes, _looker(small, 2 * len(pairs_of(codes)), width))
            if codes.periodic
            else None
        )

    def shrunk(self, images: Tensor) -> Tensor:
        """Return the images as factors are read from them."""
        return F.avg_pool2d(images, self.shrink, ceil_mode=True) if self.shrink > 1 else images

    def glance(self, images: Tensor) -> Tensor:
        """Return the code columns that are no categories, (B, R), as read without a frame."""
        if self.first is None:
            return _nothing(images)
        return Tensor.float(self.first(images))

    def recognise(self, pictures: Tensor) -> Tensor:
        """Return logits (B, categories) of what is seen through frames, (B, C, H, W)."""
        if self.kinds is None:
            return _nothing(pictures)
        return Tensor.float(self.kinds(pictures))

    def look(self, pictures: Tensor, maps: Tensor, glanced: Tensor) -> tuple[Tensor, Tensor]:
        """Return code columns that are no categories, (B, R), and how frames are off, (B, 2, 3).

        Args:
            pictures: what is seen through frames, (B, C, H, W).
            maps: the frames, (B, 2, 3).
            glanced: what the glance read, (B, R).
        """
        if self.reals is None or self.told is None or self.told_more is None:
            return glanced, _frames.identity(maps)
        outputs = Tensor.float(self.reals(pictures))
        off = _frames.identity(maps) + CORRECTION * outputs[:, self.columns :].view(-1, 2, 3)
        told = _frames.features(_frames.compose(maps, off))
        with _frames.in_full(pictures):
            told = torch.cat([told, glanced.detach().float()], 1)
            columns = self.told(told) + self.told_more(told)
        return columns + REST * outputs[:, : self.columns], off

    def settled(self, images: Tensor, looks: int = LOOKS) -> tuple[Tensor, Tensor, Tensor]:
        """Return code columns (B, width) of images, the glance (B, R) and frames (B, 2, 3).

        Args:
            images: (B, C, H, W), shrunk.
            looks: how often it looks, through better and better frames.
        """
        glanced = self.glance(images)
        maps = self.frame(glanced)
        for _ in range(looks - 1 if self.reals is not None else 0):
            _, off = self.look(see(images, maps), maps, glanced)
            maps = _frames.compose(maps, off)
        pictures = see(images, maps)
        columns, _ = self.look(pictures, maps, glanced)
        logits = self.recognise(pictures)
        if self.turns is not None:
            pairs = self.turns(see(images, upright(maps)))
            circles = self.turns.columns(pairs, self.codes.most_probable(logits))
            columns = torch.cat([columns[:, : len(self.codes.real)], circles], 1)
        return torch.cat([logits, columns], 1), glanced, maps

    def errors(self) -> Tensor:
        """Return the usual errors of the code columns that are no categories, (R,)."""
        widths = self.real_width.detach().exp()
        if self.turns is None:
            return widths
        return torch.cat([widths[: len(self.codes.real)], self.turns.error()])

    def forward(self, images: Tensor) -> Tensor:
        """Return the code columns read from images, (B, width), categories as logits."""
        return self.settled(self.shrunk(images))[0]

    def real_loss(
        self, found: Tensor, wanted: Tensor, width: Tensor, weight: Tensor | float = 1.0
    ) -> Tensor:
        """Return -log q of columns (B, K), summed, (B,), nats; unknown ones (NaN) count 0.

        q falls off as Laplace's density, as wide as errors usually are, with a rounded top.

        Args:
            found: what was read.
            wanted: what it should be.
            width: log of the usual errors, (K,).
            weight: of the columns, (K,) or (B, K), or of all.
        """
        away = (found - wanted).abs()
        known = ~torch.isnan(away)
        width = width.clamp(-6, 1)
        share = torch.where(known, away, 0.0) * torch.exp(-width)
        loss = torch.sqrt(share.square() + SOFT**2) - SOFT + width + math.log(2)
        return (weight * loss * known).sum(1)

    def correction_loss(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Return the loss of corrections of frames (B, 2, 3), (B,), nats."""
        if self.reals is None:
            return found.new_zeros(len(found))
        rest = _frames.identity(found)
        found, wanted = (((each - rest) / CORRECTION).flatten(1) for each in (found, wanted))
        return self.real_loss(found, wanted, self.frame_width)


def _nothing(images: Tensor) -> Tensor:
    """Return no columns, (B, 0); not by the number of images, which a graph would keep."""
    return images.flatten(1)[:, :0].float()


def _looker(shape: nets.ImageShape, outputs: int, width: int) -> nn.Sequential:
    """Build a net that looks at images (B, C, H, W) and tells outputs, (B, outputs)."""
    plan = nets.conv_plan(shape)
    layers: list[nn.Module] = []
    inputs = shape[0]
    for stage, before in enumerate(plan[:-1]):
        maps = width * min(2**stage, 4)
        convolutions: list[nn.Module] = [nn.Conv2d(inputs, maps, nets.kernel(before), 2, 1)]
        if stage == 1:
            convolutions.append(nn.Conv2d(maps, maps, 3, 1, 1))
        for convolution in convolutions:
            layers += [convolution, Norm(GROUPS, maps), nn.SiLU()]
        inputs = maps
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        Dropout(0.2),
        nn.Linear(inputs * math.prod(plan[-1][1:]), 4 * width),
        nn.SiLU(),
        Dropout(0.2),
        nn.Linear(4 * width, outputs),
    )
