"""Fleets: the same steps as trainings one by one, run folders of their own, divergence, kills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from unbraid import methods
from unbraid.cli import main
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import MethodConfig
from unbraid.runs import Run, RunConfig, train_fleet, train_run
from unbraid.training import (
    Diverged,
    Fleet,
    Interrupted,
    Loop,
    Progress,
    Recorder,
    TrainingConfig,
    new_model,
)


class Terms(Recorder):
    """Keeps the terms of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.steps.append(terms)


class Doubles(TorchFunctionMode):
    """Has torch compute in float64 where methods ask for float32."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.float:
            return args[0].double()
        if kwargs.get("dtype") is torch.float32:
            kwargs["dtype"] = torch.float64
        return func(*args, **kwargs)


@contextmanager
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        with Doubles():
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def loops(method: MethodConfig, data: Dataset, steps: int, **options: Any) -> list[Loop]:
    """Two trainings that differ in their seed."""
    return [
        Loop(
            new_model(method, data, seed).to(torch.get_default_dtype()),
            data,
            TrainingConfig(
                **{"device": "cpu", "precision": "f32", **options},
                steps=steps,
                batch_size=8,
                seed=seed,
            ),
            Terms(),
        )
        for seed in (0, 1)
    ]


def worst(alone: list[Loop], fleet: list[Loop]) -> float:
    """Return the largest difference of a term of any step, relative to it."""
    pairs = [
        (one[name], other[name])
        for a, b in zip(alone, fleet, strict=True)
        for one, other in zip(a.recorder.steps, b.recorder.steps, strict=True)  # type: ignore[attr-defined]
        for name in one
    ]
    first, second = np.array(pairs).T
    return float((np.abs(first - second) / (np.abs(first) + 1e-3)).max())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vae", {"net": "mlp"}),
        ("beta-tcvae", {"net": "conv"}),
        ("factor-vae", {"net": "mlp"}),  # two learning rates
        ("infogan", {}),  # two phases, the second one's draws after the first's
        ("joint-vae", {"net": "mlp"}),  # draws in place
    ],
)
def test_members_take_the_steps_of_trainings_by_themselves(
    squares: Dataset, name: str, options: dict[str, Any]
) -> None:
    # in float64, where Adam does not enlarge rounding of gradients that are nearly zero
    method = methods.configure(name, **options)
    with doubles():
        alone, fleet = loops(method, squares, 6), loops(method, squares, 6)
        for loop in alone:
            loop.run()
        Fleet(fleet).run()
    assert worst(alone, fleet) < 1e-9
    for one, other in zip(alone, fleet, strict=True):
        for a, b in zip(one.tensors().values(), other.tensors().values(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


def test_a_hundred_steps_in_float32(squares: Dataset) -> None:
    method = methods.configure("vae", net="mlp", latent_dim=3)
    alone, fleet = loops(method, squares, 100), loops(method, squares, 100)
    for loop in alone:
        loop.run()
    Fleet(fleet).run()
    assert worst(alone, fleet) < 1e-2


@pytest.mark.parametrize("sampling", ["epochs", "iid"])
def test_checkpoints_within_an_epoch_change_no_batch_and_no_end(
    squares: Dataset, sampling: str
) -> None:
    method = methods.configure("vae", net="mlp", latent_dim=3)
    alone = loops(method, squares, 50, sampling=sampling)
    fleet = loops(method, squares, 50, sampling=sampling, checkpoint_every=0.0)
    for loop in alone:
        loop.run()
    Fleet(fleet).run()
    assert [loop.progress.step for loop in fleet] == [50, 50]  # in the second epoch of 33 steps
    assert worst(alone, fleet) < 1e-2


def test_clipping_is_of_each_members_gradient(squares: Dataset) -> None:
    class Clipped(methods.vae.Model):  # type: ignore[name-defined,misc]
        def phases(self) -> dict[str, methods.Phase]:
            return {"model": methods.Phase(list(self.parameters()), clip=0.5, ema=0.9)}

    method = methods.configure("vae", net="mlp")

    def build() -> list[Loop]:
        found = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            model = Clipped(method, squares.image_shape).double()
            config = TrainingConfig(steps=4, batch_size=8, seed=seed, precision="f32", device="cpu")
            found.append(Loop(model, squares, config, Terms()))
        return found

    with doubles():
        alone, fleet = build(), build()
        for loop in alone:
            loop.run()
        Fleet(fleet).run()
    assert worst(alone, fleet) < 1e-9


def test_a_member_that_diverges_leaves_the_others(squares: Dataset) -> None:
    method = methods.configure("vae", net="mlp")
    alone, fleet = loops(method, squares, 30)[:1], loops(method, squares, 30)
    with torch.no_grad():
        next(fleet[1].model.parameters()).fill_(float("nan"))
    alone[0].run()
    first, second = Fleet(fleet).run()
    assert isinstance(second, Diverged)
    assert "is not finite at epoch 1, batch 1" in str(second)
    assert isinstance(first, methods.Method)
    assert worst(alone, fleet[:1]) < 1e-2


def test_members_differ_in_their_seed_alone(squares: Dataset) -> None:
    method = methods.configure("vae", net="mlp")
    one, other = loops(method, squares, 3)[0], loops(method, squares, 3, lr=1e-2)[1]
    with pytest.raises(UnbraidError, match="may differ in their seed alone"):
        Fleet([one, other])


def test_a_method_that_cannot_says_so(squares: Dataset) -> None:
    class Looking(methods.vae.Model):  # type: ignore[name-defined,misc]
        def terms(self, batch: methods.Batch, context: methods.Context) -> methods.Terms:
            found: methods.Terms = super().terms(batch, context)
            return found if float(found["loss"].detach()) > 0 else {**found, "other": found["loss"]}

    method = methods.configure("vae", net="mlp")
    config = TrainingConfig(steps=2, batch_size=8, precision="f32")
    loop = Loop(Looking(method, squares.image_shape), squares, config, Recorder())
    with pytest.raises(UnbraidError, match=r"vae cannot be trained as a fleet: .*one by one"):
        Fleet([loop]).run()


class StopsAt(Recorder):
    """Asks to stop after a step."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.seen = progress.step

    def stop_requested(self) -> bool:
        return self.seen == self.at


def config_of(squares_npz: Path, seed: int) -> RunConfig:
    training = TrainingConfig(epochs=2, batch_size=50, seed=seed, precision="f32", device="cpu")
    return RunConfig(methods.configure("vae", net="mlp"), str(squares_npz), {}, training)


def test_each_member_has_a_run_folder_that_goes_on(squares_npz: Path, tmp_path: Path) -> None:
    configs = [config_of(squares_npz, seed) for seed in (3, 4)]
    whole = train_fleet(configs, [tmp_path / "a", tmp_path / "b"])
    assert [isinstance(run, Run) and run.finished for run in whole] == [True, True]
    stopped = [tmp_path / "c", tmp_path / "d"]
    with pytest.raises(Interrupted):
        train_fleet(configs, stopped, display=StopsAt(7))
    again = train_fleet(configs, stopped, resume=True)
    alone = train_run(configs[1], tmp_path / "alone")
    for run, other in zip(whole, again, strict=True):
        assert isinstance(run, Run)
        assert isinstance(other, Run)
        for a, b in zip(
            run.model().state_dict().values(), other.model().state_dict().values(), strict=True
        ):
            torch.testing.assert_close(a, b, rtol=0, atol=0)  # bit for bit
        assert len(run.history()) == 2
    assert isinstance(whole[1], Run)
    found, expected = whole[1].history()[-1], alone.history()[-1]
    for name in ("train_loss", "validation_loss"):
        assert found[name] == pytest.approx(expected[name], rel=1e-3)


def test_restarts_in_a_fleet(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["--net", "mlp", "--epochs", "1", "--restarts", "3", "--fleet", "2", "--device", "cpu"]
    out = tmp_path / "run"
    assert main(["train", "vae", "--data", str(squares_npz), "--out", str(out), *args]) == 0
    assert "kept seed" in capsys.readouterr().out
    assert sorted(Run(out).result["restarts"]["scores"]) == ["0", "1", "2"]


def test_a_fleet_of_one_seed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "vae", "--fleet", "4"]) == 2
    assert "--fleet is 4, but one seed is trained" in capsys.readouterr().err
