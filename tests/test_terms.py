"""Objectives that are not quite right, and trainings where gradients are turned off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import unbraid
from unbraid.methods import Batch, Context, Terms, configure, vae
from unbraid.methods._names import name_of
from unbraid.training import Fleet, Loop, Recorder, TrainingConfig, new_model

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 16, 16), np.uint8)
SHORT: dict[str, Any] = {"steps": 2, "batch_size": 32, "precision": "f32"}
SMALL = configure("vae", latent_dim=3, net="mlp")


@dataclass(frozen=True)
class OddConfig(vae.Config):
    """Options of a method whose terms are spoilt.

    Args:
        fault: what is wrong with them.
    """

    fault: str = ""


class OddModel(vae.Model):
    """A VAE whose terms are spoilt."""

    config: OddConfig

    def terms(self, batch: Batch, context: Context) -> Terms:
        terms: Any = super().terms(batch, context)
        spoilt: dict[str, Any] = {
            "": terms,
            "none": {"total": terms["loss"], "kl": terms["kl"]},
            "empty": {},
            "tensor": terms["loss"],
            "float": {**terms, "kl": 1.0},
            "float loss": {**terms, "loss": terms["loss"].item()},
            "rows": {**terms, "kl": torch.zeros(32)},
            "detached": {**terms, "loss": terms["loss"].detach()},
            "one": {**terms, "kl": terms["kl"][None]},
        }
        found: Terms = spoilt[self.config.fault]
        return found


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("none", "are total, kl, without the 'loss' that is minimised: return it among them."),
        ("empty", "are none, without the 'loss' that is minimised"),
        ("tensor", "are of type Tensor, expected named numbers: return a dict"),
        ("float", "the term 'kl' of NAME is of type float, expected a tensor of one number"),
        ("float loss", "the term 'loss' of NAME is of type float, expected a tensor"),
        ("rows", "the term 'kl' of NAME has the shape (32,), expected one number, of shape"),
        ("one", "has the shape (1,), expected one number, of shape ()"),
        ("detached", "the loss of NAME has no gradient, so that nothing could be learned"),
    ],
)
def test_terms_that_are_none_are_told(fault: str, sentence: str) -> None:
    config = OddConfig(latent_dim=3, net="mlp", fault=fault)
    with pytest.raises(unbraid.UnbraidError) as refused:
        unbraid.train(config, IMAGES, **SHORT)
    assert sentence.replace("NAME", name_of(config)) in str(refused.value)
    assert name_of(config) in str(refused.value)
    data = unbraid.Dataset("squares", IMAGES[:, None])
    loops = [
        Loop(new_model(config, data, seed), data, TrainingConfig(seed=seed, **SHORT), Recorder())
        for seed in (0, 1)
    ]
    with pytest.raises(unbraid.UnbraidError) as told:  # in a fleet, too
        Fleet(loops).run()
    assert str(told.value) == str(refused.value)


def test_terms_that_are_right_are_taken() -> None:
    config = OddConfig(latent_dim=3, net="mlp")
    assert unbraid.train(config, IMAGES, **SHORT).config == config


def test_models_learn_where_gradients_are_turned_off() -> None:
    expected = unbraid.train(SMALL, IMAGES, **SHORT).sample(2)
    for off in (torch.no_grad, torch.inference_mode):
        with off():
            found = unbraid.train(SMALL, IMAGES, **SHORT)
        assert torch.equal(found.sample(2), expected)


def test_another_default_dtype_is_refused() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(unbraid.UnbraidError, match=r"torch is torch\.float64, and models comp"):
            unbraid.train(SMALL, IMAGES, **SHORT)
    finally:
        torch.set_default_dtype(torch.float32)
