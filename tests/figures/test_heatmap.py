from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unbraid import cli
from unbraid.core.errors import UnbraidError
from unbraid.figures import heatmap
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig


def trained(folder: Path, arrays: dict[str, np.ndarray]) -> Run:
    np.savez(folder / "data.npz", **arrays)
    options = {"path": str(folder / "data.npz"), "full": True}
    training = TrainingConfig(epochs=1, batch_size=32)
    config = RunConfig(configure("vae", net="mlp", latent_dim=3), "npz", options, training)
    return train_run(config, folder / "run")


def test_both_maps_show_every_latent_and_factor(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, factors = rng.integers(0, 256, (600, 16, 16), np.uint8), rng.integers(0, 4, (600, 2))
    run = trained(tmp_path, {"images": images, "factors": factors})
    figure = heatmap.draw(run, heatmap.Config())
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["z0", "z1", "z2"]
    assert len(left.get_xticklabels()) == len(right.get_xticklabels()) == 2
    assert left.get_xlabel().startswith("MIG")
    assert right.get_xlabel().startswith("DCI")
    assert cli.main(["heatmap", str(run.folder)]) == 0
    assert (run.folder / "heatmap.png").stat().st_size > 1000


def test_data_without_factors_get_a_sentence(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (100, 16, 16), np.uint8)
    run = trained(tmp_path, {"images": images})
    with pytest.raises(UnbraidError, match="no factors that vary"):
        heatmap.draw(run, heatmap.Config())
