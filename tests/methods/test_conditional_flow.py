"""The conditional flow's own: warps and what they do to factors, paths, style."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from unbraid.control.native import Native
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import Dataset
from unbraid.methods import Batch, Context, build, configure
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._style import TRIES, sample_with_rejection
from unbraid.methods.conditional_flow.few_labels import has_few_labels, observe
from unbraid.methods.conditional_flow.frame_trial import LEAST, frames_help, prediction_errors
from unbraid.methods.conditional_flow.frames import Frame, affine, compose, features, inverse, see
from unbraid.methods.conditional_flow.latent_flow import Velocity, follow
from unbraid.methods.conditional_flow.reading import HELD, STEP, Reading, hashed, held_out
from unbraid.methods.conditional_flow.turns import SPIN, Turns, spin_maps, upright
from unbraid.methods.conditional_flow.warps import LIMITS, PARAMETERS, WarpAction, draw_warps, warp
from unbraid.training import train


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_warp(**parts: float) -> torch.Tensor:
    names = ("turn", "scale", "stretch", "shear", "right", "down")
    values = [parts.get(name, 0.0) / limit for name, limit in zip(names, LIMITS, strict=True)]
    return torch.tensor([values])


def test_warps_do_what_their_names_say() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 5, 9] = 1
    torch.testing.assert_close(warp(image, one_warp()), image)
    # shifts are parts of half a side: 8 pixels here
    moved = warp(image, one_warp(right=2 / 8, down=-1 / 8))
    torch.testing.assert_close(moved, image.roll((-1, 2), (2, 3)), atol=1e-5, rtol=0)
    turned = warp(image, one_warp(turn=np.pi / 2))
    # (5, 9) is 2.5 rows above and 1.5 columns to the right of the centre
    assert torch.nonzero(turned[0, 0] > 0.9).tolist() in ([[9, 10]], [[6, 5]])
    blob = torch.zeros(1, 1, 16, 16)
    blob[0, 0, 6:10, 6:10] = 1
    grown = warp(blob, one_warp(scale=float(np.log(2))))
    assert float(grown.sum()) == pytest.approx(4 * float(blob.sum()), rel=0.1)


def test_draws_of_warps_keep_to_their_limits_and_leave_a_share_still() -> None:
    warps = draw_warps(4000, noise(), still=0.25)
    assert warps.shape == (4000, PARAMETERS)
    assert float(warps.abs().max()) <= 1
    assert float((warps == 0).all(1).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_an_action_is_learned_from_noisy_readings() -> None:
    """x moves with the shift and with scale times x; the other factor does not move."""
    action, draws = WarpAction(2), noise()
    for _ in range(600):
        codes = torch.rand((64, 2), generator=draws) * 2 - 1
        warps = draw_warps(64, draws)
        right, scale = warps[:, 4], warps[:, 1]
        truth = codes.clone()
        truth[:, 0] += 0.3 * right + 0.2 * scale * codes[:, 0]
        away = truth - codes + 0.1 * torch.randn((64, 2), generator=draws)
        action.update(warps, codes, torch.ones(64, 2, dtype=torch.bool), away)
    codes = torch.tensor([[0.5, -0.5]])
    warps = one_warp(right=LIMITS[4], scale=LIMITS[1])
    expected = torch.tensor([[0.5 + 0.3 + 0.1, -0.5]])
    torch.testing.assert_close(action(warps, codes), expected, atol=0.03, rtol=0)


def test_a_reader_that_errs_towards_the_middle_is_seen_through() -> None:
    """Readings are .6 of the truth, and labelled images say so: a move is the whole move."""
    action, draws = WarpAction(1), noise()
    for _ in range(600):
        codes = torch.rand((64, 1), generator=draws) * 2 - 1
        action.calibrate(codes, 0.6 * codes + 0.05 * torch.randn((64, 1), generator=draws))
        warps, all_used = draw_warps(64, draws), torch.ones(64, 1, dtype=torch.bool)
        action.update(warps, codes, all_used, 0.6 * 0.3 * warps[:, 4:5])
    assert float(action.slope()) == pytest.approx(0.6, abs=0.02)
    moved = action(one_warp(right=LIMITS[4]), torch.zeros(1, 1))
    assert float(moved) == pytest.approx(0.3, abs=0.02)


def test_readings_that_stop_at_the_ends_of_the_range_are_seen_through() -> None:
    """No label is beyond 1, so no reading is: learned from all images, the move is too small."""
    moves = {}
    for part in ("all", "middle"):
        action, draws = WarpAction(1), noise()
        for _ in range(600):
            codes = torch.rand((64, 1), generator=draws) * 2 - 1
            action.calibrate(codes, codes)
            warps = draw_warps(64, draws)
            used = action.middle(codes) if part == "middle" else ~torch.isnan(codes)
            read = (codes + 0.4 * warps[:, 4:5]).clamp(-1, 1)
            action.update(warps, codes, used, read - codes)
        moves[part] = float(action(one_warp(right=LIMITS[4]), torch.zeros(1, 1)))
    assert moves["middle"] == pytest.approx(0.4, abs=0.015)
    assert moves["all"] < 0.385


def test_the_middle_is_of_the_labels_there_are_and_circles_have_none() -> None:
    action = WarpAction(3, periodic=2)
    codes = torch.stack([torch.linspace(-1, -0.5, 11)] * 3, 1)
    codes[0, 1] = torch.nan
    inside = action.middle(codes)
    assert inside[:, 0].tolist() == [False] * 2 + [True] * 7 + [False] * 2
    assert inside[:, 1].tolist() == [False] + [True] * 10
    assert inside[:, 2].all()


def test_labels_that_are_not_known_do_not_tell_a_slope() -> None:
    action = WarpAction(2)
    codes = torch.tensor([[-1.0, torch.nan], [1.0, torch.nan]])
    action.calibrate(codes, 0.5 * codes.nan_to_num())
    assert action.slope().tolist() == pytest.approx([0.5, 0.0])


def some_maps(count: int = 5) -> torch.Tensor:
    return affine(0.4 * torch.randn((count, 7), generator=noise(3)))


def test_affine_maps_are_put_together_and_taken_back() -> None:
    maps, others = some_maps(), some_maps().flip(0)
    unmoved = affine(torch.zeros(5, 7))
    torch.testing.assert_close(compose(maps, inverse(maps)), unmoved)
    places = torch.tensor([0.3, -0.7])

    def at(which: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        return (which[:, :, :2] * place.view(-1, 1, 2)).sum(2) + which[:, :, 2]

    torch.testing.assert_close(at(compose(maps, others), places), at(maps, at(others, places)))


def test_parts_of_a_map_are_told_apart() -> None:
    parts = torch.tensor([[np.sin(0.5), np.cos(0.5) - 1, np.log(1.5), 0.0, 0.0, 0.2, -0.1]])
    told = features(affine(parts.float()))[0]
    assert told[4:6].tolist() == pytest.approx([0.2, -0.1])
    cos, sin = np.cos(0.5), np.sin(0.5)
    assert told[6:10].tolist() == pytest.approx([cos, -sin, sin, cos], abs=1e-6)
    assert float(told[10]) == pytest.approx(np.log(1.5), abs=1e-6)


def test_images_are_seen_through_maps_of_any_shape_of_image() -> None:
    images = torch.rand((5, 2, 12, 20), generator=noise())
    torch.testing.assert_close(see(images, affine(torch.zeros(5, 7))), images, atol=1e-5, rtol=0)
    right = affine(torch.tensor([[0, 0, 0, 0, 0, 2 / 10, 0]]).float())  # of half of 20 pixels
    seen = see(images[:1], right)
    torch.testing.assert_close(seen[..., :-2], images[:1, ..., 2:], atol=1e-5, rtol=0)
    quarter = affine(torch.tensor([[1.0, -1, 0, 0, 0, 0, 0]]))  # no side becomes longer
    middle = images[:1, :, :, 4:16]
    turned = see(images[:1], quarter)[..., 4:16]
    torch.testing.assert_close(turned, middle.rot90(1, (2, 3)), atol=1e-5, rtol=0)


def test_the_zoom_enlarges_what_is_seen() -> None:
    frame = Frame(2)
    with torch.no_grad():
        frame.zoom.fill_(np.log(2))
    blob = torch.zeros(1, 1, 16, 16)
    blob[..., 6:10, 6:10] = 1
    seen = see(blob, frame(torch.zeros(1, 2)))
    assert float(seen.detach().sum()) == pytest.approx(4 * 16, rel=0.1)


def test_styles_in_doubt_are_drawn_again_from_the_same_numbers() -> None:
    base, limits = torch.randn((50, 4), generator=noise()), torch.linspace(-1, 1, 50)

    def place(rows: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return numbers[:, 1:] + 10 * rows[:, None]

    def doubtful(rows: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        return style[:, 0] - 10 * rows < limits[rows]

    found = sample_with_rejection(base, place, doubtful) - 10 * torch.arange(50)[:, None]
    tries = [base, -base, *(base.roll(turn, 1) for turn in range(1, TRIES))]
    for row in range(50):
        sound = [each[row, 1:] for each in tries if each[row, 1] >= limits[row]]
        expected = sound[0] if sound else tries[-1][row, 1:]
        torch.testing.assert_close(found[row], expected, atol=1e-4, rtol=0)


def test_a_path_and_its_way_back_meet() -> None:
    def velocity(here: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        return -here + torch.sin(3 * time)

    start = torch.randn((5, 3), generator=noise())
    end = follow(velocity, start, steps=50)
    torch.testing.assert_close(follow(velocity, end, steps=50, back=True), start, atol=1e-3, rtol=0)


def test_a_path_is_that_of_the_differential_equation() -> None:
    end = follow(lambda here, _: here, torch.ones(1, 1), steps=100)
    assert float(end) == pytest.approx(np.e, rel=1e-4)


def test_factors_that_are_hidden_have_no_say() -> None:
    velocity = Velocity(4, categories=3, reals=2, hidden=32, layers=2)
    codes, time = torch.randn((6, 4), generator=noise()), torch.full((6, 1), 0.5)
    factors = torch.randn((6, 5), generator=noise(1))
    one = torch.ones(6, 1)
    torch.testing.assert_close(
        velocity(codes, time, factors, one), velocity(codes, time, -factors, one)
    )
    assert not torch.allclose(
        velocity(codes, time, factors, 0 * one), velocity(codes, time, -factors, 0 * one)
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"reader_share": 0.6, "flow_share": 0.4}, "expected a sum below 1"),
        ({"width": 20}, "expected a multiple of 8"),
        ({"sharpness": 0.0}, "sharpness is 0, expected a finite number above 0"),
    ],
)
def test_bad_options_get_a_sentence(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        configure("conditional-flow", **options)


def test_all_that_is_categorical(squares: Dataset) -> None:
    """Data whose factors are all categories have no columns for a warp to move."""
    spec = squares.specs[0]
    model = build(configure("conditional-flow", hidden=32, width=8), (1, 16, 16), (spec,) * 2)
    assert model.encode(squares.images[:3]).shape == (3, model.latent_dim)


def test_a_flow_learns_where_factors_lead_and_finds_the_way_back() -> None:
    """Codes of two classes: noise becomes codes of the class told, and codes their own noise."""
    torch.manual_seed(0)
    velocity = Velocity(2, categories=2, reals=0, hidden=64, layers=2)
    optimizer = torch.optim.Adam(velocity.parameters(), 3e-3)
    draws = noise()
    for _ in range(400):
        kind = torch.randint(2, (256,), generator=draws)
        codes = 0.3 * torch.randn((256, 2), generator=draws) + 2.0 * (2 * kind - 1)[:, None]
        start, time = torch.randn((256, 2), generator=draws), torch.rand((256, 1), generator=draws)
        told = torch.nn.functional.one_hot(kind, 2).float()
        found = velocity((1 - time) * start + time * codes, time, told, torch.zeros(256, 1))
        loss = (found - (codes - start)).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    start, told = torch.randn((500, 2), generator=draws), torch.eye(2).repeat(250, 1)
    with torch.no_grad():

        def along(begin: torch.Tensor, back: bool) -> torch.Tensor:
            def led(here: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
                return velocity(here, time, told, torch.zeros(500, 1))

            return follow(led, begin, steps=12, back=back)

        ends = along(start, back=False)
        centres = torch.stack([ends[::2].mean(0), ends[1::2].mean(0)])
        expected = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
        torch.testing.assert_close(centres, expected, atol=0.15, rtol=0)
        assert float(ends[::2].std()) == pytest.approx(0.3, abs=0.1)
        assert float((along(ends, back=True) - start).abs().mean()) < 0.1


def test_the_reader_learns_and_warps_that_change_a_category_grow_no_stronger(
    squares: Dataset,
) -> None:
    """Rows and columns are categories here, which a shift would change."""
    config = configure("conditional-flow", latent_dim=4, hidden=32, width=16, reader_share=0.8,
                       flow_share=0.1)  # fmt: skip
    model = train(
        config, squares, epochs=50, batch_size=64, validation=0.0, seed=1, precision="f32"
    )
    rows = np.asarray(squares.factors).astype(float)
    assert np.mean(Native(model).read(squares.images) == rows) > 0.9
    assert float(model.state_dict()["reading.strength"]) < 0.6


# -- the reader's training ------------------------------------------------------------------------


def shapes_of(draws: torch.Generator, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw white squares at known places, (count, 1, 16, 16), and those, (count, 2) on [-1, 1]."""
    factors = torch.rand((count, 2), generator=draws) * 2 - 1
    right, down, places = 4 * factors[:, 0], -4 * factors[:, 1], torch.arange(16) - 7.5
    wide = (2.5 - (places - right[:, None]).abs()).clamp(0, 1)
    high = (2.5 - (places - down[:, None]).abs()).clamp(0, 1)
    return (high[:, :, None] * wide[:, None, :])[:, None], factors


PLACES = [FactorSpec(name, "continuous", range=(-1.0, 1.0)) for name in ("a", "b")]


def reading_of(*specs: FactorSpec, side: int = 16) -> Reading:
    torch.manual_seed(0)
    return Reading(FactorCodes(specs), (1, side, side), width=8)


def told(
    phase: str, images: torch.Tensor, factors: torch.Tensor, draws: torch.Generator
) -> tuple[Batch, Context]:
    batch = Batch(images, labelled=(images, factors))
    return batch, Context(draws, 0.0, 1000, phase)


def test_frames_come_to_lie_where_things_do() -> None:
    """Nothing says that the factors are places, or which way they count."""
    draws, reading = noise(), reading_of(*PLACES)
    optimizer = torch.optim.Adam(reading.parameters_of("glance"), 4e-3)
    for _ in range(400):
        images, factors = shapes_of(draws)
        loss = reading.glance_terms(*told("glance", images, factors, draws))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    corners = torch.tensor([[-0.8, -0.8], [0.8, -0.8], [-0.8, 0.8], [0.8, 0.8]])
    with torch.no_grad():
        found = reading.reader.frame(corners)[:, :, 2] * 8  # pixels right and down
    torch.testing.assert_close(found, corners * torch.tensor([4.0, -4.0]), atol=0.8, rtol=0)
    assert float(reading.action.slope().min()) > 0.9
    # it has learned as well that a shift by a twentieth of 8 pixels is a tenth of what is 4
    moved = reading.action(one_warp(right=0.05), torch.zeros(1, 2))
    torch.testing.assert_close(moved, torch.tensor([[0.1, 0.0]]), atol=0.03, rtol=0)


def test_few_labels_leave_it_to_other_images_what_warps_do() -> None:
    draws, reading = noise(), reading_of(*PLACES)
    shown, told_of = shapes_of(draws, 30)
    optimizer = torch.optim.Adam(reading.parameters_of("glance"), 4e-3)
    for _ in range(400):
        batch = Batch(shapes_of(draws, 128)[0], labelled=(shown, told_of))
        terms = reading.glance_terms(batch, Context(draws, 0.0, 1000, "glance"))
        assert set(terms) == {"loss", "real", "pose", "moves"}
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    assert reading.action.taught.all()
    right = reading.action(one_warp(right=0.05), torch.zeros(1, 2))
    torch.testing.assert_close(right, torch.tensor([[0.1, 0.0]]), atol=0.02, rtol=0)
    down = reading.action(one_warp(down=0.05), torch.zeros(1, 2))
    torch.testing.assert_close(down, torch.tensor([[0.0, -0.1]]), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("labelled", "images", "given", "few"),
    [
        (30, 256, 0, True),
        (30, 30, 0, False),  # maybe all have labels
        (30, 30, 100, True),
        (128, 256, 0, False),
        (64, 64, 1000, False),
        (286, 256, 30, False),  # all others are measured
    ],
)
def test_labels_are_few_if_a_step_could_take_more(
    labelled: int, images: int, given: int, few: bool
) -> None:
    seen = torch.zeros(images, 1, 16, 16)
    known = torch.zeros(labelled, 1, 16, 16), torch.zeros(labelled, 2)
    assert has_few_labels(Batch(seen, labelled=known), given) == few
    assert not has_few_labels(Batch(seen), given)


def test_a_label_counts_as_much_beside_images_that_are_only_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = reading_of(*PLACES).eval()
    monkeypatch.setattr(
        Reading, "usable_warps", lambda self, count, noise: torch.zeros(count, PARAMETERS)
    )
    images, factors = shapes_of(noise(), 60)
    kept = ~held_out(images)
    images, factors = images[kept], factors[kept]
    measured = factors.clone()
    measured[10:, 0] = torch.nan

    def slope(count: int) -> torch.Tensor:
        """The gradient of what is read of the first factor, which 10 images have."""
        reading.zero_grad()
        terms = reading.glance_terms(*told("glance", images[:count], measured[:count], noise()))
        terms["real"].backward()
        (*_, last) = reading.reader.first.parameters()
        assert last.shape == (2,)
        return last.grad[0]

    torch.testing.assert_close(slope(len(images)), slope(10))


def test_what_is_read_in_the_place_of_a_label_counts_no_more_than_of_other_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = reading_of(*PLACES).eval()
    images, factors = shapes_of(noise(), 60)
    factors[6:, 0] = torch.nan
    weights: list[torch.Tensor] = []
    kept = type(reading.reader).real_loss

    def seen(self: Any, found: Any, wanted: Any, width: Any, weight: Any = 1.0) -> Any:
        if isinstance(weight, torch.Tensor):
            weights.append(weight)
        return kept(self, found, wanted, width, weight)

    monkeypatch.setattr(type(reading.reader), "real_loss", seen)
    reading.reader_terms(*told("reader", images, factors, noise()))
    assert len(weights) == 2  # of the glance, and of the reader
    for weight in weights:
        assert weight[:6, 0].tolist() == [10.0] * 6
        assert bool((weight[6:] == 1).all())
        assert bool((weight[:, 1] == 1).all())


def test_what_cannot_be_read_is_not_learned_under_warps() -> None:
    reading = reading_of(*PLACES)
    action, warps = reading.action, torch.zeros(2, PARAMETERS)
    warps[1] = 0.5
    assert action.teaches(warps).all()  # of many labels
    action.taught[0] = True
    assert action.teaches(warps).tolist() == [[True, True], [True, False]]
    action.spread.fill_(1.0)
    action.shared.fill_(0.3)
    assert action.teaches(warps, 0.2).all()
    # moves of what has been taught are not divided by its slope, and learned again
    images = torch.rand(64, 1, 16, 16, generator=noise())
    action.weight.fill_(0.5)
    action.products.fill_(0.5)
    action.inputs.copy_(torch.eye(action.inputs.shape[1]))
    observe(reading, images, noise())
    assert action.taught.all()
    before = action.weight.clone()
    observe(reading, images, noise())
    torch.testing.assert_close(action.weight, before)
    action.shared.fill_(0.95)
    observe(reading, images, noise())
    assert not torch.allclose(action.weight, before)


def frame_of(weight: list[list[float]], zoom: float = 0.0) -> Frame:
    """Return a frame whose parts are the products of ``weight``, (PARTS, 2), with two columns."""
    frame = Frame(2)
    assert frame.linear is not None
    with torch.no_grad():
        for parameter in frame.parameters():
            parameter.zero_()
        frame.linear.weight.copy_(torch.tensor(weight))
        frame.zoom.fill_(zoom)
    return frame


STILL = [0.0, 0.0]
FOLLOWS = [STILL] * 5 + [[0.5, 0.0], [0.0, -0.5]]  # 4 of 8 pixels, as shapes_of moves squares
TURNS = [[1.0, 0.0], STILL, [0.0, 0.5], STILL, STILL, STILL, STILL]


def halves_of(draws: torch.Generator, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw images whose left and right half have two brightnesses, and these on [-1, 1]."""
    factors = torch.rand((count, 2), generator=draws) * 2 - 1
    images = (factors / 2 + 0.5).repeat_interleave(8, 1)[:, None, None].expand(-1, 1, 16, -1)
    return images.contiguous(), factors


def test_frames_help_where_one_thing_moves_and_not_where_a_scene_changes() -> None:
    images, factors = shapes_of(noise(), 200)
    follows = frame_of(FOLLOWS)(factors)
    plain, framed = prediction_errors(images, factors, follows, hashed(images))
    # in frames the mean square is right but for its edges
    assert plain > 0.02
    assert framed < 0.1 * plain
    same, as_it_is = prediction_errors(
        images, factors, frame_of([STILL] * 7)(factors), factors[:, 0]
    )
    assert as_it_is == pytest.approx(same, rel=1e-4)
    images, factors = halves_of(noise(), 200)
    plain, framed = prediction_errors(images, factors, frame_of(TURNS)(factors), hashed(images))
    assert plain < 1e-4  # all but the prior of the regression
    assert framed > 10 * plain
    assert not frames_help(images, factors, frame_of(TURNS)(factors), hashed(images))
    few = slice(0, LEAST - 1)
    assert frames_help(
        images[few], factors[few], frame_of(TURNS)(factors[few]), hashed(images[few])
    )


@pytest.mark.parametrize(
    ("draw", "weight", "kept"), [(shapes_of, FOLLOWS, True), (halves_of, TURNS, False)]
)
def test_the_reader_drops_frames_that_do_not_help(
    draw: Any, weight: list[list[float]], kept: bool
) -> None:
    draws, reading = noise(), reading_of(*PLACES)
    reading.reader.frame = frame_of(weight, 0.2)
    images, factors = draw(draws, 128)
    before = reading.reader.frame(factors)
    reading.eval().reader_terms(*told("reader", images, factors, draws))
    assert torch.equal(reading.reader.frame(factors), before)  # a validation decides nothing
    terms = reading.train().reader_terms(*told("reader", images, factors, draws))
    assert all(torch.isfinite(term) for term in terms.values())
    after = reading.reader.frame(factors)
    assert torch.equal(after, before if kept else torch.eye(2, 3).expand(128, 2, 3))
    # once: what is read later on does not bring them back, nor take them away
    images, factors = (halves_of if kept else shapes_of)(draws, 128)
    before = reading.reader.frame(factors)
    reading.reader_terms(*told("reader", images, factors, draws))
    assert torch.equal(reading.reader.frame(factors), before)


def test_a_fifth_of_images_is_held_out_whatever_they_show() -> None:
    images, factors = shapes_of(noise(), 4000)
    for each in (images, (images > 0.5).float()):  # all bytes of the second divide by 5
        held = held_out(each)
        assert float(held.float().mean()) == pytest.approx(1 / HELD, abs=0.05)
        right = factors[:, 0] > 0
        assert float(held[right].float().mean()) == pytest.approx(1 / HELD, abs=0.07)
        assert torch.equal(held, held_out(each))


def test_an_unknown_factor_leaves_the_others_of_its_row() -> None:
    draws, reading = noise(), reading_of(*PLACES)
    images, factors = shapes_of(draws)
    factors[:, 1] = torch.nan
    terms = reading.glance_terms(*told("glance", images, factors, draws))
    assert terms["real"] > 0.1
    reading.action.spread.fill_(0.3)
    reading.action.shared.fill_(0.3)  # readings are good: images are warped
    terms = reading.glance_terms(*told("glance", images, factors, noise()))
    assert terms["real"] > 0.1
    for name, value in reading.reader_terms(*told("reader", images, factors, draws)).items():
        assert torch.isfinite(value), name


def test_factors_without_labels_have_no_say_in_whether_images_are_warped() -> None:
    reading = reading_of(*PLACES)
    assert not reading.usable_warps(50, noise()).any()
    reading.action.calibrate(
        torch.tensor([[-1.0, torch.nan], [1.0, torch.nan]]), torch.tensor([[-0.9, 0], [0.9, 0]])
    )
    assert reading.usable_warps(50, noise()).any()


@pytest.mark.parametrize(
    ("logits", "change"), [(9.0, STEP), (-9.0, -STEP)], ids=["read right", "read wrong"]
)
def test_warps_for_categories_grow_where_these_are_read_right(logits: float, change: float) -> None:
    kinds = [FactorSpec(name, "categorical", values=("x", "y")) for name in ("one", "other")]
    reading = reading_of(*kinds)
    reading.strength.fill_(0.5)
    codes = torch.tensor([[1.0, 0.0, torch.nan, torch.nan]]).repeat(4, 1)  # one has no labels
    outputs = torch.tensor([[logits, 0.0, 0.0, 0.0]]).repeat(4, 1)
    reading.adapt(outputs, codes)
    assert float(reading.strength) == pytest.approx(0.5 + change)
    reading.adapt(outputs, torch.full_like(codes, torch.nan))
    assert float(reading.strength) == pytest.approx(0.5 + change)


def test_starts_are_off_by_what_leads_back() -> None:
    draws, reading = noise(), reading_of(*PLACES)
    with torch.no_grad():
        assert reading.reader.frame.linear is not None
        reading.reader.frame.linear.weight.normal_(0, 0.1, generator=draws)
        reading.action.weight.normal_(0, 0.1, generator=draws)
    images, codes = shapes_of(draws, 8)
    warps, jitter = 0.3 * draw_warps(8, draws), 0.2 * torch.randn((8, 2), generator=draws)
    shown, starts, goals = reading.starts(reading.reader.frame(codes), warps, codes, jitter)
    # what is seen through one map is what is seen of the warped image
    by_two, by_one = see(warp(images, warps), starts), see(images, shown)
    assert float((by_two - by_one).abs().mean()) < 0.02
    torch.testing.assert_close(compose(starts, compose(inverse(starts), goals)), goals)
    _, unmoved, right = reading.starts(reading.reader.frame(codes), 0 * warps, codes, 0 * jitter)
    torch.testing.assert_close(unmoved, right)
    torch.testing.assert_close(right, reading.reader.frame(codes))


def test_circles_are_whole_where_factors_are_certain() -> None:
    angle = FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0)
    found = reading_of(PLACES[0], angle).certain(torch.tensor([[0.3, 0.3, 0.4]]))
    torch.testing.assert_close(found, torch.tensor([[0.3, 0.6, 0.8]]))


KINDS = {
    "categories": [FactorSpec("k", "categorical", values=("x", "y"))] * 2,
    "reals": PLACES,
    "circles": [FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_factors_of_one_kind_alone(kind: str) -> None:
    """All phases have terms, one image is a batch, and an exported graph takes any number."""
    model = build(
        configure("conditional-flow", hidden=32, width=8, layers=1, path_steps=1),
        (1, 16, 16),
        KINDS[kind],
    )
    images, factors = shapes_of(noise(), 6)
    factors = torch.full((6, len(KINDS[kind])), 0.5).round() + 0 * factors[:, :1]
    for count in (6, 1):
        seen = images[-count:], factors[-count:]
        for phase in model.phases():
            terms = model.terms(*told(phase, *seen, noise()))
            assert all(torch.isfinite(value) for value in terms.values()), phase
    model.eval()
    assert model.encode(images.numpy()).shape == (6, model.latent_dim)
    rows = torch.export.Dim("rows", min=1, max=64)

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.model.codes(images)

    program = torch.export.export(Encoder(), (images,), dynamic_shapes=({0: rows},))
    with torch.no_grad():
        expected = model.codes(images[:2])
        torch.testing.assert_close(program.module()(images[:2]), expected, atol=1e-4, rtol=1e-4)


def test_all_images_still_and_one_a_batch() -> None:
    action = WarpAction(2)
    unused = torch.zeros(1, 2, dtype=torch.bool)
    action.update(torch.zeros(1, PARAMETERS), torch.zeros(1, 2), unused, torch.zeros(1, 2))
    assert not action.weight.any()


def test_labels_are_kept_as_examples_and_no_others(squares: Dataset) -> None:
    config = configure("conditional-flow", latent_dim=4, hidden=32, width=8, labels=20)
    model = train(config, squares, epochs=3, batch_size=64, validation=0.0, precision="f32")
    examples = Native(model).examples
    assert examples is not None
    assert len(np.unique(examples, axis=0)) <= 20
    known = {tuple(row) for row in np.asarray(squares.factors, np.float64)}
    assert {tuple(row) for row in examples} <= known
    untrained = build(config, (1, 16, 16), squares.specs)
    assert Native(untrained).examples is None


def test_names_and_units_have_no_say() -> None:
    """Nothing is known of a factor but its kind and its range."""
    images, places = shapes_of(noise(), 40)
    factors = np.column_stack([np.arange(40) % 2, places.numpy()]).astype(np.float32)
    found = []
    for names, unit in ((("digit", "x", "y"), "pixels right"), (("p", "q", "r"), "")):
        kind = FactorSpec(names[0], "categorical", values=(0, 1))
        reals = [FactorSpec(n, "continuous", range=(-1.0, 1.0), unit=unit) for n in names[1:]]
        pixels = (255 * images).byte().numpy()
        data = Dataset("shapes", pixels, factors, (kind, *reals))
        config = configure("conditional-flow", latent_dim=4, hidden=32, width=8)
        model = train(config, data, epochs=4, batch_size=20, validation=0.0, precision="f32")
        found.append(model.state_dict())
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


# -- periodic factors -----------------------------------------------------------------------------

SHAPES = ("heart", "square", "ellipse", "disc")
SIDES = tuple(
    Symmetry("shape", shape, period)
    for shape, period in zip(SHAPES[1:], (90.0, 180.0, 0.0), strict=True)
)
TURNED = (
    FactorSpec("shape", "categorical", values=SHAPES),
    FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0, symmetries=SIDES),
    FactorSpec("hue", "periodic", values=(0, 90, 180, 270), period=360.0),
)


def turns_of(*specs: FactorSpec) -> Turns:
    codes = FactorCodes(specs)
    return Turns(codes, torch.nn.Flatten())


def test_angles_are_told_as_often_as_they_repeat_and_come_back() -> None:
    rows = torch.tensor([[0, 200.0, 1], [1, 200.0, 2], [2, 200.0, 3], [3, 200.0, 0], [1, 46.0, 0]])
    turns, codes = turns_of(*TURNED), FactorCodes(TURNED).encode(rows)
    pairs = turns.targets(codes)
    assert turns.pairs == [(0, 1.0), (0, 2.0), (0, 4.0), (1, 1.0)]
    known = ~torch.isnan(pairs[:, :6:2])
    assert known.tolist() == [[shape == 0, shape == 2, shape == 1] for shape in (0, 1, 2, 3, 1)]
    assert not torch.isnan(pairs[:, 6:]).any()
    expected = torch.deg2rad(torch.tensor(4 * 200.0))
    torch.testing.assert_close(pairs[1, 4:6], torch.stack([expected.sin(), expected.cos()]))
    back = turns.columns(3 * pairs.nan_to_num(), codes)
    torch.testing.assert_close(back, codes[:, 4:], atol=1e-6, rtol=0)
    rows[:, 0] = torch.nan
    assert torch.isnan(turns.targets(FactorCodes(TURNED).encode(rows))[:, :6]).all()


def test_there_is_no_jump_where_a_square_begins_again() -> None:
    rows = torch.tensor([[1, 44.9, 0], [1, 45.1, 0]])
    codes = FactorCodes(TURNED).encode(rows)
    assert (codes[0] - codes[1]).abs().max() > 1
    one, other = turns_of(*TURNED).targets(codes).nan_to_num()
    torch.testing.assert_close(one, other, atol=0.02, rtol=0)


def test_what_a_rotation_does_to_an_angle_is_learned_and_of_a_hue_nothing() -> None:
    """Readings err by a tenth of a radian; angles count the other way round."""
    turns, draws = turns_of(*TURNED), noise()
    assert torch.isnan(turns.slopes()).all()
    for _ in range(40):
        rows = torch.rand((64, 3), generator=draws) * torch.tensor([3.0, 360, 4])
        pairs = turns.targets(FactorCodes(TURNED).encode(rows.floor()))
        spins = SPIN * (2 * torch.rand(64, generator=draws) - 1)
        truth = turns.turned(pairs, torch.stack([-spins, 0 * spins], 1))
        turns.observe(truth + 0.1 * torch.randn(truth.shape, generator=draws), pairs, spins)
    assert turns.slopes().nan_to_num(7).tolist() == [-1, 7]


@pytest.mark.parametrize(("period", "slope"), [(360, 1), (180, 2), (120, 3), (90, 4)])
def test_what_repeats_sooner_than_a_rotation_moves_faster(period: int, slope: int) -> None:
    bar = FactorSpec("bar", "periodic", range=(0, period), period=period)
    turns, draws = turns_of(bar), noise()
    for _ in range(40):
        rows = period * torch.rand((64, 1), generator=draws)
        spins = SPIN * (2 * torch.rand(64, generator=draws) - 1)
        before = turns.targets(FactorCodes([bar]).encode(rows))
        after = turns.targets(FactorCodes([bar]).encode(rows + torch.rad2deg(spins)[:, None]))
        turns.observe(after + 0.1 * torch.randn(after.shape, generator=draws), before, spins)
    assert turns.slopes().tolist() == [slope]


def test_a_factor_all_of_whose_levels_repeat_sooner_has_no_whole_turn() -> None:
    shape = FactorSpec("shape", "categorical", values=("square", "bar"))
    angle = FactorSpec(
        "angle",
        "periodic",
        range=(0, 360),
        period=360,
        symmetries=(Symmetry("shape", "square", 90), Symmetry("shape", "bar", 180)),
    )
    turns = turns_of(shape, angle)
    assert turns.pairs == [(0, 2.0), (0, 4.0)]
    turns.width.data = torch.tensor([0.2, 0.2, 0.4, 0.4]).log()
    torch.testing.assert_close(turns.error(), torch.tensor([0.1, 0.1]))


def test_readings_that_tell_nothing_have_no_slope() -> None:
    turns, draws = turns_of(TURNED[2]), noise()
    for _ in range(40):
        rows = torch.randint(4, (64, 1), generator=draws).float()
        pairs, spins = turns.targets(FactorCodes(TURNED[2:]).encode(rows)), torch.full((64,), SPIN)
        turns.observe(0.1 * torch.randn(pairs.shape, generator=draws), pairs, spins)
    assert torch.isnan(turns.slopes()).all()


def test_pictures_are_turned_and_frames_are_not() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 2:5, 7:9] = 1  # above the middle
    turned = see(image, inverse(spin_maps(torch.tensor([np.pi / 2]).float())))
    assert float(turned[0, 0, 7:9, 11:14].mean()) == pytest.approx(1, abs=0.01)  # to its right
    maps = affine(torch.tensor([[np.sin(0.7), np.cos(0.7) - 1, 0.3, 0.1, 0, 0.2, -0.4]]).float())
    expected = affine(torch.tensor([[0, 0, 0.3, 0, 0, 0.2, -0.4]]))
    torch.testing.assert_close(upright(maps), expected)


def bars_of(draws: torch.Generator, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw arrows at known angles, (count, 1, 16, 16), and kind and angle, (count, 2)."""
    angle = 2 * np.pi * torch.rand(count, generator=draws)
    kind = torch.randint(2, (count,), generator=draws)  # a bar looks the same upside down
    down, right = torch.meshgrid(*[torch.arange(16) - 7.5] * 2, indexing="ij")
    sin, cos = angle.sin()[:, None, None], angle.cos()[:, None, None]
    along, across = right * cos + down * sin, down * cos - right * sin
    one_sided = (along > -1) | (kind[:, None, None] == 1)
    images = ((along.abs() < 6) & (across.abs() < 1.5) & one_sided).float()
    return images[:, None], torch.stack([kind.float(), angle.rad2deg()], 1)


def test_a_reader_learns_angles_that_repeat_and_what_rotations_do_to_them() -> None:
    bars = Symmetry("kind", "bar", 180.0)
    draws, reading = (
        noise(),
        reading_of(
            FactorSpec("kind", "categorical", values=("hand", "bar")),
            FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0, symmetries=(bars,)),
        ),
    )
    few, labels = bars_of(draws, 100)
    optimizer = torch.optim.Adam(reading.parameters_of("reader"), 2e-3)
    for _ in range(250):
        rows = torch.randint(100, (64,), generator=draws)
        batch = Batch(bars_of(draws, 32)[0], labelled=(few[rows], labels[rows]))
        loss = reading.reader_terms(batch, Context(draws, 0.0, 1000, "reader"))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, right = bars_of(draws, 200)
    turns = reading.reader.turns
    assert turns is not None
    assert turns.slopes().tolist() == [1]  # clockwise, as warps count
    with torch.no_grad():
        found = reading.codes.decode(reading.reader.eval()(images))
    period = torch.where(right[:, 0] == 1, 180.0, 360.0)
    away = (found - right)[:, 1]
    away = (away - period * torch.round(away / period)).abs()
    assert float((found[:, 0] == right[:, 0]).float().mean()) > 0.95
    assert float(away.median()) < 8


def test_codes_that_look_the_same_are_drawn_the_same() -> None:
    torch.manual_seed(0)
    small = {"hidden": 32, "width": 8, "layers": 1, "path_steps": 2}
    model = build(configure("conditional-flow", **small), (1, 16, 16), TURNED).eval()
    codes = model.prior_sample(4, noise())
    codes[:, :4] = torch.eye(4)  # heart, square, ellipse, disc
    turned = codes.clone()
    angles = torch.deg2rad(torch.tensor([0.0, 90, 180, 77]))  # by what no one sees
    sine, cosine = codes[:, 4], codes[:, 5]
    turned[:, 4] = sine * angles.cos() + cosine * angles.sin()
    turned[:, 5] = cosine * angles.cos() - sine * angles.sin()
    torch.testing.assert_close(model.decode(turned), model.decode(codes), atol=1e-4, rtol=0)
    turned[0, 4:6] *= -1  # a heart upside down
    assert not torch.allclose(model.decode(turned)[0], model.decode(codes)[0], atol=1e-4)
