"""The contract of a training step: what an objective is given, and what its optimizers move."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Terms = dict[str, Tensor]  # named scalars in nats per image; "loss" is what is minimised

# What a batch may hold besides images. A method declares what it needs in ``Method.needs``.
Need = Literal["factors", "labelled", "pairs"]
LABELS: frozenset[Need] = frozenset(("factors", "labelled"))  # needs that are met from labels


@dataclass(frozen=True, slots=True)
class Batch:
    """The data of one step: images, and what the method declared that it needs; else None.

    Args:
        images: (B, C, H, W) on [0, 1].
        factors: (B, F) of the images, NaN where unknown or not given.
        labelled: other images, all of which have labels, and their factors.
        pairs: a partner of each image, (B, C, H, W), and which factors differ, (B, F) bool.

    >>> len(Batch(torch.zeros(5, 1, 16, 16)))
    5
    """

    images: Tensor
    factors: Tensor | None = None
    labelled: tuple[Tensor, Tensor] | None = None
    pairs: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.images)


class Context(NamedTuple):
    """Where training stands when an objective is computed."""

    noise: torch.Generator  # the only source of randomness
    epoch: float  # epochs done, fractions included; infinite in validation
    total: int  # N, the number of training images
    phase: str = "model"  # which of the model's phases the step is for
    step: int = 0  # steps done; very many in validation

    # While a step is recorded on a GPU, epoch and step are scalar tensors: compute with them, and
    # compare them by the following two alone. A method that does otherwise is not recorded.

    def done(self, epochs: float) -> float:
        """Return the share of the first so many epochs that is done, at most 1; 1 of none.

        >>> Context(torch.Generator(), epoch=3.0, total=100).done(epochs=4)
        0.75
        """
        return _at_most_one(self.epoch, epochs)

    def done_steps(self, steps: int) -> float:
        """Return the share of the first so many steps that is done, at most 1; 1 of none."""
        return _at_most_one(self.step, steps)


def _at_most_one(now: float, end: float) -> float:
    if not end:
        return 1.0
    if isinstance(now, Tensor):
        return (now / end).clamp(max=1.0)
    return min(1.0, now / end)


WHOLE = 10  # epochs from which on phases have whole ones
ROUNDING = 1e-9  # of the length of a training, by which computed ends of its parts differ
FIRST = 1e-3  # share of a phase at whose learning rate one that rises begins


class Rate(NamedTuple):
    """The learning rate and the betas of some of a phase's parameters.

    >>> own = Rate([nn.Parameter(torch.zeros(3))], lr=0.1, betas=(0.5, 0.9))
    >>> Phase([*own.parameters, nn.Parameter(torch.zeros(2))], rates=(own,)).rates[0].lr
    0.1
    """

    parameters: list[nn.Parameter]
    lr: float = 1.0  # times the phase's
    betas: tuple[float, float] = (0.9, 0.999)


class Phase(NamedTuple):
    """What one optimizer moves, and how: all of a training's that is a method's to say."""

    parameters: list[nn.Parameter]
    lr: float = 1.0  # times the training's own
    betas: tuple[float, float] = (0.9, 0.999)
    limit: float = float("inf")  # the term of the phase's name has diverged above it
    advice: str = ""  # what to try then
    # part of the training it has, in whole epochs of a training that has WHOLE of them
    span: tuple[float, float] = (0.0, 1.0)
    # the learning rate over that part: as it is, or falling to 0 in a line or as a cosine
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    rise: float = 0.0  # share of that part over which its learning rate first rises
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 0.0  # of adamw decoupled (Loshchilov & Hutter 2019), of adam an L2 term
    decayed: list[nn.Parameter] | None = None  # what weight decay is for; all of them if None
    clip: float = 0.0  # the gradient's norm is held to it; 0 leaves it
    # each number of the gradient to decayed parameters is held to it either way; 0 leaves them
    clip_value: float = 0.0
    # the optimizer gets the loss times this: 1 / pixels where a paper averages over pixels and
    # clips, as neither a clip nor the epsilon of Adam scales with the loss
    loss_scale: float = 1.0
    # decay a step of a moving average of the weights, which validation and the finished model
    # use; 0 keeps none
    ema: float = 0.0
    # of parameters with a learning rate and betas of their own, such as those of a network with a
    # loss of its own: the phase's loss is then the sum, which is right if neither loss has a
    # gradient by the other's parameters. Clips are of the gradient by all parameters
    rates: tuple[Rate, ...] = ()

    @property
    def needs_length(self) -> bool:
        """Whether its learning rate depends on how long the training is in all."""
        return self.schedule != "constant" or self.rise > 0 or self.span != (0.0, 1.0)

    def lr_at(self, epoch: float, epochs: float) -> float:
        """Return the learning rate's share at an epoch, 0 <= epoch < epochs; 0 outside its part.

        >>> phase = Phase([], span=(0.5, 1.0), schedule="cosine")
        >>> phase.lr_at(4.9, 10), phase.lr_at(5, 10), round(phase.lr_at(7.5, 10), 6)
        (0.0, 1.0, 0.5)
        >>> Phase([], rise=0.2).lr_at(1, 10)
        0.5
        """
        start, end = (
            part * epochs if part == 1 or epochs < WHOLE else round(part * epochs)
            for part in self.span
        )
        if end <= start:  # less than half an epoch
            start, end = (start, start + 1) if start < epochs else (epochs - 1, epochs)
        now = epoch + ROUNDING * epochs  # the end of one part is the start of the next, as computed
        if not start <= now < end:
            return 0.0
        done = max(epoch - start, 0.0) / (end - start)
        # never 0, as a step without a learning rate is none
        risen = min(1.0, max(done, FIRST) / self.rise) if self.rise else 1.0
        if self.schedule == "linear":
            return risen * (1 - done)
        if self.schedule == "cosine":
            return risen * (0.5 + 0.5 * math.cos(math.pi * done))
        return risen
