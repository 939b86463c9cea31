"""Options of training, whatever the method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from unbraid.core import hardware, registry
from unbraid.core.errors import UnbraidError
from unbraid.methods import require

# Options that decide how a training is carried out, and its weights by rounding at most.
FREE = frozenset({"device", "checkpoint_every", "capture"})
MOST = 2**31 - 1  # of anything counted, as far as torch counts threads


@dataclass(frozen=True)
class TrainingConfig:
    """Options of training, whatever the method.

    Args:
        epochs: passes over the training images; 10 if neither they nor steps are given.
        steps: exactly so many optimizer steps, in place of whole epochs; 0 goes by epochs.
        batch_size: images a step; a last, smaller batch is left out.
        lr: learning rate of Adam.
        sampling: how a step's images are drawn: ``epochs`` shuffles all of them and takes each
            once, ``iid`` draws each step's with replacement. An epoch is as many steps either way.
        seed: seed of initialisation, order and noise; on a CPU, runs repeat bit for bit.
        validation: share of the images held out (the same ones for every seed), at most 5,000; 0
            trains on all of them, and has no terms of validation.
        device: ``auto`` takes cuda, then mps, then cpu.
        precision: precision of the networks; ``auto`` is bf16 where the hardware has it, else f32.
            Losses and weights are always f32. A training is continued in what it began in.
        threads: CPU threads; 0 leaves it to torch. Another number may round differently.
        checkpoint_every: seconds between checkpoints within an epoch.
        capture: on a GPU, record a step once and replay it (a CUDA graph), where the method can.
    """

    epochs: int = 10
    steps: int = 0
    batch_size: int = 128
    lr: float = 1e-3
    sampling: Literal["epochs", "iid"] = "epochs"
    seed: int = 0
    validation: float = 0.1
    device: hardware.Device = "auto"
    precision: hardware.Precision = "auto"
    threads: int = 0
    checkpoint_every: float = 30.0
    capture: bool = True

    def same_steps(self, other: TrainingConfig) -> bool:
        """Whether another training takes the same steps.

        >>> TrainingConfig().same_steps(TrainingConfig(device="cpu"))
        True
        """
        return replace(self, **{name: getattr(other, name) for name in FREE}) == other

    def __post_init__(self) -> None:
        registry.check_types(self, "training")
        for name in ("epochs", "steps", "threads"):  # the data bound a batch
            if getattr(self, name) > MOST:
                raise UnbraidError(f"{name} is {getattr(self, name)}, expected at most {MOST:,}.")
        require(self.steps, 0, "steps")
        if self.steps:
            if self.epochs not in (0, type(self).epochs):
                raise UnbraidError(
                    f"epochs is {self.epochs} and steps is {self.steps}: give one of them."
                )
            object.__setattr__(self, "epochs", 0)  # how a config says that steps count
        else:
            require(self.epochs, 1, "epochs")
        require(self.batch_size, 1, "batch_size")
        require(self.lr, 0, "lr", above=True)
        require(self.seed, 0, "seed")
        require(self.threads, 0, "threads")
        require(self.checkpoint_every, 0, "checkpoint_every")
        if not 0 <= self.validation < 1:
            raise UnbraidError(f"validation is {self.validation:g}, expected a share in [0, 1).")
