"""Scores of models and runs from Python."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unbraid
from unbraid.cli import main
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

SHORT: dict[str, Any] = {"latent_dim": 3, "net": "mlp", "epochs": 2, "batch_size": 16}
METRICS = ["mig", "reconstruction"]


def test_a_model_in_memory_is_measured_on_what_its_training_held_out(
    squares: Dataset, tmp_path: Path
) -> None:
    model = unbraid.train("vae", squares, **SHORT, validation=0.4, progress=False)
    scores = unbraid.evaluate(model, METRICS)
    assert set(scores) == set(METRICS)
    saved = unbraid.save(model, tmp_path / "saved")
    assert unbraid.evaluate(saved, "mig")["mig"].value == scores["mig"].value
    assert Run(saved.folder).scores()["mig"]["value"] == scores["mig"].value
    other = unbraid.evaluate(model, METRICS, data=squares)
    again = unbraid.evaluate(saved, METRICS, data=squares)
    assert other["mig"].value == again["mig"].value != scores["mig"].value
    assert Run(saved.folder).scores()["mig"]["value"] == scores["mig"].value  # other images


def test_a_run_has_the_scores_of_the_command(squares: Dataset, tmp_path: Path) -> None:
    rows = np.tile(np.arange(len(squares)), 3)
    names = np.array(squares.factor_names)
    place = tmp_path / "many.npz"
    images = np.asarray(squares.images[:])[rows]
    np.savez(place, images=images, factors=squares.factors[rows], factor_names=names)
    training = TrainingConfig(epochs=1, batch_size=32)
    config = RunConfig(configure("vae", net="mlp"), "npz", {"path": str(place)}, training)
    train_run(config, tmp_path / "a")
    folders = [tmp_path / "a", Path(shutil.copytree(tmp_path / "a", tmp_path / "b"))]
    assert main(["evaluate", str(folders[0]), "--metrics", "mig,sap", "--seed", "3"]) == 0
    found = unbraid.evaluate(folders[1], ["mig", "sap"], seed=np.int64(3).item())
    stored = [Run(folder).scores() for folder in folders]
    assert stored[0] == stored[1]
    assert found["sap"].value == stored[0]["sap"]["value"]
    model = Run(folders[0]).model()
    assert unbraid.evaluate(model, "mig", data=str(place))["mig"].value > 0  # a path of images
    named = unbraid.evaluate(Run(folders[1]), "mig", data=place)
    assert named["mig"].value == unbraid.evaluate(folders[1], "mig")["mig"].value  # its own data


def test_what_is_refused(tiny_run: Run, tmp_path: Path) -> None:
    codes: Any = np.zeros((5, 2))
    with pytest.raises(UnbraidError, match="found ndarray; codes are measured by"):
        unbraid.evaluate(codes)
    with pytest.raises(UnbraidError, match=r"unknown metric 'migg' \(did you mean 'mig'"):
        unbraid.evaluate(tiny_run, ["migg"])
    with pytest.raises(UnbraidError, match=r"unknown option 'imges' of evaluate \(did you mean"):
        unbraid.evaluate(tiny_run, imges=3)
    number: Any = 3
    with pytest.raises(UnbraidError, match="metrics is 3, expected names of metrics"):
        unbraid.evaluate(tiny_run, number)
    models: Any = [tiny_run.model()] * 2
    with pytest.raises(UnbraidError, match=r"found .*: write a model in memory as a run"):
        unbraid.compare(models)
    with pytest.raises(UnbraidError, match="two or more runs in a list, found None"):
        unbraid.compare(models[2:] or None)
