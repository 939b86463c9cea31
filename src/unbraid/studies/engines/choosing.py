"""The engine that a study is done by, and how many runs it does side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.studies.engines import Engine

if TYPE_CHECKING:
    from unbraid.studies.spec import Resources


def cores() -> int:
    """Return the processor cores that this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return found or 1


def by_cores(threads: int) -> int:
    """Return how many runs of so many threads this machine has cores for; at least one."""
    return max(1, cores() // threads)


def engine_of(on: str, resources: Resources, jobs: int, scratch: Path | None = None) -> Engine:
    """Return the engine ``local`` or ``ray``; its room is how many runs it does side by side.

    Args:
        on: its name.
        resources: of the study.
        jobs: runs side by side; 0 is as many as there is room for.
        scratch: a folder that all machines of a cluster see.

    Raises:
        UnbraidError: no machine has what a run needs.
    """
    if on == "ray":
        from unbraid.studies.engines.ray import Ray

        return Ray(jobs, resources.threads, scratch, resources.gpus)
    from unbraid.studies.engines.cards import shared_out
    from unbraid.studies.engines.local import Local

    if resources.gpus:
        cards = shared_out(resources.gpus, jobs)
        return Local(len(cards), resources.threads, cards)
    return Local(jobs or by_cores(resources.threads), resources.threads)


def side_by_side(on: str, resources: Resources, jobs: int, runs: int) -> int:
    """Return how many runs a study does at once, for an estimate.

    Args:
        on: the engine.
        resources: of the study.
        jobs: as of ``engine_of``.
        runs: of the study.
    """
    if on == "slurm":
        from unbraid.studies.engines.slurm import elements

        return jobs or elements(runs)
    # a Ray of this machine is not started only to count its cores
    if on == "ray" and (jobs or not os.environ.get("RAY_ADDRESS")):
        return jobs or by_cores(resources.threads)
    engine = engine_of(on, resources, jobs)
    try:
        return engine.room
    finally:
        engine.close()
