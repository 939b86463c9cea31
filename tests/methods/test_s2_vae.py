"""The few-label regulariser: its equation, partial labels, and that it does what it is for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, Method, build, configure
from unbraid.methods._few_labels import few_label_loss
from unbraid.training import train

SPECS = (
    FactorSpec("digit", "categorical", values=tuple(range(10))),
    FactorSpec("x", "continuous", range=(-9.0, 9.0)),
)
FACTORS = torch.tensor([[0.0, 9.0], [9.0, 0.0], [3.0, -4.5], [6.0, math.nan]])
TARGETS = torch.tensor([[0.0, 1.0], [1.0, 0.5], [1 / 3, 0.25], [2 / 3, math.nan]])
PIXELS = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
NAN = torch.tensor(math.nan)


def model_of(name: str, **options: Any) -> Method:
    torch.manual_seed(0)
    return build(configure(name, latent_dim=3, net="mlp", **options), (1, 16, 16), SPECS).eval()


def batch(labelled: tuple[torch.Tensor, torch.Tensor] | None = None) -> Batch:
    return Batch(PIXELS, labelled=labelled)


def context() -> Context:
    return Context(torch.Generator().manual_seed(7), 0.0, 100)


def test_the_regulariser_is_the_cross_entropy_of_scaled_labels() -> None:
    mean = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    digit = F.binary_cross_entropy(torch.sigmoid(mean[:, 0]), TARGETS[:, 0])
    x = F.binary_cross_entropy(torch.sigmoid(mean[:3, 1]), TARGETS[:3, 1])  # one is unknown
    torch.testing.assert_close(few_label_loss(mean, FACTORS, SPECS), digit + x)


def test_unknown_labels_pull_at_nothing() -> None:
    mean = torch.zeros(4, 3, requires_grad=True)
    few_label_loss(mean, FACTORS, SPECS).backward()  # type: ignore[no-untyped-call]
    assert mean.grad is not None
    assert mean.grad[3].tolist()[1:] == [0, 0]
    assert not mean.grad[:, 2].any()  # of no factor
    assert mean.grad[0].tolist()[:2] == pytest.approx([0.5 / 4, -0.5 / 3])
    assert few_label_loss(mean, FACTORS * NAN, SPECS) == 0


@pytest.mark.parametrize(("name", "plain"), [("s2-vae", "vae"), ("s2-beta-tcvae", "beta-tcvae")])
def test_it_is_added_to_the_objective_without_labels(name: str, plain: str) -> None:
    shown = PIXELS.flip(0), FACTORS
    for gamma in (0.0, 7.0):
        found = model_of(name, gamma_sup=gamma).terms(batch(shown), context())
        expected = model_of(plain).terms(batch(), context())
        for term, value in expected.items():
            if term != "loss":
                assert torch.equal(found[term], value), term
        torch.testing.assert_close(found["loss"], expected["loss"] + gamma * found["few_labels"])
    assert "few_labels" not in model_of(name).terms(batch(), context())


def test_the_batch_is_not_encoded_twice_where_it_is_the_labelled_one() -> None:
    model, seen = model_of("s2-vae"), []
    model.encoder.register_forward_hook(lambda *_: seen.append(1))
    one = model.terms(batch((PIXELS, FACTORS)), context())
    assert len(seen) == 1
    two = model.terms(batch((PIXELS.clone(), FACTORS)), context())
    assert torch.equal(one["loss"], two["loss"])


def test_a_latent_for_each_factor_is_asked_for() -> None:
    with pytest.raises(
        UnbraidError, match=r"latent_dim is 1, but there are 2 factors \(digit, x\)"
    ):
        build(configure("s2-vae", latent_dim=1), (1, 16, 16), SPECS)


@pytest.mark.parametrize("name", ["s2-vae", "s2-beta-tcvae"])
def test_thirty_labels_put_factors_in_their_latents(name: str, squares: Dataset) -> None:
    config = configure(name, latent_dim=4, net="mlp", labels=30, gamma_sup=30.0, beta=1.0)
    model = train(config, squares, epochs=40, batch_size=32, lr=3e-3, precision="f32")
    codes = model.encode(squares.images).numpy()
    assert squares.factors is not None
    correlation = np.abs(np.corrcoef(codes.T, squares.factors.T)[:4, 4:])  # latents by factors
    own = correlation.diagonal()
    assert (own > 0.6).all(), correlation
    assert (np.sort(correlation, axis=0)[-2] < own - 0.3).all(), correlation
