"""A model that obeys by construction but for an error of its own, and tiny runs that do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.control import scenes
from unbraid.control.assessment.judge_training import Config as JudgeConfig
from unbraid.control.assessment.judge_training import train_judge
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.core.factors import FactorSpec
from unbraid.core.latents import Categorical, Gaussian, Layout
from unbraid.methods import Method, MethodConfig, TakesFactors, configure
from unbraid.methods._factor_codes import FactorCodes
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

SPECS = (
    FactorSpec("kind", "categorical", values=("cat", "dog", "owl")),
    FactorSpec("x", "continuous", range=(-9.0, 9.0), unit="pixels right"),
)
SHAPE = (1, 16, 16)


class Drawn(Method, TakesFactors):
    """Writes its code into the first pixels, x off by 2 pixels a unit of the first style."""

    factor_width, style_dim = 4, 2

    def __init__(self) -> None:
        super().__init__(MethodConfig(), SHAPE, Layout([Categorical(3), *[Gaussian()] * 3]))
        self.specs = SPECS
        self.coder = FactorCodes(SPECS)
        self.weight = torch.nn.Parameter(torch.zeros(1))  # says where the model is

    def pixel_mean(self, codes: Tensor) -> Tensor:
        image = torch.zeros(len(codes), 256)
        image[:, :6] = codes / 40 + 0.5
        image[:, 3] += codes[:, 4] * (2 / 9) / 40
        return image.view(-1, *SHAPE)

    def codes(self, images: Tensor) -> Tensor:
        return (images.flatten(1)[:, :6] - 0.5) * 40

    def factor_codes(self, factors: Tensor) -> Tensor:
        return self.coder.encode(factors)

    def factors_of(self, codes: Tensor) -> Tensor:
        return self.coder.decode(codes)

    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        return base[:, 1:]

    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return style


@pytest.fixture
def drawn() -> Drawn:
    return Drawn()


@pytest.fixture(scope="session")
def native_run(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A conditional VAE of the squares, hardly trained."""
    config = RunConfig(
        configure("conditional-vae", style_dim=3, components=2),
        "npz",
        {"path": str(squares_npz)},
        TrainingConfig(epochs=2, batch_size=64, precision="f32"),
    )
    return train_run(config, tmp_path_factory.mktemp("runs") / "native")


@pytest.fixture
def fitted_run(tiny_run: Run, tmp_path: Path) -> Run:
    """A copy of the VAE of the squares, which a controller can be kept in."""
    return Run(shutil.copytree(tiny_run.folder, tmp_path / "fitted"))


@pytest.fixture
def plain_run(tmp_path: Path) -> Run:
    """A VAE of images without factors."""
    images = np.random.default_rng(0).integers(0, 256, (80, 16, 16), np.uint8)
    np.savez(tmp_path / "noise.npz", images=images)
    config = RunConfig(
        configure("vae", latent_dim=2, net="mlp"),
        "npz",
        {"path": str(tmp_path / "noise.npz")},
        TrainingConfig(epochs=1, batch_size=32, precision="f32"),
    )
    return train_run(config, tmp_path / "plain")


@pytest.fixture(scope="session")
def scene_judge() -> LearnedJudge:
    """A judge that learnt from 1,000 scenes, some of whose labels are unknown."""
    rows = scenes.factors(1000, seed=1)
    images = scenes.draw(rows, np.arange(1000))
    unknown = np.random.default_rng(0).random(rows.shape) < 0.1
    labels = np.where(unknown, np.nan, rows)
    return train_judge(scenes.SPECS, images, labels, JudgeConfig(passes=8))


@pytest.fixture(scope="session")
def bars_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 images of 24 by 24: a bar in each of 20 columns, 10 rows, and 10 greys."""
    column, row, grey = np.indices((20, 10, 10)).reshape(3, -1)
    images = np.zeros((2000, 24, 24), np.uint8)
    for image, c, r, g in zip(images, column, row, grey, strict=True):
        image[2 * r : 2 * r + 4, c + 1 : c + 4] = 75 + 20 * g
    path = tmp_path_factory.mktemp("bars") / "bars.npz"
    names = np.array(["column", "row", "grey"])
    np.savez(path, images=images, factors=np.stack([column, row, grey], 1), factor_names=names)
    return path
