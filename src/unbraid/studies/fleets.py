"""Runs of a study that differ in their seed alone, trained at once (``training/fleet.py``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell, read_state, write_state
from unbraid.studies.code import record_code
from unbraid.studies.engines import Busy, Emit, Fatal, Stop
from unbraid.studies.failures import FATAL, described, number_of, record_failure
from unbraid.studies.work import Alarm, CellJob, claim


@dataclass(frozen=True)
class FleetJob:
    """The job of training runs at once. They are measured by their own jobs afterwards.

    Args:
        jobs: of the runs; they differ in their seed alone.
    """

    jobs: tuple[CellJob, ...]

    @property
    def name(self) -> str:
        """The id of the first run, and how many follow."""
        return f"{self.jobs[0].name}+{len(self.jobs) - 1}"

    def work(self, emit: Emit, stop: Stop) -> None:
        """Train, or continue, the runs that no other process works on and that are not trained.

        A run that diverges is recorded in its folder, and the others go on.

        Raises:
            UnbraidError: they cannot be trained at once, or not in the time that one attempt at a
                run may take; nothing is recorded, and each can be trained by its own job.
            Fatal: no job can go on, such as on a full disk.
            Interrupted: ``stop`` was true; checkpoints have been saved.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from unbraid.training import Interrupted

        with ExitStack() as stack:
            mine = [job for job in self.jobs if stack.enter_context(claim(job.folder))]
            left = [job for job in mine if self._is_left(job)]
            if not left:
                raise Busy
            try:
                stack.enter_context(threadpool_limits(left[0].threads))
                with Alarm(left[0].cell.timeout, stop):
                    self._train(left, emit, stop)
            except Interrupted:
                raise
            except Exception as error:
                kind = Fatal if number_of(error) in FATAL else UnbraidError
                raise kind(str(error) or type(error).__name__) from error

    def _is_left(self, job: CellJob) -> bool:
        state = read_state(job.folder)
        return not state.trained and state.status(job.cell) == "unfinished"

    def _train(self, left: Sequence[CellJob], emit: Emit, stop: Stop) -> None:
        from unbraid.runs import train_fleet
        from unbraid.studies.engines.reporter import EventReporter
        from unbraid.studies.plan import config_of
        from unbraid.training import Diverged

        reporter = EventReporter(self.name, emit, stop)
        configs = [config_of(job.cell) for job in left]
        for job in left:
            record_code(job.folder, job.cell)
        found = train_fleet(configs, [job.folder for job in left], resume=True, display=reporter)
        for job, run in zip(left, found, strict=True):
            if isinstance(run, Diverged):
                record_failure(job.folder, job.cell, described(run, run.step), job.retries)
                continue
            write_state(job.folder, replace(read_state(job.folder), trained=True))
            # nothing is added to a finished run: it would take three times the model's size
            (job.folder / "checkpoint.safetensors").unlink(missing_ok=True)


def fleets_of(jobs: Mapping[str, CellJob], size: int) -> dict[str, FleetJob]:
    """Return jobs of at most so many runs each, of the runs that are not trained, by name.

    Args:
        jobs: of the runs.
        size: how many are trained at once; below 2, none are.
    """
    alike: dict[str, list[CellJob]] = {}
    for job in jobs.values() if size > 1 else ():
        if not read_state(job.folder).trained:
            alike.setdefault(_but_for_the_seed(job.cell), []).append(job)
    found = [
        FleetJob(part)
        for group in alike.values()
        for start in range(0, len(group), size)
        if len(part := tuple(group[start : start + size])) > 1
    ]
    return {fleet.name: fleet for fleet in found}


def _but_for_the_seed(cell: Cell) -> str:
    training: dict[str, Any] = {**cell.config["training"], "seed": 0}
    return json.dumps({**cell.config, "training": training}, sort_keys=True)
