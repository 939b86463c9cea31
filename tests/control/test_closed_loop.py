"""The closed loop: one class around any controller, with the images that were drawn before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

import unbraid
from tests.control.conftest import Drawn
from unbraid.control import ClosedLoop, Controller, Native, build_request, loading
from unbraid.control.assessment.run_report import draw_function
from unbraid.control.closed_loop import refine_samples, tolerated_readings
from unbraid.control.controller import Redrawing
from unbraid.control.factor_distance import factor_distance
from unbraid.control.language.request import Request
from unbraid.control.linear_gaussian import store
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.store import read_tensors
from unbraid.methods import Method
from unbraid.runs import Run

OPTIONS = [(1, False), (1, True), (3, False), (3, True)]


@pytest.fixture(params=["native", "fitted"])
def controller(request: pytest.FixtureRequest, drawn: Drawn) -> Controller:
    if request.param == "native":
        return Native(drawn)
    return loading.open(request.getfixturevalue("fitted_run"))


@pytest.mark.parametrize(("candidates", "correct"), OPTIONS)
def test_it_refines_what_any_controller_draws(
    controller: Controller, candidates: int, correct: bool
) -> None:
    rows = build_request(controller.specs).rows(controller.specs, 6, seed=1)
    styles = np.arange(6)
    wanted = refine_samples(
        controller.draw, controller.read, controller.specs, rows, styles, candidates, correct
    )
    loop: Controller = ClosedLoop(controller, candidates, correct)
    np.testing.assert_array_equal(loop.draw(rows, styles), wanted)
    same = draw_function(controller, candidates, correct)(rows, styles)
    np.testing.assert_array_equal(same, wanted)
    assert loop.specs == controller.specs
    assert loop.model is controller.model
    np.testing.assert_array_equal(loop.read(wanted), controller.read(wanted))


def test_a_correction_draws_what_it_changes_in_styles_that_are_known(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    native, styled, decoded = Native(drawn), [], []
    styles_of, decode = Native._styles, Native._decode

    def counted_styles(self: Native, numbers: list[int], rows: Tensor) -> Tensor:
        styled.append(len(numbers))
        return styles_of(self, numbers, rows)

    def counted_decode(self: Native, rows: Tensor, style: Tensor) -> np.ndarray:
        decoded.append(len(rows))
        return decode(self, rows, style)

    monkeypatch.setattr(Native, "_styles", counted_styles)
    monkeypatch.setattr(Native, "_decode", counted_decode)
    rows = build_request(native.specs).rows(native.specs, 6, seed=1)
    styles, column = np.arange(6), [spec.name for spec in native.specs].index("x")
    first = native.draw(rows, styles)
    away = np.abs(native.read(first)[:, column] - rows[:, column])
    errors = np.full(len(native.specs), 1e9)
    errors[column] = np.sort(away)[3:5].mean()  # of which four are within
    monkeypatch.setattr(Native, "reading_error", errors)
    styled.clear()
    decoded.clear()
    images = ClosedLoop(native, correct=True).draw(rows, styles)
    assert (styled, decoded) == ([6], [6, 2])
    kept = np.argsort(away)[:4]
    np.testing.assert_array_equal(images[kept], first[kept])


@pytest.mark.parametrize(("candidates", "correct"), OPTIONS)
def test_loops_do_not_nest(drawn: Drawn, candidates: int, correct: bool) -> None:
    native = Native(drawn)
    outer = ClosedLoop(ClosedLoop(native, 2, False), candidates, correct)
    assert outer.controller is native
    assert (outer.candidates, outer.correct) == (max(candidates, 2), correct)
    asked = {"model": outer, "n": 3, "correct": False}
    images = unbraid.generate("owl, x=3", **asked)  # type: ignore[arg-type]
    asked = {"model": native, "n": 3, "candidates": max(candidates, 2), "correct": correct}
    np.testing.assert_array_equal(images, unbraid.generate("owl, x=3", **asked))  # type: ignore[arg-type]


def test_a_rejecting_model_in_a_loop_can_be_told_not_to(drawn: Drawn) -> None:
    draw = draw_function(ClosedLoop(Native(drawn), 2), reject=False)
    loop = draw.__self__  # type: ignore[attr-defined]
    assert (loop.candidates, loop.controller.reject) == (2, False)


@pytest.mark.parametrize(
    ("text", "options", "means"),
    [
        ("small seven", {}, [0.030434, 0.038224, 0.030948, 0.032642]),
        ("big three, tilted left", {"candidates": 3}, [0.045576, 0.045969, 0.053345, 0.047901]),
        ("bold 5", {"correct": False}, [0.083424, 0.082906, 0.089117, 0.085890]),
    ],
)
def test_the_shipped_model_draws_what_it_drew(
    text: str, options: dict[str, int], means: list[float]
) -> None:
    """Mean pixels recorded before the loop became a class; the bits depend on the processor."""
    images = unbraid.generate(text, n=4, seed=0, **options)
    np.testing.assert_allclose(images.mean((1, 2, 3)), means, atol=2e-4)


def test_stored_arrays_keep_their_names(fitted_run: Run) -> None:
    loading.open(fitted_run)
    tensors, _ = read_tensors(Path(fitted_run.folder) / store.TENSORS)
    old = {"middle", "spread", "mean", "weights", "noise", "carried", "free", "shares"}
    assert {name for name in tensors if not name.startswith("link.")} == old


def test_a_reading_within_the_readers_error_is_not_corrected(
    drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what exceeds the tolerance counts, and is corrected by as much as it exceeds it."""
    native = Native(drawn)
    rows = build_request(native.specs).rows(native.specs, 6, seed=1)
    styles, column = np.arange(6), [spec.name for spec in native.specs].index("x")
    first = native.draw(rows, styles)
    away = np.abs(native.read(first)[:, column] - rows[:, column])
    assert away.max() > 0.1
    for error, corrects in ((100.0, False), (float(away.min()) / 10, True)):
        errors = np.zeros(len(native.specs))
        errors[column] = error
        monkeypatch.setattr(Native, "reading_error", errors)
        loop = ClosedLoop(native, correct=True)
        assert np.array_equal(loop.draw(rows, styles), first) is not corrects


def test_tolerance_shortens_differences_and_goes_round_circles() -> None:
    specs = (
        FactorSpec("x", "continuous", range=(-9.0, 9.0)),
        FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0),
    )
    requested = np.array([[0.0, 350.0], [0.0, 350.0]])
    read = np.array([[1.0, 5.0], [-5.0, 355.0]])
    found = tolerated_readings(specs, requested, read, np.array([2.0, 10.0]))
    assert found.tolist() == [[0.0, -5.0], [-3.0, 350.0]]
    assert tolerated_readings(specs, requested, read, 0.0) is read


class Offset:
    """Draws a bar 40% nearer the middle than requested, and reads every place as 0."""

    specs = (FactorSpec("x", "continuous", range=(-9.0, 9.0), measured="shapes"),)
    reading_error = np.array([5.0])
    model = None

    def draw(self, factors: np.ndarray, styles: np.ndarray) -> np.ndarray:
        images = np.zeros((len(factors), 1, 28, 28), np.float32)
        across = np.arange(28) - 13.5
        for image, x in zip(images[:, 0], factors[:, 0], strict=True):
            image[8:20] = np.clip(2 - np.abs(across - 0.6 * x), 0, 1)
        return images

    def drawing(self) -> Callable[..., np.ndarray]:
        return self.draw

    def read(self, images: np.ndarray) -> np.ndarray:
        return np.zeros((len(images), 1))

    def redrawing(self, images: np.ndarray) -> Redrawing:
        return Redrawing(
            self.read(images), lambda factors: self.draw(factors, np.zeros(len(factors)))
        )


def test_measured_factors_are_measured_and_corrected_more_than_once() -> None:
    rows = np.array([[-6.0], [0.0], [5.0]])
    loop = ClosedLoop(Offset(), correct=True)  # type: ignore[arg-type]
    assert loop.tolerance == np.zeros(1)
    first = loop.read(Offset().draw(rows, np.arange(3)))
    np.testing.assert_allclose(first, 0.6 * rows, atol=0.05)
    found = loop.read(loop.draw(rows, np.arange(3)))
    np.testing.assert_allclose(found, (1 - 0.4**4) * rows, atol=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_edits_start_from_measurements_and_are_corrected(dtype: type) -> None:
    drawer = Offset()
    images = drawer.draw(np.array([[-5.0], [2.5]]), np.arange(2))  # bars at -3 and 1.5
    given = images if dtype is np.float32 else np.rint(255 * images).astype(np.uint8)
    request = Request({}, {"x": (1.0, 3.0)})
    loop = ClosedLoop(drawer, correct=True)  # type: ignore[arg-type]
    np.testing.assert_allclose(loop.read(loop.edit(given, request)), [[0], [4.5]], atol=0.15)
    swapped = loop.swap(given, given[::-1], ["x"])
    np.testing.assert_allclose(loop.read(swapped), [[1.5], [-3]], atol=0.15)
    uncorrected = ClosedLoop(drawer)  # type: ignore[arg-type]
    np.testing.assert_allclose(
        loop.read(uncorrected.edit(given, request)), [[0], [0.6 * 4.5]], atol=0.15
    )


@pytest.mark.parametrize("around", [lambda controller: controller, ClosedLoop])
def test_an_image_to_change_is_read_once(
    controller: Controller,
    around: Callable[[Controller], Controller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = build_request(controller.specs).rows(controller.specs, 5, seed=1)
    images = controller.draw(rows, np.arange(5))
    kind, codes, read = type(controller.model), type(controller.model).codes, []

    def counted(self: Method, given: Tensor) -> Tensor:
        read.append(len(given))
        return codes(self, given)

    monkeypatch.setattr(kind, "codes", counted)
    spec = controller.specs[1]
    value = (spec.values or spec.range or (0,))[0]
    around(controller).edit(images, Request({spec.name: float(value)}))
    assert read == [5]
    around(controller).swap(images, images[::-1], [spec.name])
    assert read == [5, 5, 5]  # and those that factors are taken from
    with pytest.raises(UnbraidError, match="5 images to change, but 2 to take factors from"):
        around(controller).swap(images, images[:2], [spec.name])


def test_an_edit_reads_closer_when_corrected_if_the_model_takes_factors(
    controller: Controller,
) -> None:
    rows = build_request(controller.specs).rows(controller.specs, 6, seed=1)
    images = controller.draw(rows, np.arange(6))
    names = [controller.specs[0].name]
    target = controller.read(images)
    target[:, 0] = target[::-1, 0]
    plain = unbraid.swap(images, images[::-1], names, model=controller, correct=False)
    np.testing.assert_array_equal(plain, controller.redrawing(images).draw(target))
    better = unbraid.swap(images, images[::-1], names, model=controller)
    first, second = (
        factor_distance(controller.specs, target, controller.read(each)) for each in (plain, better)
    )
    assert (second <= first + 1e-9).all()
    assert np.array_equal(plain, better) is not isinstance(controller, Native)


def test_what_is_not_measured_is_not_corrected_of_a_model_of_codes() -> None:
    asked: list[np.ndarray] = []

    class Toned(Offset):
        specs = (*Offset.specs, FactorSpec("tone", "continuous", range=(0.0, 1.0)))

        def draw(self, factors: np.ndarray, styles: np.ndarray) -> np.ndarray:
            asked.append(factors[:, 1].copy())
            return super().draw(factors, styles)

        def read(self, images: np.ndarray) -> np.ndarray:
            return np.full((len(images), 2), 0.3)

    drawer = Toned()
    images = drawer.draw(np.array([[-5.0, 0.5]]), np.arange(1))
    asked.clear()
    loop = ClosedLoop(drawer, correct=True)  # type: ignore[arg-type]
    edited = loop.edit(images, Request({"x": 4.0, "tone": 0.6}))
    assert [row.tolist() for row in asked] == [[0.6]] * 4
    assert loop.read(edited)[0, 0] == pytest.approx(4, abs=0.15)
