"""What InfoGAN alone promises; what it shares with every method is in test_all."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid.core.errors import UnbraidError
from unbraid.core.latents import Categorical, Layout, Uniform
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, build, configure
from unbraid.methods.infogan import Model, information, plan
from unbraid.nn.distributions import LOG_2PI, prior_sample
from unbraid.training import train

LAYOUT = Layout([Categorical(3), Uniform(), Uniform()])


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
    codes = prior_sample(LAYOUT, 1000, torch.Generator().manual_seed(0))
    categorical, _ = information(torch.zeros(1000, 5), codes, LAYOUT)
    assert float(categorical) == pytest.approx(0, abs=1e-5)


def test_the_discriminators_step_does_not_move_the_generator() -> None:
    model = tiny()
    context = Context(torch.Generator().manual_seed(0), 0.0, 100, "discriminator")
    model.terms(Batch(torch.rand(8, 1, 16, 16)), context)["loss"].backward()
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
        model.real(model.trunk(torch.rand(4, 1, 16, 16)))
    for layer in (model.trunk[-2], model.real):
        gain = torch.linalg.matrix_norm(layer.weight.detach(), 2)
        assert float(gain) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("option", [{"categories": 1}, {"continuous": 0}, {"noise": 0}])
def test_impossible_options_get_a_sentence(option: dict[str, int]) -> None:
    with pytest.raises(UnbraidError, match=f"{next(iter(option))} is"):
        configure("infogan", **option)


@pytest.mark.parametrize("name", ["steadiness", "sparseness"])
def test_options_that_need_another_say_so(name: str) -> None:
    with pytest.raises(UnbraidError, match=f"{name} is 2 and invariance 0"):
        configure("infogan", **{name: 2.0})


def test_a_batch_of_one_is_refused(squares: Dataset) -> None:
    with pytest.raises(UnbraidError, match="batch_size is 1, but infogan compares the images of"):
        train(tiny().config, squares, batch_size=1)


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
@pytest.mark.parametrize(("factor", "found"), [(math.nan, "is not finite"), (1e4, "has grown to")])
def test_what_diverges_is_named(
    squares: Dataset, monkeypatch: pytest.MonkeyPatch, phase: str, factor: float, found: str
) -> None:
    terms = Model.terms

    def diverging(model: Model, batch: Batch, context: Context) -> dict[str, torch.Tensor]:
        found = terms(model, batch, context)
        if context.phase == phase and 1.25 <= context.epoch < math.inf:
            found = {name: value * factor for name, value in found.items()}
        return found

    monkeypatch.setattr(Model, "terms", diverging)
    sentence = f"training stopped: the {phase}'s loss {found}.* at epoch 2, batch 3.*: try spectral"
    with pytest.raises(UnbraidError, match=sentence):
        train(tiny().config, squares, batch_size=32, epochs=2, precision="f32")


def test_invariance_is_of_the_discriminators_step_on_real_images() -> None:
    plain, weighed = tiny(), tiny(invariance=2.0, steadiness=3.0, sparseness=0.5)
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    for phase, epoch in (("discriminator", 3.0), ("discriminator", 2.9), ("generator", 3.0)):
        context = Context(torch.Generator().manual_seed(0), epoch, 100, phase)
        before = plain.terms(Batch(images), context)
        context.noise.manual_seed(0)
        after = weighed.terms(Batch(images), context)
        if phase == "generator":
            assert "invariance" not in after
            continue
        read = {name: value.item() for name, value in after.items()}
        expected = before["loss"].item() - 2 * read["invariance"]
        expected += 3 * read["change"] + (0.5 * read["overlap"] if epoch == 3 else 0)
        assert read["loss"] == pytest.approx(expected, rel=1e-4)
        weighed.zero_grad()
        after["invariance"].backward()
        assert all(p.grad is None for p in weighed.generator.parameters())
        assert all(p.grad is not None for p in weighed.trunk.parameters())


class Measures(torch.nn.Module):
    """A recognition net whose continuous codes are measures of the ink."""

    def __init__(self, *codes: str) -> None:
        super().__init__()
        self.codes = codes

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        ink, place = images[:, 0], torch.arange(16.0)
        mass = ink.sum((1, 2))
        across, down = ((ink.sum(axis) * place).sum(1) / mass for axis in (1, 2))
        mixed = (ink * place[:, None] * place).sum((1, 2)) / mass - across * down
        told = {"size": mass / 36, "lean": mixed, "none": 0 * mass}
        return torch.stack([told["none"]] * 3 + [told[code] for code in self.codes], 1)


@pytest.mark.parametrize(
    ("codes", "steady", "overlap"),
    [
        (("none", "none"), True, 0),
        (("lean", "none"), True, 0),  # a scaled square leans no more
        (("lean", "lean"), True, 1),
        (("size", "none"), False, 0),
    ],
)
def test_a_steady_code_is_blind_to_size_and_alone_in_telling_a_turn(
    codes: tuple[str, str], steady: bool, overlap: float
) -> None:
    model = tiny().eval()
    model.trunk, model.recognition = torch.nn.Identity(), Measures(*codes)
    images = torch.zeros(40, 1, 16, 16)
    images[:, :, 5:11, 5:11] = 1
    found = model.invariance(images, images, torch.Generator().manual_seed(0))
    assert (float(found["change"]) < 0.005) == steady
    assert float(found["overlap"]) == pytest.approx(overlap, abs=0.05)


def test_the_restart_score_is_highest_where_categories_are_clear() -> None:
    images = torch.zeros(200, 1, 16, 16)
    images[:100, :, 4:12, 4:12] = 1
    model = tiny(categories=2).eval()
    lost = model.restart_score(images)

    class Reads(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            bright = images.mean((1, 2, 3)) - 0.02
            return torch.stack([bright, -bright, bright * 0, bright * 0], 1) * 1e4

    class Draws(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return (inputs[:, 4, None, None, None] * 20 - 10).expand(-1, 1, 16, 16)

    model.trunk, model.recognition, model.generator = torch.nn.Identity(), Reads(), Draws()
    assert model.restart_score(images) == pytest.approx(2 * math.log(2), abs=1e-3)
    assert lost < 0.5
