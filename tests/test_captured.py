"""Recorded steps: those of a training one operation at a time, whatever the method.

Without a GPU, what would be recorded is computed again at each step: all is tested but the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from unbraid import methods
from unbraid.core import registry
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, MethodConfig
from unbraid.training import Batches, Fleet, Loop, Progress, Recorder, TrainingConfig, new_model
from unbraid.training.captured import WARM, Captured

NAMES = registry.names("methods")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
STEPS = 8
LR = 2.0**-10  # the same in float32, as recordings have it
# Their steps look at values: a GPU takes them one kernel at a time.
EAGER = ("conditional-flow", "conditional-vae", "hfs")
# Small enough to be quick; a method takes those it knows.
SMALL = {"latent_dim": 3, "channels": 8, "hidden": 32, "noise": 8, "labels": 0, "warmup": 2.0,
         "threshold": 6, "discriminator_hidden": 20, "discriminator_layers": 2}  # fmt: skip


class Kept(Recorder):
    """Keeps the terms of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.steps.append(terms)


def small(name: str, **options: Any) -> MethodConfig:
    known = registry.load("methods", name).Config.__dataclass_fields__
    wanted = {**SMALL, **options}
    return methods.configure(name, **{k: v for k, v in wanted.items() if k in known})


def loop_of(
    method: MethodConfig, data: Dataset, seed: int, device: Any, *, capture: bool, **options: Any
) -> Loop:
    config = TrainingConfig(
        **{"steps": STEPS, "batch_size": 16, "validation": 0.0, "lr": LR, **options},
        seed=seed, precision="f32", device=device, capture=capture,
    )  # fmt: skip
    return Loop(new_model(method, data, seed), data, config, Kept())


def again(body: Callable[[], None]) -> Callable[[], None]:
    """Stand for a graph on a CPU."""
    return body


def recording(training: Loop | Fleet, device: str) -> Captured:
    """Have a training record its steps, and return what does it."""
    if device == "cpu":
        training.captured = training.capturing()  # has all its steps compute as recorded ones
        assert training.captured is not None
        training.captured.record = again
    assert training.captured is not None
    return training.captured


def worst(one: Loop, other: Loop) -> float:
    """Return the largest difference of a term of any step, relative to it."""
    pairs = [
        (a[name], b[name])
        for a, b in zip(one.recorder.steps, other.recorder.steps, strict=True)  # type: ignore[attr-defined]
        for name in a
    ]
    first, second = np.array(pairs).T
    return float((np.abs(first - second) / (np.abs(first) + 1e-2)).max())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_step_is_the_step(squares: Dataset, name: str, device: str) -> None:
    method = small(name)
    eager, captured = (loop_of(method, squares, 0, device, capture=on) for on in (False, True))
    steps = recording(captured, device)
    eager.run()
    captured.run()
    assert bool(steps.refused) == (device == "cuda" and name in EAGER), steps.refused
    assert bool(steps.recorded) != bool(steps.refused)
    assert worst(eager, captured) < 1e-4


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["annealed-vae", "factor-vae", "ada-gvae"])
def test_a_fleets_recorded_step_is_the_step(squares: Dataset, name: str, device: str) -> None:
    method = small(name)
    alone = [loop_of(method, squares, seed, device, capture=False) for seed in (0, 1)]
    members = [loop_of(method, squares, seed, device, capture=True) for seed in (0, 1)]
    fleet = Fleet(members)
    steps = recording(fleet, device)
    for loop in alone:
        loop.run()
    fleet.run()
    assert steps.recorded
    assert not steps.refused
    assert max(map(worst, alone, members)) < 1e-3


@pytest.mark.parametrize("device", DEVICES)
def test_a_hundred_steps_in_float32(squares: Dataset, device: str) -> None:
    method = small("vae", net="mlp")
    eager, captured = (
        loop_of(method, squares, 0, device, capture=on, steps=100) for on in (False, True)
    )
    recording(captured, device)
    eager.run()
    captured.run()
    last, other = (loop.recorder.steps[-1]["loss"] for loop in (eager, captured))  # type: ignore[attr-defined]
    assert other == pytest.approx(last, rel=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_rates_averages_and_statistics_follow(squares: Dataset, device: str) -> None:
    class Averaged(methods.vae.Model):  # type: ignore[name-defined,misc]
        def phases(self) -> dict[str, methods.Phase]:
            weights = list(self.parameters())
            return {"model": methods.Phase(weights, schedule="cosine", rise=0.3, clip=5.0, ema=0.9)}

    def built(capture: bool) -> Loop:
        torch.manual_seed(0)
        model = Averaged(small("vae", net="mlp"), squares.image_shape)
        config = TrainingConfig(steps=STEPS, batch_size=16, validation=0.0, precision="f32", lr=LR,
                                device=device, capture=capture)  # type: ignore[arg-type]  # fmt: skip
        return Loop(model, squares, config, Kept())

    eager, captured = built(False), built(True)
    steps = recording(captured, device)
    eager.run()
    captured.run()
    assert steps.recorded
    for (name, one), other in zip(
        eager.tensors().items(), captured.tensors().values(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)


def test_a_method_that_draws_from_elsewhere_is_not_recorded(squares: Dataset) -> None:
    class Elsewhere(methods.vae.Model):  # type: ignore[name-defined,misc]
        def terms(self, batch: Batch, context: Context) -> methods.Terms:
            torch.randn(2, generator=torch.Generator().manual_seed(0))
            found: methods.Terms = super().terms(batch, context)
            return found

    config = TrainingConfig(steps=WARM + 2, batch_size=16, precision="f32", device="cpu")
    loop = Loop(Elsewhere(small("vae"), squares.image_shape), squares, config, Kept())
    recording(loop, "cpu")
    loop.run()
    assert "generator of its own" in loop.refused


def test_a_resumed_training_of_recorded_steps_takes_the_same(squares: Dataset) -> None:
    # in vae the KL's weight rises during training: recordings have it in float32
    method = small("vae", warmup=3.0, net="mlp")

    def built() -> Loop:
        loop = loop_of(method, squares, 0, "cpu", capture=True, steps=40)
        recording(loop, "cpu")
        return loop

    whole, first, second = built(), built(), built()
    whole.run()
    rows = [each for _ in range(2) for each in first.epoch_batches()]
    for each in rows[:12]:
        first.step(each)
    second.restore({k: v.clone() for k, v in first.tensors().items()}, first.progress)
    assert second.captured is not None
    second.captured.record = again
    second.run()
    for name, one in whole.tensors().items():
        assert torch.equal(one, second.tensors()[name]), name


def test_averages_follow_once_all_phases_have_stepped(squares: Dataset) -> None:
    class Twice(methods.vae.Model):  # type: ignore[name-defined,misc]
        def phases(self) -> dict[str, methods.Phase]:
            weights = list(self.parameters())
            return {"one": methods.Phase(weights, ema=0.9), "other": methods.Phase(weights)}

        selection = "one.loss"

    def built(capture: bool) -> Loop:
        torch.manual_seed(0)
        config = TrainingConfig(
            steps=STEPS, batch_size=16, validation=0.0, precision="f32", lr=LR, device="cpu"
        )
        loop = Loop(Twice(small("vae"), squares.image_shape), squares, config, Kept())
        if capture:
            recording(loop, "cpu")
        return loop

    eager, captured = built(False), built(True)
    eager.run()
    captured.run()
    for name, one in eager.tensors().items():
        torch.testing.assert_close(one, captured.tensors()[name], rtol=1e-5, atol=1e-6, msg=name)


def test_a_method_that_replaces_a_buffer_is_not_recorded(squares: Dataset) -> None:
    class Replaces(methods.vae.Model):  # type: ignore[name-defined,misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.register_buffer("seen", torch.zeros(()))

        def terms(self, batch: Batch, context: Context) -> methods.Terms:
            found: methods.Terms = super().terms(batch, context)
            self.seen = self.seen + found["kl"].detach()
            return found

    config = TrainingConfig(steps=WARM + 2, batch_size=16, precision="f32", device="cpu")
    loop = Loop(Replaces(small("vae"), squares.image_shape), squares, config, Kept())
    recording(loop, "cpu")
    loop.run()
    assert "buffers are replaced" in loop.refused


def test_a_recorded_fleet_drops_a_member_that_diverges(squares: Dataset) -> None:
    method = small("vae")
    (alone,) = [loop_of(method, squares, 0, "cpu", capture=False)]
    members = [loop_of(method, squares, seed, "cpu", capture=True) for seed in (0, 1)]
    members[0].records = True
    fleet = Fleet(members)
    recording(fleet, "cpu")
    for _ in range(WARM + 2):
        fleet.step([next(loop.epoch_batches()) for loop in members])
    with torch.no_grad():
        next(fleet.model.parameters())[1] = float("nan")
    fleet.step([next(loop.epoch_batches()) for loop in members])
    fleet.flush()
    assert list(fleet.failed) == [1]
    assert fleet.failed[1].step == WARM + 3
    alone.run()
    fleet.run()
    assert worst(alone, members[0]) < 1e-3


def test_images_made_on_demand_are_made_once() -> None:
    class Counted:
        shape, asked = (6, 1, 16, 16), 0

        def __len__(self) -> int:
            return 6

        def __getitem__(self, rows: Any) -> Any:
            found = np.arange(6)[rows]
            self.asked += len(found)
            return np.full((len(found), 1, 16, 16), found[:, None, None, None], np.uint8)

    source = Counted()
    batches = Batches(source, torch.device("cpu"))
    batches.resident = torch.empty(source.shape, dtype=torch.uint8)  # as on a GPU
    batches.there = torch.zeros(6, dtype=torch.bool)
    source.asked = 0
    for rows in ([2, 2, 5], [5, 0, 2, 0]):
        taken = batches.take(torch.tensor(rows))
        assert (taken[:, 0, 0, 0] * 255).round().tolist() == rows
    assert source.asked == 3


def test_a_failed_recording_changes_nothing(squares: Dataset) -> None:
    eager, failing = (loop_of(small("vae"), squares, 0, "cpu", capture=on) for on in (False, True))

    def fails(body: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    recording(failing, "cpu").record = fails
    eager.run()
    failing.run()
    assert "not permitted" in failing.refused
    for one, other in zip(eager.tensors().values(), failing.tensors().values(), strict=True):
        assert torch.equal(one, other)


def test_recording_can_be_turned_off(squares: Dataset) -> None:
    assert loop_of(small("vae"), squares, 0, "cpu", capture=False).capturing() is None


def test_what_rises_with_training_is_a_number_or_a_scalar_tensor() -> None:
    noise = torch.Generator()
    assert Context(noise, 1.0, 100, step=30).done_steps(40) == 0.75
    assert Context(noise, 9.0, 100).done(4) == 1
    assert Context(noise, 0.0, 100).done(0) == 1
    tensor: Any = torch.tensor(3.0)
    assert Context(noise, tensor, 100).done(4) == torch.tensor(0.75)


class ReadsValues(TorchDispatchMode):
    """Lists what a GPU's recording cannot have: values read, and numbers sent from the host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh", "equal"):
            self.found.add(name)
        if name in ("index", "index_put", "index_put_"):
            chosen = [each for each in args[1] if each is not None]
            self.found |= {name} if any(each.dtype == torch.bool for each in chosen) else set()
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", NAMES)
def test_steps_read_no_value(squares: Dataset, name: str) -> None:
    loop = loop_of(small(name), squares, 0, "cpu", capture=True)
    context, shares = loop.standing()
    epoch: Any = torch.tensor(0.5)
    step: Any = torch.tensor(3.0)
    batch = loop.supervision.batch(next(loop.epoch_batches()), 0)
    found: set[str] = set()
    for phase in shares:
        # what is made once, and stays on the device, is there
        loop.model.terms(batch, context._replace(phase=phase))
        with ReadsValues() as mode:
            terms = loop.model.terms(batch, context._replace(phase=phase, epoch=epoch, step=step))
            terms["loss"].backward()
        found |= mode.found
    assert bool(found) == (name in EAGER), found
