"""Tripod: kernel densities by hand, and second differences that see interactions alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor

from unbraid.core.latents import Quantised
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, build, configure, tripod
from unbraid.methods.tripod import (
    deviation,
    fixed_values,
    multiinformation,
    quantised,
    quotient,
    steps,
    variances,
)
from unbraid.nn import nets
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

SHAPE = (3, 16, 16)
PIXELS = torch.rand(16, *SHAPE, generator=torch.Generator().manual_seed(0))


def noise(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model_of(**options: Any) -> tripod.Model:
    torch.manual_seed(0)
    model = build(configure("tripod", **{"latent_dim": 4, "net": "mlp", **options}), SHAPE)
    assert isinstance(model, tripod.Model)
    return model


def terms_of(model: tripod.Model) -> dict[str, Tensor]:
    return model.terms(Batch(PIXELS), Context(noise(), 0.0, total=5000))


def interaction(
    function: Callable[[Tensor], Tensor], spread: Tensor, ratio: Any = "batch"
) -> float:
    """Return the share of H of a function of codes, from 20,000 codes."""
    codes = torch.randn(20_000, len(spread), generator=noise(1), dtype=torch.float64) * spread
    v = steps(spread.double(), len(codes), noise(2))
    return float(quotient(*variances(function(codes + v), function(codes - v)), "batch"))


def test_multiinformation_by_hand() -> None:
    """Densities of kernels of s_j S in one, and of s_j, without S, in the other."""
    codes = torch.randn(6, 3, generator=noise(), dtype=torch.float64)
    spread = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    silverman = (4 / 5) ** (1 / 7) * 6 ** (-1 / 7)
    apart, s = codes.numpy()[:, None] - codes.numpy()[None], spread.numpy()
    joint = logsumexp(norm.logpdf(apart, scale=s * silverman).sum(2), axis=1) - np.log(6)
    marginal = logsumexp(norm.logpdf(apart, scale=s), axis=1) - np.log(6)
    expected = float((joint - marginal.sum(1)).mean())
    assert float(multiinformation(codes, spread)) == pytest.approx(expected)


def test_multiinformation_does_not_depend_on_the_scale_of_a_latent() -> None:
    codes = torch.randn(50, 3, generator=noise())
    scale = torch.tensor([0.01, 1.0, 100.0])
    one = multiinformation(codes, deviation(codes))
    torch.testing.assert_close(multiinformation(codes * scale, deviation(codes * scale)), one)


def test_multiinformation_rises_with_dependence_but_is_no_total_correlation() -> None:
    """Latents that are independent do not have 0: the widths of the two densities differ."""
    codes = torch.randn(1000, 2, generator=noise())
    mixed = torch.stack([codes[:, 0], 0.8 * codes[:, 0] + 0.6 * codes[:, 1]], 1)
    independent, dependent = (
        float(multiinformation(each, deviation(each))) for each in (codes, mixed)
    )
    assert independent > 0.2
    assert dependent > independent + 0.1


def test_latents_that_do_not_interact_have_no_hessian_term() -> None:
    def apart(z: Tensor) -> Tensor:
        return torch.stack([z[..., 0] ** 2 + torch.sin(3 * z[..., 1]), z[..., 1] ** 3], -1)

    assert interaction(apart, torch.tensor([1.0, 1.0])) < 1e-12


def test_rectified_units_of_one_latent_each_have_none_either() -> None:
    """Their second differences come from kinks alone, and do not change with a step's sign."""

    def kinks(z: Tensor) -> Tensor:
        return torch.relu(z + torch.tensor([0.1, -0.3], dtype=z.dtype))

    assert interaction(kinks, torch.tensor([1.0, 1.0])) < 1e-12


@pytest.mark.parametrize("spread", [[1.0, 1.0], [0.01, 100.0]])
def test_the_hessian_term_of_known_interactions(spread: list[float]) -> None:
    """Of x^2 + xy, variances are 4 for signs and 4 * 2 + 4 for normal numbers, at any scale."""
    s = torch.tensor(spread, dtype=torch.float64)

    def product(z: Tensor) -> Tensor:
        x, y = (z / s).unbind(-1)
        return (x * y)[..., None]

    def both(z: Tensor) -> Tensor:
        x, y = (z / s).unbind(-1)
        return (x**2 + x * y)[..., None]

    assert interaction(product, s) == pytest.approx(1.0, rel=0.05)
    assert interaction(both, s) == pytest.approx(1 / 3, rel=0.05)


@pytest.mark.parametrize("latents", [4, 10])
def test_latents_that_are_mixed_at_random_add_what_the_page_says(latents: int) -> None:
    """(D - 1) / (D + 2) for each layer, here of the squares of 300 random sums of latents."""
    weights = torch.randn(latents, 300, generator=noise(), dtype=torch.float64)
    found = interaction(lambda z: (z @ weights) ** 2, torch.ones(latents))
    assert found == pytest.approx((latents - 1) / (latents + 2), rel=0.05)


def test_the_deviation_is_that_of_all_rows_and_the_variance_that_of_two_draws() -> None:
    z = torch.randn(9, 3, generator=noise())
    torch.testing.assert_close(deviation(z), z.std(0, correction=0))
    plus, minus = torch.randn(2, 2, 2, 5, 6, 7, generator=noise())
    signs, normal = variances(plus, minus)
    expected = ((plus + minus) / 0.01).var(1, correction=0).mean((2, 3))
    torch.testing.assert_close(signs, expected[0])
    torch.testing.assert_close(normal, expected[1])


def test_the_ratio_is_the_one_that_is_asked_for() -> None:
    by_batch, by_image = (
        terms_of(model_of(net="residual", ratio=ratio))["hessian"] for ratio in ("batch", "image")
    )
    assert not torch.allclose(by_batch, by_image, rtol=1e-2)


def test_the_image_has_no_part_in_the_hessian_term() -> None:
    for net in nets.KINDS:
        model = model_of(net=net)
        codes = model.codes(PIXELS)
        model.hessian(codes, steps(torch.full((4,), 0.5), len(codes), noise())).backward()  # type: ignore[no-untyped-call]
        moved = [bool(p.grad is not None and p.grad.any()) for p in model.decoder.parameters()]
        assert moved[0], net
        assert not moved[-1], net  # the bias, or the weights, of the layer that makes the image


def test_one_image_without_kinks_does_not_rule_a_batch() -> None:
    """Where an image's normal steps cross no kink, its own ratio is without bound."""
    signs, normal = torch.tensor([1.0, 1.0, 1.0]), torch.tensor([1.0, 0.0, 2.0])
    assert float(quotient(signs, normal, "batch")) == pytest.approx(1.0)
    assert float(quotient(signs, normal, "image")) > 1e9


def test_second_differences_do_not_round_in_bfloat16() -> None:
    """Under autocast, differences of nearly equal numbers would be nothing but rounding."""
    for net in ("mlp", "residual"):
        model = model_of(net=net)
        codes = model.codes(PIXELS)
        v = steps(torch.full((4,), 0.5), len(codes), noise())
        with torch.no_grad():
            plain = model.hessian(codes, v)
            with torch.autocast("cpu", torch.bfloat16):
                torch.testing.assert_close(model.hessian(codes, v), plain)


def test_the_loss_is_the_papers_times_the_pixels() -> None:
    model, count = model_of(multiinformation=0.02, hessian=0.03), math.prod(SHAPE)
    z = model.latents(PIXELS)
    codes, spread = quantised(z, 12), deviation(z)
    logits = model.decoder(codes)
    paper = (
        torch.nn.functional.binary_cross_entropy_with_logits(logits, PIXELS)
        + 0.02 * multiinformation(codes, spread)
        + 0.03 * model.hessian(codes, steps(spread, len(codes), noise()))
    )
    torch.testing.assert_close(terms_of(model)["loss"] / count, paper)
    assert model.phases()["model"].loss_scale == pytest.approx(1 / count)


def test_the_hessian_term_sums_over_the_hidden_layers() -> None:
    model = model_of(net="conv")
    codes, v = model.codes(PIXELS), steps(torch.full((4,), 0.5), len(PIXELS), noise())
    with torch.no_grad():
        plus, minus = (
            nets.hidden(model.decoder, (codes + sign * v).flatten(0, 2)) for sign in (1, -1)
        )
        kinds = v.shape[:3]
        expected = sum(
            quotient(*variances(a.unflatten(0, kinds), b.unflatten(0, kinds)), "batch")
            for a, b in zip(plus, minus, strict=True)
        )
        torch.testing.assert_close(model.hessian(codes, v), expected)


def test_each_weight_is_of_its_own_term_and_each_term_moves_the_encoder() -> None:
    for term in ("multiinformation", "hessian"):
        model = model_of()
        bias = next(p for name, p in model.encoder.named_parameters() if name.endswith("bias"))
        (moved,) = torch.autograd.grad(terms_of(model)[term], [bias])
        assert moved.any(), term
    z = model_of().latents(PIXELS).detach().requires_grad_()
    # codes and their deviation have a gradient each
    for codes, spread in ((quantised(z, 12), deviation(z).detach()), (z.detach(), deviation(z))):
        hessian = model_of().hessian(codes, steps(spread, len(z), noise()))
        for value in (multiinformation(codes, spread), hessian):
            (moved,) = torch.autograd.grad(value, [z], retain_graph=True)
            assert moved.any()
    without = terms_of(model_of(hessian=0.0))
    assert without.keys() == {"loss", "reconstruction", "multiinformation"}
    assert (
        terms_of(model_of(hessian=0.0, multiinformation=0.0))["loss"] == without["reconstruction"]
    )


def test_the_gradient_passes_straight_through_to_exact_values() -> None:
    z = (2 * torch.rand(500, generator=noise()) - 1).requires_grad_()
    codes = quantised(z, 12)
    assert set(codes.tolist()) == set(fixed_values(12))
    assert float((codes - z).detach().abs().max()) <= 1 / 11 + 1e-6
    codes.square().sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(z.grad, 2 * codes.detach())


def test_codes_are_values_and_the_layout_tells_them() -> None:
    model = model_of(levels=7)
    codes = model.encode(PIXELS)
    for column, latent in enumerate(model.layout.latents):
        assert isinstance(latent, Quantised)
        assert set(codes[:, column].tolist()) <= set(latent.values)
    sampled = model.prior_sample(500, noise())
    assert len(set(sampled[:, 0].tolist())) == 7


def test_a_latent_that_is_constant_over_a_batch_gives_no_nan() -> None:
    """The gradient of a standard deviation of 0 would be one."""
    model = model_of()
    with torch.no_grad():
        model.encoder[-1].weight[1] = 0.0  # type: ignore[index, union-attr]
    terms_of(model)["loss"].backward()  # type: ignore[no-untyped-call]
    for name, weight in model.named_parameters():
        assert weight.grad is not None
        assert bool(weight.grad.isfinite().all()), name


def test_the_optimizer_clips_every_number_of_the_mean_loss(squares: Dataset) -> None:
    config = configure("tripod", latent_dim=4, net="mlp")
    loop = Loop(new_model(config, squares, 0), squares, TrainingConfig(epochs=1), Recorder())
    weights = dict(loop.model.named_parameters())
    weight, bias = weights["decoder.4.weight"], weights["decoder.4.bias"]
    loss = 256 * (3 * weight.sum() + 0.5 * bias.sum())  # 256 pixels
    loop.optimizers["model"].step(loss, 1.0)
    for each, expected in ((weight, 1.0), (bias, 0.5)):
        torch.testing.assert_close(each.grad, torch.full_like(each, expected))


def test_training_lowers_both_terms(squares: Dataset) -> None:
    """Against the same training without them."""
    data = TrainingConfig(epochs=40, batch_size=64, lr=2e-3, precision="f32", validation=0)

    def trained(**weights: float) -> dict[str, float]:
        config = configure("tripod", latent_dim=4, net="mlp", **weights)
        model = Loop(new_model(config, squares, 0), squares, data, Recorder()).run()
        model.config = configure("tripod", latent_dim=4, net="mlp")
        images = torch.as_tensor(squares.images[:]).float() / 255
        with torch.no_grad():
            found = model.terms(Batch(images), Context(noise(), 0.0, total=300))
        return {name: float(value) for name, value in found.items()}

    plain = trained(multiinformation=0.0, hessian=0.0)
    assert trained(multiinformation=0.0, hessian=0.1)["hessian"] < 0.7 * plain["hessian"]
    penalised = trained(multiinformation=0.1, hessian=0.0)
    assert penalised["multiinformation"] < plain["multiinformation"] - 0.2
