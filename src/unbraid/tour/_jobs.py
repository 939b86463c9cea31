"""The tour's trainings: which there are, and the commands that repeat them."""

from __future__ import annotations

import dataclasses
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import methods
from unbraid.datasets import load_dataset
from unbraid.errors import UnbraidError
from unbraid.files import atomic
from unbraid.runs import Run, RunConfig
from unbraid.tour import Config
from unbraid.training import TrainingConfig

FLAT_EPOCHS = 5  # of the models with two latents
DEEP_EPOCHS = 10  # of those with ten
BETA = 4.0


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        name: what chapters call it.
        config: what ``unbraid train`` would be told.
        folder: its run folder.
    """

    name: str
    config: RunConfig
    folder: Path

    @property
    def command(self) -> str:
        """The command that repeats the training by hand."""
        config = self.config
        words = ["unbraid", "train", methods.name_of(config.method)]
        words += ["--data", config.data_options.get("path", config.data)]
        for part in (config.method, config.training):
            for field in dataclasses.fields(part):
                value = getattr(part, field.name)
                if value != field.default:
                    words += [f"--{field.name.replace('_', '-')}", f"{value}"]
        return shlex.join([*words, "--out", str(self.folder)])

    def finished(self) -> bool:
        """Whether the training is done; a folder that holds another run is an UnbraidError."""
        if not (self.folder / "config.json").exists():
            return False
        run = Run(self.folder)
        if run.config != self.config:
            raise UnbraidError(
                f"{self.folder} holds a run that is not the tour's: move it away, or give the "
                "tour another folder with --out."
            )
        return run.finished


def plan(config: Config) -> dict[str, Job]:
    """Return the trainings by name, in the order in which they are best started.

    With two side by side, long ones start early, between the short ones that the first chapters
    wait for, so that neither side is idle at the end.
    """
    data = _data(config)
    flat = [
        _job(config, data, method, seed, FLAT_EPOCHS, latent_dim=2)
        for method in ("ae", "vae")
        for seed in range(config.seeds)
    ]
    deep = [
        _job(config, data, "vae", 0, DEEP_EPOCHS),
        _job(config, data, "beta-vae", 0, DEEP_EPOCHS, beta=BETA),
        _job(config, data, "beta-tcvae", 0, DEEP_EPOCHS, beta=BETA),
    ]
    ordered = [flat[0], deep[0], *flat[1 : config.seeds + 1], deep[1], *flat[config.seeds + 1 :]]
    return {job.name: job for job in [*ordered, deep[2]]}


def _job(
    config: Config, data: dict[str, Any], method: str, seed: int, epochs: int, **options: Any
) -> Job:
    # plain networks: on MNIST they come as far as convolutional ones in half the time
    model = methods.configure(method, net="mlp", **options)
    # one thread each, whatever runs beside it: then every machine's runs can be told apart only
    # by rounding, and a tour goes on where it was with another number of jobs
    training = TrainingConfig(epochs=config.epochs or epochs, seed=seed, threads=1)
    name = f"{method}-{options.get('latent_dim', 10)}d-{seed}"
    folder = name
    if config.epochs:
        folder += f"-{config.epochs}epochs"
    if config.images:
        folder += f"-{config.images}images"
    return Job(name, RunConfig(model, **data, training=training), config.out / "runs" / folder)


def _data(config: Config) -> dict[str, Any]:
    """Return the data and their options, writing the first images to a file if only those count."""
    if config.images is None:
        return {"data": "mnist", "data_options": {}}
    path = config.out / "data" / f"mnist-{config.images}.npz"
    if not path.exists():
        data = load_dataset("mnist")
        with atomic(path) as temporary:
            np.savez_compressed(
                temporary,
                images=data.images[: config.images],
                factors=data.factor("digit")[: config.images],
                factor_names=np.array(["digit"]),
            )
    return {"data": "npz", "data_options": {"path": str(path)}}


def side_by_side(config: Config) -> int:
    """Return how many trainings run at once.

    Two processes of one thread each train more images a second than one process of two threads:
    measured on two cores, 1.2 to 1.6 times as many, on the tour's models.
    """
    if config.jobs:
        return config.jobs
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 4)
