"""No step computes in float64 on the device: Apple's GPUs, which ``auto`` takes, have none."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from unbraid import methods
from unbraid.core import registry
from unbraid.datasets import Dataset
from unbraid.evaluation.reconstruction import reconstruction_stats
from unbraid.methods import beta_tcvae
from unbraid.nn.decomposition import log_importance_weights
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

SMALL = {"latent_dim": 3, "net": "mlp", "channels": 8, "hidden": 32, "noise": 8, "labels": 0,
         "discriminator_hidden": 20, "discriminator_layers": 2}  # fmt: skip


class Apple(TorchFunctionMode):
    """Makes tensors for ``mps`` on the CPU; those that come from ``cpu()`` are known again."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if str(kwargs.get("device")) == "mps":
            kwargs["device"] = "cpu"
        if func is Tensor.double and not getattr(args[0], "from_device", False):
            raise TypeError("the MPS framework has no float64")
        found = func(*args, **kwargs)
        if func is Tensor.cpu:
            found.from_device = True
        return found


class Single(TorchDispatchMode):
    """Allows no float64."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in tree_leaves(found):
            assert not isinstance(each, Tensor) or each.dtype != torch.float64, func
        return found


def weights_on_mps(batch: int, total: int, estimator: Any, device: torch.device) -> Tensor:
    with Apple():
        return log_importance_weights(batch, total, estimator, torch.device("mps"))


def loop_of(name: str, data: Dataset) -> Loop:
    known = registry.load("methods", name).Config.__dataclass_fields__
    method = methods.configure(name, **{k: v for k, v in SMALL.items() if k in known})
    config = TrainingConfig(steps=2, batch_size=16, precision="f32", device="cpu")
    return Loop(new_model(method, data, 0), data, config, Recorder())


@pytest.mark.parametrize("name", registry.names("methods"))
def test_training_and_validation_are_in_single_precision(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(beta_tcvae, "log_importance_weights", weights_on_mps)
    loop = loop_of(name, squares)
    with Single():
        loop.run()


@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_importance_weights_are_those_of_double_precision(estimator: Any) -> None:
    exact = log_importance_weights(7, 1000, estimator)
    single = weights_on_mps(7, 1000, estimator, torch.device("mps"))
    assert (exact.dtype, single.dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single, exact.float())


def test_stats_leave_the_device_before_they_are_added_up(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unbraid.evaluation.reconstruction._decomposition", lambda *_: {})
    model = loop_of("vae", squares).run()
    expected = reconstruction_stats(model, squares.images)
    with Apple():
        assert reconstruction_stats(model, squares.images) == expected
