"""What JointVAE alone promises; what it shares with every method is in test_all."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid.core.errors import UnbraidError
from unbraid.methods import Batch, Context, build, configure
from unbraid.methods.joint_vae import Model, joint_terms
from unbraid.nn.distributions import categorical_kl, gaussian_kl


def tiny(**options: object) -> Model:
    torch.manual_seed(0)
    sizes = {"categories": 4, "latent_dim": 3, "net": "mlp"}
    model = build(configure("joint-vae", **{**sizes, **options}), (3, 16, 16))
    assert isinstance(model, Model)
    return model


def test_the_loss_is_equation_7() -> None:
    kl = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 0.0])
    terms = joint_terms(torch.tensor([-10.0, -20.0]), kl, (5.0, 0.2), gamma=30.0)
    assert float(terms["loss"]) == pytest.approx(15 + 30 * abs(3 - 5) + 30 * abs(0.5 - 0.2))


@pytest.mark.parametrize(
    ("epoch", "capacity", "discrete"),
    [(0.0, 0.0, 0.0), (5.0, 0.5, 0.25), (10.0, 1.0, 0.5), (math.inf, 1.0, 1.0)],
)
def test_capacities_rise_and_the_category_is_asked_for_no_more_than_log_k(
    epoch: float, capacity: float, discrete: float
) -> None:
    epochs = {"capacity_epochs": 10.0, "discrete_epochs": 20.0}
    model, images = tiny(gamma=2.0, capacity=3.0, **epochs), torch.rand(8, 3, 16, 16)
    terms = model.terms(Batch(images), Context(torch.Generator().manual_seed(0), epoch, 100))
    away = abs(terms["kl"].item() - 3 * capacity)
    away += abs(terms["discrete_kl"].item() - math.log(4) * discrete)
    assert float(terms["loss"]) == pytest.approx(
        float(terms["reconstruction"]) + 2 * away, rel=1e-5
    )


def test_invariance_is_taken_off_the_loss() -> None:
    images, noise = torch.rand(8, 3, 16, 16), torch.Generator()
    plain, weighed = (
        tiny(invariance=weight).terms(Batch(images), Context(noise.manual_seed(0), 1.0, 100))
        for weight in (0.0, 30.0)
    )
    assert "invariance" not in plain
    expected = float(plain["loss"]) - 30 * float(weighed["invariance"])
    assert float(weighed["loss"]) == pytest.approx(expected, rel=1e-5)


def test_reconstruction_is_summed_over_channels() -> None:
    model = tiny()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    terms = model.terms(
        Batch(torch.rand(8, 3, 16, 16)), Context(torch.Generator().manual_seed(0), 1.0, 100)
    )
    assert float(terms["reconstruction"]) == pytest.approx(3 * 256 * math.log(2), rel=1e-5)


def test_codes_are_probabilities_then_means_and_draws_are_one_hot() -> None:
    model, images = tiny().eval(), torch.rand(6, 3, 16, 16)
    (probabilities,), mean = model.layout.split(model.codes(images))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(6))
    assert mean.shape == (6, 3)
    (drawn,), _ = model.layout.split(model.draw(images, torch.Generator().manual_seed(0)))
    assert torch.equal(drawn.sort(1).values[:, -1], torch.ones(6))
    assert torch.equal(drawn.sum(1), torch.ones(6))


def test_kl_is_the_categorical_then_each_continuous_one() -> None:
    model, images = tiny(), torch.rand(6, 3, 16, 16)
    logits, mean, logvar = model.parameters_of(images)
    found = model.kl(images)
    torch.testing.assert_close(found[:, 0], categorical_kl(logits))
    torch.testing.assert_close(found[:, 1:], gaussian_kl(mean, logvar))


@pytest.mark.parametrize("option", [{"categories": 1}, {"temperature": 0.0}, {"gamma": -1.0}])
def test_impossible_options_get_a_sentence(option: dict[str, float]) -> None:
    with pytest.raises(UnbraidError, match=f"{next(iter(option))} is"):
        configure("joint-vae", **option)
