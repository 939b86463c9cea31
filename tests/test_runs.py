"""Run folders: what they hold, what damage to them says, and that nothing in them is ever lost."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import unbraid
from unbraid import cli
from unbraid.core.errors import UnbraidError
from unbraid.core.store import locked
from unbraid.datasets import Dataset
from unbraid.methods import configure
from unbraid.runs import (
    FolderRecorder,
    Forwarding,
    Run,
    RunConfig,
    load,
    train_fleet,
    train_restarts,
    train_run,
)
from unbraid.training import Diverged, Interrupted, Progress, Recorder, TrainingConfig, split_rows

FILES = [
    "checkpoint.safetensors",
    "config.json",
    "metrics.jsonl",
    "model.safetensors",
    "result.json",
]


class StopAt(Recorder):
    def __init__(self, step: int) -> None:
        self.at, self.now = step, 0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.now = progress.step

    def stop_requested(self) -> bool:
        return self.now == self.at


@pytest.fixture
def config(squares_npz: Path) -> RunConfig:
    """8 steps an epoch, 2 epochs."""
    return RunConfig(
        configure("vae", latent_dim=3, net="mlp"),
        "npz",
        {"path": str(squares_npz), "full": True},
        TrainingConfig(epochs=2, batch_size=32, precision="f32"),
    )


@pytest.fixture
def folder(tiny_run: Run, tmp_path: Path) -> Path:
    """A finished run that a test may change."""
    return Path(shutil.copytree(tiny_run.folder, tmp_path / "run"))


def interrupted(config: RunConfig, folder: Path, step: int = 11) -> Path:
    with pytest.raises(Interrupted):
        train_run(config, folder, display=StopAt(step))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# -- what a run holds -----------------------------------------------------------------------------


def test_a_finished_run(tiny_run: Run) -> None:
    assert names(tiny_run.folder) == FILES
    assert tiny_run.finished
    assert tiny_run.json["image_shape"] == [1, 16, 16]
    assert [record["epoch"] for record in tiny_run.history()] == [1, 2, 3]
    result = tiny_run.result
    assert result["method"] == "vae"
    assert result["training"]["steps"] == 3 * 15
    assert result["training"]["precision"] == "float32"
    assert result["data"] == {"name": "npz", "split": "test"}
    figures = result["reconstruction_stats"]
    assert figures["images"] == 30
    assert figures["elbo"] == pytest.approx(-figures["reconstruction"] - figures["kl"])
    assert figures["reconstruction"] > figures["floor"] > 0
    assert figures["kl"] == pytest.approx(sum(figures["kl_by_latent"]), abs=1e-3)
    parts = figures["decomposition"]
    terms = ("index_code_mi", "total_correlation", "dimwise_kl")
    error = sum(parts[name]["standard_error"] for name in terms)
    assert sum(parts[name]["value"] for name in terms) == pytest.approx(
        figures["kl"], abs=4 * error
    )
    assert {"torch", "unbraid", "device", "cores"} <= result["machine"].keys()


def test_load_gives_the_model_ready_for_use(tiny_run: Run, squares: Dataset) -> None:
    model = unbraid.load(tiny_run.folder, device="auto")
    assert not model.training
    assert model.encode(squares.images).shape == (300, 4)
    assert torch.equal(model.encode(squares.images), load(tiny_run.folder).encode(squares.images))


def test_the_run_is_small_and_loads_from_elsewhere(
    tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(tiny_run.unseen()) == 30
    assert len(tiny_run.dataset()) == 270
    moved = shutil.copytree(tiny_run.folder, tmp_path / "moved")
    load(moved)


def test_unseen_images_are_those_held_out_where_there_is_no_test_split(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_run(config, tmp_path / "run")
    whole = run.dataset()

    def only_train(run: Run, split: str = "train") -> Dataset:
        if split == "test":
            raise UnbraidError("there is no test split.")
        return whole

    monkeypatch.setattr(Run, "dataset", only_train)
    assert len(run.unseen()) == 30


def test_unseen_images_of_a_run_on_all_images_are_those_it_held_out(
    config: RunConfig, tmp_path: Path
) -> None:
    assert config.data_options["full"]
    run = train_run(config, tmp_path / "run")
    unseen = run.unseen()
    assert (len(unseen), unseen.split) == (30, "validation")
    _, held_out = split_rows(run.dataset(), config.training.validation)
    np.testing.assert_array_equal(unseen.images[:], run.dataset().images[held_out.numpy()])
    assert run.result["data"] == {"name": "npz", "split": "validation"}


def test_a_run_that_held_nothing_out_says_so(
    config: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = dataclasses.replace(config.training, validation=0.0)
    run = train_run(dataclasses.replace(config, training=training), tmp_path / "run")
    unseen = run.unseen()
    assert (len(unseen), unseen.split) == (300, "train")
    assert run.result["data"]["split"] == "train"
    assert run.result["data"]["note"].startswith("no images were held out")
    source = ["--data", config.data_options["path"], "--data.full", "--out", str(tmp_path / "two")]
    options = ["--net", "mlp", "--epochs", "1", "--batch-size", "32", "--validation", "0"]
    assert cli.main(["train", "vae", *source, *options]) == 0
    assert "no images were held out" in capsys.readouterr().out


def test_options_that_json_changes_resume_all_the_same(
    squares_npz: Path, config: RunConfig, tmp_path: Path
) -> None:
    options = {"path": str(squares_npz), "full": True, "factor_names": ("a", "b", "c")}
    config = RunConfig(config.method, "npz", options, config.training)
    interrupted(config, tmp_path / "run")
    run = train_run(config, tmp_path / "run", resume=True)
    assert run.dataset().factor_names == ("a", "b", "c")


# -- resuming -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3, 8, 11])
def test_a_resumed_run_is_that_of_one_never_stopped(
    config: RunConfig, tmp_path: Path, step: int
) -> None:
    whole = train_run(config, tmp_path / "whole")
    part = interrupted(config, tmp_path / "part", step)
    assert names(part)[:2] == ["checkpoint.safetensors", "config.json"]
    assert not Run(part).finished
    load(part)  # the model of the checkpoint
    run = train_run(config, part, resume=True)
    assert names(part) == FILES
    model = "model.safetensors"
    assert (part / model).read_bytes() == (whole.folder / model).read_bytes()
    figures = [{**r, "images_per_second": 0} for each in (run, whole) for r in each.history()]
    assert figures[:2] == figures[2:]
    assert run.result["reconstruction_stats"] == whole.result["reconstruction_stats"]


def test_a_training_goes_on_in_the_precision_that_it_began_in(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = dataclasses.replace(
        config, training=dataclasses.replace(config.training, precision="auto")
    )
    monkeypatch.setattr("unbraid.core.hardware.has_bf16", lambda _: False)
    train_run(config, tmp_path / "f32")
    interrupted(auto, tmp_path / "run")
    # another machine, which has bf16
    monkeypatch.setattr("unbraid.core.hardware.has_bf16", lambda _: True)
    notes: list[str] = []
    display = Recorder()
    monkeypatch.setattr(display, "note", notes.append)
    run = train_run(auto, tmp_path / "run", resume=True, display=display)
    assert run.result["training"]["precision"] == "float32"
    model = "model.safetensors"
    assert (run.folder / model).read_bytes() == (tmp_path / "f32" / model).read_bytes()
    assert sum("began in f32 and goes on in it" in note for note in notes) == 1
    # what is new there is in bf16
    assert train_run(auto, tmp_path / "new").result["training"]["precision"] == "bfloat16"


def test_resume_starts_a_run_that_is_not_there_and_leaves_a_finished_one_alone(
    config: RunConfig, tmp_path: Path
) -> None:
    train_run(config, tmp_path / "run", resume=True)
    before = contents(tmp_path / "run")
    train_run(config, tmp_path / "run", resume=True)
    assert contents(tmp_path / "run") == before


def test_a_run_killed_while_it_finishes(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("unbraid.evaluation.reconstruction.reconstruction_stats", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(config, tmp_path / "run")
    assert names(tmp_path / "run") == FILES[:3]
    weights = load(tmp_path / "run").state_dict()
    run = train_run(config, tmp_path / "run", resume=True)
    assert names(run.folder) == FILES
    assert all(
        torch.equal(value, weights[name]) for name, value in run.model().state_dict().items()
    )
    assert [record["step"] for record in run.history()] == [8, 16]


def test_a_stop_at_the_last_step_comes_too_late(config: RunConfig, tmp_path: Path) -> None:
    assert train_run(config, tmp_path / "run", display=StopAt(16)).finished


def test_resume_drops_records_after_the_checkpoint_and_half_lines(
    config: RunConfig, tmp_path: Path
) -> None:
    part = interrupted(config, tmp_path / "part", 11)
    with (part / "metrics.jsonl").open("a") as file:  # as killed between record and checkpoint
        file.write('{"epoch": 2, "step": 16, "train_loss": 1.0}\n{"epoch": 3, "st')
    run = train_run(config, part, resume=True)
    assert [record["step"] for record in run.history()] == [8, 16]
    assert "validation_loss" in run.history()[1]


@pytest.mark.parametrize("line", ['{"epoch": 2, "step": "16"}', '{"epoch": 2, "step": null}', "3"])
def test_lines_that_are_no_records_end_the_history(
    config: RunConfig, tmp_path: Path, line: str
) -> None:
    part = interrupted(config, tmp_path / "part", 11)
    with (part / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    assert [record["step"] for record in Run(part).history()] == [8]
    run = train_run(config, part, resume=True)
    assert [record["step"] for record in run.history()] == [8, 16]


@pytest.mark.parametrize("name", ["metrics.jsonl", "model.safetensors"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    opens = Path.open

    def guarded(path: Path, *rest: Any, **options: Any) -> Any:
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opens(path, *rest, **options)

    monkeypatch.setattr(Path, "open", guarded)
    sentence = f"cannot read .*{name}: Permission denied; restore it, or check its permissions"
    with pytest.raises(UnbraidError, match=sentence):
        load(folder) if name.startswith("model") else Run(folder).history()


def test_resume_sweeps_what_a_killed_process_was_writing(config: RunConfig, tmp_path: Path) -> None:
    part = interrupted(config, tmp_path / "part")
    for name in (".checkpoint-x1.safetensors", ".metrics-x2.jsonl", ".mine-x3.png"):
        (part / name).write_bytes(b"half")
    train_run(config, part, resume=True)
    assert names(part) == [".mine-x3.png", *FILES]


def test_a_folder_with_a_run_is_not_overwritten(config: RunConfig, folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(UnbraidError, match="already holds a run: add --resume"):
        train_run(config, folder)
    assert contents(folder) == before


def test_a_run_that_failed_before_it_saved_anything_is_started_anew(
    config: RunConfig, tmp_path: Path
) -> None:
    wild = RunConfig(config.method, "npz", config.data_options, TrainingConfig(lr=1e30))
    with pytest.raises(UnbraidError, match="is not finite"):
        train_run(wild, tmp_path / "run")
    assert not Run(tmp_path / "run").started
    assert train_run(config, tmp_path / "run").config == config


def test_a_config_of_something_else_is_left_alone(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "other"}')
    for resume in (False, True):
        with pytest.raises(UnbraidError, match="is not a run's config"):
            train_run(config, tmp_path, resume=resume)
    assert (tmp_path / "config.json").read_text() == '{"model_type": "other"}'


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "model.safetensors", "result.json"])
def test_files_of_a_run_without_its_config_are_neither_gone_on_from_nor_replaced(
    config: RunConfig, folder: Path, name: str
) -> None:
    for gone in set(FILES) - {name, "metrics.jsonl"}:
        (folder / gone).unlink()
    before = contents(folder)
    sentence = f"holds the {name} of a run, but no config.json, which says how it was trained"
    other = dataclasses.replace(config, method=configure("beta-vae", latent_dim=3, net="mlp"))
    for resume in (False, True):
        with pytest.raises(UnbraidError, match=sentence):
            train_run(other, folder, resume=resume)
    model = unbraid.train("vae", np.random.default_rng(0).random((40, 16, 16)), batch_size=8)
    with pytest.raises(UnbraidError, match=sentence):
        unbraid.save(model, folder)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: {"method": configure("beta-vae")}, r"another method \(name vae, not beta-vae"),
        (
            lambda c: {"method": configure("vae", latent_dim=5, net="mlp")},
            r"another method \(latent_dim 3, not 5\)",
        ),
        (
            lambda c: {"training": TrainingConfig(epochs=9, batch_size=16, precision="f32")},
            r"another training \(batch_size 32, not 16\)",
        ),
        (lambda c: {"data_options": {"path": c.data_options["path"]}}, "another data"),
    ],
)
def test_resume_with_other_options_is_refused(
    config: RunConfig, tmp_path: Path, change: Callable[[RunConfig], dict[str, Any]], sentence: str
) -> None:
    part = interrupted(config, tmp_path / "part")
    before = contents(part)
    other = RunConfig(**{**vars(config), **change(config)})
    with pytest.raises(UnbraidError, match=sentence):
        train_run(other, part, resume=True)
    assert contents(part) == before


# -- damage ---------------------------------------------------------------------------------------


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"nosuch does not exist: expected a config.json in it"):
        load(tmp_path / "nosuch")
    with pytest.raises(UnbraidError, match="is not a run folder"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("config.json", "is not a run folder: expected a config.json in it"),
        ("model.safetensors", "model.safetensors is missing: restore it from a copy, or delete"),
    ],
)
def test_a_missing_file(folder: Path, name: str, sentence: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UnbraidError, match=sentence):
        load(folder)


def test_an_unfinished_run_has_no_result_and_no_history(folder: Path) -> None:
    (folder / "result.json").unlink()
    (folder / "metrics.jsonl").unlink()
    with pytest.raises(UnbraidError, match=r"not finished: continue it with .* --resume"):
        _ = Run(folder).result
    assert Run(folder).history() == []


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[: len(data) // 2], "is damaged .*: restore it from a copy"),
        (lambda data: data[:5], "is damaged"),
        (lambda data: b"", "is damaged"),
        (lambda data: np.random.default_rng(0).bytes(5000), "is damaged"),
        (lambda data: b"\xff" * 8 + data[8:], "is damaged"),
        (lambda data: data + b"more", "is damaged"),
    ],
    ids=["half", "five bytes", "empty", "random", "header", "longer"],
)
@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.safetensors"])
def test_damaged_weights(
    config: RunConfig,
    folder: Path,
    tmp_path: Path,
    name: str,
    damage: Callable[[bytes], bytes],
    sentence: str,
) -> None:
    if name == "checkpoint.safetensors":
        folder = interrupted(config, tmp_path / "part", 3)
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    before = contents(folder)
    with pytest.raises(UnbraidError, match=sentence):
        load(folder)
    if name == "checkpoint.safetensors":
        with pytest.raises(UnbraidError, match=sentence):
            train_run(config, folder, resume=True)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"encoder.1.weight": torch.zeros(3, 3)}, r"encoder.1.weight is \(3, 3\), expected \(512"),
        ({"other": torch.zeros(1)}, r"other is \(1,\), expected nothing of that name"),
        ({"encoder.1.weight": None}, "encoder.1.weight is missing, expected"),
    ],
)
def test_weights_of_another_run(folder: Path, tensors: dict[str, Any], sentence: str) -> None:
    path = folder / "model.safetensors"
    found = {**safetensors.torch.load_file(path), **tensors}
    safetensors.torch.save_file({k: v for k, v in found.items() if v is not None}, path)
    with pytest.raises(UnbraidError, match=rf"does not fit config.json: {sentence}"):
        load(folder)


def test_a_run_from_before_an_option_was_there_goes_on(config: RunConfig, tmp_path: Path) -> None:
    folder = interrupted(config, tmp_path / "run")
    stored = json.loads((folder / "config.json").read_text())
    del stored["method"]["warmup"]
    (folder / "config.json").write_text(json.dumps(stored))
    assert train_run(config, folder, resume=True).finished


def test_a_checkpoint_of_another_run(config: RunConfig, tmp_path: Path) -> None:
    part = interrupted(config, tmp_path / "part", 3)
    other = RunConfig(
        configure("vae", latent_dim=4, net="mlp"), "npz", config.data_options, config.training
    )
    shutil.copy(
        interrupted(other, tmp_path / "other", 3) / "checkpoint.safetensors",
        part / "checkpoint.safetensors",
    )
    with pytest.raises(UnbraidError, match="not a checkpoint of this run: delete it to start"):
        train_run(config, part, resume=True)
    with pytest.raises(UnbraidError, match=r"does not fit config.json"):
        load(part)


def test_finished_weights_in_the_checkpoints_place(
    config: RunConfig, folder: Path, tmp_path: Path
) -> None:
    part = interrupted(config, tmp_path / "part", 3)
    shutil.copy(folder / "model.safetensors", part / "checkpoint.safetensors")
    with pytest.raises(UnbraidError, match="not a checkpoint of this run"):
        train_run(config, part, resume=True)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda text: text[:30], r"config.json is not valid JSON"),
        (lambda text: "\x00\x01", r"config.json is not valid JSON"),
        (lambda text: "[]", "is not a run's config"),
        (lambda text: "{}", r"is not a run's config \(KeyError"),
        (lambda text: text.replace('"vae"', '"vea"'), r"unknown method 'vea' \(did you mean 'vae'"),
        (lambda text: text.replace('"latent_dim": 4', '"latent_dim": 0'), "latent_dim is 0"),
        (lambda text: text.replace('"latent_dim": 4', '"latent_dim": "4"'), "latent_dim.*'4'"),
        (lambda text: text.replace("latent_dim", "latent_dims"), "unknown option 'latent_dims'"),
        (lambda text: text.replace('"epochs": 3', '"epochs": null'), "epochs"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format is 2, expected 1"),
        (lambda text: text.replace("\n    16,", "\n    8,"), "8 by 16 pixels"),
        (lambda text: text.replace("\n    16,\n    16\n", "\n    16\n"), "is not a run's config"),
        (lambda text: text.replace("\n    16,", '\n    "x",'), "is not a run's config"),
        (lambda text: text.replace('"method": {', '"method": 3, "m": {'), "is not a run's config"),
    ],
)
def test_a_damaged_config(folder: Path, edit: Callable[[str], str], sentence: str) -> None:
    path = folder / "config.json"
    text = path.read_text()
    assert edit(text) != text
    path.write_text(edit(text))
    with pytest.raises(UnbraidError, match=sentence) as caught:
        load(folder)
    assert str(path) in str(caught.value)


# -- disks and other processes --------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(config: RunConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UnbraidError, match=r"cannot write .*: a part of that path is a file"):
            train_run(config, out)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_loses_nothing(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_run(config, tmp_path / "whole")
    write, count = Path.write_bytes, 0

    def full_at_the_second(path: Path, data: Any) -> int:
        nonlocal count
        count += 1
        if count == 2:
            write(path, data[:1000])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_at_the_second)
        with pytest.raises(UnbraidError, match="No space left on device; what was there is unt"):
            train_run(config, tmp_path / "run")
    assert names(tmp_path / "run") == ["checkpoint.safetensors", "config.json", "metrics.jsonl"]
    load(tmp_path / "run")
    run = train_run(config, tmp_path / "run", resume=True)
    assert [record["step"] for record in run.history()] == [8, 16]
    model = "model.safetensors"
    assert (run.folder / model).read_bytes() == (whole.folder / model).read_bytes()


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_write_the_system_cuts_short_gets_a_sentence(squares_npz: Path, tmp_path: Path) -> None:
    args = ["train", "vae", "--data", str(squares_npz), "--batch-size", "32", "--out", "run"]
    done = subprocess.run(
        [sys.executable, "-m", "unbraid", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit_files,
    )
    assert done.returncode == 2
    assert "cannot write run/checkpoint.safetensors: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path / "run") == ["config.json", "metrics.jsonl"]


def test_two_processes_cannot_train_into_one_folder(config: RunConfig, tmp_path: Path) -> None:
    part = interrupted(config, tmp_path / "part")
    before = contents(part)
    code = (
        "import sys; from pathlib import Path; from unbraid.core.store import locked\n"
        f"with locked(Path({str(part)!r})): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UnbraidError, match="another process is training into"):
            train_run(config, part, resume=True)
        assert contents(part) == before
        other.communicate()
    train_run(config, part, resume=True)


def test_a_lock_is_let_go_after_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), locked(tmp_path / "run"):
            raise KeyError
    assert names(tmp_path / "run") == []


def test_a_system_without_locks_opens_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = os.open

    def as_on_windows(path: Any, *rest: Any, **options: Any) -> int:
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opens(path, *rest, **options)

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(os, "open", as_on_windows)
    with locked(tmp_path / "run"):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(os, "open", as_on_windows)  # a folder that may not be read
    with pytest.raises(UnbraidError, match=r"cannot write .*: Permission denied"), locked(tmp_path):
        pass


def test_a_bad_option_leaves_no_folder(config: RunConfig, tmp_path: Path) -> None:
    big = RunConfig(config.method, "npz", config.data_options, TrainingConfig(batch_size=1000))
    with pytest.raises(UnbraidError, match="batch_size is 1000"):
        train_run(big, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_that_broke_down_at_the_last_step_is_not_finished(
    config: RunConfig, tmp_path: Path
) -> None:
    # its weights are finite, and no validation looks at what they make of images
    last = TrainingConfig(steps=1, batch_size=32, validation=0.0, lr=1e12, precision="f32")
    wild = dataclasses.replace(config, training=last)
    sentence = r"stopped: \w+ of 300 images \(train\) is not finite after the last step, 1: try"
    for resume in (False, True):
        with pytest.raises(Diverged, match=sentence):
            train_run(wild, tmp_path / "run", resume=resume)
        assert names(tmp_path / "run") == ["checkpoint.safetensors", "config.json", "metrics.jsonl"]
    other = dataclasses.replace(wild, training=dataclasses.replace(last, seed=1))
    for found in train_fleet([wild, other], [tmp_path / "a", tmp_path / "b"]):
        assert isinstance(found, Diverged)


def test_a_model_whose_weights_are_not_finite_is_not_saved(
    squares: Dataset, tmp_path: Path
) -> None:
    model = unbraid.train(configure("vae", latent_dim=3, net="mlp"), squares, epochs=1)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(UnbraidError, match=r"cannot be saved: .*squared_error is not finite"):
        unbraid.save(model, tmp_path / "run")
    assert names(tmp_path / "run") == []


def test_metrics_are_json_lines_with_finite_numbers(tiny_run: Run) -> None:
    for line in (tiny_run.folder / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("null", "holds nothing, expected an object"),
        ("[1]", "holds a list, expected an object"),
        ("{}", "holds nothing as its 'reconstruction_stats'"),
        ('{"figures": {}, "training": 3}', "holds a number as its 'training'"),
    ],
)
def test_a_result_that_holds_something_else_is_told(
    text: str, said: str, tiny_run: Run, tmp_path: Path
) -> None:
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    (tmp_path / "run/result.json").write_text(text)
    with pytest.raises(UnbraidError, match=said):
        _ = Run(tmp_path / "run").result


# -- events and finished runs ---------------------------------------------------------------------


class Calls(Recorder):
    """Keeps the name of every event."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if hasattr(Recorder, name) and not name.startswith("_"):
            self.names.append(name)
        return super().__getattribute__(name)


def test_every_event_is_forwarded(tmp_path: Path) -> None:
    events = {name for name in vars(Recorder) if not name.startswith("_")}
    progress, record = Progress(1, 8), {"epoch": 1}
    given: dict[str, tuple[Any, ...]] = {
        "start": (progress,),
        "step": (progress, {}, 1.0),
        "epoch": (record,),
        "checkpoint": ({"x": torch.zeros(1)}, progress),
        "warn": ("w",),
        "note": ("n",),
        "stop_requested": (),
    }
    assert given.keys() == events, "a new event: forward it in runs/recorders.py"
    for kind in (Forwarding, lambda calls: FolderRecorder(tmp_path, calls)):
        calls = Calls()
        recorder = kind(calls)
        for name, args in given.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                getattr(recorder, name)(*args)
        assert set(calls.names) == events


@pytest.mark.parametrize("restarts", [1, 2])
def test_a_finished_run_loads_no_data_and_builds_no_optimizer(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: int
) -> None:
    def train() -> Run:
        if restarts == 1:
            return train_run(config, tmp_path / "run", resume=True)
        return train_restarts(config, tmp_path / "run", restarts, resume=True)

    whole = train()
    before = contents_of_all(tmp_path)

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError

    for place in ("train.load_dataset", "run.load_dataset", "restarts.load_dataset", "train.Loop"):
        monkeypatch.setattr(f"unbraid.runs.{place}", unwanted)
    assert train().result == whole.result
    assert contents_of_all(tmp_path) == before
    with pytest.raises(AssertionError):  # more seeds or epochs are not there yet
        train_restarts(config, tmp_path / "run", 3, resume=True) if restarts > 1 else train_run(
            dataclasses.replace(config, training=dataclasses.replace(config.training, epochs=3)),
            tmp_path / "run",
            resume=True,
        )


def contents_of_all(folder: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
