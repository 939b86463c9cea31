"""The conditional VAE: factors as code columns, poses and warps, the style's prior, the losses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unbraid.control.assessment.run_report import draw_function
from unbraid.control.native import Native
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import load_dataset
from unbraid.datasets.digits import Config as Digits
from unbraid.datasets.digits import Renderer, factor_specs
from unbraid.methods import Batch, Context, build, configure
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._layers import Dropout, dropping
from unbraid.methods._style import StylePrior, gaussian_information
from unbraid.methods.conditional_vae import Model
from unbraid.methods.conditional_vae import pose as _pose
from unbraid.methods.conditional_vae.pose import Pose, Warp
from unbraid.methods.conditional_vae.reading import READ, evenly
from unbraid.training import train

SPECS = (
    FactorSpec("x", "continuous", range=(-9.0, 9.0), unit="pixels right"),
    FactorSpec("digit", "categorical", values=tuple("abc")),
    FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0),
    FactorSpec("step", "ordinal", values=(0.1, 0.2, 0.4, 0.8)),
    FactorSpec("hue", "periodic", values=(0, 90, 180, 270), period=360.0),
)
DIGITS = factor_specs(Digits())


def digits_model(**options: Any) -> Model:
    torch.manual_seed(0)
    return cast(Model, build(configure("conditional-vae", **options), (1, 32, 32), DIGITS))


def poses(rows: Any) -> Pose:
    factors = torch.as_tensor(rows).float()
    angle = factors[:, 4] * (math.pi / 180)
    return Pose(factors[:, 2], factors[:, 3], factors[:, 1].log(), angle)


# -- factors as code columns ----------------------------------------------------------------------


ROWS = st.tuples(
    st.floats(-9, 9), st.integers(0, 2), st.floats(0, 359.9), st.integers(0, 3), st.integers(0, 3)
)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_factors_come_back_from_their_columns(row: tuple[float, ...]) -> None:
    codes = FactorCodes(SPECS)
    factors = torch.tensor([row], dtype=torch.float32)
    columns = codes.encode(factors)
    assert columns.shape == (1, codes.width) == (1, 3 + 2 + 4)
    back = codes.decode(columns)
    assert torch.allclose(back[:, [0, 1, 3, 4]], factors[:, [0, 1, 3, 4]], atol=1e-4)
    assert abs((float(back[0, 2]) - row[2] + 180) % 360 - 180) < 0.01


@pytest.mark.parametrize("value", [0.0, 30.0, 1e9])
def test_a_factor_of_a_single_value_is_known_and_comes_back(value: float) -> None:
    """Also a large one, to which a range of a billionth adds nothing."""
    codes = FactorCodes([FactorSpec("year", "continuous", range=(value, value))])
    columns = codes.encode(torch.tensor([[value]]))
    assert columns.tolist() == [[-1.0]]
    assert codes.decode(columns + 0.01).tolist() == [[value]]
    assert codes.middle(columns).tolist() == [[-1.0]]
    assert codes.even(2, torch.Generator().manual_seed(0)).tolist() == [[value], [value]]
    assert codes.distances(torch.ones(1)).tolist() == [0.0]


@pytest.mark.parametrize("name", ["size", "x", "angle", "thickness"])
def test_a_pose_of_which_one_part_has_a_single_value_is_learned(name: str) -> None:
    """Warps change that part, by many times a range that is nothing: losses were above 1e9."""
    value = 30.0 if name == "size" else 4.0 if name == "thickness" else 0.0
    specs = tuple(
        replace(spec, range=(value, value)) if spec.name == name else spec for spec in DIGITS
    )
    torch.manual_seed(0)
    model = build(configure("conditional-vae"), (1, 32, 32), specs)
    factors = torch.tensor([[3.0, 30, 2, -3, 10, 4], [7, 28, -4, 5, -20, 4.5]]).repeat(4, 1)
    factors[:, [spec.name for spec in specs].index(name)] = value
    images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    batch = Batch(images, factors, (images, factors))
    for phase in model.phases():
        noise = torch.Generator().manual_seed(0)
        terms = model.terms(batch, Context(noise, 3.0, 1000, phase=phase))
        for term in {"real", "read_real", "cycle"} & terms.keys():
            assert float(terms[term]) < 200, term


def test_the_middle_keeps_categories_and_is_a_reading() -> None:
    codes = FactorCodes(SPECS)
    middle = codes.middle(codes.encode(torch.tensor([[4.0, 2.0, 77.0, 3.0, 1.0]])))
    assert codes.decode(middle)[0, [0, 1, 2, 4]].tolist() == [0, 2, 0, 0]
    assert middle[0, :4].tolist() == [0, 0, 1, 0]


def test_images_that_look_the_same_have_the_same_code() -> None:
    sides = (Symmetry("shape", "square", 90.0), Symmetry("shape", "disc", 0.0))
    specs = (
        FactorSpec("turn", "periodic", range=(0.0, 360.0), period=360.0, symmetries=sides),
        FactorSpec("shape", "categorical", values=("heart", "square", "disc")),
        FactorSpec("step", "periodic", values=(0, 30, 60), period=90.0, symmetries=sides[:1]),
    )
    coder = FactorCodes(specs)
    rows = torch.tensor([[200.0, 0, 1], [200.0, 1, 1], [290.0, 1, 1], [20.0, 1, 1], [77.0, 2, 2]])
    codes = coder.encode(rows)
    halves = torch.tensor([[at, 1, 1] for at in (45.0, 135.0, 225.0, 315.0)])
    torch.testing.assert_close(coder.decode(coder.encode(halves))[:, 0], torch.full((4,), 315.0))
    torch.testing.assert_close(codes[1], codes[2])
    torch.testing.assert_close(codes[1], codes[3])
    assert (codes[0] - codes[1])[3:5].abs().max() > 0.1
    torch.testing.assert_close(codes[4, 3:5], torch.tensor([0.0, 1.0]))  # a disc has no angle
    found = coder.decode(codes)
    torch.testing.assert_close(found[:, 0], torch.tensor([200.0, 20.0, 20.0, 20.0, 0.0]))
    assert found[:, 1:].tolist() == rows[:, 1:].tolist()
    # an angle that a warp has turned on is brought back; near the jump, nothing is learned of it
    turned = codes.clone()
    over = math.radians(50)
    turned[1, 3:5] = 2 * torch.tensor([math.sin(over), math.cos(over)])
    back = coder.canonical(turned)[1, 3:5] / 2
    torch.testing.assert_close(torch.atan2(*back), torch.tensor(math.radians(-40)))
    assert coder.apart(turned)[:, 0].tolist() == [True, False, True, True, False]
    rows[:, 1] = torch.nan  # what an angle means is not known then
    unknown = torch.isnan(coder.encode(rows))
    assert unknown[:, :5].all()


def test_across_the_jump_of_a_code_is_near() -> None:
    """A square read as turned by -44 degrees is 2 degrees from one turned by 44, or by 134."""
    specs = (
        FactorSpec("shape", "categorical", values=("heart", "square")),
        FactorSpec(
            "turn",
            "periodic",
            range=(0.0, 360.0),
            period=360.0,
            symmetries=(Symmetry("shape", "square", 90.0),),
        ),
    )
    coder, bare = FactorCodes(specs), FactorCodes([specs[0], replace(specs[1], symmetries=())])
    rows = torch.tensor([[1, 44.0], [1, 134.0], [1, 10.0], [0, 44.0]])
    read = bare.encode(torch.tensor([[1, -44.0], [1, -44.0], [1, -44.0], [0, -44.0]]))
    away = coder.away(read, coder.encode(rows))
    near, far = (2 * math.sin(math.radians(angle) / 2) for angle in (2.0, 88.0))
    between = 2 * math.sin(math.radians(54.0) / 2)
    expected = torch.tensor([near, near, between, far])
    torch.testing.assert_close(away.norm(dim=1), expected, atol=1e-5, rtol=0)
    assert coder.real_loss(read, coder.encode(rows))[:2].max() < 0.05


def test_errors_of_columns_are_errors_of_factors() -> None:
    """In pixels, none of a category, in degrees, in steps, and in quarters of a turn."""
    found = FactorCodes(SPECS).distances(torch.tensor([0.1, 0.2, 0.1, 0.1, 0.2, 0.2]))
    expected = torch.tensor([0.9, 0, 0.1 * 180 / math.pi, 0.3, 0.2 * 2 / math.pi])
    torch.testing.assert_close(found, expected)


def test_unknown_factors_stay_unknown_and_cost_nothing() -> None:
    codes = FactorCodes(SPECS)
    columns = codes.encode(torch.tensor([[math.nan, 1, 90, math.nan, 2], [3, math.nan, 0, 1, 0]]))
    assert torch.isnan(columns[0]).sum() == 2
    assert torch.isnan(columns[1]).sum() == 3
    outputs = torch.randn(2, codes.width, requires_grad=True)
    loss = codes.category_loss(outputs, columns) + codes.real_loss(outputs, columns)
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss).all()
    assert outputs.grad is not None
    assert torch.equal(outputs.grad == 0, torch.isnan(columns))


def test_a_right_reading_costs_nothing_and_a_wrong_one_its_distance() -> None:
    codes = FactorCodes(SPECS[:2])
    columns = codes.encode(torch.tensor([[0.0, 1.0]]))
    sure = torch.tensor([[-50.0, 50.0, -50.0, 0.0]])
    assert codes.category_loss(sure, columns).item() == pytest.approx(0, abs=1e-6)
    assert codes.real_loss(sure, columns).item() == 0
    off = sure + torch.tensor([0, 0, 0, 0.8])  # four widths
    assert codes.real_loss(off, columns).item() == pytest.approx(4 - 0.25)
    assert codes.real_loss(off, columns, torch.tensor([0.2])).item() == pytest.approx(3 - 0.25)
    assert codes.real_loss(off, columns, 0.9).item() == 0


def test_the_usual_error_is_that_of_known_labels() -> None:
    model = digits_model()
    codes = model.factor_codes(torch.tensor([[3.0, 30, 0, 0, 0, math.nan]] * 2))
    off = codes.nan_to_num() + torch.tensor([0.3, 0.1, 0.0, 0.2, 0.4]).repeat(1, 3)[:, :15]
    for _ in range(1000):
        model.remember(off, codes)
    assert torch.allclose(model.error[:4], (off - codes)[0, 10:14], atol=1e-3)
    assert model.error[4] == 0


# -- poses and warps ------------------------------------------------------------------------------


def test_a_warp_does_to_images_what_it_says_of_their_factors() -> None:
    renderer = Renderer("test", 64)
    rows = np.array([[3, 30, 2, -3, 10, 4.0], [7, 28, -4, 5, -20, 4.5], [4, 32, 0, 0, 0, 5.0]])
    style = renderer.choose(rows, 1)
    warp = Warp(*torch.tensor([[0.3, -0.2, 0.1], [0.1, -0.15, 0.0], [3, -2, 0], [-4, 1.5, 2.0]]))
    drawn = torch.from_numpy(renderer.draw(rows, style)).float() / 255
    moved = warp.pose(poses(rows))
    after = rows.copy()
    after[:, 1] = moved.log_size.exp().numpy()
    after[:, 2], after[:, 3] = moved.x.numpy(), moved.y.numpy()
    after[:, 4] = np.degrees(moved.angle.numpy())
    after[:, 5] = rows[:, 5] * warp.log_scale.exp().numpy()
    wanted = torch.from_numpy(renderer.draw(after, style)).float() / 255
    assert (warp.images(drawn) - wanted).abs().mean() < 0.006  # it is resampled
    assert (drawn - wanted).abs().mean() > 0.04  # so that there was something to do


def test_a_frame_shows_the_same_whatever_the_pose() -> None:
    renderer = Renderer("test", 64)
    rows = np.array([[5, 36, 0, 0, 0, 5.4], [5, 30, 5, -6, 35, 4.5]])  # alike but for the pose
    style = np.repeat(renderer.choose(rows[:1], 2), 2)
    drawn = torch.from_numpy(renderer.draw(rows, style)).float() / 255
    one, other = _pose.crop(drawn, poses(rows))
    assert (one - other).abs().mean() < 0.03
    assert one.std() > 0.2


def test_a_distorted_frame_shows_much_the_same_and_never_twice() -> None:
    renderer = Renderer("test", 64)
    rows = np.array([[5, 36, 0, 0, 0, 5.4]] * 40)
    images = torch.from_numpy(renderer.draw(rows, renderer.choose(rows, 2))).float() / 255
    noise = torch.Generator().manual_seed(0)
    plain = _pose.crop(images, poses(rows))
    bent = _pose.distorted(images, poses(rows), noise)
    away = (bent - plain).flatten(1).norm(dim=1) / plain.flatten(1).norm(dim=1)
    assert 0.2 < away.mean() < 1.0
    assert not torch.equal(bent, _pose.distorted(images, poses(rows), noise))
    assert float(bent.sum()) == pytest.approx(float(plain.sum()), rel=0.1)


def test_what_is_put_into_an_image_is_what_its_frame_shows() -> None:
    frames = torch.nn.functional.avg_pool2d(torch.rand(2, 1, 30, 30), 3, 1)
    pose = Pose(*torch.tensor([[3.0, -5], [1, 4], [3.2, 3.0], [0.4, -0.6]]))
    back = _pose.crop(_pose.put(frames, pose, 128, 128), pose)
    assert (back - frames).abs().mean() < 0.02


def test_nothing_is_drawn_beyond_the_frame() -> None:
    model = digits_model().eval()
    with torch.no_grad():
        cast(Any, model.drawer).net[-1].bias.fill_(-1.0)  # ink wherever one may draw
    rows = torch.tensor([[1.0, 24, -9, 9, 30, 4]])
    codes = torch.cat([model.factor_codes(rows), torch.zeros(1, 24)], 1)
    drawn = model.decode(codes)[0, 0]
    assert drawn.max() > 0.99
    assert torch.cat([drawn[:, -1], drawn[-1]]).max() < 0.01
    rim = _pose.rim(poses(rows), 32, 32)[0, 0]
    assert drawn[rim == 0].min() > 0.9


def test_poses_are_known_by_names_and_units() -> None:
    assert _pose.columns(DIGITS) == {"size": 1, "x": 2, "y": 3, "angle": 4, "thickness": 5}
    assert _pose.columns(SPECS) is None
    assert digits_model().poses is not None
    for shape in ((3, 32, 32), (1, 32, 48)):  # a turn of an image that is not square is none
        assert cast(Model, build(configure("conditional-vae"), shape, DIGITS)).poses is None
    assert digits_model(prior="none").poses is None
    assert digits_model(prior="pose").poses is not None


@pytest.mark.parametrize(
    ("shape", "specs"), [((3, 32, 32), DIGITS), ((1, 32, 48), DIGITS), ((1, 32, 32), SPECS)]
)
def test_a_prior_that_fits_no_factors_is_refused(shape: Any, specs: Any) -> None:
    with pytest.raises(UnbraidError, match=r"prior is .*; expected square grey images and size"):
        build(configure("conditional-vae", prior="pose"), shape, specs)


# -- the style's prior ----------------------------------------------------------------------------


def test_the_prior_is_a_mixture_and_places_what_it_draws_there() -> None:
    torch.manual_seed(0)
    prior = StylePrior(3, 4, 2)
    category = torch.eye(3)[1].expand(20_000, 3)
    weight, mean, deviation = (part[0] for part in prior(category[:1]))
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=weight),
        torch.distributions.Independent(torch.distributions.Normal(mean, deviation.exp()), 1),
    )
    base = torch.randn(20_000, 3)
    z = prior.sample(base, category)
    wanted = mixture.log_prob(z)  # type: ignore[no-untyped-call]
    assert torch.allclose(prior.log_prob(z, category), wanted, atol=1e-4)
    assert torch.allclose(z.mean(0), mixture.mean, atol=0.05)
    assert torch.allclose(z.var(0), mixture.variance, rtol=0.05)


def test_a_style_is_carried_to_the_same_place_of_another_class() -> None:
    torch.manual_seed(0)
    prior = StylePrior(2, 1, 3)
    one, other = torch.eye(2)[0].expand(50, 2), torch.eye(2)[1].expand(50, 2)
    base = torch.randn(50, 4)
    carried = prior.transfer(prior.sample(base, one), one, other)
    assert torch.allclose(carried, prior.sample(base, other), atol=1e-4)


def test_edited_styles_stay_unless_their_class_changes() -> None:
    model, style = digits_model(), torch.randn(2, 24)
    before = torch.tensor([[3.0, 30, 0, 0, 0, 3], [3.0, 30, 0, 0, 0, 3]])
    after = torch.tensor([[3.0, 26, 5, 0, 9, 4], [8.0, 30, 0, 0, 0, 3]])
    moved = model.restyle(style, before, after)
    assert torch.equal(moved[0], style[0])
    assert not torch.equal(moved[1], style[1])
    base = torch.randn(1, 25).expand(2, 25)
    first, second = model.style_from(base, after)
    assert not torch.equal(first, second)
    assert torch.equal(*model.style_from(base, torch.stack([before[0], after[0]])))


def test_inputs_are_dropped_inside_a_block_alone_and_by_its_generator() -> None:
    layer, ones = Dropout(0.25), torch.ones(1, 10_000)
    assert torch.equal(layer(ones), ones)
    with dropping(layer, torch.Generator().manual_seed(0)):
        some = layer(ones)
    assert (some == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert some.mean().item() == pytest.approx(1, abs=0.02)
    with dropping(layer, torch.Generator().manual_seed(0)):
        assert torch.equal(layer(ones), some)
    assert torch.equal(layer(ones), ones)


# -- losses ---------------------------------------------------------------------------------------


def test_information_is_that_of_gaussians() -> None:
    torch.manual_seed(0)
    one = torch.randn(200_000, 1)
    other = 0.6 * one + 0.8 * torch.randn(200_000, 1)
    assert gaussian_information(one, other).item() == pytest.approx(-0.5 * math.log(0.64), abs=0.01)
    assert gaussian_information(one, one[:, :0]).item() == 0


def context() -> Context:
    return Context(torch.Generator().manual_seed(3), 5.0, 100)


def test_the_generator_learns_from_the_cycle_but_the_reader_and_the_prior_do_not() -> None:
    model = digits_model()
    codes = model.factor_codes(torch.tensor([[3.0, 30, 0, 0, 0, 3], [4.0, 28, 2, 1, 9, 4]]))
    model.cycle(codes, torch.Generator()).backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in model.reader.parameters())
    assert all(parameter.grad is None for parameter in model.prior.parameters())
    assert all(parameter.grad is not None for parameter in model.drawer.parameters())


def test_images_that_do_not_read_as_their_class_are_not_drawn() -> None:
    model = digits_model(sure=0.999)
    images = torch.rand(6, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    unknown = torch.full((6, 6), math.nan)
    known = unknown.clone()
    known[:, 0] = 2
    # an untrained reader is sure of nothing
    assert model.generator_terms(Batch(images, unknown), context())["reconstruction"] == 0
    assert model.generator_terms(Batch(images, known), context())["reconstruction"] > 0
    with torch.no_grad():
        cast(Any, model.reader).second[-1].bias[4 + 2] = 50.0  # now of this one
    assert model.generator_terms(Batch(images, known), context())["reconstruction"] > 0
    known[:, 0] = 3
    assert model.generator_terms(Batch(images, known), context())["reconstruction"] == 0
    # validation counts all, else a reader that doubts everything would seem to be the best
    assert model.eval().generator_terms(Batch(images, known), context())["reconstruction"] > 0


def test_a_style_that_reads_as_another_class_is_drawn_again() -> None:
    model, base = digits_model(), torch.randn(4, 25)
    rows = torch.tensor([[2.0, 30, x, 0, 0, 3] for x in (-9, 9, 0, 3)])
    first = model.prior.sample(base, model.categories(model.factor_codes(rows)))
    bias = cast(Any, model.reader).second[-1].bias
    with torch.no_grad():
        bias[4 + 2] = 50.0  # all read as asked
        assert torch.equal(model.style_from(base, rows), first)
        bias[4 + 2], bias[4 + 3] = -50.0, 50.0  # none does
        again = model.style_from(base, rows)
    assert not torch.isclose(again, first).all(1).any()
    assert torch.equal(again[:2], model.style_from(base[:2], rows[:2]))
    assert torch.equal(model.first_style(base, rows), first)


def test_a_controller_draws_the_first_style_where_nothing_is_rejected() -> None:
    model = digits_model()
    rows = np.array([[2.0, 30, x, 0, 0, 3] for x in (-9, 9, 0, 3)])
    bias = cast(Any, model.reader).second[-1].bias
    with torch.no_grad():
        bias[4 + 2] = 50.0  # all read as asked
        trusted = Native(model).draw(rows, np.arange(4))
        np.testing.assert_array_equal(trusted, Native(model, reject=False).draw(rows, np.arange(4)))
        bias[4 + 2], bias[4 + 3] = -50.0, 50.0  # none does
        assert not np.array_equal(Native(model).draw(rows, np.arange(4)), trusted)
    first = Native(model, reject=False)
    np.testing.assert_array_equal(first.draw(rows, np.arange(4)), trusted)
    plain = draw_function(Native(model), reject=False)
    np.testing.assert_array_equal(plain(rows, np.arange(4)), trusted)


def test_what_is_not_learned_from_labels_is_learned_from_reading() -> None:
    model = digits_model(sure=0.01)
    images = torch.rand(6, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    terms = model.reader_terms(Batch(images), context())
    assert not {"category", "real"} & terms.keys()
    assert terms["read_category"] > 0
    assert terms["loss"] > 0


def test_a_category_counts_as_much_however_few_images_have_one() -> None:
    model = digits_model(prior="none").eval()  # no warps and no dropout
    images, factors = torch.rand(6, 1, 32, 32), torch.rand(6, len(DIGITS))
    factors[:, 0] = torch.tensor([3.0, 7.0, 1.0, 2.0, 5.0, 9.0])
    codes, noise = model.coder.encode(factors), torch.Generator().manual_seed(0)
    alone = model.read_terms(images[:2], codes[:2], noise)["category"]
    factors[2:, 0] = torch.nan  # of four others only what is measured is known
    few = model.read_terms(images, model.coder.encode(factors), noise)["category"]
    torch.testing.assert_close(few, alone)


def test_a_real_factor_counts_as_much_however_few_images_have_it() -> None:
    model = digits_model(prior="none").eval()  # no warps and no dropout
    images, factors = torch.rand(6, 1, 32, 32), torch.rand(6, len(DIGITS))
    factors[:, 0] = torch.tensor([3.0, 7.0, 1.0, 2.0, 5.0, 9.0])
    codes, noise = model.coder.encode(factors), torch.Generator().manual_seed(0)
    alone = model.read_terms(images[:2], codes[:2], noise)
    codes[2:] = torch.nan
    beside = model.read_terms(images, codes, noise)
    torch.testing.assert_close(beside["real"], alone["real"])
    assert float(alone["real"].detach()) > 0.1


def test_labelled_images_and_those_that_are_only_measured_share_the_reader() -> None:
    rows = torch.arange(400)
    shown = evenly(torch.cat([rows[:128], 1000 + rows[:128]]), 128)
    assert shown.tolist() == [*range(64), *range(1000, 1064)]
    few = evenly(torch.cat([rows[:40], 1000 + rows[:256]]), 256)
    assert few.tolist() == [*range(40), *range(1000, 1088)]
    assert evenly(rows[:256], 256).tolist() == list(range(READ))  # all are labelled
    assert evenly(rows[:50], 256).tolist() == list(range(50))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"style_dim": 0}, "style_dim is 0"),
        ({"beta": -1.0}, "beta is -1"),
        ({"cycle": -1.0}, "cycle is -1"),
        ({"reader_share": 1.0}, "reader_share is 1, expected a share between 0 and 1"),
        ({"sure": 0.0}, "sure is 0, expected a share between 0 and 1"),
    ],
)
def test_bad_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        configure("conditional-vae", **options)


def test_it_learns_to_read_and_to_put_a_digit_where_it_is_asked() -> None:
    data = load_dataset("digits", n=1000, canvas=32, glyphs=(0, 2000), seed=1)
    model = cast(Model, train("conditional-vae", data, epochs=8, batch_size=64, threads=1))
    test = load_dataset("digits", split="test", n=300, canvas=32, glyphs=(0, 500))
    assert test.factors is not None
    read = model.factors_of(model.encode(test.images[:])).numpy()
    away = np.abs(read - test.factors).mean(0)
    assert away[2] < 1.0  # pixels of 64; a guess is 4.5 off
    assert away[3] < 1.0
    # what is drawn lies where it was asked: ink's centre right of, and above, the other's
    rows = torch.tensor([[1.0, 30, x, y, 0, 4] for x, y in ((-8, -8), (8, 8))])
    style = model.style_from(torch.zeros(2, 25), rows)
    drawn = model.decode(torch.cat([model.factor_codes(rows), style], 1))[:, 0]
    columns = (drawn.sum(1) * torch.arange(32)).sum(1) / drawn.sum((1, 2))
    lines = (drawn.sum(2) * torch.arange(32)).sum(1) / drawn.sum((1, 2))
    assert columns[1] - columns[0] == pytest.approx(8, abs=1.5)
    assert lines[0] - lines[1] == pytest.approx(8, abs=1.5)
