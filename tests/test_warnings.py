"""No warning of a library reaches a user: methods, figures and metrics on all kinds of data."""

from __future__ import annotations

import dataclasses
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from unbraid import figures
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset
from unbraid.evaluation import scores
from unbraid.evaluation.evidence import Encoding
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

SMALL = {"latent_dim": 3, "channels": 8, "hidden": 64, "noise": 8, "categories": 3}
KINDS = ("reals", "categories", "constant", "none")
ROWS = 240


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of images for each kind of factors."""
    folder = tmp_path_factory.mktemp("kinds")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, 16, 16), np.uint8)
    factors = {
        "reals": rng.normal(size=(ROWS, 2)),
        "categories": np.stack([np.arange(ROWS) % 3, np.arange(ROWS) // 3 % 2], 1),
        "constant": np.zeros((ROWS, 1), np.int64),
    }
    for kind in KINDS:
        arrays = {"factors": factors[kind]} if kind in factors else {}
        np.savez(folder / f"{kind}.npz", images=images, **arrays)
    return folder


@pytest.fixture(autouse=True)
def strict() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def trained(name: str, path: Path, folder: Path) -> Run | None:
    """Train for an epoch; None if the method cannot learn from such data, which it says."""
    known = {field.name for field in dataclasses.fields(registry.load("methods", name).Config)}
    config = RunConfig(
        configure(name, **{k: v for k, v in SMALL.items() if k in known}),
        "npz",
        {"path": str(path)},
        TrainingConfig(epochs=1, batch_size=32, precision="f32"),
    )
    try:
        return train_run(config, folder)
    except UnbraidError:
        return None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", registry.names("methods"))
def test_methods_do_not_warn(name: str, kind: str, data: Path, tmp_path: Path) -> None:
    run = trained(name, data / f"{kind}.npz", tmp_path / "run")
    if run is None:
        pairs = "pairs" in registry.load("methods", name).Model.needs
        assert kind in ("none", "constant") or (pairs and kind == "reals")  # no row differs so
        return
    run.model().sample(2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", registry.names("figures"))
def test_figures_do_not_warn(name: str, kind: str, data: Path, tmp_path: Path) -> None:
    module = registry.load("figures", name)
    target = load_dataset(str(data / f"{kind}.npz"))
    if module.TARGET == "run":
        target = trained("joint-vae", data / f"{kind}.npz", tmp_path / "run")
        assert target is not None
    suffixes = ["png", "svg", "pdf"] + ["gif"] * hasattr(module, "animate")
    for suffix in suffixes:
        try:
            figures.produce(module, name, target, module.Config(), tmp_path / f"f.{suffix}")
        except UnbraidError:
            assert name in ("heatmap", "plane", "scatter")  # such data or models have none


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_do_not_warn(kind: str, data: Path, tmp_path: Path) -> None:
    run = trained("vae", data / f"{kind}.npz", tmp_path / "run")
    assert run is not None
    model = run.model()
    others = [Encoding(model, run.dataset().images).coded]
    for name in registry.names("metrics"):
        config = scores.Config(metrics=name, samples=5)
        with suppress(UnbraidError):  # such data or models have none
            scores.measure(model, run.dataset(), config, others if name == "udr" else [])
