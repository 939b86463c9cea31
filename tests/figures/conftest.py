"""Runs that figures are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig


def quick_run(folder: Path, data: Path, method: str, **options: object) -> Run:
    """Train for one epoch on an .npz file."""
    config = RunConfig(
        configure(method, net="mlp", **options),
        "npz",
        {"path": str(data)},
        TrainingConfig(epochs=1, batch_size=32, precision="f32", seed=5),
    )
    return train_run(config, folder)


@pytest.fixture(scope="session")
def ae_run(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An autoencoder with two latents."""
    return quick_run(tmp_path_factory.mktemp("runs") / "ae", squares_npz, "ae", latent_dim=2)


@pytest.fixture(scope="session", params=[1, 2, 3, 4])
def wide_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A VAE of images wider than high, of 1 to 4 channels, without factors."""
    folder = tmp_path_factory.mktemp("wide")
    images = np.random.default_rng(0).integers(0, 256, (80, request.param, 16, 24), np.uint8)
    np.savez(folder / "noise.npz", images=images)
    return quick_run(folder / "run", folder / "noise.npz", "vae", latent_dim=3)


@pytest.fixture(scope="session")
def joint_run(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A model with a categorical latent beside two continuous ones."""
    folder = tmp_path_factory.mktemp("runs") / "joint"
    return quick_run(folder, squares_npz, "joint-vae", latent_dim=2, categories=3)
