"""What Python users give in place of plain values: numbers of NumPy, names, other arrays."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unbraid
from unbraid.methods import Method, configure
from unbraid.sklearn import Encoder
from unbraid.training import TrainingConfig

IMAGES = np.random.default_rng(0).integers(0, 256, (96, 16, 16), np.uint8)
SHORT: dict[str, Any] = {"steps": 2, "batch_size": 32, "precision": "f32"}
SMALL = configure("vae", latent_dim=3, net="mlp")


@pytest.fixture(scope="module")
def model() -> Method:
    return unbraid.train(SMALL, IMAGES, **SHORT)


def test_numbers_of_numpy_are_options() -> None:
    given = unbraid.train(
        "beta-vae",
        IMAGES,
        latent_dim=np.int64(3),
        net="mlp",
        beta=np.float32(2),
        seed=np.int64(1),
        epochs=np.int8(1),
        batch_size=np.int64(32),
        lr=np.float64(1e-3),
        device=torch.device("cpu"),
        precision="f32",
    )
    plain: dict[str, Any] = {"epochs": 1, "batch_size": 32, "precision": "f32", "device": "cpu"}
    config = configure("beta-vae", latent_dim=3, net="mlp", beta=2.0)
    same = unbraid.train(config, IMAGES, seed=1, lr=1e-3, **plain)
    assert given.config == config
    assert json.dumps(asdict(given.config)) == json.dumps(asdict(config))
    assert torch.equal(given.encode(IMAGES[:5, None]), same.encode(IMAGES[:5, None]))
    made = TrainingConfig(seed=np.int64(3), device=torch.device("cpu"))  # type: ignore[arg-type]
    assert json.dumps(asdict(made)) == json.dumps(asdict(TrainingConfig(seed=3, device="cpu")))


def test_numbers_of_numpy_are_counts_and_seeds(model: Method, tmp_path: Path) -> None:
    assert torch.equal(model.sample(np.int64(4), seed=np.int64(3)), model.sample(4, seed=3))
    data = unbraid.Dataset.from_arrays(IMAGES, size=np.int64(20))
    assert data.image_shape == (1, 20, 20)
    encoder = Encoder(SMALL, epochs=np.int64(1), batch_size=np.int64(32)).fit(IMAGES)
    assert encoder.model_.latent_dim == 3
    run = unbraid.save(model, tmp_path / "run", data=IMAGES)
    loaded = unbraid.load(run.folder, device=torch.device("cpu"))
    assert torch.equal(loaded.encode(IMAGES[:5, None]), model.encode(IMAGES[:5, None]))


@pytest.mark.parametrize("count", [-1, 2.0, "4", None, True])
def test_samples_of_no_whole_number_are_refused(model: Method, count: Any) -> None:
    with pytest.raises(unbraid.UnbraidError, match=r"the number of images is .*, expected a whole"):
        model.sample(count)
    with pytest.raises(unbraid.UnbraidError, match=r"seed is .*, expected a whole number"):
        model.sample(2, seed=count)
