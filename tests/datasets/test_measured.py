"""Measures of images against shapes whose measures are known, and which of them become factors."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unbraid
from unbraid.control.language.parser import parse
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, _measured, load_dataset
from unbraid.datasets._morphology import Measures, measure
from unbraid.methods import configure
from unbraid.runs import RunConfig, train_run
from unbraid.training import TrainingConfig

from .test_idx import write

SIDE, FINE = 40, 8  # pixels, and points a pixel along each axis


def drawn(shape: Any) -> np.ndarray[Any, Any]:
    """Return an image (1, 1, SIDE, SIDE) of where shape(right, up) holds, antialiased."""
    at = (np.arange(SIDE * FINE) + 0.5) / FINE - SIDE / 2
    inside = shape(at[None, :], -at[:, None]).astype(float)
    shares = inside.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))
    return np.rint(shares * 255).astype(np.uint8)[None, None]


def bar(length: float, width: float, angle: float, x: float = 0, y: float = 0) -> Any:
    """A line from end to end, round at both, at degrees counter-clockwise from upright."""
    turn = math.radians(angle)

    def inside(right: Any, up: Any) -> Any:
        along = -(right - x) * math.sin(turn) + (up - y) * math.cos(turn)
        across = (right - x) * math.cos(turn) + (up - y) * math.sin(turn)
        return np.hypot(np.maximum(abs(along) - length / 2, 0), across) < width / 2

    return inside


def ellipse(a: float, b: float, angle: float) -> Any:
    turn = math.radians(angle)

    def inside(right: Any, up: Any) -> Any:
        along = -right * math.sin(turn) + up * math.cos(turn)
        across = right * math.cos(turn) + up * math.sin(turn)
        return (along / a) ** 2 + (across / b) ** 2 < 1

    return inside


def ring(radius: float, width: float) -> Any:
    return lambda right, up: abs(np.hypot(right, up) - radius) < width / 2


def one(image: np.ndarray[Any, Any]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in measure(image)._asdict().items()}


@pytest.mark.parametrize("angle", [-50, -30, -10, 0, 20, 45])
@pytest.mark.parametrize(("length", "width"), [(20, 2.5), (24, 4), (16, 6)])
def test_bars(angle: float, length: float, width: float) -> None:
    found = one(drawn(bar(length, width, angle, x=3.3, y=-2.6)))
    assert found["x"] == pytest.approx(3.3, abs=0.05)
    assert found["y"] == pytest.approx(-2.6, abs=0.05)
    assert found["axis"] == pytest.approx(angle, abs=0.2)
    assert found["thickness"] == pytest.approx(width, rel=0.03, abs=0.2)
    assert found["length"] == pytest.approx(length, rel=0.05)
    assert found["plain"] == 1


@pytest.mark.parametrize("slant", [-40, -15, 0, 30])
def test_slant_is_the_shear_of_an_upright_figure(slant: float) -> None:
    shear = math.tan(math.radians(slant))
    figure = ring(10, 3)
    found = one(drawn(lambda right, up: figure(right + shear * up, up)))
    assert found["slant"] == pytest.approx(slant, abs=0.5)


@pytest.mark.parametrize(("radius", "width"), [(8, 2.5), (12, 4)])
def test_a_ring_has_no_ends(radius: float, width: float) -> None:
    found = one(drawn(ring(radius, width)))
    assert found["thickness"] == pytest.approx(width, rel=0.03)
    assert found["length"] == pytest.approx(2 * math.pi * radius, rel=0.03)


@pytest.mark.parametrize("angle", [-60, 0, 35, 80])
def test_ellipses(angle: float) -> None:
    a, b = 14.0, 6.0
    found = one(drawn(ellipse(a, b, angle)))
    assert found["elongation"] == pytest.approx(a / b, rel=0.01)
    assert found["axis"] == pytest.approx(angle, abs=0.2)
    assert found["spread"] == pytest.approx(math.sqrt(3 * (a**2 + b**2)), rel=0.01)


def test_a_rectangle_has_its_diagonal_for_a_spread() -> None:
    found = one(drawn(lambda right, up: (abs(right) < 9) & (abs(up) < 5)))
    assert found["spread"] == pytest.approx(math.hypot(18, 10), rel=0.002)
    assert found["elongation"] == pytest.approx(1.8, rel=0.005)


def test_dark_on_light_and_on_any_colour() -> None:
    shape = drawn(bar(20, 4, 25, x=2, y=3))
    expected = one(shape)
    dark = one(255 - shape)
    part = shape / 255.0
    colours = [
        (200 - 190 * part, 30 + 100 * part, 90 * np.ones_like(part)),
        (10 + 245 * part, 30 + 225 * part, 200 + 0 * part),
    ]
    for found in (dark, *(one(np.concatenate(c, 1).astype(np.uint8)) for c in colours)):
        for name in ("x", "y", "slant", "thickness", "length", "elongation"):
            assert found[name] == pytest.approx(expected[name], rel=0.02, abs=0.05)
    assert dark["brightness"] < 50 < 200 < expected["brightness"]
    assert dark["peak"] == pytest.approx(0, abs=4)
    assert expected["peak"] == pytest.approx(255, abs=4)


@pytest.mark.parametrize(
    ("colour", "hue"),
    [((255, 0, 0), 0), ((200, 200, 0), 60), ((0, 180, 0), 120), ((0, 0, 255), 240)],
)
def test_hue(colour: tuple[int, int, int], hue: float) -> None:
    shape = drawn(ellipse(9, 9, 0)) / 255.0
    image = np.concatenate([shape * channel for channel in colour], 1).astype(np.uint8)
    assert one(image)["hue"] == pytest.approx(hue, abs=0.5)
    assert math.isnan(one(np.repeat(image[:, :1] // 2 + 9, 3, 1))["hue"])


def test_an_empty_image_measures_nothing() -> None:
    found = one(np.full((1, 1, 20, 20), 7, np.uint8))
    for name in ("x", "y", "spread", "slant", "thickness", "length"):
        assert math.isnan(found[name]), name
    assert found["overall"] == 7


def test_blocks_are_measured_alike() -> None:
    images = load_dataset("mnist", split="test").images[:700]
    together, apart = measure(images), measure(images[600:])
    for one_by_one, all_at_once in zip(apart, together, strict=True):
        np.testing.assert_allclose(all_at_once[600:], one_by_one, rtol=1e-6)


@pytest.mark.parametrize("canvas", [28, 64])
def test_what_the_renderer_was_asked_for_is_measured(canvas: int) -> None:
    """Errors in pixels of a 64-pixel canvas; benchmarks/measured.py has them for more images."""
    data = load_dataset("digits", split="test", n=800, canvas=canvas, stream=True)
    scale = 64 / canvas
    found = measure(data.images[:])
    size = next(
        each for each in _measured.measured_factors(found, True, True) if each.name == "size"
    )
    for values, name, most in (
        (found.x * scale, "x", 0.35),
        (found.y * scale, "y", 0.35),
        (size.values * scale / data.factor("size"), "size", 0.02),
        (found.thickness * scale, "thickness", 0.25),
    ):
        asked = data.factor(name) if name != "size" else 1.0
        assert abs(values - asked).mean() < most, name
    ones = data.factor("digit") == 1
    assert abs(found.slant[ones] - data.factor("angle")[ones]).mean() < 1.2  # degrees


# -- factors --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    """Three thousand digits of MNIST with what was measured of them."""
    data = load_dataset("mnist", split="test")
    return data.take(np.random.default_rng(0).choice(len(data), 3000, replace=False)).measured()


def test_mnist_has_size_slant_and_strokes(mnist: Dataset) -> None:
    names = ("digit", "size", "slant", "thickness", "length", "elongation")
    assert mnist.factor_names == names
    assert mnist.factors is not None
    assert mnist.factors.shape == (3000, 6)
    assert not np.isnan(mnist.factors).any()
    assert mnist.notes == (
        "measured of the images of mnist: size, slant, thickness, length, elongation; not x (the "
        "same in all), y (the same in all), brightness (the same in all).",
    )
    for name in names[1:]:  # single odd images may be beyond a range
        low, high = mnist.specs[names.index(name)].range or (0, 0)
        inside = (mnist.factor(name) >= low) & (mnist.factor(name) <= high)
        assert inside.mean() == pytest.approx(0.99, abs=0.004)


def test_requests_are_understood_of_measured_factors(mnist: Dataset) -> None:
    specs = mnist.specs
    request = parse("bold seven leaning right", specs)
    assert set(request.values) == {"digit", "thickness", "slant"}
    assert request.values["slant"] < -10
    assert request.values["thickness"] > 4
    assert (
        "slant 20 degrees counter-clockwise" in parse("slanted 20 degrees left", specs).describe()
    )
    assert parse("slant -10, tiny", specs).values["slant"] == -10
    longer, shorter = parse("long thin two", specs), parse("shortest two", specs)
    assert set(longer.values) == {"digit", "length", "thickness"}
    low, high = next(spec.range for spec in specs if spec.name == "length")
    assert longer.values["length"] == pytest.approx(low + 0.875 * (high - low))
    assert shorter.values["length"] == low


def solid(count: int, channels: int = 1) -> np.ndarray[Any, Any]:
    """Ellipses of any shape and shade, as pieces of clothing are."""
    rng = np.random.default_rng(0)
    images = []
    for _ in range(count):
        a, b = rng.uniform(7, 16), rng.uniform(4, 10)
        shape = drawn(ellipse(a, b, rng.uniform(-90, 90))) / 255.0
        shades = rng.uniform(90, 255, channels)
        images.append(np.concatenate([shape * shade for shade in shades], 1))
    return np.concatenate(images).astype(np.uint8)


def test_solid_things_have_a_direction_and_a_brightness_and_no_strokes() -> None:
    data = Dataset.from_arrays(solid(60), np.arange(60) % 3).measured()
    assert data.factor_names == ("label", "size", "angle", "elongation", "brightness")
    angle = data.specs[2]
    assert (angle.kind, angle.period, angle.range) == ("periodic", 180, (-90, 90))
    round_ones = data.factor("elongation") < 1.2
    np.testing.assert_array_equal(np.isnan(data.factor("angle")), round_ones)
    assert "thickness (the shapes are not lines)" in data.notes[-1]
    colour = Dataset.from_arrays(solid(60, 3)).measured()
    assert colour.factor_names == ("size", "angle", "elongation", "brightness", "hue")


def test_photos_have_a_brightness_and_a_hue() -> None:
    rng = np.random.default_rng(0)
    shades = rng.uniform(0, 1, (50, 3, 1, 1))
    photos = (rng.uniform(0, 255, (50, 3, 20, 20)) * shades).astype(np.uint8)
    data = Dataset.from_arrays(photos).measured()
    assert data.factor_names == ("brightness", "hue")
    assert "x (there is no plain background)" in data.notes[-1]


def test_a_factor_of_that_name_stays(squares: Dataset) -> None:
    """The squares are in every place: x and y are measured, and agree with row and column."""
    data = squares.measured()
    assert data.factor_names[:5] == ("grey", "row", "column", "x", "y")
    np.testing.assert_allclose(data.factor("x"), data.factor("column") - 4.5, atol=0.01)
    np.testing.assert_allclose(data.factor("y"), 4.5 - data.factor("row"), atol=0.01)
    again = data.measured()
    assert again.factor_names == data.factor_names
    assert "x (a factor already)" in again.notes[-1]


def test_measures_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset.from_arrays(solid(40))
    before = data.measured()

    def measured_again(images: Any) -> Measures:
        raise AssertionError("what was measured is in the cache")

    monkeypatch.setattr(_measured, "measure", measured_again)
    np.testing.assert_array_equal(data.measured().factors, before.factors)
    monkeypatch.undo()
    other = Dataset.from_arrays(solid(40)[::-1].copy()).measured()
    np.testing.assert_array_equal(other.factors, before.factors[::-1])


def test_every_data_set_takes_the_option(squares_npz: Path) -> None:
    train, test = (
        load_dataset(str(squares_npz), split=split, measured=True) for split in ("train", "test")
    )
    assert "x" in train.factor_names
    assert (test.split, test.specs) == ("test", train.specs)
    with pytest.raises(UnbraidError, match=r"'measure' of dataset .*\(did you mean 'measured'\?\)"):
        load_dataset(str(squares_npz), measure=True)


def test_images_that_are_drawn_when_they_are_asked_for() -> None:
    data = load_dataset("digits", split="test", n=50, canvas=32, stream=True).measured()
    assert data.factor_names[6:] == ("slant", "length", "elongation", "brightness")
    assert "x (a factor already)" in data.notes[-1]
    other = load_dataset("digits", split="test", n=50, canvas=32, stream=True, seed=1).measured()
    assert (other.factor("slant") != data.factor("slant")).all()


def test_labels_with_names_and_measures_of_idx_files(tmp_path: Path) -> None:
    """What Fashion-MNIST is: solid things in grey, in IDX files, with classes that have names."""
    folder = tmp_path / "fashion"
    folder.mkdir()
    images = solid(60)[:, 0]
    for split, rows in (("train", slice(40)), ("t10k", slice(40, 60))):
        write(folder / f"{split}-images-idx3-ubyte.gz", images[rows])
        write(folder / f"{split}-labels-idx1-ubyte.gz", np.arange(60, dtype=np.uint8)[rows] % 3)
    path = str(folder / "train-images-idx3-ubyte.gz")
    options = {"names": "shirt,trouser,bag", "measured": True}
    train, test = (load_dataset(path, split=split, **options) for split in ("train", "test"))
    assert train.name == "fashion"
    assert train.specs == test.specs
    assert test.factor_names == ("label", "size", "angle", "elongation", "brightness")
    request = parse("big trouser, brightness high, rotated 20 degrees", train.specs)
    assert request.values["label"] == 1
    assert request.values["angle"] == 20


def test_a_run_on_measured_factors_is_asked_in_words(tmp_path: Path) -> None:
    digits = load_dataset("digits", split="test", n=200, canvas=32, stream=True)
    np.savez(tmp_path / "real.npz", images=digits.images[:], digit=digits.factor("digit"))
    config = RunConfig(
        configure("conditional-vae", style_dim=2, components=2),
        "npz",
        {"path": str(tmp_path / "real.npz"), "measured": True},
        TrainingConfig(epochs=1, batch_size=32, precision="f32"),
    )
    run = train_run(config, tmp_path / "run")
    assert "slant" in [spec.name for spec in run.specs]
    assert run.unseen().specs == run.specs
    drawn = unbraid.generate("bold seven leaning right", model=run.folder, n=2)
    assert drawn.shape == (2, 1, 32, 32)
