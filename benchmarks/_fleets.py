"""Trains the tour's models on a GPU, the seeds of each kind at once, for a tour to go on from."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace

from unbraid import tour
from unbraid.core.errors import UnbraidError
from unbraid.runs import Run, train_fleet
from unbraid.tour.plan import Job, plan, side_by_side
from unbraid.tour.statistics.scores import score_run


def train_together(config: tour.Config) -> None:
    """Train those of a tour's models of which there are several seeds, each kind as a fleet."""
    alike: dict[str, list[Job]] = {}
    for job in plan(config).values():
        seedless = replace(job.config, training=replace(job.config.training, seed=0))
        alike.setdefault(repr(seedless), []).append(job)
    # the longest first, so that no process is left over at the end
    groups = sorted(alike.values(), key=lambda jobs: -jobs[0].config.training.epochs)
    processes = max(side_by_side(config), (os.cpu_count() or 1) // 2)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        fleets: dict[Future[str], list[Job]] = {
            pool.submit(_train, jobs): jobs for jobs in groups if len(jobs) > 1
        }
        scores = []
        for fleet in as_completed(fleets):
            print(fleet.result(), flush=True)
            jobs = fleets[fleet]
            scores += [pool.submit(_score, job) for job in jobs if job.scored]
        for each in scores:
            each.result()


def _train(jobs: list[Job]) -> str:
    """Train one kind; say how it went."""
    try:
        train_fleet([job.config for job in jobs], [job.folder for job in jobs], resume=True)
    except UnbraidError as error:
        return f"{jobs[0].name}: {error}"
    for job in jobs:
        (job.folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return f"{jobs[0].name}: {len(jobs)} trained"


def _score(job: Job) -> None:
    """Measure a run, if it is finished."""
    run = Run(job.folder) if (job.folder / "config.json").is_file() else None
    if run is not None and run.finished:
        score_run(run)
