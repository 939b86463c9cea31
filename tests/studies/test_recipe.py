"""Recipes in the file of a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.studies.conftest import Make
from tests.studies.test_study import Here, Watcher
from unbraid import recipes
from unbraid.core.errors import UnbraidError
from unbraid.runs import Run
from unbraid.studies import driver
from unbraid.studies import spec as specs
from unbraid.studies.plan import config_of
from unbraid.studies.settings import settings_of
from unbraid.studies.sources import source_of
from unbraid.studies.study import Study

Opened = Callable[[Path], Study]


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_recipe_gives_what_the_file_does_not_and_makes_no_other_run(
    make_spec: Make, opened: Opened
) -> None:
    spec = changed(make_spec(), "[common]", '[common]\nrecipe = "locatello2019"')
    study = opened(changed(spec, "batch_size = 32\n", ""))
    assert {cell.setting for cell in study.cells} == {"beta=1", "beta=4", ""}
    config = config_of(study.cells[1])
    assert (config.training.lr, config.training.sampling, config.training.batch_size) == (
        1e-4, "iid", 64,
    )  # fmt: skip
    assert (config.training.steps, config.training.validation) == (12, 0.4)
    method = dataclasses.asdict(config.method)
    assert (method["beta"], method["net"], method["likelihood"]) == (4.0, "mlp", "bernoulli")
    # the same options, written out, are the same runs
    plain = changed(make_spec("plain"), "batch_size = 32", "batch_size = 64")
    more = 'lr = 1e-4\nsampling = "iid"\nlikelihood = "bernoulli"\n'
    other = opened(changed(plain, "[common]\n", f"[common]\n{more}"))
    assert [cell.id for cell in other.cells] == [cell.id for cell in study.cells]
    # and config.json tells the recipe, and what was not its own
    one = study.shard(1, 3)
    assert driver.drive(one, Here(), Watcher())
    told = Run(one.run_folder(one.cells[0])).json["recipe"]
    assert told["name"] == "locatello2019"
    assert told["overridden"]["method.net"] == {"recipe": "conv-2019", "run": "mlp"}
    assert "training.lr" not in told["overridden"]
    assert driver.drive(other.shard(1, 3), Here(), Watcher())


def test_a_length_that_is_given_replaces_that_of_the_recipe(make_spec: Make) -> None:
    spec = specs.read(changed(make_spec(), "steps = 12", "epochs = 2"))
    ((_, training, _), *_) = settings_of(spec, spec.grids[0], "locatello2019", "npz")
    assert (training.epochs, training.steps) == (2, 0)
    spec = specs.read(changed(make_spec(), "steps = 12\n", ""))
    ((_, training, _), *_) = settings_of(spec, spec.grids[0], "locatello2019", "npz")
    assert (training.epochs, training.steps) == (0, 300_000)


def test_data_of_a_recipe_have_its_options_in_its_grids_alone(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = specs.read(make_spec())
    table = {"name": "dsprites", "size": 32}
    assert source_of(spec, table, "locatello2019").options == {"full": True, "size": 32}
    assert source_of(spec, table).options == {"size": 32}
    own = dataclasses.replace(recipes.load("locatello2019"), data={"npz": {"split_seed": 7}})
    monkeypatch.setattr("unbraid.recipes.load", lambda name, method="": own)
    path = changed(
        make_spec(), 'method = "dip-vae-i"', 'method = "dip-vae-i"\nrecipe = "locatello2019"'
    )
    cells = opened(path).cells
    assert [cell.config["data"].get("split_seed") for cell in cells] == [None, None, 7]
    assert len({cell.data for cell in cells}) == 2  # names tell them apart
    assert [cell.config.get("recipe") for cell in cells] == [None, None, {"name": "locatello2019"}]


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        ('"locatelo2019"', r"did you mean 'locatello2019'"),
        ('"burgess2018"', "the recipe burgess2018 has no settings for beta-vae: it has them for"),
        ('["a", "b"]', r"recipe is \['a', 'b'\], expected the name of one recipe"),
    ],
)
def test_a_recipe_that_is_not_there_or_not_for_a_method_is_refused(
    make_spec: Make, opened: Opened, recipe: str, sentence: str
) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        opened(changed(make_spec(), "[common]", f"[common]\nrecipe = {recipe}"))
