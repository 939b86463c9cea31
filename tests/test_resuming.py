"""More epochs or steps for a run, exact numbers of steps, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid import cli
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.evaluation.scores import Config as Scoring
from unbraid.methods import Phase, configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.runs.evaluating import evaluate
from unbraid.runs.restarts import train_restarts
from unbraid.training import Interrupted, Progress, Recorder, TrainingConfig, train

PER_EPOCH = 8
MODEL = "model.safetensors"


class StopAt(Recorder):
    def __init__(self, step: int) -> None:
        self.at, self.now = step, 0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.now = progress.step

    def stop_requested(self) -> bool:
        return self.now == self.at


def asked(path: Path, method: str = "vae", **length: int) -> RunConfig:
    """Eight steps an epoch."""
    options = length or {"epochs": 2}
    return RunConfig(
        configure(method, latent_dim=3, net="mlp"),
        "npz",
        {"path": str(path), "full": True},
        TrainingConfig(**options, batch_size=32, precision="f32"),  # type: ignore[arg-type]
    )


def same(one: Run, other: Run) -> None:
    """Check that two runs have the same weights, records, figures and configs."""
    assert (one.folder / MODEL).read_bytes() == (other.folder / MODEL).read_bytes()
    records = [[{**r, "images_per_second": 0} for r in run.history()] for run in (one, other)]
    assert records[0] == records[1]
    assert one.result["reconstruction_stats"] == other.result["reconstruction_stats"]
    assert one.json == other.json
    assert one.finished
    assert other.finished


# -- more epochs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["vae", "ae", "joint-vae"])
def test_epochs_added_to_a_finished_run_make_the_run_of_as_many(
    squares_npz: Path, tmp_path: Path, method: str
) -> None:
    whole = train_run(asked(squares_npz, method, epochs=4), tmp_path / "whole")
    train_run(asked(squares_npz, method, epochs=2), tmp_path / "run")
    more = train_run(asked(squares_npz, method, epochs=4), tmp_path / "run", resume=True)
    same(more, whole)
    assert more.config.training.epochs == 4
    assert more.result["training"]["steps"] == 4 * PER_EPOCH


def test_the_command_adds_epochs(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["train", "vae", "--data", str(squares_npz), "--net", "mlp", "--batch-size", "64"]
    args += ["--out", str(tmp_path / "run")]
    assert cli.main([*args, "--epochs", "1"]) == 0
    assert cli.main([*args, "--epochs", "3"]) == 2
    assert "add --resume to continue it" in capsys.readouterr().err
    assert cli.main([*args, "--epochs", "3", "--resume"]) == 0
    assert [r["epoch"] for r in Run(tmp_path / "run").history()] == [1, 2, 3]
    assert cli.main([*args, "--epochs", "2", "--resume"]) == 2
    assert "has trained for 3 epochs (9 steps) already, but 2 (6 steps)" in capsys.readouterr().err


def test_the_earlier_stage_is_whole_until_the_new_one_is(squares_npz: Path, tmp_path: Path) -> None:
    first = train_run(asked(squares_npz, epochs=2), tmp_path / "run")
    evaluate([str(first.folder)], Scoring(metrics="reconstruction"))
    kept = {n: (first.folder / n).read_bytes() for n in ("config.json", MODEL, "result.json")}
    with pytest.raises(Interrupted):
        train_run(
            asked(squares_npz, epochs=4), first.folder, resume=True, display=StopAt(3 * PER_EPOCH)
        )
    assert {name: (first.folder / name).read_bytes() for name in kept} == kept
    run = Run(first.folder)
    assert run.finished
    assert run.stage == ""
    assert [r["epoch"] for r in run.history()] == [1, 2]
    assert "reconstruction" in run.scores()
    # asked for what it has, it is left alone; what was added waits
    before = (run.folder / "checkpoint.safetensors").read_bytes()
    assert train_run(asked(squares_npz, epochs=2), run.folder, resume=True).finished
    assert (run.folder / "checkpoint.safetensors").read_bytes() == before
    more = train_run(asked(squares_npz, epochs=4), run.folder, resume=True)
    same(more, train_run(asked(squares_npz, epochs=4), tmp_path / "whole"))
    assert "scores" not in more.result  # those were another model's


@pytest.mark.parametrize("failing", ["write_tensors", "update_result"])
def test_killed_between_its_last_files_a_longer_run_is_unfinished_and_whole(
    squares_npz: Path, tmp_path: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_run(asked(squares_npz, epochs=2), tmp_path / "run")
    config = asked(squares_npz, epochs=3)
    with pytest.raises(Interrupted):
        train_run(config, tmp_path / "run", resume=True, display=StopAt(3 * PER_EPOCH - 1))

    def killed(path: Path, *_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if failing == "update_result":
            patch.setattr("unbraid.runs.finish.update_result", killed)
        else:
            from unbraid.core.store import write_tensors

            patch.setattr(
                "unbraid.runs.finish.write_tensors",
                lambda path, *rest: (killed if path.name == MODEL else write_tensors)(path, *rest),
            )
        with pytest.raises(KeyboardInterrupt):
            train_run(config, tmp_path / "run", resume=True)
    run = Run(tmp_path / "run")
    assert not run.finished
    assert run.stage == "epoch 3 of 3"
    run.model()
    assert (run.folder / "result.json").is_file()
    same(train_run(config, tmp_path / "run", resume=True), train_run(config, tmp_path / "whole"))


def test_an_unfinished_run_can_be_made_longer_and_shorter(
    squares_npz: Path, tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train_run(asked(squares_npz, epochs=4), tmp_path / "run", display=StopAt(PER_EPOCH + 3))
    assert Run(tmp_path / "run").stage == "epoch 1.4 of 4"
    with pytest.raises(UnbraidError, match=r"has trained for 1.375 epochs \(11 steps\) already"):
        train_run(asked(squares_npz, epochs=1), tmp_path / "run", resume=True)
    run = train_run(asked(squares_npz, epochs=2), tmp_path / "run", resume=True)
    same(run, train_run(asked(squares_npz, epochs=2), tmp_path / "whole"))


def test_a_run_whose_checkpoint_is_gone_says_so(squares_npz: Path, tmp_path: Path) -> None:
    run = train_run(asked(squares_npz, epochs=1), tmp_path / "run")
    (run.folder / "checkpoint.safetensors").unlink()
    before = {file.name: file.read_bytes() for file in run.folder.iterdir()}
    with pytest.raises(UnbraidError, match="is finished and its checkpoint"):
        train_run(asked(squares_npz, epochs=2), run.folder, resume=True)
    assert {file.name: file.read_bytes() for file in run.folder.iterdir()} == before
    train_run(asked(squares_npz, epochs=1), run.folder, resume=True)


def test_an_earlier_versions_finished_run_is_finished(squares_npz: Path, tmp_path: Path) -> None:
    run = train_run(asked(squares_npz, epochs=1), tmp_path / "run")
    result = run.result
    del result["training"]["epochs"]
    (run.folder / "result.json").write_text(json.dumps(result))
    stored = run.json
    del stored["training"]["steps"]
    (run.folder / "config.json").write_text(json.dumps(stored))
    assert Run(run.folder).finished
    assert train_run(asked(squares_npz, epochs=1), run.folder, resume=True).finished


def test_a_finished_run_is_found_before_its_data_are_loaded(
    squares_npz: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(squares_npz, tmp_path / "data.npz"))
    train_run(asked(path), tmp_path / "run")
    path.unlink()
    assert train_run(asked(path), tmp_path / "run", resume=True).finished
    with pytest.raises(UnbraidError, match="already holds a run"):
        train_run(asked(path), tmp_path / "run")
    with pytest.raises(UnbraidError, match="another method"):
        train_run(asked(path, "beta-vae"), tmp_path / "run", resume=True)


def test_a_method_whose_learning_rate_falls_to_the_end_is_not_made_longer(
    squares_npz: Path, tmp_path: Path
) -> None:
    method = configure("conditional-vae", style_dim=2)
    data = {"n": 100, "canvas": 32, "stream": True}
    config = RunConfig(method, "digits", data, TrainingConfig(batch_size=32, epochs=1))
    run = train_run(config, tmp_path / "run")
    longer = replace(config, training=replace(config.training, epochs=2))
    before = {file.name: file.read_bytes() for file in run.folder.iterdir()}
    with pytest.raises(UnbraidError, match=r"learning rates of conditional-vae depend .* 1 epochs"):
        train_run(longer, tmp_path / "run", resume=True)
    assert {file.name: file.read_bytes() for file in run.folder.iterdir()} == before


def test_restarts_add_epochs_to_every_seed(squares_npz: Path, tmp_path: Path) -> None:
    whole = train_restarts(asked(squares_npz, epochs=3), tmp_path / "whole", 2)
    train_restarts(asked(squares_npz, epochs=1), tmp_path / "run", 2)
    run = train_restarts(asked(squares_npz, epochs=3), tmp_path / "run", 2, resume=True)
    same(run, whole)
    assert run.result["restarts"] == whole.result["restarts"]


# -- exact numbers of steps -----------------------------------------------------------------------


def test_steps_are_counted_exactly_and_recorded_at_epochs_and_the_end(
    squares_npz: Path, tmp_path: Path
) -> None:
    run = train_run(asked(squares_npz, steps=19), tmp_path / "run")
    assert run.result["training"]["steps"] == 19
    assert [(r["epoch"], r["step"]) for r in run.history()] == [(1, 8), (2, 16), (3, 19)]
    assert all("validation_loss" in record for record in run.history())
    assert run.config.training == TrainingConfig(steps=19, batch_size=32, precision="f32")
    assert (run.json["training"]["epochs"], run.json["training"]["steps"]) == (0, 19)


@pytest.mark.parametrize("stop", [3, 8, 17, 18])
def test_a_run_of_steps_resumes_to_the_same_bits(
    squares_npz: Path, tmp_path: Path, stop: int
) -> None:
    whole = train_run(asked(squares_npz, steps=19), tmp_path / "whole")
    with pytest.raises(Interrupted):
        train_run(asked(squares_npz, steps=19), tmp_path / "part", display=StopAt(stop))
    assert Run(tmp_path / "part").stage == f"step {stop} of 19"
    same(train_run(asked(squares_npz, steps=19), tmp_path / "part", resume=True), whole)


def test_steps_and_epochs_are_the_same_training(squares_npz: Path, tmp_path: Path) -> None:
    by_epochs = train_run(asked(squares_npz, epochs=2), tmp_path / "epochs")
    by_steps = train_run(asked(squares_npz, steps=2 * PER_EPOCH), tmp_path / "steps")
    assert (by_steps.folder / MODEL).read_bytes() == (by_epochs.folder / MODEL).read_bytes()
    longer = train_run(asked(squares_npz, epochs=3), by_steps.folder, resume=True)
    same(longer, train_run(asked(squares_npz, epochs=3), tmp_path / "whole"))


def test_steps_added_in_mid_epoch_make_the_run_of_as_many(
    squares_npz: Path, tmp_path: Path
) -> None:
    whole = train_run(asked(squares_npz, steps=20), tmp_path / "whole")
    train_run(asked(squares_npz, steps=3), tmp_path / "run")
    run = train_run(asked(squares_npz, steps=11), tmp_path / "run", resume=True)
    assert [r["step"] for r in run.history()] == [8, 11]
    same(train_run(asked(squares_npz, steps=20), tmp_path / "run", resume=True), whole)


def test_steps_and_epochs_are_not_both_given(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnbraidError, match="epochs is 3 and steps is 5: give one of them"):
        TrainingConfig(epochs=3, steps=5)
    with pytest.raises(UnbraidError, match="steps is -1"):
        TrainingConfig(steps=-1)
    with pytest.raises(UnbraidError, match="epochs is 0"):
        TrainingConfig(epochs=0)
    args = ["train", "vae", "--data", str(squares_npz), "--out", str(tmp_path / "run")]
    assert cli.main([*args, "--epochs", "10", "--steps", "5"]) == 2
    assert "--epochs and --steps are both given" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_schedule_that_depends_on_the_length_fits_into_steps(squares_npz: Path) -> None:
    phase = Phase([], span=(0.5, 1.0), schedule="cosine")
    assert phase.needs_length
    assert not Phase([]).needs_length
    assert phase.lr_at(2.45, 2.5) == pytest.approx(0.5 + 0.5 * np.cos(np.pi * 0.96))
    assert phase.lr_at(0.1, 0.3) == 0  # less than an epoch is shared out, too
    assert phase.lr_at(0.16, 0.3) > 0.9
    whole = Phase([], span=(0.0, 0.33))
    assert (whole.lr_at(3.2, 9.9), whole.lr_at(3.27, 9.9)) == (1, 0)
    assert (whole.lr_at(2.9, 10), whole.lr_at(3.0, 10)) == (1, 0)  # by whole epochs
    for length in (0.3, 1.0, 1.2, 1.7, 2.5, 10.0):
        for share in (0.1, 0.5, 0.99):
            epochs = [length * part / 1000 for part in range(1000)]
            for span in ((0.0, share), (share, 1.0)):
                rates = [Phase([], span=span, schedule="cosine").lr_at(e, length) for e in epochs]
                assert any(rates), (length, span)
                assert all(0 <= rate <= 1 for rate in rates)


def test_steps_in_memory(squares: Any) -> None:
    seen: list[int] = []

    class Counting(Recorder):
        def step(self, progress: Progress, terms: dict[str, float], rate: float) -> None:
            seen.append(progress.step)

    train("ae", squares, recorder=Counting(), steps=5, batch_size=32, precision="f32")
    assert seen == [1, 2, 3, 4, 5]


# -- figures of what is not finished ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["reconstruct", "sample", "traverse"])
def test_figures_of_an_unfinished_run_say_so(squares_npz: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(Interrupted):
        train_run(asked(squares_npz, epochs=4), tmp_path / "run", display=StopAt(3 * PER_EPOCH))
    module = registry.load("figures", name)
    figure = module.draw(Run(tmp_path / "run"), module.Config())
    said = [t.get_text() for t in figure.texts] + [
        ax.get_title(loc=place) for ax in figure.axes for place in ("left", "center")
    ]
    assert any("seed 0, epoch 3 of 4: " in text for text in said), said
    run = train_run(asked(squares_npz, epochs=4), tmp_path / "run", resume=True)
    figure = module.draw(run, module.Config())
    assert not any("epoch" in t.get_text() for t in figure.texts)


@pytest.mark.parametrize(("steps", "an_epoch"), [(800, 2572), (333, 47), (1600, 140)])
@pytest.mark.parametrize(("reader", "flow"), [(0.79, 0.1), (0.4, 0.3)])
def test_parts_that_follow_each_other_leave_no_step_out(
    steps: int, an_epoch: int, reader: float, flow: float
) -> None:
    ends = [0.0, 0.25 * reader, reader, 1 - flow, 1.0]
    parts = [Phase([], span=span, schedule="cosine", rise=0.1) for span in pairwise(ends)]
    for step in range(steps):
        shares = [part.lr_at(step / an_epoch, steps / an_epoch) for part in parts]
        assert sum(share > 0 for share in shares) == 1
