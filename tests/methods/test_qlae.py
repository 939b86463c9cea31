"""QLAE: values of latents that learn from their own term alone, and an optimizer as published."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from unbraid.core.latents import Quantised
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, build, configure, qlae
from unbraid.methods.qlae import fixed_values, fsq
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

SHAPE = (3, 16, 16)
PIXELS = torch.rand(16, *SHAPE, generator=torch.Generator().manual_seed(0))


def model_of(**options: Any) -> qlae.Model:
    torch.manual_seed(0)
    model = build(configure("qlae", **{"latent_dim": 4, "net": "mlp", **options}), SHAPE)
    assert isinstance(model, qlae.Model)
    return model


def terms_of(model: qlae.Model) -> dict[str, torch.Tensor]:
    return model.terms(Batch(PIXELS), Context(torch.Generator().manual_seed(7), 0.0, total=5000))


def gradient(model: qlae.Model, term: str, name: str) -> torch.Tensor | None:
    model.zero_grad()
    terms_of(model)[term].backward()  # type: ignore[no-untyped-call]
    return dict(model.named_parameters())[name].grad


def test_values_learn_from_their_own_term_alone() -> None:
    model, head = model_of(), "encoder.5.weight"
    for term, moves_values, moves_encoder in (
        ("reconstruction", False, True),
        ("quantisation", True, False),
        ("commitment", False, True),
    ):
        for name, moves in (("codebook", moves_values), (head, moves_encoder)):
            found = gradient(model, term, name)
            assert (found is not None and bool(found.any())) == moves, (term, name)


def test_the_gradient_passes_straight_through() -> None:
    """That of the reconstruction at z is that at the decoded values."""
    model = model_of()
    z = model.encoder(PIXELS).detach().requires_grad_()
    values = model.codes(PIXELS).detach().requires_grad_()
    model.encoder = torch.nn.Identity()
    straight = z + (values - z).detach()
    (-model.log_likelihood(straight, PIXELS).mean()).backward()
    (-model.log_likelihood(values, PIXELS).mean()).backward()
    assert z.grad is not None
    assert values.grad is not None
    torch.testing.assert_close(z.grad, values.grad)


def test_the_loss_is_the_papers_times_the_pixels() -> None:
    """The paper averages over pixels and latents: BCE + .01 mean_j (..)^2 + .01 mean_j (..)^2."""
    model, count = model_of(quantisation=0.02, commitment=0.03), math.prod(SHAPE)
    z, values = model.quantised(PIXELS)
    logits = model.decoder(values)
    paper = (
        torch.nn.functional.binary_cross_entropy_with_logits(logits, PIXELS)
        + 0.02 * (z - values).square().mean()
        + 0.03 * (z - values).square().mean()
    )
    torch.testing.assert_close(terms_of(model)["loss"] / count, paper)
    assert model.phases()["model"].loss_scale == pytest.approx(1 / count)


def test_each_weight_is_of_its_own_square() -> None:
    """``quantisation`` moves the values, and ``commitment`` the encoder: by their own weights."""

    def moved(**weights: float) -> tuple[torch.Tensor, torch.Tensor]:
        model = model_of(**weights)
        bias = next(p for name, p in model.encoder.named_parameters() if name.endswith("bias"))
        gradients = torch.autograd.grad(terms_of(model)["loss"], [model.codebook, bias])
        return gradients[0], gradients[1]

    values, encoder = moved(quantisation=0.0, commitment=0.0)
    assert not values.any()
    only_values, same_encoder = moved(quantisation=0.02, commitment=0.0)
    assert only_values.any()
    torch.testing.assert_close(same_encoder, encoder)
    same_values, other_encoder = moved(quantisation=0.02, commitment=0.5)
    torch.testing.assert_close(same_values, only_values)
    assert not torch.allclose(other_encoder, encoder)


def test_the_nearest_value_is_taken() -> None:
    model = model_of(levels=5)
    with torch.no_grad():
        model.codebook += 0.3 * torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    z, values = model.quantised(PIXELS)
    away = (z[:, :, None] - model.codebook).abs()
    torch.testing.assert_close((z - values).abs(), away.min(2).values)


def test_codes_are_values_and_the_layout_tells_them() -> None:
    for quantiser in ("codebook", "fsq"):
        model = model_of(quantiser=quantiser, levels=7)
        if quantiser == "codebook":
            with torch.no_grad():
                model.codebook *= torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
        codes = model.encode(PIXELS)
        for column, latent in enumerate(model.layout.latents):
            assert isinstance(latent, Quantised)
            assert len(latent.values) == 7
            assert set(codes[:, column].tolist()) <= set(latent.values)
        sampled = model.prior_sample(500, torch.Generator().manual_seed(0))
        assert np.array_equal(model.layout.snap(sampled.numpy()), sampled.numpy())
        assert len(set(sampled[:, 0].tolist())) == 7


def test_values_begin_as_published() -> None:
    torch.testing.assert_close(model_of().codebook[2], torch.linspace(-0.5, 0.5, 10))


@pytest.mark.parametrize("levels", [2, 5, 8])
def test_fsq_reaches_every_level_and_no_other(levels: int) -> None:
    bounded, values = fsq(torch.linspace(-20, 20, 40_001), levels)
    assert set(values.tolist()) == set(torch.tensor(fixed_values(levels)).tolist())
    assert len(fixed_values(levels)) == levels
    assert float((bounded - values).abs().max()) <= 0.5 / (levels // 2) + 1e-5
    assert bool((bounded.diff() >= 0).all())
    assert float(fsq(torch.zeros(1), levels)[1]) == 0  # as in its paper, also for even levels


@pytest.mark.parametrize("levels", [1000, 1003, 2001, 2002])
def test_of_many_levels_the_outermost_are_reached_and_not_passed(levels: int) -> None:
    values = fsq(torch.tensor([-20.0, 20.0]), levels)[1].tolist()
    assert values == pytest.approx([fixed_values(levels)[0], fixed_values(levels)[-1]], abs=1e-7)


@pytest.mark.parametrize("levels", [2, 3, 4, 10])
def test_fsq_passes_a_gradient_where_codes_begin(levels: int) -> None:
    """Of two levels, 0 would be where tanh is flat: a slope of 0.001, and no code ever changes."""
    z = torch.zeros(1, requires_grad=True)
    fsq(z, levels)[0].sum().backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert float(z.grad) > 0.1


def test_fsq_has_no_codebook_and_no_terms_of_it() -> None:
    model = model_of(quantiser="fsq")
    assert not any("codebook" in name for name, _ in model.named_parameters())
    assert terms_of(model).keys() == {"loss", "reconstruction", "levels"}


@pytest.mark.parametrize("net", ["style", "conv"])
def test_weight_decay_is_of_all_but_biases_and_values(net: str) -> None:
    """Public ports drop the decay, or decay all: it is the method's main bias."""
    model = model_of(net=net, likelihood="gaussian-learned")
    phase = model.phases()["model"]
    decayed = {id(p) for p in phase.decayed or ()}
    left = {name for name, p in model.named_parameters() if id(p) not in decayed}
    named = {name for name, _ in model.named_parameters() if name.split(".")[-1] == "bias"}
    assert left == named | {"codebook", "pixel_logvar"}
    assert phase.optimizer == "adamw"
    assert phase.weight_decay == 0.1


def test_the_optimizer_clips_the_mean_loss_and_not_the_sum(squares: Dataset) -> None:
    """A clip of 1 at the scale of sums would bind far more often than published."""
    config = configure("qlae", latent_dim=4, net="mlp")
    loop = Loop(new_model(config, squares, 0), squares, TrainingConfig(epochs=1), Recorder())
    weights = dict(loop.model.named_parameters())
    # gradients of 3, 0.5 and 3 once the sum over 256 pixels is their mean
    names = ("decoder.4.weight", "decoder.2.weight", "decoder.4.bias")
    decayed, other, bias = (weights[name] for name in names)
    loss = 256 * (3 * decayed.sum() + 0.5 * other.sum() + 3 * bias.sum())
    loop.optimizers["model"].step(loss, 1.0)
    for weight, expected in ((decayed, 1.0), (other, 0.5), (bias, 3.0)):
        torch.testing.assert_close(weight.grad, torch.full_like(weight, expected))


def test_training_uses_most_levels(squares: Dataset) -> None:
    config = configure("qlae", latent_dim=4, net="mlp")
    data = TrainingConfig(epochs=60, batch_size=64, lr=2e-3, precision="f32", validation=0)
    model = Loop(new_model(config, squares, 0), squares, data, Recorder()).run()
    codes = model.encode(squares.images[:])
    used = [len(column.unique()) for column in codes.T]
    assert sum(count > 5 for count in used) >= 3, used
