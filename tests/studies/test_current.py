"""The table holds what the run folders do, even after a driver was killed."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher
from unbraid.studies import driver, table
from unbraid.studies.cells import State, read_state, write_state
from unbraid.studies.study import Study

Opened = Callable[[Path], Study]
Unbraid = Callable[..., str]
FAILURE = {"kind": "error", "type": "OSError", "message": "no disk", "step": 0, "attempt": 1}


def stored(study: Study) -> Counter[str]:
    """Return how many runs the table has, as it lies there, by status."""
    with (study.folder / "results.csv").open(newline="") as file:
        found = {row["run"]: row["status"] for row in csv.DictReader(file)}
    return Counter(found.values())


def test_what_changed_after_the_table_is_in_it_after_the_next_run(
    make_spec: Make, opened: Opened, unbraid: Unbraid
) -> None:
    spec = make_spec()
    study = opened(spec)
    write_state(study.run_folder(study.cells[0]), State({}, (FAILURE,), failed=True))
    assert driver.drive(study, Here(), Watcher())
    unbraid("table", spec)
    assert stored(study) == {"failed": 1, "finished": 2}
    assert study.has_table()
    # a driver that is killed between the last run and the table
    folder = study.run_folder(study.cells[0])
    write_state(folder, read_state(folder).forgiven(study.cells[0]))
    assert driver.drive(study, Here(), Watcher())
    assert stored(study) == {"failed": 1, "finished": 2}
    assert "3 of 3 runs finished" in unbraid("run", spec)
    assert stored(study) == {"finished": 3}
    # nothing is written again
    before = (study.folder / "results.csv").stat()
    unbraid("run", spec)
    assert (study.folder / "results.csv").stat().st_ino == before.st_ino


def test_a_run_that_ends_while_the_table_is_made_is_in_the_next(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec())
    assert driver.drive(study, Here(), Watcher())
    made, state = table.table, study.run_folder(study.cells[1]) / "state.json"

    def slow(study: Study) -> tuple[list[str], list[table.Row]]:
        found = made(study)
        os.utime(state)  # as if it ended now
        return found

    monkeypatch.setattr(table, "table", slow)
    table.write_table(study)
    assert not study.has_table()
    monkeypatch.undo()
    table.write_table(study)
    assert study.has_table()


def test_the_shard_that_ends_last_writes_the_table(
    make_spec: Make, opened: Opened, unbraid: Unbraid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unbraid.studies.engines.choosing.engine_of", lambda *_: Here())
    spec = make_spec()
    study = opened(spec)
    said = unbraid("run", spec, "--shard", "0/2")
    assert "2 of 2 runs finished" in said
    assert "the shard that ends last writes the table" in said
    assert not (study.folder / "results.csv").exists()
    assert str(study.folder / "results.csv") in unbraid("run", spec, "--shard", "1/2")
    assert stored(study) == {"finished": 3}


def test_a_run_without_its_result_is_done_again(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec())
    assert driver.drive(study, Here(), Watcher())
    _, rows = table.table(study)
    folder = study.run_folder(study.cells[1])
    (folder / "result.json").unlink()
    assert study.states()[1].status(study.cells[1]) == "unfinished"
    assert driver.drive(study, Here(), Watcher())

    def told(rows: list[table.Row]) -> list[table.Row]:
        return [{**row, "seconds": 0} for row in rows]

    assert told(table.table(study)[1]) == told(rows)


def test_lost_runs_have_steps_and_the_name_of_their_precision(
    make_spec: Make, opened: Opened
) -> None:
    study = opened(make_spec())
    write_state(study.run_folder(study.cells[0]), State({}, (FAILURE,), failed=True))
    assert driver.drive(study, Here(), Watcher())
    _, rows = table.table(study)
    lost = [row for row in rows if row["status"] == "failed"]
    kept = [row for row in rows if row["status"] == "finished"]
    assert lost
    assert kept
    for name in ("steps", "precision"):
        assert {row[name] for row in lost} == {row[name] for row in kept}
