"""Optimizers of phases: what each option does, against torch's own and formulas; checkpoints."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Phase, Rate, configure, vae
from unbraid.training import Interrupted, Loop, Progress, Recorder, TrainingConfig
from unbraid.training.optimizers import Optimizers, PhaseOptimizer

CPU = torch.device("cpu")


def net() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def loss_of(model: nn.Module, step: int) -> Tensor:
    inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
    found: Tensor = model(inputs).square().sum()
    return found


def steps(model: nn.Module, phase: Phase, count: int = 4, share: float = 1.0) -> PhaseOptimizer:
    optimizer = PhaseOptimizer("model", phase, 0.01, CPU)
    for step in range(count):
        optimizer.zero_grad()
        optimizer.step(loss_of(model, step), share)
    return optimizer


def expected(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 4) -> None:
    for step in range(count):
        optimizer.zero_grad()
        loss_of(model, step).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def test_adam_and_adamw_are_torchs_own() -> None:
    for kind, own in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        for decay in (0.0, 0.3):
            one, other = net(), net()
            chosen: Any = kind
            steps(one, Phase(list(one.parameters()), 2.0, optimizer=chosen, weight_decay=decay))
            expected(other, own(other.parameters(), 0.02, weight_decay=decay))  # type: ignore[call-arg,operator]
            torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_training_does_not_load_torchs_compiler(tmp_path: Path, squares_npz: Path) -> None:
    """Of a short training, that would be nearly half of the time."""
    code = f"""
import sys, torch, unbraid
from unbraid.cli import main
command = ["train", "vae", "--data", {str(squares_npz)!r}, "--net", "mlp",
           "--out", {str(tmp_path / "run")!r}]
assert not main([*command, "--steps", "3"])
assert not main([*command, "--steps", "5", "--resume"])
assert "torch._dynamo" not in sys.modules
for kind in (torch.optim.Adam, torch.optim.SGD):  # others' optimizers go on as torch has them
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = kind([weight], lr=0.5)
    (weight * weight).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    assert weight[0] < 1 and weight.grad is None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


def test_weight_decay_is_for_the_parameters_that_are_named() -> None:
    one, other = net(), net()
    everything = list(one.parameters())
    steps(one, Phase(everything, optimizer="adamw", weight_decay=0.3, decayed=[one.weight]))
    groups = [{"params": [other.weight], "weight_decay": 0.3}, {"params": [other.bias]}]
    expected(other, torch.optim.AdamW(groups, 0.01, weight_decay=0.0))
    torch.testing.assert_close(one.state_dict(), other.state_dict())


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_some_parameters_have_rate_and_betas_of_their_own(decay: float) -> None:
    one, other = net(), net()
    rate = Rate([one.weight], 0.5, (0.5, 0.9))
    phase = Phase(
        list(one.parameters()), 2.0, (0.8, 0.99), optimizer="adamw", weight_decay=decay,
        decayed=[one.weight], rates=(rate,),
    )  # fmt: skip
    steps(one, phase, share=0.25)
    groups = [
        {"params": [other.weight], "lr": 0.0025, "betas": (0.5, 0.9), "weight_decay": decay},
        {"params": [other.bias], "lr": 0.005, "betas": (0.8, 0.99), "weight_decay": 0.0},
    ]
    expected(other, torch.optim.AdamW(groups))
    torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_a_share_of_the_rate_is_rounded_as_recorded_steps_have_it() -> None:
    model = net()
    rates = (Rate([model.weight], 0.3),)
    optimizer = PhaseOptimizer("model", Phase(list(model.parameters()), rates=rates), 0.007, CPU)
    optimizer.on_gpu = True
    optimizer.step(loss_of(model, 0), 0.9)
    found = [group["lr"] for group in optimizer.groups]
    recorded = torch.tensor(0.007 * 0.9)  # as a recording has it, in float32
    with optimizer.rate(recorded):
        assert found == [float(group["lr"]) for group in optimizer.groups]
    assert found != [0.007 * 0.9, 0.007 * 0.9 * 0.3]


def test_a_checkpoint_of_rates_and_decays_goes_on() -> None:
    def made() -> tuple[nn.Module, Optimizers]:
        model = nn.Sequential(net(), nn.Linear(2, 2))
        first, second = model
        rates = (Rate(list(second.parameters()), 0.1, (0.5, 0.9)),)
        phase = Phase(
            list(model.parameters()), optimizer="adamw", weight_decay=0.2,
            decayed=[first.weight, second.weight], rates=rates,
        )  # fmt: skip
        return model, Optimizers(model, {"model": phase}, 0.01, CPU)

    model, optimizers = made()
    for step in range(3):
        optimizers["model"].zero_grad()
        optimizers["model"].step(loss_of(model, step), 1.0)
    other, again = made()
    again.restore({name: value.clone() for name, value in optimizers.tensors().items()})
    for one, each in ((model, optimizers["model"]), (other, again["model"])):
        each.zero_grad()
        each.step(loss_of(one, 3), 1.0)
    assert all(map(torch.equal, model.parameters(), other.parameters()))


def test_the_gradients_norm_is_clipped() -> None:
    one = net()
    before = copy.deepcopy(one.state_dict())
    steps(one, Phase(list(one.parameters()), clip=1e-3), 1)
    norm = sum(float(p.grad.square().sum()) for p in one.parameters() if p.grad is not None)
    assert norm**0.5 == pytest.approx(1e-3, rel=1e-3)
    assert not torch.equal(before["weight"], one.weight)


def test_schedules() -> None:
    rates = {
        name: [Phase([], schedule=name).lr_at(epoch, 10) for epoch in (0, 2.5, 5, 7.5)]  # type: ignore[arg-type]
        for name in ("constant", "linear", "cosine")
    }
    assert rates["constant"] == [1, 1, 1, 1]
    assert rates["linear"] == [1, 0.75, 0.5, 0.25]
    assert rates["cosine"] == pytest.approx([1, 0.853553, 0.5, 0.146447], rel=1e-5)


def test_averages_are_exponential() -> None:
    model = net()
    weights = [model.weight.detach().clone()]
    optimizer = PhaseOptimizer("model", Phase(list(model.parameters()), ema=0.5), 0.01, CPU)
    for step in range(20):
        optimizer.step(loss_of(model, step), 1.0)
        optimizer.average()
        weights.append(model.weight.detach().clone())
    average = weights[0]
    for count, weight in enumerate(weights[1:], 1):
        keep = min(0.5, count / (count + 9))
        average = keep * average + (1 - keep) * weight
    torch.testing.assert_close(optimizer.averages[0], average)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"optimizer": "sgd"}, "phase model: optimizer is 'sgd', expected adam or adamw"),
        ({"ema": 1.0}, r"ema is 1, expected a decay in \[0, 1\)"),
        ({"clip": -1.0}, "clip is -1, clip_value 0 and weight_decay 0"),
        ({"weight_decay": -1.0}, "weight_decay -1"),
        ({"parameters": []}, "it has no parameters"),
        ({"decayed": [net().weight], "weight_decay": 0.1}, "that is not among its parameters"),
        ({"betas": (0.9, 1.5)}, r"betas are \(0.9, 1.5\), expected two numbers in \[0, 1\)"),
        ({"rates": (Rate([], 1.0, (2.0, 0.9)),)}, r"betas are \(0.9, 0.999\) and \(2.0, 0.9\)"),
        ({"rates": (Rate([], -1.0),)}, "the learning rates of its rates are -1, expected"),
        ({"rates": (Rate([net().weight]),)}, "rates have a parameter that is not among its"),
    ],
)
def test_options_that_do_not_fit_get_a_sentence(options: dict[str, Any], sentence: str) -> None:
    given = {"parameters": list(net().parameters()), **options}
    with pytest.raises(UnbraidError, match=sentence):
        PhaseOptimizer("model", Phase(**given), 0.01, CPU)


def test_a_parameter_that_comes_twice_gets_a_sentence() -> None:
    model = net()
    with pytest.raises(UnbraidError, match="phase model: it has a parameter twice"):
        PhaseOptimizer("model", Phase([model.weight, model.weight]), 0.01, CPU)
    twice = (Rate([model.weight]), Rate([model.weight]))
    with pytest.raises(UnbraidError, match="rates have a parameter twice"):
        PhaseOptimizer("model", Phase(list(model.parameters()), rates=twice), 0.01, CPU)
    phases = {name: Phase(list(model.parameters()), ema=0.9) for name in ("a", "b")}
    with pytest.raises(UnbraidError, match="phases a, b all keep moving averages of one weight"):
        Optimizers(model, phases, 0.01, CPU)


def test_a_checkpoint_of_other_phases_gets_a_sentence() -> None:
    model = net()
    parts = {"one": Phase([model.weight]), "other": Phase([model.bias])}
    before = Optimizers(model, parts, 0.01, CPU)
    for each in before.values():
        each.step(loss_of(model, 0), 1.0)
    now = Optimizers(model, {"model": Phase(list(model.parameters()))}, 0.01, CPU)
    with pytest.raises(UnbraidError, match="of one, other, but this version's training has those"):
        now.restore(before.tensors())


# -- in a training --------------------------------------------------------------------------------


class Averaged(vae.Model):
    """A VAE with every option a phase has."""

    ema = 0.9

    def phases(self) -> dict[str, Phase]:
        """Return one phase whose encoder's weights decay, and are averaged."""
        return {
            "model": Phase(
                list(self.parameters()),
                schedule="linear",
                optimizer="adamw",
                weight_decay=0.1,
                decayed=list(self.encoder.parameters()),
                clip=50.0,
                ema=self.ema,
            )
        }


class Plain(Averaged):
    """The same without averages."""

    ema = 0.0


class Keeps(Recorder):
    """Keeps checkpoints and records, and stops at a step if asked to."""

    def __init__(self, stop_at: int = 0) -> None:
        self.stop_at, self.at = stop_at, 0
        self.saved: dict[int, tuple[dict[str, Tensor], Progress]] = {}
        self.records: list[dict[str, Any]] = []

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.at = progress.step

    def epoch(self, record: dict[str, Any]) -> None:
        self.records.append({k: v for k, v in record.items() if k != "images_per_second"})

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        copies = {name: value.clone().contiguous() for name, value in tensors.items()}
        self.saved[progress.step] = copies, copy.deepcopy(progress)

    def stop_requested(self) -> bool:
        return self.at == self.stop_at


def loop_of(kind: type[Averaged], data: Dataset, recorder: Recorder, **options: Any) -> Loop:
    torch.manual_seed(0)
    config = configure("vae", latent_dim=3, net="mlp")
    assert isinstance(config, vae.Config)
    model = kind(config, data.image_shape)
    training = TrainingConfig(**{"epochs": 2, "batch_size": 32, "precision": "f32", **options})
    return Loop(model, data, training, recorder)


def test_averages_are_what_validation_and_the_finished_model_have(squares: Dataset) -> None:
    log, plain_log = Keeps(), Keeps()
    loop = loop_of(Averaged, squares, log, checkpoint_every=0.0)
    found = loop.run().state_dict()
    plain = loop_of(Plain, squares, plain_log, checkpoint_every=0.0).run().state_dict()
    tensors = log.saved[16][0]
    for name, value in found.items():
        assert torch.equal(value, tensors[f"model.{name}"])
        assert torch.equal(plain[name], tensors[f"moved.{name}"])  # averaging changes no step
        assert not torch.equal(value, plain[name])
    for part in ("train_loss", "train_kl"):
        assert log.records[-1][part] == plain_log.records[-1][part]
    assert log.records[-1]["validation_loss"] != plain_log.records[-1]["validation_loss"]
    assert log.records[-1]["validation_loss"] == pytest.approx(loop_validation(loop), rel=1e-6)
    # by the formula, from the weights of every step
    name = "decoder.1.weight" if "decoder.1.weight" in plain else next(iter(plain))
    average = plain_start(squares)[name]
    for step in range(1, 17):
        keep = min(0.9, step / (step + 9))
        average = keep * average + (1 - keep) * plain_log.saved[step][0][f"model.{name}"]
    torch.testing.assert_close(found[name], average, rtol=1e-4, atol=1e-6)


def loop_validation(loop: Loop) -> float:
    """Return the validation loss of a finished loop's model as it is."""
    for each in loop.optimizers.averaging:
        each.averages = [p.detach().clone() for p in each.parameters]
    return loop.validate()["loss"]


def plain_start(data: Dataset) -> dict[str, Tensor]:
    return copy.deepcopy(loop_of(Plain, data, Recorder()).model.state_dict())


@pytest.mark.parametrize("stop_at", [3, 8, 13])
def test_averages_resume_bit_for_bit(squares: Dataset, stop_at: int) -> None:
    whole, first, second = Keeps(), Keeps(stop_at), Keeps()
    expected = loop_of(Averaged, squares, whole).run().state_dict()
    with pytest.raises(Interrupted):
        loop_of(Averaged, squares, first).run()
    resumed = loop_of(Averaged, squares, second)
    resumed.restore(*first.saved[stop_at])
    found = resumed.run().state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert first.records + second.records == whole.records
    for name, value in whole.saved[16][0].items():
        assert torch.equal(value, second.saved[16][0][name]), name


def test_validation_leaves_weights_and_averages_as_they_were(squares: Dataset) -> None:
    loop = loop_of(Averaged, squares, Recorder())
    for _ in range(3):
        loop.step(loop.rows[:32])
    before = {name: value.clone() for name, value in loop.tensors().items()}
    loop.validate()
    assert all(torch.equal(value, before[name]) for name, value in loop.tensors().items())


def test_a_model_without_averages_has_none_in_its_checkpoint(squares: Dataset) -> None:
    loop = loop_of(Plain, squares, Recorder())
    loop.step(loop.rows[:32])
    assert {name.split(".")[0] for name in loop.tensors()} == {"model", "optimizer"}
