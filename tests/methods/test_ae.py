"""The autoencoder's loss is its reconstruction and nothing else."""

from __future__ import annotations

import pytest
import torch

from unbraid.methods import Batch, Context, build, configure


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_the_gaussian_loss_is_the_squared_error_scaled(sigma: float) -> None:
    torch.manual_seed(0)
    config = configure("ae", net="mlp", likelihood="gaussian", sigma=sigma)
    model, pixels = build(config, (1, 16, 16)).eval(), torch.rand(8, 1, 16, 16)
    terms = model.terms(Batch(pixels), Context(torch.Generator(), 0.0, 100))
    normal = torch.distributions.Normal(model.decoder(model.codes(pixels)), sigma)
    expected = -normal.log_prob(pixels).flatten(1).sum(1).mean()
    torch.testing.assert_close(terms["reconstruction"], expected)
    assert terms["loss"] is terms["reconstruction"]
