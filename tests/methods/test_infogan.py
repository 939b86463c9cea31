"""What InfoGAN alone promises; what it shares with every method is in test_all."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid.distributions import LOG_2PI, Layout
from unbraid.errors import UnbraidError
from unbraid.methods import Context, build, configure
from unbraid.methods.infogan import Model, information, plan

LAYOUT = Layout((3,), 2, uniform=True)


def tiny(**options: object) -> Model:
    torch.manual_seed(0)
    sizes = {"categories": 3, "noise": 4, "channels": 4, "hidden": 16}
    model = build(configure("infogan", **{**sizes, **options}), (1, 16, 16))
    assert isinstance(model, Model)
    return model


def test_information_is_log_k_where_the_category_is_read_for_certain() -> None:
    codes = torch.tensor([[1.0, 0, 0, 0.5, -1.0], [0, 0, 1.0, 0.0, 1.0]])
    outputs = codes.clone()
    outputs[:, :3] *= 1000
    categorical, continuous = information(outputs, codes, LAYOUT)
    assert float(categorical) == pytest.approx(math.log(3), abs=1e-6)
    assert float(continuous) == pytest.approx(2 * (math.log(2) - LOG_2PI / 2), abs=1e-6)


def test_information_is_zero_where_the_category_is_not_read() -> None:
    codes = LAYOUT.prior_sample(1000, torch.Generator().manual_seed(0))
    categorical, _ = information(torch.zeros(1000, 5), codes, LAYOUT)
    assert float(categorical) == pytest.approx(0, abs=1e-5)


def test_the_discriminators_step_does_not_move_the_generator() -> None:
    model = tiny()
    context = Context(torch.Generator().manual_seed(0), 0.0, 100, "discriminator")
    model.terms(torch.rand(8, 1, 16, 16), context)["loss"].backward()
    assert all(parameter.grad is None for parameter in model.generator.parameters())
    assert all(parameter.grad is not None for parameter in model.recognition.parameters())


def test_the_published_networks() -> None:
    assert plan((1, 28, 28), 64) == [(1, 28, 28), (64, 14, 14), (128, 7, 7)]
    model = build(configure("infogan"), (1, 28, 28))
    assert isinstance(model, Model)
    shapes = [tuple(p.shape) for p in model.generator.parameters() if p.ndim > 1]
    assert shapes == [(1024, 74), (6272, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]


def test_decode_changes_nothing_but_the_code_and_sample_draws_noise_too() -> None:
    model = tiny().eval()
    codes = model.prior_sample(1, torch.Generator().manual_seed(0)).repeat(2, 1)
    same = model.decode(codes)
    torch.testing.assert_close(same[0], same[1])
    with torch.no_grad():
        noises = model.draw_noise(2, torch.Generator().manual_seed(1))
        other = model.pixel_mean(codes, noises)
    assert not torch.allclose(other[0], other[1])


def test_spectral_norm_replaces_batch_normalisation_and_holds_the_gain_at_one() -> None:
    model = tiny(spectral_norm=True)
    assert not any("BatchNorm" in type(layer).__name__ for layer in model.trunk)
    for _ in range(50):  # the power iteration takes a step a pass
        model.trunk(torch.rand(4, 1, 16, 16))
    gain = torch.linalg.matrix_norm(model.trunk[-2].weight.detach(), 2)
    assert float(gain) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("option", [{"categories": 1}, {"continuous": 0}, {"noise": 0}])
def test_impossible_options_get_a_sentence(option: dict[str, int]) -> None:
    with pytest.raises(UnbraidError, match=f"{next(iter(option))} is"):
        configure("infogan", **option)
