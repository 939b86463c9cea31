"""Control learnt from labelled codes, against codes whose answer is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid.control.controller import Controller
from unbraid.control.language.parser import build_request
from unbraid.control.linear_gaussian import store
from unbraid.control.linear_gaussian.controller import Fitted, fit
from unbraid.control.loading import open
from unbraid.control.native import takes_factors
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.core.files import write_json
from unbraid.core.latents import Categorical, Gaussian, Layout, Quantised
from unbraid.datasets import Dataset
from unbraid.datasets._factors import sample_factors
from unbraid.datasets.digits import Config, factor_specs
from unbraid.methods import Method, MethodConfig, build, configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

Array = NDArray[np.float64]

SPECS = factor_specs(Config())
LOW = np.array([0, *(spec.range[0] for spec in SPECS[1:] if spec.range)])
HIGH = np.array([9, *(spec.range[1] for spec in SPECS[1:] if spec.range)])
HALF = (HIGH - LOW) / 2
ASKED = sample_factors(SPECS, 500, [4])
STYLES = np.arange(500)
AXES = np.linalg.qr(np.random.default_rng(7).standard_normal((10, 10)))[0]


class Pixels(Method):
    """A method whose images show their codes, a pixel each: what was drawn can be looked up."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(MethodConfig(), (1, 16, 16), layout)
        self.unused = nn.Parameter(torch.zeros(1))

    def codes(self, images: Tensor) -> Tensor:
        return (images.flatten(1)[:, : self.latent_dim] - 0.5) * 20

    def pixel_mean(self, codes: Tensor) -> Tensor:
        pixels = torch.full((len(codes), 256), 0.5)
        pixels[:, : self.latent_dim] = codes / 20 + 0.5
        return pixels.clamp(0, 1).reshape(-1, 1, 16, 16)


def labelled(count: int = 100) -> Array:
    return sample_factors(SPECS, count, [3])


def scaled(factors: Array) -> Array:
    return (factors - LOW) / HALF - 1


def padded(factors: Array, seed: int) -> Array:
    """Return factors on [-1, 1] and four codes of their own, (N, 10)."""
    free = np.random.default_rng(seed).standard_normal((len(factors), 4))
    return np.concatenate([scaled(factors), 0.6 * free], 1)


def numbers(count: int) -> Layout:
    return Layout([Gaussian()] * count)


def fitted(codes: Array, factors: Array, layout: Layout | None = None) -> Fitted:
    model = Pixels(layout or numbers(codes.shape[1]))
    return fit(model, codes, factors, SPECS)


def drawn(control: Fitted) -> Array:
    """Return the codes of images drawn as ASKED."""
    return np.asarray(control.model.encode(control.draw(ASKED, STYLES)).numpy(), np.float64)


def missed(found: Array) -> tuple[float, Array]:
    """Return the share of digits that are wrong, and the others' mean errors in half-ranges."""
    error = np.abs(found - ASKED)
    return float((error[:, 0] >= 0.5).mean()), (error / HALF)[:, 1:].mean(0)


# -- codes whose answer is known ------------------------------------------------------------------


@pytest.mark.parametrize("rotated", [False, True])
def test_codes_that_hold_the_factors_are_drawn_read_and_kept_free(rotated: bool) -> None:
    axes = AXES if rotated else np.eye(10)
    control = fitted(padded(labelled(), 0) @ axes, labelled())
    made = drawn(control) @ axes.T
    digits, others = missed((made[:, :6] + 1) * HALF + LOW)
    assert digits == 0
    assert (others < (0.02 if rotated else 0.002)).all(), others
    assert (made[:, 6:].std(0) > 0.4).all()  # what is no factor is as free as it was
    digits, others = missed(control.read_codes(padded(ASKED, 1) @ axes))
    assert digits == 0
    assert (others < (0.02 if rotated else 0.002)).all(), others


def test_it_says_which_latents_carry_which_factor() -> None:
    control = fitted(padded(labelled(), 0), labelled())
    assert control.params.informative.tolist() == [True] * 6 + [False] * 4
    np.testing.assert_allclose(control.params.explained_variance[:6], np.eye(6), atol=0.01)
    assert not control.params.explained_variance[6:].any()


def test_a_hundred_labels_do_for_noisy_codes() -> None:
    def codes(factors: Array, seed: int) -> Array:
        noise = np.random.default_rng(seed).standard_normal((len(factors), 6))
        return scaled(factors) + 0.1 * noise

    control = fitted(codes(labelled(), 0), labelled())
    digits, others = missed((drawn(control) + 1) * HALF + LOW)
    assert digits < 0.1
    assert (others < 0.05).all(), others
    digits, others = missed(control.read_codes(codes(ASKED, 1)))
    assert digits < 0.4  # ten levels 0.22 apart on a line under a noise of 0.1: 0.24 at best
    assert (others < 0.09).all(), others  # 0.08 at best


def test_bent_codes_are_read_and_drawn() -> None:
    control = fitted(np.tanh(1.5 * scaled(labelled())), labelled())
    made = np.arctanh(drawn(control).clip(-0.999, 0.999)) / 1.5
    for digits, others in (
        missed((made + 1) * HALF + LOW),
        missed(control.read_codes(np.tanh(1.5 * scaled(ASKED)))),
    ):
        assert digits == 0
        assert (others < 0.04).all(), others


def test_random_codes_are_read_at_chance() -> None:
    random = np.random.default_rng(5)
    control = fitted(random.standard_normal((100, 10)), labelled())
    assert not control.params.informative.any()
    digits, others = missed(control.read_codes(random.standard_normal((500, 10))))
    assert 0.85 < digits < 0.95
    assert (np.abs(others - 0.5) < 0.06).all(), others
    assert drawn(control).std() == pytest.approx(1, abs=0.1)


def test_dead_latents_and_single_levels_do_no_harm() -> None:
    codes, factors = padded(labelled(), 0), labelled()
    codes[:, 6:] = 0.25
    factors[:, 0] = 3
    control = fitted(codes, factors)
    assert np.isfinite(drawn(control)).all()
    assert np.isfinite(control.read_codes(codes)).all()


def test_angles_on_a_circle_and_ordered_levels() -> None:
    specs = (
        FactorSpec("turn", "periodic", range=(0.0, 360.0), period=360.0),
        FactorSpec("hour", "periodic", values=tuple(range(12)), period=12),
        FactorSpec("step", "ordinal", values=(1, 2, 4, 8)),
    )

    def codes(factors: Array) -> Array:
        turn, hour = np.deg2rad(factors[:, 0]), factors[:, 1] * np.pi / 6
        circles = [np.sin(turn), np.cos(turn), np.sin(hour), np.cos(hour)]
        return np.stack([*circles, factors[:, 2] - 1.5], 1)

    few, many = sample_factors(specs, 100, [1]), sample_factors(specs, 400, [2])
    control = fit(Pixels(numbers(5)), codes(few), few, specs)
    made = control.model.encode(control.draw(many, np.arange(400))).numpy()
    np.testing.assert_allclose(made, codes(many), atol=0.01)
    found = control.read_codes(codes(many))
    away = np.abs(found - many)
    assert np.minimum(away[:, 0], 360 - away[:, 0]).max() < 1
    assert np.array_equal(found[:, 1:], many[:, 1:])


# -- labels that are missing ----------------------------------------------------------------------


def test_labels_may_be_partial() -> None:
    factors = labelled(300)
    codes = padded(factors, 0)
    factors[:200, 0] = np.nan  # the digit is known of a third
    factors[100:, 1] = np.nan
    digits, others = missed((drawn(fitted(codes, factors))[:, :6] + 1) * HALF + LOW)
    assert digits == 0
    assert (others < 0.1).all(), others


def test_a_factor_without_labels_explains_nothing_and_does_no_harm() -> None:
    codes, factors = padded(labelled(), 0), labelled()
    noisy = codes + 0.05 * np.random.default_rng(2).standard_normal(codes.shape)
    factors[:, [0, 4]] = np.nan  # the digit, the angle
    control = fitted(noisy, factors)
    assert not control.params.explained_variance[:, [0, 4]].any()
    made = drawn(control)
    _, others = missed((made[:, :6] + 1) * HALF + LOW)
    assert (others[[0, 1, 2, 4]] < 0.02).all(), others
    assert (made[:, [0, 4, 6]].std(0) > 0.4).all()  # as free as codes of no factor
    read = control.read_codes(codes)
    assert np.isfinite(read).all()
    assert (np.abs(read - labelled())[:, [1, 2, 3, 5]] / HALF[[1, 2, 3, 5]]).mean() < 0.05
    changed = factors.copy()
    changed[:, [0, 4]] = 3.0, 60.0
    np.testing.assert_array_equal(  # neither in drawing nor in moving
        control.move(codes, np.nan_to_num(factors), changed), codes
    )


# -- categorical latents --------------------------------------------------------------------------


def product_codes(factors: Array) -> Array:
    """Return a category for each digit, mixed up, then x and y."""
    mixed = np.eye(10)[np.random.default_rng(1).permutation(10)]
    return np.concatenate([mixed[factors[:, 0].astype(int)], scaled(factors)[:, 2:4]], 1)


def test_a_quantised_latent_is_drawn_on_its_levels() -> None:
    kinds = [Quantised.evenly(41), *[Gaussian()] * 3]
    layout = Layout(kinds)

    def codes(factors: Array) -> Array:
        return layout.snap(scaled(factors)[:, 1:5])

    control = fitted(codes(labelled()), labelled(), layout)
    made = drawn(control)
    steps = (made[:, 0] + 1) * 20
    np.testing.assert_allclose(steps, steps.round(), atol=1e-3)
    assert np.abs(made - codes(ASKED)).max(0)[0] <= 0.05 + 1e-3  # a level off at most


def test_a_categorical_latent_goes_with_its_factor() -> None:
    layout = Layout([Categorical(10), *[Gaussian()] * 2])
    control = fitted(product_codes(labelled()), labelled(), layout)
    assert control.params.links[0].factor == 0
    made = drawn(control)
    assert (made[:, :10].argmax(1) == product_codes(ASKED)[:, :10].argmax(1)).mean() > 0.98
    assert set(np.unique(made[:, :10].round(3))) == {0, 1}
    found = control.read_codes(product_codes(ASKED))
    assert (found[:, 0] == ASKED[:, 0]).mean() > 0.98
    assert np.abs(found[:, 2:4] - ASKED[:, 2:4]).max() < 0.1
    to_three = control.edit(control.draw(ASKED, STYLES), build_request(SPECS, digit=3))
    assert (control.read(to_three)[:, 0] == 3).all()


def test_a_categorical_latent_may_tell_of_a_number_or_of_nothing() -> None:
    def codes(factors: Array, seed: int) -> Array:
        left = (factors[:, 2] > 0).astype(int)
        coin = np.random.default_rng(seed).integers(0, 3, len(factors))
        return np.concatenate([np.eye(2)[left], np.eye(3)[coin], scaled(factors)[:, 3:4]], 1)

    layout = Layout([Categorical(2), Categorical(3), Gaussian()])
    control = fitted(codes(labelled(), 0), labelled(), layout)
    assert [link.factor for link in control.params.links] == [2, -1]
    made = drawn(control)
    assert ((made[:, 1] > 0.5) == (ASKED[:, 2] > 0)).mean() > 0.97
    assert (made[:, 2:5].mean(0) > 0.2).all()
    found = control.read_codes(codes(ASKED, 1))[:, 2]
    assert np.corrcoef(found, ASKED[:, 2] > 0)[0, 1] > 0.99
    assert np.abs(np.abs(found) - 4.5).max() < 1.5  # the middle of each half


# -- what is kept ---------------------------------------------------------------------------------


def noisy(seed: int = 0) -> tuple[Fitted, Array]:
    codes = padded(labelled(), seed) + 0.1 * np.random.default_rng(9).standard_normal((100, 10))
    return fitted(codes, labelled()), codes


def test_a_style_is_the_same_under_other_factors_and_in_other_company() -> None:
    control, _ = noisy()
    images = control.draw(ASKED[:4], [3, 4, 3, 5])
    assert np.array_equal(images[1:2], control.draw(ASKED[1:2], [4]))
    free = control.model.encode(images).numpy()[:, ~control.params.informative]
    np.testing.assert_allclose(free[0], free[2], atol=1e-5)
    assert np.abs(free[0] - free[1]).max() > 0.1


def test_an_edit_changes_what_was_asked_and_nothing_else() -> None:
    control, _ = noisy()
    images = control.draw(ASKED, STYLES)
    changed = control.edit(images, build_request(SPECS, size=26, x=-5))
    before, after = (control.model.encode(each).numpy() for each in (images, changed))
    moved = np.abs(after - before)[:, [0, 3, 4, 5]]
    assert moved.max() < 0.2  # a tenth of the range
    assert moved.mean() < 0.03
    np.testing.assert_allclose(after[:, 6:], before[:, 6:], atol=1e-4)
    found = control.read(changed)
    assert np.abs(found[:, 1] - 26).mean() < 0.4  # of 16
    assert np.abs(found[:, 2] + 5).mean() < 0.4  # of 18


def test_a_swap_takes_the_named_factors() -> None:
    control, _ = noisy()
    a, b = control.draw(ASKED[:50], STYLES[:50]), control.draw(ASKED[50:100], STYLES[50:100])
    found = control.read(control.swap(a, b, ["x", "angle"]))
    gap = np.abs(found - ASKED[:50])
    taken = np.abs(found - ASKED[50:100])
    assert (taken[:, [2, 4]].mean(0) / HALF[[2, 4]] < 0.05).all()
    assert (gap[:, [1, 3, 5]].mean(0) / HALF[[1, 3, 5]] < 0.05).all()


def test_it_is_kept_in_a_folder(tmp_path: Path) -> None:
    control = fitted(
        product_codes(labelled()), labelled(), Layout([Categorical(10), *[Gaussian()] * 2])
    )
    control.save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "control.json",
        "control.safetensors",
    ]
    again = Fitted.load(tmp_path, control.model)
    assert again.specs == SPECS
    assert np.array_equal(control.draw(ASKED, STYLES), again.draw(ASKED, STYLES))
    assert json.loads((tmp_path / "control.json").read_text())["labels"] == 100
    with pytest.raises(UnbraidError, match="do not match the model in this folder"):
        Fitted.load(tmp_path, Pixels(numbers(12)))
    (tmp_path / "control.safetensors").write_bytes(b"broken")
    with pytest.raises(UnbraidError, match="damaged"):
        Fitted.load(tmp_path, control.model)


# -- what is broken -------------------------------------------------------------------------------


def test_wrong_inputs_get_a_sentence() -> None:
    codes, factors = padded(labelled(), 0), labelled()
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: fit(Pixels(numbers(9)), codes, factors, SPECS), r"expected \(N, 9\)"),
        (lambda: fitted(codes * np.nan, factors), "not all finite"),
        (lambda: fitted(codes, factors[:50]), r"shape \(50, 6\), expected \(100, 6\)"),
        (lambda: fitted(codes[:9], factors[:9]), "'digit' is labelled in 9 images"),
        (lambda: fitted(codes, factors * np.nan), "'digit' is labelled in 0 images"),
        (lambda: noisy()[0].draw(ASKED[:, :5], STYLES), "expected a row of 6 numbers"),
        (lambda: noisy()[0].draw(ASKED, STYLES[:3]), "3 styles for 500 rows"),
        (lambda: noisy()[0].swap(np.zeros((2, 1, 16, 16)), np.zeros((1, 1, 16, 16)), []), "2 im"),
        (lambda: noisy()[0].read(np.zeros((2, 1, 16, 15))), "shape"),
    ]
    for act, sentence in wrong:
        with pytest.raises(UnbraidError, match=sentence):
            act()


# -- every method ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.names("methods"))
def test_every_method_is_controlled(name: str, squares: Dataset) -> None:
    known = registry.load("methods", name).Config.__dataclass_fields__
    sizes = {"latent_dim": 4, "channels": 8, "hidden": 32, "noise": 4, "net": "mlp"}
    torch.manual_seed(0)
    config = configure(name, **{k: v for k, v in sizes.items() if k in known})
    model = build(config, (1, 16, 16), squares.specs).eval()
    assert squares.factors is not None
    factors = squares.factors.astype(np.float64)
    control: Controller = fit(model, model.encode(squares.images), factors, squares.specs)
    images = control.draw(factors[:20], np.arange(20))
    assert images.shape == (20, 1, 16, 16)
    # not to the bit: products of other sizes may be rounded otherwise, on some processors
    again = control.draw(factors[:5], np.arange(5))
    np.testing.assert_allclose(images[:5], again, atol=1e-5)
    for found in (control.read(images), control.read(squares.images[:20])):
        assert ((found >= 0) & (found <= [2, 9, 9])).all()
    assert control.swap(images, images[::-1], ["row"]).shape == images.shape


def test_a_run_is_opened_and_its_control_kept(squares_npz: Path, tmp_path: Path) -> None:
    config = RunConfig(
        configure("s2-vae", latent_dim=4, net="mlp", gamma_sup=30.0),
        "npz",
        {"path": str(squares_npz), "full": True},
        TrainingConfig(epochs=40, batch_size=32, precision="f32", lr=3e-3),
    )
    run = train_run(config, tmp_path / "run")
    assert not takes_factors(run.model())
    control = open(run)
    data = run.dataset()
    assert data.factors is not None
    wanted = data.factors[:100].astype(np.float64)
    images = control.draw(wanted, np.arange(100))
    truth = data.images[:100] / 255
    error = np.square(images - truth).sum()
    assert error < 0.6 * np.square(truth - truth.mean(0)).sum()
    moved = shutil.copytree(tmp_path / "run", tmp_path / "moved")
    assert np.array_equal(images, open(Run(moved)).draw(wanted, np.arange(100)))


def test_a_stored_controller_with_another_turn_is_none(tmp_path: Path) -> None:
    model = build(configure("ae", latent_dim=3, net="mlp"), (1, 16, 16))
    hours = FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24)  # 24 is 0
    told = {"model": store.digest(model), "factors": specs_to_json([hours])}
    for more, right in (({"turns": [4.0]}, True), ({"turns": [5.0]}, False), ({}, False)):
        write_json(tmp_path / store.DESCRIPTION, told | more)
        assert store.is_saved(tmp_path, model) == right
    plain = FactorSpec("hour", "periodic", values=(0, 6, 12, 18), period=24)
    write_json(tmp_path / store.DESCRIPTION, told | {"factors": specs_to_json([plain])})
    assert store.is_saved(tmp_path, model)  # made before turns were stored, and the same
