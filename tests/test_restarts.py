"""Several seeds, of which the best is kept: chosen without labels, resumed, told of in full."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from unbraid import cli
from unbraid.core.errors import UnbraidError
from unbraid.core.files import write_json
from unbraid.datasets import load_dataset
from unbraid.methods import Batch, Context, Method, build, configure, vae
from unbraid.methods._invariance import clarity
from unbraid.runs import Run, RunConfig, train_run
from unbraid.runs.restarts import held_out_images, score, train_restarts
from unbraid.training import Interrupted, Progress, Recorder, TrainingConfig


@pytest.fixture
def config(squares_npz: Path) -> RunConfig:
    """8 steps an epoch, 2 epochs."""
    return RunConfig(
        configure("vae", latent_dim=3, net="mlp"),
        "npz",
        {"path": str(squares_npz), "full": True},
        TrainingConfig(epochs=2, batch_size=32, precision="f32", seed=4),
    )


class StopAt(Recorder):
    """Asks to stop at the step after so many, of all seeds together."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.said: list[str] = []

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.left -= 1

    def warn(self, sentence: str) -> None:
        self.said.append(sentence)

    def stop_requested(self) -> bool:
        return self.left == 0


def test_the_lowest_loss_on_held_out_images_is_kept(config: RunConfig, tmp_path: Path) -> None:
    run = train_restarts(config, tmp_path / "run", 3)
    told = run.result["restarts"]
    losses = {
        seed: Run(tmp_path / "run" / f"seed-{seed}").history()[-1]["validation_loss"]
        for seed in (4, 5, 6)
    }
    assert told["scores"] == {str(seed): -loss for seed, loss in losses.items()}
    assert told["selection"] == "loss"
    assert told["kept"] == min(losses, key=lambda seed: losses[seed])
    assert run.config.training.seed == told["kept"]
    alone = train_run(
        replace(config, training=replace(config.training, seed=told["kept"])), tmp_path / "alone"
    )
    kept, expected = run.model().state_dict(), alone.model().state_dict()
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


def test_a_method_of_several_phases_is_ranked_by_the_one_it_names(
    config: RunConfig, tmp_path: Path
) -> None:
    method = configure("conditional-vae", style_dim=2, components=2)
    run = train_restarts(replace(config, method=method), tmp_path / "run", 2)
    told = run.result["restarts"]
    for seed in (4, 5):
        last = Run(tmp_path / "run" / f"seed-{seed}").history()[-1]
        assert told["scores"][str(seed)] == -last["validation_generator.loss"]
        assert last["validation_generator.loss"] != last["validation_reader.loss"]
    assert told["selection"] == "generator.loss"
    seed = Run(tmp_path / "run" / "seed-4")
    write_json(seed.folder / "result.json", {**seed.result, "restart_score": None})
    old = [{"epoch": 2, "step": 16, "train_loss": 1.0, "validation_loss": 2.0}]
    (seed.folder / "metrics.jsonl").write_text(json.dumps(old[0]) + "\n")
    with pytest.raises(UnbraidError, match=r"has no validation_generator\.loss, by which seeds"):
        score(seed)


def test_resuming_goes_on_where_it_stopped_and_adds_seeds(
    config: RunConfig, tmp_path: Path
) -> None:
    whole = train_restarts(config, tmp_path / "whole", 2)
    with pytest.raises(Interrupted):
        train_restarts(config, tmp_path / "parts", 2, display=StopAt(19))  # in the second seed
    assert not (tmp_path / "parts" / "config.json").exists()
    assert Run(tmp_path / "parts" / "seed-4").finished
    counted = StopAt(10**6)
    again = train_restarts(config, tmp_path / "parts", 2, resume=True, display=counted)
    assert 10**6 - counted.left == 32 - 19
    assert again.result["restarts"] == whole.result["restarts"]
    before = again.result["restarts"]["scores"]
    more = train_restarts(config, tmp_path / "parts", 3, resume=True).result["restarts"]["scores"]
    assert more == before | {"6": more["6"]}


def test_a_seed_that_diverges_is_left_out(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = vae.Model.terms
    broken = {4}

    def breaking(model: vae.Model, batch: Batch, context: Context) -> dict[str, Tensor]:
        found = terms(model, batch, context)
        if context.noise.initial_seed() in seeds:
            found["loss"] = found["loss"] * math.nan
        return found

    from unbraid.training.batches import NOISE, generator

    def first_steps(which: set[int]) -> set[int]:
        return {generator(torch.device("cpu"), seed, NOISE, 0).initial_seed() for seed in which}

    monkeypatch.setattr(vae.Model, "terms", breaking)
    seeds = first_steps(broken)
    listener = StopAt(10**6)
    told = train_restarts(config, tmp_path / "one", 2, display=listener).result["restarts"]
    assert told["scores"]["4"] is None
    assert told["kept"] == 5
    assert listener.said[0].startswith("seed 4 is left out: training stopped: loss is not finite")
    zero = replace(config, training=replace(config.training, seed=0))
    seeds = first_steps({1})
    told = train_restarts(zero, tmp_path / "zero", 2, display=StopAt(10**6)).result["restarts"]
    assert told["kept"] == 0
    seeds = first_steps({4, 5})
    with pytest.raises(UnbraidError, match="loss is not finite"):
        train_restarts(config, tmp_path / "all", 2, display=StopAt(10**6))


def test_stopped_while_the_best_is_copied_it_goes_on(config: RunConfig, tmp_path: Path) -> None:
    expected = train_restarts(config, tmp_path / "run", 2).result["restarts"]
    (tmp_path / "run/result.json").unlink()  # the last file that is written
    (tmp_path / "run/model.safetensors").unlink()
    assert train_restarts(config, tmp_path / "run", 2, resume=True).result["restarts"] == expected


def test_a_folder_with_another_run_is_refused(config: RunConfig, tmp_path: Path) -> None:
    train_run(config, tmp_path / "single")
    for resume in (False, True):
        with pytest.raises(UnbraidError, match="already holds a single run"):
            train_restarts(config, tmp_path / "single", 2, resume=resume)
    train_restarts(config, tmp_path / "several", 1)
    with pytest.raises(UnbraidError, match="add --resume"):
        train_restarts(config, tmp_path / "several", 2)
    other = replace(config, training=replace(config.training, lr=0.5))
    with pytest.raises(UnbraidError, match="another training"):
        train_restarts(other, tmp_path / "several", 2, resume=True)
    with pytest.raises(UnbraidError, match="restarts is 0"):
        train_restarts(config, tmp_path / "none", 0)


def test_what_is_judged_was_held_out_and_is_not_the_test_split(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, data_options={"path": config.data_options["path"]})
    run = train_run(config, tmp_path / "run")
    images = held_out_images(run)
    train, test = (run.dataset(split).images[:] for split in ("train", "test"))
    assert len(images) == int(len(train) * 0.1)

    def found_in(images: np.ndarray) -> set[bytes]:
        return {image.tobytes() for image in images}

    assert found_in(np.asarray(images)) < found_in(train)
    assert not found_in(np.asarray(images)) & found_in(test)
    whole = replace(config, training=replace(config.training, validation=0.0))
    everything = train_run(whole, tmp_path / "whole")
    assert len(held_out_images(everything)) == len(train)
    monkeypatch.setattr("unbraid.runs.restarts.VALIDATION_LIMIT", 60)
    some = found_in(np.asarray(held_out_images(everything)))
    assert len(some) == 60
    assert not some <= found_in(train[:120])  # train is in the order of its factors


def test_the_command_says_all_scores(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--net", "mlp", "--epochs", "1", "--batch-size", "32", "--restarts", "2"]
    args = ["train", "vae", "--data", str(squares_npz), "--out", str(tmp_path / "run"), *options]
    assert cli.main(args) == 0
    printed = capsys.readouterr().out
    assert "of the highest score: seed 0 -" in printed
    assert "seed 1 -" in printed
    assert cli.main([*args, "--resume"]) == 0


# -- the criterion of categorical codes picks well -------------------------------------------------


def filing(rule: str) -> Method:
    """A JointVAE whose encoder files images of bars by a rule written into it."""
    model = build(configure("joint-vae", categories=4, latent_dim=1, net="mlp"), (1, 32, 32))

    class Filing(torch.nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            columns, rows = images.sum((1, 2)), images.sum((1, 3))
            upright = rows.amax(1) < columns.amax(1)
            places = torch.arange(32.0)
            x = (columns * places).sum(1) / columns.sum(1)
            y = (rows * places).sum(1) / rows.sum(1)
            kind = torch.where(upright, (x > 16).long(), 2 + (y > 16).long())
            if rule == "merged":  # two kinds in one category, another cut in two where it is dense
                kind = torch.where(upright, 0, torch.where(y > 16, 2 + (x > 16).long(), 1))
            if rule == "one":
                kind = kind * 0
            logits = torch.nn.functional.one_hot(kind, 4) * (0.5 if rule == "unsure" else 20.0)
            return torch.cat([logits, torch.zeros(len(images), 2)], 1)

    model.encoder = Filing()
    return model


def test_clarity_prefers_the_kinds_themselves() -> None:
    """Bars of four kinds, each scattered about its place."""
    rng = np.random.default_rng(0)
    images = np.zeros((800, 1, 32, 32), np.float32)
    for index, image in enumerate(images[:, 0]):
        place, end = 8 + 16 * (index // 2 % 2) + rng.integers(-2, 3), 16 + rng.integers(-4, 5)
        if index % 2:
            image[end - 8 : end + 8, place - 1 : place + 2] = 1
        else:
            image[place - 1 : place + 2, end - 8 : end + 8] = 1
    scores = {r: clarity(filing(r), images) for r in ("kinds", "merged", "unsure", "one")}
    assert scores["kinds"] > 0.95 * math.log(4)
    assert max(scores, key=lambda rule: scores[rule]) == "kinds"
    assert scores["merged"] < 0.9 * scores["kinds"]
    assert scores["unsure"] < 0.2
    assert scores["one"] == pytest.approx(0, abs=1e-3)


def test_a_run_keeps_its_score(squares_npz: Path, tmp_path: Path) -> None:
    config = RunConfig(
        configure("infogan", categories=3, noise=4, channels=4, hidden=16),
        "npz",
        {"path": str(squares_npz)},
        TrainingConfig(epochs=1, batch_size=32, precision="f32"),
    )
    run = train_run(config, tmp_path / "run")
    found = score(run, load_dataset(str(squares_npz)))
    assert -30 < found < 2 * math.log(3)
    assert run.result["restart_score"] == found == score(run)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(UnbraidError, match=r"does not exist|not finished|config\.json"):
        score(Run(tmp_path / "run"))
