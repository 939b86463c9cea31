"""Recipes: they name every option, what is given replaces them, and the run tells which."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import unbraid
from unbraid import recipes
from unbraid.cli import main
from unbraid.cli.train import preset_of
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, build, find, model_of
from unbraid.recipes import LENGTHS
from unbraid.runs import Run
from unbraid.training import TrainingConfig

NAMES = registry.names("recipes")
# whose values are the user's and the machine's, in no study's settings
OWN = {"seed", "device", "precision", "threads", "checkpoint_every", "capture"}
FREE = {"path", "download", "original", "labels", "label_column"}
DATA = {"size", "split_seed", "full", "variant"}
CASES = [(name, method) for name in NAMES for method in recipes.load(name).methods]
FEW = ["--steps", "2", "--batch-size", "16", "--net", "mlp"]


def fields(config: type[Any]) -> set[str]:
    return {field.name for field in dataclasses.fields(config)}


@pytest.mark.parametrize(("name", "method"), CASES)
def test_it_names_every_option(name: str, method: str) -> None:
    """So that a default that changes does not change a published setting."""
    recipe = recipes.load(name)
    kind = find(method)[0]
    assert recipe.methods[method].keys() == fields(kind)
    assert len(recipe.training.keys() & LENGTHS) == 1
    assert recipe.training.keys() | LENGTHS == fields(TrainingConfig) - OWN
    for data, options in recipe.data.items():
        assert options.keys() == fields(registry.load("datasets", data).Config) & DATA
        for option, value in recipe.by_data.get(data, {}).get(method, {}).items():
            assert value != recipe.methods[method][option]
        config = unbraid.configure(method, recipe=name, data=data)
        assert dataclasses.asdict(config) == recipe.method_options(method, data)
        assert not config.given_without_effect()
    assert registry.build(TrainingConfig, recipe.training, "training").validation == 0


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_whose_it_is_and_what_it_follows(name: str) -> None:
    recipe = recipes.load(name)
    assert re.fullmatch(r"[^.]+ (et al\. )?\d{4}: .+\.", registry.summary("recipes", name))
    year = re.search(r"\d{4}", recipe.source)
    assert year
    assert name.endswith(year[0])
    assert recipe.source.startswith(registry.summary("recipes", name).split(":")[0])
    assert recipe.follows
    assert recipe.deviates
    for told in (*recipe.follows, *recipe.deviates):
        assert told.endswith(".")
    assert recipe.sweeps.keys() <= recipe.methods.keys()


def test_the_settings_of_2019() -> None:
    """Against the table of the study's code."""
    recipe = recipes.load("locatello2019")
    assert (recipe.training["steps"], recipe.training["batch_size"]) == (300_000, 64)
    assert recipe.training["lr"] == 1e-4
    sixes = {
        method: list(map(float, re.findall(r" (\d+)", s))) for method, s in recipe.sweeps.items()
    }
    assert sixes["beta-vae"] == [1, 2, 4, 6, 8, 16]
    assert sixes["annealed-vae"] == [5, 10, 25, 50, 75, 100]
    assert sixes["factor-vae"] == [10, 20, 30, 40, 50, 100]
    assert sixes["beta-tcvae"] == [1, 2, 4, 6, 8, 10]
    assert sixes["dip-vae-i"][:6] == [1, 2, 5, 10, 20, 50]
    set_to = {"beta-vae": "beta", "annealed-vae": "capacity", "factor-vae": "gamma"}
    for method, option in (*set_to.items(), ("beta-tcvae", "beta"), ("dip-vae-i", "off_diagonal")):
        assert recipe.methods[method][option] == sixes[method][2]  # the third of six
    assert (
        recipe.methods["dip-vae-i"]["diagonal"] == 10 * recipe.methods["dip-vae-i"]["off_diagonal"]
    )
    assert recipe.methods["dip-vae-ii"]["diagonal"] == recipe.methods["dip-vae-ii"]["off_diagonal"]


@pytest.mark.parametrize("step", [0, 5_000, 11_000, 12_000, 25_000, 90_000])
def test_the_capacities_of_joint_vae_are_those_of_the_papers_code(step: int) -> None:
    """Both rise by 5 nats in 25,000 steps; the discrete one stops at log 10 on the way."""
    recipe = recipes.load("dupont2018")
    options = {**recipe.method_options("joint-vae"), "net": "mlp", "gamma": 1.0}
    model, noise = build(unbraid.configure("joint-vae", **options), (1, 16, 16)), torch.Generator()
    epoch = step / (60_000 // recipe.training["batch_size"])
    batch = Batch(torch.rand(8, 1, 16, 16, generator=noise.manual_seed(0)))
    found = model.terms(batch, Context(noise, epoch, 100))
    terms = {name: float(each.detach()) for name, each in found.items()}
    risen = 5 * step / 25_000
    away = abs(terms["kl"] - min(risen, 5)) + abs(terms["discrete_kl"] - min(risen, math.log(10)))
    assert terms["loss"] - terms["reconstruction"] == pytest.approx(away, abs=1e-2)


def test_a_step_of_slow_vae_has_64_images_as_in_the_papers_code() -> None:
    """Its batch size is of images, two a pair; ours is of pairs."""
    recipe = recipes.load("klindt2021")
    assert (2 * recipe.training["batch_size"], recipe.training["sampling"]) == (64, "epochs")
    assert recipe.methods["slow-vae"]["as_published"] is True


def test_the_settings_of_single_methods() -> None:
    """The weights, learning rates and lengths that their papers name."""
    kim, burgess, higgins, kumar = map(
        recipes.load, ("kim2018", "burgess2018", "higgins2017", "kumar2018")
    )
    discriminator = ("gamma", "discriminator_lr", "discriminator_hidden", "discriminator_layers")
    assert [kim.methods["factor-vae"][each] for each in discriminator] == [35, 1, 1000, 6]
    assert (kim.training["steps"], kim.training["lr"]) == (300_000, 1e-4)
    rise = ("gamma", "capacity", "threshold")
    assert [burgess.methods["annealed-vae"][each] for each in rise] == [1000, 25, 100_000]
    assert burgess.training["lr"] == 5e-4
    assert higgins.methods["beta-vae"]["beta"] == 4
    for method, ratio in (("dip-vae-i", 10), ("dip-vae-ii", 1)):
        options = kumar.methods[method]
        assert options["diagonal"] == ratio * options["off_diagonal"]
    assert all(each.training["batch_size"] == 64 for each in (kim, burgess, higgins, kumar))


def test_the_loss_of_wae_mmd_is_that_of_the_papers_code() -> None:
    """0.05 of the squared error and 10 of the discrepancy, and a constant of the likelihood."""
    options = {**recipes.load("tolstikhin2018").method_options("wae-mmd"), "net": "mlp"}
    model = build(unbraid.configure("wae-mmd", **options), (1, 16, 16))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        error = (model.decoder(model.codes(images)) - images).square().sum((1, 2, 3)).mean()
        found = model.terms(Batch(images), Context(torch.Generator(), 0, 100))
    constant = 16 * 16 * 0.5 * math.log(2 * math.pi * 10)
    weighted = 0.05 * error + 10 * found["discrepancy"] + constant
    assert float(found["loss"]) == pytest.approx(float(weighted), rel=1e-5)


def test_the_settings_of_infogan() -> None:
    """Against the launcher of the paper's code."""
    recipe = recipes.load("chen2016")
    options = recipe.methods["infogan"]
    codes = ("categories", "continuous", "noise", "categorical_weight", "continuous_weight")
    assert [options[each] for each in codes] == [10, 2, 62, 1, 1]
    rates = recipe.training["lr"], recipe.training["lr"] * options["discriminator_lr"]
    assert rates == pytest.approx((1e-3, 2e-4))
    assert (recipe.training["steps"], recipe.training["batch_size"]) == (50 * 100, 128)


def test_options_of_a_data_set_of_its_own() -> None:
    options = recipes.load("hsu2023").method_options
    assert options("qlae")["latent_dim"] == options("qlae", "shapes3d")["latent_dim"] == 12
    assert options("qlae", "mpi3d-complex") == options("qlae", "mpi3d")
    assert (options("qlae", "mpi3d")["weight_decay"], options("qlae")["weight_decay"]) == (
        0.001,
        0.1,
    )
    assert options("qlae", "mnist") == options("qlae")
    betas = [options(m, data)["beta"] for m in ("beta-vae", "beta-tcvae") for data in ("", "mpi3d")]
    assert betas == [3, 0.1, 3, 0.3]
    assert options("beta-vae", "mpi3d")["latent_dim"] == options("ae", "mpi3d")["latent_dim"] == 14


def test_a_method_it_has_nothing_for_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "the recipe hsu2023 has no settings for vae: it has them for qlae, beta-vae, "
    sentence += "beta-tcvae, ae."
    with pytest.raises(UnbraidError, match=re.escape(sentence)):
        unbraid.configure("vae", recipe="hsu2023")
    assert main(["train", "vae", "--recipe", "hsu2023"]) == 2
    assert capsys.readouterr().err == f"unbraid: {sentence}\n"
    assert main(["train", "vae", "--recipe", "hsu2013"]) == 2
    assert "unknown recipe 'hsu2013' (did you mean 'hsu2023'?)" in capsys.readouterr().err


def test_what_is_given_replaces_it_and_the_run_tells(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", "beta-vae", "--recipe", "locatello2019", "--data", str(squares_npz)]
    command = [*given, *FEW, "--beta", "8", "--out", str(tmp_path / "run")]
    assert main(command) == 0
    stored = json.loads((tmp_path / "run/config.json").read_text())
    assert stored["method"]["beta"] == 8
    assert stored["method"]["latent_dim"] == 10
    assert stored["training"]["lr"] == 1e-4
    assert stored["training"]["sampling"] == "iid"
    assert stored["recipe"] == {
        "name": "locatello2019",
        "overridden": {
            "method.net": {"recipe": "conv-2019", "run": "mlp"},
            "method.beta": {"recipe": 4.0, "run": 8.0},
            "data.name": {"recipe": "dsprites", "run": "npz"},
            "training.steps": {"recipe": 300_000, "run": 2},
            "training.batch_size": {"recipe": 64, "run": 16},
        },
    }
    # continued for longer, under the same recipe or with its options
    longer = [*command, "--steps", "4", "--resume"]
    assert main(longer) == 0
    run = Run(tmp_path / "run")
    assert run.config.recipe == "locatello2019"
    assert run.json["recipe"]["overridden"]["training.steps"] == {"recipe": 300_000, "run": 4}
    capsys.readouterr()


def test_epochs_replace_its_steps_and_data_have_its_options() -> None:
    args = ["--recipe", "locatello2019", "--epochs", "3"]
    preset = preset_of("beta-vae", args)
    assert preset.data == "dsprites"
    assert preset.data_options == {"size": 64, "split_seed": 0, "full": True}
    assert not preset.training.keys() & LENGTHS
    assert preset_of("beta-vae", [*args[:2], "--steps=7"]).training["batch_size"] == 64


def test_in_python(squares: Dataset, tmp_path: Path) -> None:
    few: dict[str, Any] = {"steps": 2, "batch_size": 32, "progress": False}
    model = unbraid.train("qlae", squares, recipe="hsu2023", **few)
    assert model.latent_dim == 12
    assert model_of(model.config).__module__ == "unbraid.methods.qlae"
    told = unbraid.save(model, tmp_path / "run", squares).json["recipe"]
    assert told["name"] == "hsu2023"
    assert told["overridden"]["training.steps"] == {"recipe": 200_000, "run": 2}
    with pytest.raises(UnbraidError, match="no settings for vae"):
        unbraid.train("vae", squares, recipe="hsu2023", **few)


def test_a_recipe_that_there_is_no_longer_has_nothing_to_compare_with() -> None:
    told = recipes.record("nobody2099", {"name": "vae"}, {"name": "npz"}, {})
    assert told == {"name": "nobody2099"}
