"""Metrics that fail on a run: its other numbers stay, and the failure is told and tried again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher, rows_of
from unbraid.metrics import mig, sap
from unbraid.runs import Run
from unbraid.studies import driver, table
from unbraid.studies.cells import State, read_state, write_state
from unbraid.studies.driver import _Drive
from unbraid.studies.engines import Event
from unbraid.studies.study import Study

Opened = Callable[[Path], Study]
Unbraid = Callable[..., str]
MORE = '["mig", "sap"]\n[[metrics]]\nmetrics = ["modularity"]\nimages = 60'


def wanting(spec: Path, metrics: str) -> Path:
    spec.write_text(spec.read_text().replace('["mig"]', metrics))
    return spec


def failing(error: Callable[[], Exception], times: int = 1_000) -> Callable[..., Any]:
    """Return a stand-in for SAP's compute that fails so many times, then computes it."""
    compute, left = sap.compute, [times]

    def stand_in(*args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error()
        return compute(*args)

    return stand_in


def statuses(study: Study) -> list[str]:
    return [state.status(cell) for state, cell in zip(study.states(), study.cells, strict=True)]


def found(study: Study, cell: int = 0) -> dict[str, tuple[str, str, str]]:
    """Return value, images and status of a run's rows, by metric."""
    return {
        row["metric"]: (row["value"], row["images"], row["status"])
        for row in rows_of(study)
        if row["run"] == study.cells[cell].id
    }


def test_a_metric_that_fails_loses_no_other_number(
    make_spec: Make, opened: Opened, unbraid: Unbraid, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = wanting(make_spec(), MORE)
    study = opened(spec)
    with monkeypatch.context() as patch:
        # twice: once together with MIG, once alone; so it fails on the first run alone
        patch.setattr(sap, "compute", failing(lambda: ZeroDivisionError("by 0"), times=2))
        watcher = Watcher()
        assert driver.drive(study, Here(), watcher)
    assert statuses(study) == ["finished"] * 3
    warned = [event.sentence for event in watcher.events if event.kind == "warning"]
    assert warned == ["sap not measured: ZeroDivisionError: by 0"]
    state = read_state(study.run_folder(study.cells[0]))
    assert not state.failures
    ((told, failure),) = state.lost(study.cells[0])
    assert told["metrics"] == "sap"
    assert (failure["kind"], failure["type"], failure["message"]) == (
        "error", "ZeroDivisionError", "by 0",
    )  # fmt: skip
    # its row is that of the other runs, without a value
    first, second = found(study), found(study, 1)
    assert first["sap"] == ("", "120", "not measured")
    assert first.keys() == second.keys()
    scores = Run(study.run_folder(study.cells[0])).scores()
    assert float(first["mig"][0]) == scores["mig"]["value"]
    assert first["modularity"][1:] == ("60", "finished")
    assert float(first["kl"][0]) > 0
    said = unbraid("status", spec)
    assert "3 finished\n       1 of these without some metric\n" in said
    assert "1 runs: sap not measured: error (ZeroDivisionError): by 0\n" in said
    assert f"  {study.cells[0].id} {study.cells[0].label}\n" in said
    assert "3 of 3 runs finished, 1 of them without some metric" in unbraid("run", spec)
    unbraid("plots", spec)
    # nothing is tried again unless it is asked for, and nothing is trained
    monkeypatch.setattr("unbraid.runs.train.Loop.run", lambda self: pytest.fail("trained"))
    assert "1 runs would be tried again" in unbraid("retry", spec, "--dry-run")
    assert "1 runs are tried again" in unbraid("retry", spec, "--jobs", "1")
    assert found(study)["sap"][2] == "finished"
    assert "without" not in unbraid("status", spec)


def test_of_all_metrics_those_that_fail_are_told_apart(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(wanting(make_spec(), '"all"\nsamples = 2')).shard(0, 3)
    monkeypatch.setattr(sap, "compute", failing(lambda: ValueError("a bug")))
    assert driver.drive(study, Here(), Watcher())
    assert statuses(study) == ["finished"]
    rows = found(study)
    assert {name for name, row in rows.items() if row[2] == "not measured"} == {"sap"}
    assert {"mig", "reconstruction", "log-likelihood", "dci completeness"} <= rows.keys()
    assert "clustering-accuracy" not in rows  # which needs a categorical code


def test_a_failure_of_files_is_met_again_and_loses_nothing(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(wanting(make_spec(), MORE)).shard(0, 3)
    cell = study.cells[0]
    with monkeypatch.context() as patch:
        patch.setattr(sap, "compute", failing(lambda: OSError(5, os.strerror(5)), times=2))
        assert driver.drive(study, Here(), Watcher())
    state = read_state(study.run_folder(cell))
    assert [each["kind"] for each in state.failures] == ["files"]
    assert (statuses(study), state.unmeasured) == (["finished"], {})
    # without end: the run is finished, and the metric is lost
    write_state(study.run_folder(cell), State({}, trained=True))
    monkeypatch.setattr(sap, "compute", failing(lambda: OSError(5, os.strerror(5))))
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher)
    assert [e.kind for e in watcher.events if e.kind != "warning"] == [
        "started", "failed", "started", "failed", "started", "done",
    ]  # fmt: skip
    assert statuses(study) == ["finished"]
    assert found(study)["sap"][2] == "not measured"
    assert found(study)["modularity"][2] == "finished"


def test_a_full_disk_ends_the_study(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(wanting(make_spec(), MORE)).shard(0, 3)
    monkeypatch.setattr(sap, "compute", failing(lambda: OSError(28, os.strerror(28))))
    with pytest.raises(Exception, match="No space left on device"):
        driver.drive(study, Here(), Watcher())
    assert statuses(study) == ["unfinished"]


def test_time_that_runs_out_in_measuring_loses_what_is_left(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = wanting(make_spec(more='timeout = "30s"'), MORE)
    study = opened(spec).shard(0, 3)
    assert driver.drive(study, Here(), Watcher())
    write_state(study.run_folder(study.cells[0]), State({}, trained=True))
    study = opened(wanting(make_spec(more='timeout = "1s"'), MORE)).shard(0, 3)
    monkeypatch.setattr(mig, "compute", lambda *_: time.sleep(30))
    began = time.monotonic()
    assert driver.drive(study, Here(), Watcher())
    assert time.monotonic() - began < 20
    assert statuses(study) == ["finished"]
    rows = found(study)
    assert [rows[name][2] for name in ("mig", "sap", "modularity", "kl")] == [
        *["not measured"] * 3, "finished",
    ]  # fmt: skip
    lost = read_state(study.run_folder(study.cells[0])).lost(study.cells[0])
    assert {each["kind"] for _, each in lost} == {"timeout"}


def test_data_that_have_gone_lose_the_metrics_and_not_the_run(
    make_spec: Make, opened: Opened, squares_npz: Path, tmp_path: Path
) -> None:
    data = tmp_path / "squares.npz"
    data.write_bytes(squares_npz.read_bytes())
    spec = make_spec(data=data)
    study = opened(spec).shard(0, 3)
    assert driver.drive(study, Here(), Watcher())
    write_state(study.run_folder(study.cells[0]), State({}, trained=True))
    data.unlink()
    assert driver.drive(study, Here(), Watcher())
    assert statuses(study) == ["finished"]
    assert found(study)["mig"][2] == "not measured"
    assert float(found(study)["kl"][0]) > 0


def test_all_metrics_that_are_lost_are_those_of_other_runs() -> None:
    kind = {"data": "d", "protocol": "none", "representation": "mean"}
    told = {**kind, "metrics": "all", "images": 100}
    rows = [
        *({**kind, "run": "a", "metric": each, "images": 100} for each in ("mig", "dci gap")),
        {**kind, "run": "a", "metric": "kl", "protocol": "training", "images": 100},
        {"data": "d", "run": "b", table.WITHOUT: told},
        {"data": "other", "run": "c", table.WITHOUT: told},
    ]
    lost = [(row["run"], row["metric"]) for row in table._filled(rows) if row["run"] != "a"]
    assert lost == [("b", "mig"), ("b", "dci gap"), ("c", "all")]


def test_a_process_that_dies_while_measuring_loses_what_was_left(
    make_spec: Make, opened: Opened
) -> None:
    study = opened(make_spec(retries=0)).shard(0, 3)
    cell, watcher = study.cells[0], Watcher()
    write_state(study.run_folder(cell), State({}, trained=True))
    (study.run_folder(cell) / "result.json").write_text("{}")
    _Drive(study, Here(), watcher, 1)._receive(Event(cell.id, "died", "exit code -11"))
    assert [event.kind for event in watcher.events] == ["died", "done"]
    ((_, failure),) = read_state(study.run_folder(cell)).lost(cell)
    assert failure["message"] == "its process ended early (exit code -11)"


def test_states_of_earlier_versions_are_read(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec()).shard(0, 3)
    cell, folder = study.cells[0], study.run_folder(study.cells[0])
    folder.mkdir(parents=True)
    old: dict[str, Any] = {"measured": dict.fromkeys(cell.wanted, 0.5), "failures": []}
    old |= {"failed": False, "trained": True}
    (folder / "state.json").write_text(json.dumps(old))
    (folder / "result.json").write_text("{}")
    assert read_state(folder) == State(old["measured"], trained=True)
    assert statuses(study) == ["finished"]
    failure = {"kind": "error", "type": "ValueError", "message": "a bug", "step": 0, "attempt": 1}
    old |= {"measured": {}, "failures": [failure], "failed": True}
    (folder / "state.json").write_text(json.dumps(old))
    assert statuses(study) == ["failed"]
    for damaged in (3, [1], {"mig": 3}, {"mig": {"mig": 3}}):
        (folder / "state.json").write_text(json.dumps({**old, "unmeasured": damaged}))
        assert read_state(folder) == State({})
