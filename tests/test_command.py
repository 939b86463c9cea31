"""The command of a run, read back by the command line, gives the run's config again."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import pytest

from unbraid import datasets
from unbraid.cli.options import plain
from unbraid.cli.train import train_options
from unbraid.core import registry
from unbraid.core.parsing import parse
from unbraid.methods import configure
from unbraid.runs import RunConfig, command
from unbraid.training import TrainingConfig

DIGITS: dict[str, Any] = {
    "canvas": 32,
    "digits": [1, 7],
    "angle": [-20.0, 20.5],
    "correlations": [["x", "angle", 0.5], ["size", "thickness", -0.25]],
    "stream": True,
    "glyphs": [0, 500],
}
STEPS = TrainingConfig(steps=100, lr=1e-4, validation=0.0, sampling="iid")


@pytest.mark.parametrize(
    ("config", "out"),
    [
        (RunConfig(configure("beta-tcvae", beta=6.0), "digits", DIGITS, TrainingConfig()), "run"),
        (RunConfig(configure("vae"), "dsprites", {"original": True}, STEPS), "a b"),
        (RunConfig(configure("s2-vae", label_factors=("shape", "x")), "mnist", {}, STEPS), ""),
    ],
)
def test_it_is_understood(config: RunConfig, out: str) -> None:
    _, verb, method, *args = shlex.split(command(config, out))
    assert verb == "train"
    given = parse(train_options(registry.load("methods", method).Config, config.data), args, "")
    assert given.method == config.method
    assert given.training == config.training
    assert str(given.out or "") == out
    build = datasets.config_of(config.data)
    data = {name: _tuples(value) for name, value in config.data_options.items()}
    assert plain(given.data_options) == plain(build(**data))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def test_a_path_is_the_data_and_defaults_are_left_out(squares_npz: Path) -> None:
    config = RunConfig(configure("ae"), "npz", {"path": str(squares_npz)}, TrainingConfig(seed=3))
    assert command(config) == f"unbraid train ae --data {squares_npz} --seed 3"
    longer = dataclasses.replace(config, training=TrainingConfig(epochs=20, batch_size=64))
    assert command(longer, "x").endswith(" --epochs 20 --batch-size 64 --out x")
