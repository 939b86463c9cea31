"""The judge reads handwriting it never saw, and nothing that trains may listen to it."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import unbraid
from unbraid.control.assessment import judge as module
from unbraid.control.assessment.judge import FACTORS, FOLDER, Judge, moments, to_input
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json
from unbraid.datasets.digits import Config, factor_specs, load

FLOOR = {"angle": 3.0, "x": 0.4, "y": 0.4, "size": 0.6, "thickness": 0.08}  # at most


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.load()


@pytest.mark.parametrize("canvas", [32, 64])
def test_it_reads_handwriting_it_never_saw(judge: Judge, canvas: int) -> None:
    data = load(Config(n=2000, canvas=canvas, stream=True), "test")
    found = judge.read(data.images[:])
    assert found.shape == (2000, 6)
    assert (found[:, 0] == data.factor("digit")).mean() > 0.965
    for column, name in enumerate(FACTORS[1:], start=1):
        assert np.abs(found[:, column] - data.factor(name)).mean() < FLOOR[name], name


def test_its_order_of_factors_is_that_of_digits() -> None:
    specs = factor_specs(Config())
    assert tuple(spec.name for spec in specs) == FACTORS
    for spec, middle, half in zip(specs[1:], module.MIDDLE, module.HALF, strict=True):
        assert spec.range == (middle - half, middle + half)


def test_probabilities_go_with_the_digit_read(judge: Judge) -> None:
    images = load(Config(n=50, canvas=32, stream=True), "test").images[:]
    probabilities, factors = judge.predict(images)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(1), factors[:, 0])
    np.testing.assert_array_equal(probabilities, judge.probabilities(images))
    # row by row, and floats as well as uint8
    np.testing.assert_allclose(judge.read(images[7:9] / 255), factors[7:9], atol=1e-3)


def test_an_array_that_runs_backwards_is_read(judge: Judge) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 32, 32), np.uint8)
    np.testing.assert_allclose(judge.read(images[::-1]), judge.read(images)[::-1], atol=1e-4)


def test_larger_images_are_averaged_down() -> None:
    images = np.random.default_rng(0).random((3, 1, 64, 64), np.float32)
    means = images.reshape(3, 1, 32, 2, 32, 2).mean((3, 5))
    np.testing.assert_allclose(to_input(images).numpy(), means, rtol=1e-5)


def test_moments_are_those_of_the_ink() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 4:8, 20:22] = 1  # 8 pixels, centred 5 right of the middle and 10 above it
    mass, x, y, xx, yy, xy, _ = moments(image)[0].tolist()
    assert mass == pytest.approx(np.log(8 / 100), abs=1e-4)
    assert (x, y) == pytest.approx((3 * 5 / 16, 3 * 10 / 16), abs=1e-4)
    assert (xx, yy, xy) == pytest.approx((10 * 0.25 / 256, 10 * 1.25 / 256, 0), abs=1e-4)
    assert torch.isfinite(moments(torch.zeros(2, 1, 32, 32))).all()


def test_blank_images_and_none_at_all_are_read(judge: Judge) -> None:
    for grey in (0.0, 0.5, 1.0):
        found = judge.read(np.full((2, 1, 32, 32), grey, np.float32))
        assert (np.abs(found[:, 1:] - module.MIDDLE) <= 2 * np.array(module.HALF) + 1e-6).all()
    assert judge.read(np.zeros((0, 1, 32, 32), np.uint8)).shape == (0, 6)


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 3, 32, 32), (32, 32), (2, 1, 32, 64)])
def test_images_it_cannot_read_are_refused(judge: Judge, shape: tuple[int, ...]) -> None:
    with pytest.raises(UnbraidError, match=r"expected \(N, 1, 32, 32\)"):
        judge.read(np.zeros(shape, np.uint8))


def test_it_ships_small_with_its_recipe_and_its_errors(judge: Judge) -> None:
    assert (FOLDER / "model.safetensors").stat().st_size < 1_000_000
    result = read_json(FOLDER / "result.json")
    assert result == judge.known_errors
    assert result["command"].startswith("python benchmarks/judge.py --seed")
    assert set(result["errors"]) >= {"test split, 32 pixels", "test split, 64 pixels"}


def test_missing_weights_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    module._shipped.cache_clear()
    with pytest.raises(UnbraidError, match="cannot be read") as error:
        Judge.load()
    assert "\n" not in str(error.value)
    module._shipped.cache_clear()


def test_nothing_is_trained_on_what_it_says() -> None:
    """Only what reports may import it: neither what trains nor what answers requests."""
    root = Path(unbraid.__file__).parent
    listeners = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                named = [f"{node.module}.{a.name}" for a in node.names]
            if any(f"{name}.".startswith("unbraid.control.assessment.judge.") for name in named):
                listeners.add(str(path.relative_to(root)))
    assert "control/assessment/report.py" in listeners
    allowed = ("control/assessment/", "explorer/asking.py", "tour/")  # pages show its readings
    assert all(name.startswith(allowed) for name in listeners), listeners
