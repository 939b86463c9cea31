from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unbraid.core.errors import UnbraidError
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig
from unbraid.studies.engines import Event
from unbraid.studies.engines.local import run_all
from unbraid.tour.plan import Job
from unbraid.training import Interrupted, TrainingConfig

MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(squares_npz: Path, tmp_path: Path) -> MakeJob:
    def make(name: str, epochs: int = 1, data: Path = squares_npz) -> Job:
        training = TrainingConfig(
            epochs=epochs, batch_size=32, precision="f32", threads=1, checkpoint_every=1e6
        )
        method = configure("ae", latent_dim=2, net="mlp")
        config = RunConfig(method, "npz", {"path": str(data)}, training)
        return Job(name, config, tmp_path / name)

    return make


class Deadly(Job):
    """A job that kills the process it is handed to."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def never() -> bool:
    return False


def test_all_jobs_are_trained_and_told_and_side_by_side_to_the_same_weights(
    make_job: MakeJob,
) -> None:
    alone = make_job("alone")
    run_all([alone], 1, lambda event: None, never)
    jobs = [make_job(name) for name in ("a", "b", "c")]
    events: list[Event] = []
    run_all(jobs, 2, events.append, never)
    assert sorted(e.job for e in events if e.kind == "done") == ["a", "b", "c"]
    steps = [event for event in events if event.kind == "step"]
    assert steps
    assert all(0 < event.done <= event.total for event in steps)
    expected = (alone.folder / "model.safetensors").read_bytes()
    for job in jobs:
        assert Run(job.folder).finished
        assert (job.folder / "model.safetensors").read_bytes() == expected


def test_a_stop_saves_and_a_new_start_goes_on(make_job: MakeJob) -> None:
    job = make_job("a", epochs=8)
    events: list[Event] = []
    with pytest.raises(Interrupted):
        run_all([job], 1, events.append, lambda: bool(events))
    assert (job.folder / "checkpoint.safetensors").is_file()
    assert not Run(job.folder).finished
    run_all([job], 1, events.append, never)
    uninterrupted = make_job("b", epochs=8)
    run_all([uninterrupted], 1, events.append, never)
    weights = [(j.folder / "model.safetensors").read_bytes() for j in (job, uninterrupted)]
    assert weights[0] == weights[1]


def test_a_failure_stops_the_others_and_is_told(make_job: MakeJob, tmp_path: Path) -> None:
    jobs = [make_job("good", epochs=100_000), make_job("bad", data=tmp_path / "none.npz")]
    with pytest.raises(UnbraidError, match=r"none\.npz"):
        run_all(jobs, 2, lambda event: None, never)
    assert not Run(jobs[0].folder).finished


def test_a_process_that_dies_is_told(make_job: MakeJob) -> None:
    job = make_job("killed")
    deadly = Deadly(job.name, job.config, job.folder)
    with pytest.raises(UnbraidError, match=r"trained killed ended early \(exit code 3\)"):
        run_all([deadly, make_job("other", epochs=100_000)], 2, lambda event: None, never)


def test_an_error_while_telling_leaves_no_process_behind(make_job: MakeJob) -> None:
    def fail(event: Event) -> None:
        raise UnbraidError("the disk is full")

    with pytest.raises(UnbraidError, match="disk is full"):
        run_all([make_job("a", epochs=100_000), make_job("b", epochs=100_000)], 2, fail, never)
    assert not multiprocessing.active_children()
