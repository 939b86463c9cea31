"""Trains the tour's models on a GPU, the seeds of each kind at once, for a tour to go on from."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from unbraid import tour
from unbraid.core.errors import UnbraidError
from unbraid.runs import train_fleet
from unbraid.tour.plan import Job, plan, side_by_side


def train_together(config: tour.Config) -> None:
    """Train those of a tour's models of which there are several seeds, each kind as a fleet."""
    alike: dict[str, list[Job]] = {}
    for job in plan(config).values():
        seedless = replace(job.config, training=replace(job.config.training, seed=0))
        alike.setdefault(repr(seedless), []).append(job)
    # the longest first, so that no process is left over at the end
    groups = sorted(alike.values(), key=lambda jobs: -jobs[0].config.training.epochs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(side_by_side(config), context) as pool:
        for said in pool.map(_train, groups):
            print(said, flush=True)


def _train(jobs: list[Job]) -> str:
    """Train one kind; say how it went."""
    if len(jobs) == 1:
        return f"{jobs[0].name}: left to the tour"
    try:
        train_fleet([job.config for job in jobs], [job.folder for job in jobs], resume=True)
    except UnbraidError as error:
        return f"{jobs[0].name}: {error}"
    for job in jobs:
        (job.folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return f"{jobs[0].name}: {len(jobs)} trained"
