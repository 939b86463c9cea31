"""Two processes on one run folder: no score is lost, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch

from unbraid.core.errors import UnbraidError
from unbraid.core.store import read_tensors, write_tensors
from unbraid.evaluation.scores import Config as Scoring
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.runs.evaluating import evaluate
from unbraid.runs.restarts import score, train_restarts
from unbraid.runs.results import key_of, update_result
from unbraid.training import TrainingConfig


@pytest.fixture
def folder(tiny_run: Run, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    return Path(copytree(tiny_run.folder, tmp_path / "run"))


@pytest.fixture(scope="module")
def half_held_out(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = RunConfig(
        configure("vae", latent_dim=3, net="mlp"),
        "npz",
        {"path": str(squares_npz), "full": True},
        TrainingConfig(epochs=1, batch_size=32, precision="f32", validation=0.5),
    )
    return train_run(config, tmp_path_factory.mktemp("runs") / "half").folder


@pytest.fixture
def measured(half_held_out: Path, tmp_path: Path) -> Path:
    """A finished run with 150 held-out images, that a test may change."""
    return Path(copytree(half_held_out, tmp_path / "run"))


def test_two_evaluations_at_once_keep_both_scores(folder: Path) -> None:
    metrics = ("reconstruction", "log-likelihood")
    command = [sys.executable, "-m", "unbraid", "evaluate", str(folder), "--metrics"]
    started = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in metrics
    ]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert set(metrics) <= set(Run(folder).scores())


@pytest.mark.parametrize(
    "commands",
    [
        [["--metrics", "mig"], ["--metrics", "mig", "--protocol", "locatello2019"]],
        [["--metrics", "mig,sap"], ["--metrics", "mig,sap", "--seed", "1"]],
        [["--metrics", "mig"], ["--metrics", "mig", "--images", "60"]],
    ],
)
def test_two_evaluations_at_once_with_other_protocols_or_settings_keep_both(
    measured: Path, commands: list[list[str]]
) -> None:
    words = [sys.executable, "-m", "unbraid", "evaluate", str(measured)]
    started = [
        subprocess.Popen([*words, *each, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for each in commands
    ]
    printed = []
    for process in started:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        printed += json.loads(out)[str(measured)].values()
    stored = list(Run(measured).result["scores"].values())
    assert len(stored) == len(printed)
    for found in printed:  # each is there with all that was printed of it
        assert any(all(each[key] == value for key, value in found.items()) for each in stored)


def test_the_same_measurement_replaces_its_score(measured: Path) -> None:
    for _ in range(2):
        evaluate([str(measured)], Scoring(metrics="mig,sap"))
    stored = Run(measured).result["scores"]
    assert sorted(score["metric"] for score in stored.values()) == ["mig", "sap"]
    assert all(key_of(score) == key for key, score in stored.items())
    evaluate([str(measured)], Scoring(metrics="mig", protocol="locatello2019"))
    assert len(Run(measured).result["scores"]) == 3
    assert Run(measured).scores("locatello2019").keys() == {"mig"}
    assert Run(measured).scores()["mig"] == stored[next(k for k in stored if k.startswith("mig"))]


def test_results_of_earlier_versions_are_read_and_kept(measured: Path) -> None:
    evaluate([str(measured)], Scoring(metrics="mig,sap"))
    result = Run(measured).result
    scores = {score["metric"]: score for score in result.pop("scores").values()}
    data = {key: scores["mig"]["data"][key] for key in ("name", "split", "images")}
    for each in scores.values():
        del each["protocol"]
        each["data"] = data
    old = {"figures": result.pop("reconstruction_stats"), **result}
    old |= {"metrics": scores, "metrics_data": data}
    (measured / "result.json").write_text(json.dumps(old))
    run = Run(measured)
    assert run.result["reconstruction_stats"] == old["figures"]
    assert run.scores()["mig"]["value"] == scores["mig"]["value"]
    assert run.scores()["mig"]["protocol"] == "unknown"
    evaluate([str(measured)], Scoring(metrics="mig", protocol="locatello2019"))
    assert len(Run(measured).result["scores"]) == 3
    evaluate([str(measured)], Scoring(metrics="mig"))  # the same again: its protocol is known now
    assert len(Run(measured).result["scores"]) == 3
    assert Run(measured).scores()["mig"]["protocol"] == "none"
    assert Run(measured).scores()["sap"]["protocol"] == "unknown"
    stored = json.loads((measured / "result.json").read_text())
    assert not {"figures", "metrics", "metrics_data"} & stored.keys()


@pytest.mark.parametrize("part", ["metrics", "scores"])
@pytest.mark.parametrize("found", [None, [1], {"mig": None}])
def test_scores_that_are_none_are_told_in_a_sentence(folder: Path, part: str, found: Any) -> None:
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, part: found}))
    with pytest.raises(UnbraidError, match="expected an object; restore it or delete it"):
        _ = Run(folder).result


def test_changes_at_once_are_all_kept(folder: Path) -> None:
    """Many writers, each of which is slow between reading and writing."""

    def add(result: dict[str, Any], name: str) -> dict[str, Any]:
        time.sleep(0.005)
        return {**result, name: True}

    def work(index: int) -> None:
        for turn in range(5):
            update_result(folder, partial(add, name=f"{index}-{turn}"))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = json.loads((folder / "result.json").read_text())
    assert {f"{index}-{turn}" for index in range(6) for turn in range(5)} <= found.keys()


def test_a_change_sweeps_what_a_killed_one_left_and_leaves_nothing(folder: Path) -> None:
    before = sorted(file.name for file in folder.iterdir())
    (folder / ".result-x1.json").write_text('{"ha')
    update_result(folder, lambda result: result)
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_change_that_fails_leaves_the_result(folder: Path) -> None:
    before = (folder / "result.json").read_bytes()

    def fail(result: dict[str, Any]) -> dict[str, Any]:
        raise UnbraidError("no.")

    for _ in range(2):  # the lock is let go
        with pytest.raises(UnbraidError, match="no"):
            update_result(folder, fail)
    assert (folder / "result.json").read_bytes() == before


def test_scores_of_a_model_that_has_been_replaced_are_not_kept(folder: Path) -> None:
    run = Run(folder)
    run.model()
    tensors, metadata = read_tensors(folder / "model.safetensors")
    write_tensors(folder / "model.safetensors", tensors, metadata)
    before = (folder / "result.json").read_bytes()
    with pytest.raises(UnbraidError, match="trained further while it was measured"):
        run.record(lambda result: {**result, "more": 1})
    assert (folder / "result.json").read_bytes() == before


def test_a_score_of_restarts_is_added_beside_others(folder: Path) -> None:
    evaluate([str(folder)], Scoring(metrics="reconstruction"))
    told = score(Run(folder))
    result = Run(folder).result
    assert result["restart_score"] == told
    assert "reconstruction" in Run(folder).scores()


def test_resuming_restarts_keeps_what_was_measured(squares_npz: Path, tmp_path: Path) -> None:
    config = RunConfig(
        configure("vae", latent_dim=3, net="mlp"),
        "npz",
        {"path": str(squares_npz), "full": True},
        TrainingConfig(epochs=1, batch_size=32, precision="f32"),
    )
    run = train_restarts(config, tmp_path / "run", 2)
    evaluate([str(run.folder)], Scoring(metrics="reconstruction"))
    again = train_restarts(config, tmp_path / "run", 2, resume=True)
    assert "reconstruction" in again.scores()


def test_tensors_at_a_path_that_is_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    write_tensors(folder / "a.safetensors", {"x": torch.arange(3.0)}, {"told": "é"})
    tensors, metadata = read_tensors(folder / "a.safetensors")
    assert torch.equal(tensors["x"], torch.arange(3.0))
    assert metadata == {"told": "é"}


def test_a_run_at_a_path_that_is_not_utf8(tiny_run: Run, squares_npz: Path, tmp_path: Path) -> None:
    place = tmp_path / "caf\udce9"
    place.mkdir()
    data = place / "squ\udce9res.npz"
    data.write_bytes(squares_npz.read_bytes())
    config = RunConfig(tiny_run.config.method, "npz", {"path": str(data)}, tiny_run.config.training)
    run = train_run(config, place / "run")
    assert len(run.unseen()) == 30
    whole = tiny_run.model().state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in run.model().state_dict().items())
