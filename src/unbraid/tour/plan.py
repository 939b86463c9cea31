"""The tour's trainings: which there are, and the commands that repeat them."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from unbraid import methods
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic
from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset
from unbraid.runs import Run, RunConfig, command, scores_by_metric, train_run
from unbraid.studies.engines import Emit, Stop
from unbraid.studies.engines.reporter import EventReporter
from unbraid.tour import Config
from unbraid.training import TrainingConfig

SIZES = (2, 5, 10, 20, 50)  # latents of the autoencoders
WIDE = 20  # latents of the VAE whose samples are compared with the autoencoder's, one of SIZES
PLANE_SEEDS = 6  # trainings of the models with two latents
PLAIN = "infogan-plain"  # trainings of InfoGAN as published
CANVAS = 32  # of the digits drawn under known factors
METRICS = ("mig", "dci")  # measured where factors are known
BATCH = 256  # trains more images a second than 128, and estimates densities better
# A smaller InfoGAN than the paper's, for time.
INFOGAN = {"channels": 32, "hidden": 256}
# Weights of its terms on slightly warped real images: see docs/methods/infogan.md.
WARPED = {"invariance": 1.0, "steadiness": 2.0, "sparseness": 0.2}


@dataclass(frozen=True)
class Scale:
    """How much a tour trains.

    Args:
        seeds: of all but the models with two latents and the two curves.
        codes: epochs of the autoencoders and of the VAE with two latents.
        betas: at which beta-VAE and beta-TCVAE are trained.
        curve: epochs of these.
        curve_seeds: of these.
        infogan: epochs of InfoGAN.
        gans: seeds of InfoGAN.
        plain: seeds of InfoGAN as published, trained on generated images alone.
    """

    seeds: int
    codes: int
    betas: tuple[int, ...]
    curve: int
    curve_seeds: int
    infogan: int
    gans: int
    plain: int


QUICK = Scale(seeds=2, codes=2, betas=(1, 4, 16), curve=4, curve_seeds=2, infogan=3, gans=2,
              plain=0)  # fmt: skip
DEFAULT = Scale(seeds=3, codes=5, betas=(1, 2, 4, 8, 16), curve=10, curve_seeds=3, infogan=5,
                gans=2, plain=1)  # fmt: skip
FULL = Scale(seeds=5, codes=10, betas=(1, 2, 4, 6, 8, 12, 16), curve=40, curve_seeds=10, infogan=8,
             gans=5, plain=5)  # fmt: skip


def scale(config: Config) -> Scale:
    """Return how much a tour of these options trains.

    >>> scale(Config(full=True)).seeds, scale(Config(full=True)).curve_seeds
    (5, 10)
    """
    found = QUICK if config.quick else FULL if config.full else DEFAULT
    if count := config.seeds:
        gans = count if config.full else min(count, found.gans)
        plain = count if config.full else min(count, found.plain)
        found = dataclasses.replace(found, seeds=count, curve_seeds=count, gans=gans, plain=plain)
    if config.epochs:
        count = config.epochs
        found = dataclasses.replace(found, codes=count, curve=count, infogan=count)
    return found


def plane_seeds(config: Config) -> int:
    """Return how many models with two latents are trained of each kind: six, if not asked else."""
    return config.seeds if 0 < config.seeds < 5 else max(PLANE_SEEDS, config.seeds)


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        name: in chapters and messages.
        config: the options of ``unbraid train``.
        folder: its run folder.
        scored: whether the metrics of disentanglement are measured after it.
    """

    name: str
    config: RunConfig
    folder: Path
    scored: bool = False

    @property
    def command(self) -> str:
        """The command that repeats the training by hand."""
        return command(self.config, self.folder)

    def work(self, emit: Emit, stop: Stop) -> None:
        """Train, or continue, and measure what is to be scored."""
        from unbraid.tour.statistics.scores import score_run

        run = train_run(
            self.config, self.folder, resume=True, display=EventReporter(self.name, emit, stop)
        )
        if self.scored:
            score_run(run)
        # nothing is added to a finished one: it would take three times the model's size
        (self.folder / "checkpoint.safetensors").unlink(missing_ok=True)

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
        if run.finished:
            check_result(run)
        return run.finished and (not self.scored or has_scores(run))


def check_result(run: Run) -> None:
    """Raise an UnbraidError unless a finished run's result has what chapters read."""
    result = run.result
    known = isinstance(result, dict) and all(
        isinstance(result.get(part), dict) for part in ("reconstruction_stats", "training")
    )
    measured = scores_by_metric(result) if known else {}
    if not known or not all("value" in (measured[m] or {}) for m in METRICS if m in measured):
        raise UnbraidError(
            f"{run.folder}/result.json is not the result of a training: delete {run.folder}, and "
            "the tour trains it again."
        )


def has_scores(run: Run) -> bool:
    """Whether a finished run's metrics have been measured."""
    return set(METRICS) <= set(run.scores())


def plan(config: Config) -> dict[str, Job]:
    """Return the trainings by name, in the order in which they are best started.

    That is the order of the chapters that need them; the longest, InfoGAN's, are started well
    before the end, so that no process is idle.
    """
    size, written, drawn = scale(config), mnist(config), digits(config)
    seeds, planes = range(size.seeds), range(plane_seeds(config))
    codes = [
        _job(
            config, written, f"ae-{latents}d", "ae", seed, size.codes, net="mlp", latent_dim=latents
        )
        for latents in SIZES[1:]
        for seed in seeds
    ]
    codes += [
        _job(config, written, f"{method}-2d", method, seed, size.codes, net="mlp", latent_dim=2)
        for method in ("ae", "vae")
        for seed in planes
    ]
    codes += [
        _job(config, written, f"vae-{WIDE}d", "vae", seed, size.codes, net="mlp", latent_dim=WIDE)
        for seed in seeds
    ]
    warped = WARPED | {"sparse_from": min(3.0, size.infogan / 2)}
    gans = [
        _job(config, written, stem, "infogan", seed, size.infogan, **INFOGAN, **options)
        for stem, count, options in (("infogan", size.gans, warped), (PLAIN, size.plain, {}))
        for seed in range(count)
    ]
    curve = [
        _job(config, drawn, curve_name(method, beta), method, seed, size.curve, net="mlp",
             beta=float(beta))
        for seed in range(size.curve_seeds)
        for method, beta in curve_points(size)
    ]  # fmt: skip
    return {job.name: job for job in (*codes, *gans, *curve)}


def curve_points(size: Scale) -> list[tuple[str, int]]:
    """Return (method, beta) of each point of the two curves.

    At beta 1 both methods are the VAE, their losses equal but for sampling noise: it is trained
    once, as a beta-VAE.
    """
    beyond = [("beta-tcvae", beta) for beta in size.betas if beta > 1]
    return [*(("beta-vae", beta) for beta in size.betas), *beyond]


def curve_name(method: str, beta: int) -> str:
    """Return what the trainings of a point of the curves are called, without their seeds."""
    return f"{'beta-vae' if beta == 1 else method}-b{beta}"


def _job(
    config: Config,
    data: dict[str, Any],
    stem: str,
    method: str,
    seed: int,
    epochs: int,
    **options: Any,
) -> Job:
    model = methods.configure(method, **options)
    batch = 64 if config.images and config.images < 2 * BATCH else BATCH
    # one thread each, in any number of processes: then runs of different machines differ only
    # by rounding, and a tour goes on where it was with another number of jobs
    training = TrainingConfig(
        epochs=epochs, seed=seed, threads=1, batch_size=128 if method == "infogan" else batch
    )
    name = f"{stem}-{seed}"
    scored = data["data"] == "digits"
    # "-n" once named runs on the first images; drawn digits are random ones whatever their number
    few = f"-{'n' if scored else 'random'}{config.images}" if config.images else ""
    folder = config.out / "runs" / f"{name}-e{epochs}{few}"
    return Job(name, RunConfig(model, **data, training=training), folder, scored)


def mnist(config: Config) -> dict[str, Any]:
    """Return the data and their options, writing a random subset to a file if one is asked for."""
    if config.images is None:
        return {"data": "mnist", "data_options": {}}
    path = (config.out / "data" / f"mnist-random-{config.images}.npz").absolute()
    if not is_zipfile(path):  # missing, or broken: it is the tour's own
        data = load_dataset("mnist")
        data = data.take(some_rows(len(data), config.images))
        with atomic(path) as temporary:
            np.savez_compressed(
                temporary,
                images=np.asarray(data.images[:]),
                factors=data.factor("digit"),
                factor_names=np.array(["digit"]),
            )
    return {"data": "npz", "data_options": {"path": str(path)}}


def digits(config: Config) -> dict[str, Any]:
    """Return the drawn digits and their options."""
    options = {"canvas": CANVAS} | ({"n": config.images} if config.images else {})
    return {"data": "digits", "data_options": options}


def side_by_side(config: Config) -> int:
    """Return how many trainings run at once.

    Two processes of one thread each train more images a second than one process of two threads:
    benchmarks/side_by_side.py measures it.
    """
    if config.jobs:
        return config.jobs
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 4)
