"""Whole studies: resumed, shared, failing, killed, done by two drivers at once."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.studies.conftest import Make
from unbraid.core import locks
from unbraid.core.errors import UnbraidError
from unbraid.core.files import write_json
from unbraid.evaluation.scores import Config as Evaluation
from unbraid.runs import Run
from unbraid.runs.evaluating import evaluate
from unbraid.studies import driver, failures
from unbraid.studies.cells import Cell, State, read_state, write_state
from unbraid.studies.comparing import compare
from unbraid.studies.display import Progress
from unbraid.studies.engines import Event, Job, do
from unbraid.studies.engines.slurm import write_script
from unbraid.studies.estimate import estimate
from unbraid.studies.reports import forget_failures
from unbraid.studies.study import Study, open_study
from unbraid.studies.table import table, write_table

Opened = Callable[[Path], Study]
Unbraid = Callable[..., str]


class Here:
    """An engine that does each job in this process, when it is submitted."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    @property
    def room(self) -> int:
        return int(not self.events)

    def submit(self, job: Job) -> None:
        self.events.append(do(job, self.events.append, lambda: False))

    def wait(self, seconds: float) -> list[Event]:
        found, self.events = self.events, []
        return found

    def close(self) -> None:
        self.closed = True


class Watcher:
    def __init__(self, stop_after: int = 1_000_000) -> None:
        self.events: list[Event] = []
        self.stop_after = stop_after

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def stop_requested(self) -> bool:
        return len([e for e in self.events if e.kind == "done"]) >= self.stop_after


def rows_of(study: Study, *left_out: str) -> list[dict[str, str]]:
    """Return the rows of a study's table, without what no two machines have alike."""
    write_table(study)
    with (study.folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {key: value for key, value in row.items() if key not in ("seconds", *left_out)}
        for row in rows
    ]


def test_a_study_is_trained_measured_and_tabled_and_its_runs_are_shared(
    make_spec: Make, opened: Opened, unbraid: Unbraid, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec(seeds="0-1"))
    watcher, engine = Watcher(), Here()
    assert driver.drive(study, engine, watcher)
    assert engine.closed
    assert [event.kind for event in watcher.events if event.kind != "step"] == [
        "started", "done",
    ] * 6  # fmt: skip
    rows = rows_of(study)
    mig = [row for row in rows if row["metric"] == "mig"]
    assert [(row["method"], row["beta"], row["seed"], row["steps"]) for row in mig] == [
        (method, beta, str(seed), "12")
        for method, beta in (("beta-vae", "1.0"), ("beta-vae", "4.0"), ("dip-vae-i", ""))
        for seed in (0, 1)
    ]
    for cell, row in zip(study.cells, mig, strict=True):
        run = Run(study.run_folder(cell))
        assert float(row["value"]) == run.scores()["mig"]["value"]
        assert not (run.folder / "checkpoint.safetensors").exists()
    # another study with the same cells, and more to measure: nothing is trained
    other = make_spec("other", seeds="0-1")
    other.write_text(other.read_text().replace('["mig"]', '["mig", "sap"]'))
    monkeypatch.setattr("unbraid.runs.train.Loop.run", lambda self: pytest.fail("trained"))
    second = opened(other)
    assert driver.drive(second, Here(), Watcher())
    found = rows_of(second)
    assert [row for row in found if row["metric"] != "sap"] == rows
    assert len([row for row in found if row["metric"] == "sap"]) == 6
    # and the first one's table is what it was
    assert rows_of(study) == rows
    said = unbraid("status", other)
    assert "6 finished" in said


def test_a_study_that_is_done_answers_without_torch(
    make_spec: Make, opened: Opened, tmp_path: Path
) -> None:
    spec = make_spec(off_diagonal=list(range(1, 300)))
    study = opened(spec)
    for cell in study.cells:
        folder = study.run_folder(cell)
        write_state(folder, State(dict.fromkeys(cell.wanted, 0.0), trained=True))
        (folder / "result.json").write_text("{}")
    (study.folder / "results.csv").write_text("")
    code = (
        "import sys; from unbraid.cli import main; "
        f"code = main(['study', 'run', {str(spec)!r}, '--root', {str(tmp_path / 'studies')!r}]); "
        "print('torch' in sys.modules, code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "301 of 301 runs finished" in done.stdout
    assert done.stdout.splitlines()[-1] == "False 0"


def test_a_run_that_diverges_stays_in_the_table_and_the_study_goes_on(
    make_spec: Make, opened: Opened, unbraid: Unbraid
) -> None:
    spec = make_spec(steps=30)
    spec.write_text(spec.read_text().replace("beta = [1, 4]", "beta = 1\nlr = [1e-3, 1e18]"))
    study = opened(spec)
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher)
    assert [s.status(c) for s, c in zip(study.states(), study.cells, strict=True)] == [
        "finished", "diverged", "finished",
    ]  # fmt: skip
    bad = study.cells[1]
    (failure,) = read_state(study.run_folder(bad)).failures
    assert (failure["kind"], failure["type"], failure["attempt"]) == ("diverged", "Diverged", 1)
    assert 0 <= failure["step"] < 30
    rows = [row for row in rows_of(study) if row["run"] == bad.id]
    assert {(row["status"], row["value"]) for row in rows} == {("diverged", "")}
    assert "mig" in {row["metric"] for row in rows}
    said = unbraid("status", spec)
    assert "1 diverged" in said
    assert f"{bad.id} beta-vae lr=1e+18 on squares seed 0 (attempt 1" in said
    # a diverged run is a result: it is not tried again unless it is asked for
    assert "0 runs would be tried again" in unbraid("retry", spec, "--dry-run")
    said = unbraid("retry", spec, "--diverged", "--dry-run")
    assert "1 runs would be tried again" in said
    assert "squares beta-vae: cannot be timed: training stopped" in said
    assert read_state(study.run_folder(bad)).status(bad) == "diverged"  # nothing was changed
    assert forget_failures(study, diverged=True) == [bad.id]
    assert read_state(study.run_folder(bad)).status(bad) == "unfinished"
    # what failed before stays on record
    assert driver.drive(study, Here(), Watcher())
    state = read_state(study.run_folder(bad))
    assert [each["attempt"] for each in (*state.before, *state.failures)] == [1, 2]
    assert f"{bad.id} beta-vae lr=1e+18 on squares seed 0 (attempt 2" in unbraid("status", spec)


def fails(times: int, error: Callable[[], Exception]) -> Callable[..., Any]:
    """Return a stand-in for train_run that fails so many times, then does what it should."""
    from unbraid.runs import train_run

    left = [times]

    def stand_in(*args: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error()
        return train_run(*args, **options)

    return stand_in


def from_os(number: int) -> Exception:
    error = UnbraidError(os.strerror(number))
    error.__cause__ = OSError(number, os.strerror(number))
    return error


@pytest.mark.parametrize(
    ("times", "error", "status", "kind"),
    [
        (1, lambda: from_os(5), "finished", "files"),  # EIO: tried again
        (9, lambda: from_os(5), "failed", "files"),
        (1, lambda: MemoryError("no room"), "failed", "out of memory"),
        (1, lambda: ValueError("a bug"), "failed", "error"),
        (1, lambda: failures.Timeout("too long"), "failed", "timeout"),
    ],
)
def test_failures_are_recorded_and_tried_again_where_that_may_help(
    make_spec: Make,
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    error: Callable[[], Exception],
    status: str,
    kind: str,
) -> None:
    study = opened(make_spec()).shard(0, 3)
    monkeypatch.setattr("unbraid.runs.train_run", fails(times, error))
    assert driver.drive(study, Here(), Watcher())
    state = read_state(study.run_folder(study.cells[0]))
    assert state.status(study.cells[0]) == status
    assert [f["kind"] for f in state.failures] == [kind] * min(times, 3)
    if kind == "error":
        assert "ValueError: a bug" in state.failures[0]["traceback"]


def test_a_full_disk_stops_the_study_in_a_sentence_and_it_goes_on_after(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec())
    with monkeypatch.context() as patch:
        patch.setattr("unbraid.runs.train_run", fails(9, lambda: from_os(28)))
        engine = Here()
        with pytest.raises(UnbraidError, match="No space left on device"):
            driver.drive(study, engine, Watcher())
        assert engine.closed
    assert not [state for state in study.states() if state.failures]
    assert driver.drive(study, Here(), Watcher())
    assert all(s.status(c) == "finished" for s, c in zip(study.states(), study.cells, strict=True))


def test_a_run_whose_folder_cannot_be_made_stops_the_study(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec())
    obstacle = study.run_folder(study.cells[0])
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("a file")
    for fleet in (1, 2):
        with pytest.raises(UnbraidError, match="a part of that path is a file"):
            driver.drive(study, Here(), Watcher(), fleet)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--fleet", "4", "--dry-run"), "--fleet and --dry-run do not go together"),
        (("--fleet", "4", "--shard", "0/2"), "--fleet and --shard do not go together"),
        (("--fleet", "4", "--on", "slurm"), "--fleet is for --on local"),
        (("--shard", "0/2", "--on", "slurm"), "--shard is for --on local"),
        (("--shard", "2/2"), "--shard is '2/2'"),
        (("--fleet", "0"), "--fleet is 0, expected 1 or more"),
        (("--jobs", "-1"), "--jobs is -1, expected 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_data_are_read(
    make_spec: Make,
    unbraid: Unbraid,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.setattr("unbraid.studies.plan.expand", lambda spec: pytest.fail("data are read"))
    for command in ("run", "retry", "extend"):
        more = ("--seeds", "5") if command == "extend" else ()
        assert sentence in unbraid(command, make_spec(), *more, *words, code=2)


def test_a_stop_ends_the_study_and_a_new_start_goes_on(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec())
    assert not driver.drive(study, Here(), Watcher(stop_after=1))
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher)
    assert len([event for event in watcher.events if event.kind == "done"]) == 2


def test_a_run_that_another_process_does_is_waited_for_and_taken_over(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ELSEWHERE", 0.0)
    study = opened(make_spec())
    first, second = (study.run_folder(cell) for cell in study.cells[:2])
    with locks.claimed(first / "claim") as one, locks.claimed(second / "claim") as two:
        assert one
        assert two

        class Ending(Watcher):
            def stop_requested(self) -> bool:
                return any(event.kind == "done" for event in self.events)

        watcher = Ending()
        assert not driver.drive(study, Here(), watcher)
        assert [event.kind for event in watcher.events if event.kind in ("busy", "done")] == [
            "busy", "busy", "done",
        ]  # fmt: skip
        assert not (first / "config.json").exists()
        # the other process finishes one, and leaves the other
        done = State(dict.fromkeys(study.cells[0].wanted, 0.0), trained=True)
        write_state(first, done)
        (first / "result.json").write_text("{}")
    watcher = Watcher()
    assert driver.drive(study, Here(), watcher)
    assert len([event for event in watcher.events if event.kind == "done"]) == 1


def test_a_run_that_another_process_does_and_that_fails_is_told_as_failed(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "ELSEWHERE", 0.0)
    study = opened(make_spec()).shard(0, 3)
    folder = study.run_folder(study.cells[0])
    with locks.claimed(folder / "claim"):
        failure = {"kind": "diverged", "type": "", "message": "no loss", "step": 3, "attempt": 1}

        class Failing(Watcher):
            def on_event(self, event: Event) -> None:
                super().on_event(event)
                if event.kind == "busy":
                    write_state(folder, State({}, (failure,), failed=True))

        watcher = Failing()
        monkeypatch.setattr("unbraid.studies.cells.is_claimed", lambda folder: False)
        assert driver.drive(study, Here(), watcher)
    assert watcher.events[-1][:3] == (study.cells[0].id, "failed", "diverged: no loss")


def test_the_table_holds_what_this_study_asks_for_and_nothing_of_others(
    make_spec: Make, opened: Opened, tmp_path: Path, squares_npz: Path
) -> None:
    spec = make_spec(seeds="0-1")
    spec.write_text(spec.read_text().replace('["mig"]', '["mig", "udr"]'))
    study = opened(spec)
    assert driver.drive(study, Here(), Watcher())
    compare(study)
    before = rows_of(study)
    # another study measures the same runs on fewer images, and compares them with further seeds
    other = make_spec("other", seeds="0-2")
    fewer = '["mig", "udr"]\nimages = 60\n[[metrics]]\nmetrics = ["udr"]'
    other.write_text(other.read_text().replace('["mig"]', fewer))
    second = opened(other)
    assert driver.drive(second, Here(), Watcher())
    compare(second)
    assert rows_of(study) == before
    udr = [row["images"] for row in rows_of(second) if row["metric"] == "udr"]
    assert sorted(udr) == ["120"] * 9 + ["60"] * 9  # each of what is asked, though both compare
    # and someone measures one on as many other images
    moved = tmp_path / "others.npz"
    with np.load(squares_npz) as stored:
        kept = {name: np.tile(stored[name].T, 4).T for name in ("images", "factors")}
        np.savez(moved, **kept, factor_names=stored["factor_names"])
    folder = str(study.run_folder(study.cells[0]))
    evaluate([folder], Evaluation(metrics="mig", data=str(moved)))
    assert rows_of(study) == before


def test_a_run_is_shared_with_a_study_that_calls_its_data_otherwise(
    make_spec: Make, opened: Opened
) -> None:
    study = opened(make_spec()).shard(0, 3)
    assert driver.drive(study, Here(), Watcher())
    other = make_spec("other")
    text = other.read_text().replace("full = true", 'full = true\ntitle = "Mine"')
    other.write_text(text.replace('["mig"]', '["mig", "sap"]'))
    second = opened(other).shard(0, 3)
    assert driver.drive(second, Here(), Watcher())
    rows = [row for row in rows_of(second) if row["protocol"] == "none"]
    assert [(row["data"], row["metric"], row["status"]) for row in rows] == [
        ("Mine", "mig", "finished"), ("Mine", "sap", "finished"),
    ]  # fmt: skip


def test_an_option_that_the_table_has_a_column_for_has_one_column(
    make_spec: Make, opened: Opened
) -> None:
    spec = make_spec()
    text = spec.read_text().replace('precision = "f32"', 'precision = ["f32", "auto"]')
    spec.write_text(text)
    study = opened(spec)
    for cell in study.cells:
        failure = {"kind": "error", "type": "", "message": "", "step": 0, "attempt": 1}
        write_state(study.run_folder(cell), State({}, (failure,), failed=True))
    columns, rows = table(study)
    assert columns.count("precision") == 1
    assert [row["precision"] for row in rows] == [
        *["float32"] * 2, *["auto"] * 2, "float32", "auto",
    ]  # fmt: skip


def test_an_estimate_counts_no_training_of_what_is_trained_and_splits_no_run(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec(steps=3600))
    monkeypatch.setattr("unbraid.studies.estimate.step_time", lambda cell, data: (1.0, 1))
    monkeypatch.setattr("unbraid.studies.estimate.load_dataset", lambda *args, **options: None)
    assert "3 of 3 runs are left: about 1.50 h" in list(estimate(study, 2))[-1]
    assert "3 of 3 runs are left: about 1.00 h" in list(estimate(study, 16))[-1]
    for cell in study.cells[:2]:
        write_state(study.run_folder(cell), State({"another": 360.0}, trained=True))
        (study.run_folder(cell) / "result.json").write_text("{}")
    *_, kind, last = estimate(study, 1)
    assert "dip-vae-i: 1000.0 ms a step, 1 runs, 1.00 h" in kind
    assert "3 of 3 runs are left: about 1.30 h, measuring included" in last


def test_what_decides_the_time_of_a_step_is_timed_by_itself(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(steps=3600, off_diagonal=[1, 2])
    text = spec.read_text().replace("batch_size = 32", "batch_size = [32, 64]")
    spec.write_text(text.replace("beta = [1, 4]", 'beta = 1\nnet = ["mlp", "conv"]'))
    seconds = {("mlp", 32): 0.1, ("mlp", 64): 0.2, ("conv", 32): 1.0, ("conv", 64): 2.0}

    def step_time(cell: Cell, data: object) -> tuple[float, int]:
        method, training = cell.config["method"], cell.config["training"]
        return seconds[method["net"], training["batch_size"]], 1

    monkeypatch.setattr("unbraid.studies.estimate.step_time", step_time)
    monkeypatch.setattr("unbraid.studies.estimate.load_dataset", lambda *args, **options: None)
    lines = list(estimate(opened(spec), 1))[8:]
    assert [line.partition(" with")[0] for line in lines[:-1]] == [
        "squares beta-vae batch_size=32 net=mlp: 100.0 ms a step, 1 runs, 0.10 h",
        "squares beta-vae batch_size=32 net=conv: 1000.0 ms a step, 1 runs, 1.00 h",
        "squares beta-vae batch_size=64 net=mlp: 200.0 ms a step, 1 runs, 0.20 h",
        "squares beta-vae batch_size=64 net=conv: 2000.0 ms a step, 1 runs, 2.00 h",
        "squares dip-vae-i batch_size=32: 100.0 ms a step, 2 runs, 0.20 h",
        "squares dip-vae-i batch_size=64: 200.0 ms a step, 2 runs, 0.40 h",
    ]
    assert "8 of 8 runs are left: about 3.90 h" in lines[-1]


def command(spec: Path, root: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "unbraid", "study", "run", str(spec), "--root", str(root), *more]


def start(words: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_a_killed_driver_and_a_killed_worker_change_no_number(
    make_spec: Make, opened: Opened, tmp_path: Path
) -> None:
    spec = make_spec(steps=60, off_diagonal=1, retries=1000)
    undisturbed = open_study(spec, tmp_path / "undisturbed")
    assert driver.drive(undisturbed, Here(), Watcher())
    root = tmp_path / "studies"
    study = opened(spec)
    killed = start(command(spec, root, "--jobs", "1"))
    running = study.run_folder(study.cells[0]) / "config.json"
    wait_for(running.is_file)
    killed.kill()  # its workers notice, save and go
    killed.communicate()
    wait_for(lambda: not locks.is_claimed(running.parent / "claim"))
    last = start(command(spec, root, "--jobs", "1"))

    def killed_one() -> bool:
        for process in children(last.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        assert last.poll() is None, last.communicate()
        return any(state.failures for state in study.states())

    wait_for(killed_one)
    out, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    assert "3 of 3 runs finished" in out
    assert rows_of(study) == rows_of(undisturbed)
    assert {f["kind"] for state in study.states() for f in state.failures} == {"died"}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children(parent: int) -> list[int]:
    """Return the workers among a process's children."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True
    )
    lines = [line.split(maxsplit=1) for line in found.stdout.splitlines()]
    return [int(pid) for pid, words in lines if "spawn_main" in words]


def cell_of(number: int, steps: int = 100, **method: Any) -> Cell:
    config = {"method": method, "training": {"steps": steps, "seed": number}}
    return Cell(str(number), "", "data", "vae", "", None, number, config, {})


def test_progress_tells_counts_and_the_time_left() -> None:
    cells = [cell_of(i) for i in range(4)]
    now = [0.0]
    progress = Progress(cells, [State({})] * 4, 2, lambda: now[0])
    assert progress.left() is None
    for name in "01":
        progress.on_event(Event(name, "started"))
        progress.on_event(Event(name, "step", "", 0, 100, 50.0))
    now[0] = 10.0
    progress.on_event(Event("0", "step", "", 100, 100, 50.0))
    progress.on_event(Event("0", "done"))
    progress.on_event(Event("1", "step", "", 50, 100, 30.0))
    assert progress.left() == pytest.approx((50 + 100 + 100) * 0.1 / 2)
    progress.on_event(Event("1", "failed", "diverged: the loss is not finite"))
    line = "1 of 4 runs finished, 0 running, 1 diverged, 0 images/s, under a minute left"
    assert progress.line() == line


def test_the_time_left_is_of_each_kind_and_of_the_usual_one_where_none_has_been_seen() -> None:
    nets = ("mlp", "mlp", "conv", "conv", "resnet")
    cells = [cell_of(i, net=net, beta=float(i)) for i, net in enumerate(nets)]
    now = [0.0]
    progress = Progress(cells, [State({})] * 5, 1, lambda: now[0])
    for name, seconds in (("0", 10.0), ("2", 300.0)):
        progress.on_event(Event(name, "started"))
        progress.on_event(Event(name, "step", "", 0, 100))
        now[0] += seconds
        progress.on_event(Event(name, "done"))
    assert progress.left() == pytest.approx(10 + 300 + (10 + 300) / 2)
    # a run that was trained before, and is only measured, says nothing of a training's time
    progress.on_event(Event("1", "started"))
    progress.on_event(Event("1", "done"))
    assert progress.left() == pytest.approx(300 + (10 + 300) / 2)


def test_runs_by_epochs_have_as_many_steps_as_others_of_their_kind_told() -> None:
    now = [0.0]
    progress = Progress([cell_of(i, 0) for i in range(2)], [State({})] * 2, 1, lambda: now[0])
    progress.on_event(Event("0", "started"))
    progress.on_event(Event("0", "step", "", 0, 40))
    now[0] = 20.0
    progress.on_event(Event("0", "done"))
    assert progress.left() == pytest.approx(20)


def test_a_damaged_state_is_made_again_from_the_other_files(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(make_spec()).shard(0, 3)
    assert driver.drive(study, Here(), Watcher())
    before = rows_of(study)
    state = study.run_folder(study.cells[0]) / "state.json"
    for text in ("", "[]", '{"measured": 3}', json.dumps({"measured": {}, "failures": [1]})):
        state.write_text(text)
        assert driver.drive(study, Here(), Watcher())
        assert rows_of(study) == before


def test_a_folder_of_a_study_stands_for_its_file(
    make_spec: Make, opened: Opened, unbraid: Unbraid, tmp_path: Path
) -> None:
    study = opened(make_spec())
    assert open_study(study.folder).cells == study.cells
    assert "3 unfinished" in unbraid("status", study.folder)
    assert "no study's folder" in unbraid("status", tmp_path, code=2)
    write_json(study.folder / "seeds.json", {"seeds": "all"})
    assert "does not hold seeds" in unbraid("status", study.folder, code=2)
    assert "takes the file or folder" in unbraid("run", Path("--dry-run"), code=2)


def test_retry_of_a_shard_leaves_the_failures_of_others(
    make_spec: Make, opened: Opened, unbraid: Unbraid, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    study = opened(spec)
    failure = {"kind": "error", "type": "", "message": "", "step": 0, "attempt": 1}
    for cell in study.cells:
        write_state(study.run_folder(cell), State({}, (failure,), failed=True))
    monkeypatch.setattr("unbraid.studies.estimate.step_time", lambda cell, data: (1.0, 1))
    monkeypatch.setattr("unbraid.studies.driver.drive", lambda *args: True)
    said = unbraid("retry", spec, "--shard", "0/2", "--dry-run")
    assert "2 runs of shard 0/2 would be tried again" in said
    assert "2 runs of shard 0/2 are tried again" in unbraid("retry", spec, "--shard", "0/2")
    assert [state.failed for state in study.states()] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--dry-run"), "3 of 3 runs are left"),
        (("retry", "--dry-run"), "0 runs would be tried again"),
        (("extend", "--seeds", "1", "--dry-run"), "6 of 6 runs are left"),
        (("status",), "studies/tiny does not exist yet: unbraid study run starts the study"),
    ],
)
def test_a_dry_run_and_a_status_write_nothing(
    make_spec: Make,
    unbraid: Unbraid,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setattr("unbraid.studies.estimate.step_time", lambda cell, data: (1.0, 1))
    spec = make_spec()
    found = unbraid(words[0], spec, *words[1:])
    assert said in found
    assert words[0] != "status" or "3 unfinished" in found
    assert not (tmp_path / "studies").exists()
    assert "or the folder of a study that was run" in unbraid("status", tmp_path / "none", code=2)


def test_a_comparison_that_fails_leaves_the_table_and_is_done_later(
    make_spec: Make, opened: Opened, unbraid: Unbraid, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(seeds="0-1")
    spec.write_text(spec.read_text().replace('["mig"]', '["mig", "udr"]'))
    study = opened(spec)
    assert driver.drive(study, Here(), Watcher())

    def broken(runs: list[str], config: object) -> None:
        raise ValueError("no codes")

    with monkeypatch.context() as patched:
        patched.setattr("unbraid.studies.comparing.evaluate", broken)
        said = unbraid("run", spec, "--jobs", "1", code=2)
    names = ", ".join(study.run_folder(cell).name for cell in study.cells[:2])
    assert f"udr of the runs {names} not measured: ValueError: no codes" in said
    assert {row["metric"] for row in rows_of(study)} >= {"mig"}
    assert (study.folder / "results.csv").is_file()
    unbraid("run", spec)
    with (study.folder / "results.csv").open(newline="") as file:
        assert "udr" in {row["metric"] for row in csv.DictReader(file)}


def test_the_seeds_of_a_setting_are_compared_and_drawn(
    make_spec: Make, opened: Opened, unbraid: Unbraid, tmp_path: Path
) -> None:
    spec = make_spec(seeds="0-1")
    text = spec.read_text().replace('["mig"]', '["mig", "sap", "udr"]')
    more = '[[metrics]]\nmetrics = ["mig"]\n'
    text += f'{more}images = 60\n{more}representation = "sampled"\n'
    spec.write_text(text)
    study = opened(spec)
    assert driver.drive(study, Here(), Watcher())
    said = unbraid("run", spec)  # there is nothing to train, and the table is missing
    assert "6 of 6 runs finished" in said
    with (study.folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    udr = [float(row["value"]) for row in rows if row["metric"] == "udr"]
    assert len(udr) == 6
    result = Run(study.run_folder(study.cells[0])).result
    (stored,) = (s for s in result["scores"].values() if s["metric"] == "udr")
    assert stored["compared_with"] == [str(study.run_folder(study.cells[1]))]
    assert udr[0] == stored["value"]
    assert [row["representation"] for row in rows if row["metric"] == "mig"] == [
        "mean", "mean", "sampled",
    ] * 6  # fmt: skip
    written = unbraid("plots", spec).split()
    names = {Path(path).name for path in written}
    for stem in ("violins", "strengths", "metric-ranks", "unsupervised-ranks", "variances",
                 "chances"):  # fmt: skip
        assert {f"{stem}-squares.png", f"{stem}-squares.csv"} <= names
    with (study.folder / "plots/unsupervised-ranks-squares.csv").open(newline="") as file:
        assert "udr" in {row["first"] for row in csv.DictReader(file)}
    # nothing is measured again
    before = (study.run_folder(study.cells[0]) / "result.json").stat().st_mtime_ns
    (study.folder / "results.csv").unlink()
    unbraid("run", spec)
    assert (study.run_folder(study.cells[0]) / "result.json").stat().st_mtime_ns == before


def test_a_plan_is_made_again_when_a_folder_of_data_changes(
    make_spec: Make, opened: Opened, squares_npz: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "images" / "kept"
    folder.mkdir(parents=True)
    with np.load(squares_npz) as stored:
        for number, image in enumerate(stored["images"]):
            Image.fromarray(image).save(folder / f"{number:03}.png")
        another = Image.fromarray(stored["images"][0].T)
    spec = make_spec(data="images")
    text = (
        spec.read_text().replace("full = true", "size = 16").replace('["mig"]', '"reconstruction"')
    )
    spec.write_text(text)
    before = [cell.id for cell in opened(spec).cells]
    assert [cell.id for cell in opened(spec).cells] == before
    another.save(folder / "another.png")
    os.utime(folder, (1, 1))  # as if the clock told another time
    after = [cell.id for cell in opened(spec).cells]
    assert not {*after} & {*before}
    # an image that is edited in place leaves the folder's own time as it was
    another.rotate(180).save(folder / "another.png")
    os.utime(folder, (1, 1))
    assert not {cell.id for cell in opened(spec).cells} & {*before, *after}


def test_slurm_gets_a_script_of_shards(
    make_spec: Make, opened: Opened, unbraid: Unbraid, tmp_path: Path
) -> None:
    spec = make_spec(more='jobs = 5\nthreads = 2\ntimeout = "90m"')
    assert "3 of 3 runs are left, in 3 elements" in unbraid("run", spec, "--on", "slurm")
    script = (tmp_path / "studies/tiny/slurm.sh").read_text()
    for line in ("--array=0-2%5", "--cpus-per-task=2", "--time=100"):
        assert f"#SBATCH {line}\n" in script
    assert '--shard "$SLURM_ARRAY_TASK_ID/3"' in script
    words = script.splitlines()[-1].replace("$SLURM_ARRAY_TASK_ID", "1").split()
    assert words[0] == "exec"
    # names of folders that "#SBATCH" would take apart or fill in
    study = replace(opened(spec), folder=tmp_path / "my studies %j" / "tiny")
    write_script(study, str(spec), tmp_path, 1)
    expected = f'#SBATCH --output="{tmp_path}/my studies %%j/tiny/slurm-%a.out"'
    assert expected in (study.folder / "slurm.sh").read_text().splitlines()
    # nothing is throttled that nobody asked for; a run gets its GPUs
    make_spec(more="gpus = 2")
    unbraid("run", spec, "--on", "slurm")
    script = (tmp_path / "studies/tiny/slurm.sh").read_text()
    for line in ("--array=0-2", "--gres=gpu:2"):
        assert f"#SBATCH {line}\n" in script
    make_spec(more="gpus = 0.5")
    assert "make it a whole number" in unbraid("run", spec, "--on", "slurm", code=2)
    make_spec()
    said = unbraid("run", spec, "--shard", "1/3", "--dry-run")
    assert "1 of 1 runs are left" in said
    assert "--shard is '3/3'" in unbraid("run", spec, "--shard", "3/3", code=2)
