"""Training of a judge on labelled images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid.control.assessment.judge_heads import factor_ranges
from unbraid.control.assessment.judge_network import JudgeNetwork, channels_last, to_floats
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.control.assessment.units import FactorUnits
from unbraid.core import hardware, registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec

OnProgress = Callable[[int, int], None]  # called with the numbers of completed and of all steps

MIN_SIDE = 16  # pixels
LEARNING_RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 0.05, 0.05  # warm-up as a share of all steps
NOISE, GAIN = 0.03, 0.03  # largest noise and relative contrast of augmented images
IMAGES_SEEN = 240_000  # in training, counting repetitions
PASSES = (12, 150)  # fewest and most


@dataclass(frozen=True)
class Config:
    """Options of a judge.

    Args:
        passes: passes over the training images; 0 chooses by their number.
        batch_size: images per step.
        seed: seed of weights, order and noise.
        device: ``auto`` is cuda, mps or cpu, the first that is available.
        precision: ``auto`` is bf16 if the hardware supports it, otherwise f32.

    >>> Config().passes
    0
    """

    passes: int = 0
    batch_size: int = 64
    seed: int = 0
    device: hardware.Device = "auto"
    precision: hardware.Precision = "auto"

    def __post_init__(self) -> None:
        registry.check_types(self, "judge")
        for name, least in (("passes", 0), ("batch_size", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise UnbraidError(
                    f"{name} of the judge is {getattr(self, name)}, expected {least} or more."
                )


def train_judge(
    specs: Sequence[FactorSpec],
    images: Any,
    factors: Any,
    config: Config,
    on_progress: OnProgress | None = None,
) -> LearnedJudge:
    """Return a judge trained on labelled images.

    Args:
        specs: of the factors.
        images: uint8 (N, C, H, W).
        factors: (N, F) as stored, NaN where unknown.
        config: options.
        on_progress: called after each step.

    Raises:
        UnbraidError: images smaller than 16 pixels.

    >>> specs = [FactorSpec("grey", "continuous", range=(0, 255))]
    >>> grey = np.random.default_rng(0).integers(0, 256, (300, 1))
    >>> images = np.broadcast_to(grey[:, :, None, None], (300, 1, 16, 16)).astype(np.uint8)
    >>> judge = train_judge(specs, images, grey, Config(passes=5))
    >>> judge.read(images[:2]).shape
    (2, 1)
    """
    _, channels, height, width = np.shape(images)
    if min(height, width) < MIN_SIDE:
        raise UnbraidError(
            f"the images are {width} by {height} pixels, but a judge needs at least {MIN_SIDE} by "
            f"{MIN_SIDE}: use larger images."
        )
    device = hardware.device(config.device)
    precision = hardware.precision(config.precision, device)
    hardware.keep_freed_memory()
    values = FactorUnits(specs).values(factors)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        judge = LearnedJudge(specs, (channels, height, width), factor_ranges(specs, values))
        net = hardware.place(judge.net, device).train()
        targets = judge.heads.targets(values).to(device)
        optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        size = min(config.batch_size, len(images))
        passes = config.passes or min(max(IMAGES_SEEN // len(images), PASSES[0]), PASSES[1])
        steps = passes * (len(images) // size)
        for step, rows in enumerate(_batches(len(images), size, passes, config.seed)):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * _rate(step / steps)
            batch = _augmented(to_floats(images[rows]).to(device))
            with hardware.autocast(device, precision):
                outputs = net(channels_last(batch))
            loss = judge.heads.loss(outputs.float(), targets[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if on_progress is not None:
                on_progress(step + 1, steps)
        _estimate_statistics(net, images, size, device)
    return judge


def _batches(count: int, size: int, passes: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each step: those of every pass in another order, without a smaller rest."""
    for number in range(passes):
        order = np.random.default_rng([seed, number]).permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


@torch.no_grad()
def _estimate_statistics(net: JudgeNetwork, images: Any, size: int, device: torch.device) -> None:
    """Set the statistics of batch normalisation to averages over all unaugmented images."""
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
    for start in range(0, len(images) - size + 1, size):
        net(channels_last(to_floats(images[start : start + size]).to(device)))
    net.eval()


def _rate(progress: float) -> float:
    """Return the learning rate after a share of the training, relative to its maximum."""
    return min(1.0, progress / WARM_UP + 0.01) * (1 + math.cos(math.pi * progress)) / 2


def _augmented(images: Tensor) -> Tensor:
    """Return images with slightly changed noise and contrast, which do not change labels."""
    strength = images.new_empty(len(images), 2, 1, 1, 1).uniform_()
    gain = 1 + GAIN * (2 * strength[:, 0] - 1)
    return images * gain + NOISE * strength[:, 1] * torch.randn_like(images)
