"""Runs of a study trained as fleets: the same table, and a way back to one by one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher, rows_of
from unbraid.core.errors import UnbraidError
from unbraid.runs import Run
from unbraid.studies import cells, driver
from unbraid.studies.cells import read_state
from unbraid.studies.engines import do
from unbraid.studies.fleets import fleets_of
from unbraid.studies.study import Study
from unbraid.studies.work import CellJob

Opened = Callable[[Path], Study]


def jobs_of(study: Study) -> dict[str, CellJob]:
    return {cell.id: CellJob(cell, study.run_folder(cell)) for cell in study.cells}


def test_fleets_are_of_runs_that_differ_in_their_seed_alone(
    make_spec: Make, opened: Opened
) -> None:
    study = opened(make_spec(seeds="0-4"))
    found = fleets_of(jobs_of(study), 2)
    settings = [{(job.cell.method, job.cell.setting) for job in f.jobs} for f in found.values()]
    assert [len(fleet.jobs) for fleet in found.values()] == [2] * 6  # a fifth seed is by itself
    assert all(len(each) == 1 for each in settings)
    assert not fleets_of(jobs_of(study), 1)


def test_a_study_of_fleets_has_the_same_table(make_spec: Make, opened: Opened) -> None:
    spec = make_spec(seeds="0-2", steps=6)
    single, together = opened(spec), opened(make_spec("other", seeds="0-2", steps=6))
    assert driver.drive(single, Here(), Watcher())
    before = rows_of(single, "study")
    for cell in single.cells:  # runs are shared between studies: train them again
        for path in sorted(single.run_folder(cell).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    watcher = Watcher()
    assert driver.drive(together, Here(), watcher, fleet=3)
    after = rows_of(together, "study")
    assert [row["status"] for row in after] == [row["status"] for row in before]
    for one, other in zip(before, after, strict=True):
        if one["value"]:
            assert float(other["value"]) == pytest.approx(float(one["value"]), abs=0.05)
    started = {event.job for event in watcher.events if event.kind == "started"}
    assert started == {cell.id for cell in together.cells}
    assert not list(together.run_folder(together.cells[0]).glob("checkpoint*"))


def test_a_fleet_goes_on_and_leaves_out_what_diverges(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-1", off_diagonal="1e30"))
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher, fleet=2)
    states = [read_state(study.run_folder(cell)) for cell in study.cells]
    statuses = [state.status(cell) for state, cell in zip(states, study.cells, strict=True)]
    assert statuses == ["finished"] * 4 + ["diverged"] * 2
    told = [event.sentence for event in watcher.events if event.kind == "failed"]
    assert len(told) == 2
    assert told[0].startswith("diverged: training stopped")
    for state in states[4:]:
        failure = state.failures[-1]
        assert failure["message"].count(f"epoch 1, batch {failure['step']}")


def test_a_full_disk_ends_the_study(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> list[Run]:
        raise UnbraidError("cannot write.") from OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("unbraid.runs.train_fleet", full)
    with pytest.raises(UnbraidError, match="cannot write"):
        driver.drive(opened(make_spec(seeds="0-1")), Here(), Watcher(), fleet=2)


def test_a_run_that_another_process_works_on_is_left_out(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-2"))
    (fleet, *_) = fleets_of(jobs_of(study), 3).values()
    with cells.claimed(fleet.jobs[1].folder):
        event = do(fleet, lambda event: None, lambda: False)
    assert event.kind == "done"
    assert [read_state(job.folder).trained for job in fleet.jobs] == [True, False, True]
    assert do(fleet, lambda event: None, lambda: True).kind == "stopped"


@pytest.mark.parametrize("words", [["--on", "slurm"], ["--shard", "0/2"], ["--dry-run"]])
def test_what_does_not_go_with_fleets_is_refused(
    make_spec: Make, unbraid: Callable[..., str], words: list[str]
) -> None:
    assert "--fleet" in unbraid("run", make_spec(), "--fleet", "2", *words, code=2)


def test_options_that_decide_no_weights_are_no_other_run(make_spec: Make, opened: Opened) -> None:
    spec = make_spec(seeds="0")
    assert driver.drive(opened(spec), Here(), Watcher())
    text = spec.read_text().replace("[common]", "[common]\ncapture = false")
    spec.write_text(text + '[[metrics]]\nmetrics = ["sap"]\n')
    study = opened(spec)
    assert driver.drive(study, Here(), Watcher())
    assert [s.status(c) for s, c in zip(study.states(), study.cells, strict=True)] == [
        "finished"
    ] * len(study.cells)


def test_runs_that_cannot_be_a_fleet_are_trained_one_by_one(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec(seeds="0-1"))

    def refuses(*args: Any, **options: Any) -> list[Run]:
        raise UnbraidError("beta-vae cannot be trained as a fleet.")

    monkeypatch.setattr("unbraid.runs.train_fleet", refuses)
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher, fleet=2)
    states = [read_state(study.run_folder(cell)) for cell in study.cells]
    assert all(state.trained and not state.failures for state in states)
    assert "cannot be trained as a fleet" in next(
        event.sentence for event in watcher.events if event.kind == "warning"
    )
