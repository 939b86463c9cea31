"""Names of classes and factors, of any length and number, stand beside each other, not over."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from tests.figures.conftest import quick_run
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.figures import heatmap, scatter, show, traverse
from unbraid.figures._style import POINTS, folded, new_figure, short, text_width
from unbraid.runs import Run

COUNTS = (1, 2, 10, 50)
LATENTS = [f"z{index}" for index in range(10)]
LONG = "ABCDEFGHIJ klmnopqrs-TUVWXYZ wwwwwwwwwwwww"


def named(count: int, length: int) -> tuple[str, ...]:
    return tuple(f"{index:02}{LONG}"[:length] for index in range(count))


def data_of(count: int, length: int) -> Dataset:
    """Images whose first factor has so many values, with names so long."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12 * count + 300, 1, 16, 16), np.uint8)
    kinds = np.arange(len(images)) % count
    specs = (
        FactorSpec(LONG[:length], "categorical", values=named(count, length)),
        FactorSpec("side", "categorical", values=("left", "right")),
    )
    return Dataset(LONG[:length], images, np.stack([kinds, kinds // count % 2], 1), specs)


def joint_run(folder: Path, data: Dataset) -> Run:
    """Train a model with as many categories as the first factor has values."""
    assert data.factors is not None
    words = np.array([spec.values for spec in data.specs[:1]])[0][data.factors[:, 0]]
    np.savez(
        folder / f"{data.name}.npz", images=data.images, factors=words, factor_names=[data.name]
    )
    count = max(len(data.specs[0].values or ()), 2)
    return quick_run(
        folder / "run", folder / f"{data.name}.npz", "joint-vae", latent_dim=2, categories=count
    )


def boxes(figure: Any) -> dict[Text, Any]:
    """Return all texts that are shown and where, those that lie aslant left out."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = {}
    beyond = set()  # labels of ticks outside the axes, which are not drawn
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                beyond |= {tick.label1, tick.label2}
    for text in set(figure.findobj(Text)) - beyond:
        shown = text.get_visible() and text.get_text().strip() and text.get_rotation() % 90 == 0
        box = text.get_window_extent(canvas.get_renderer())
        if shown and box.width and box.height:
            found[text] = box
    return found


def assert_apart(figure: Any) -> None:
    found = boxes(figure)
    assert found
    for (one, box), (other, beside) in itertools.combinations(found.items(), 2):
        across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        up = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        assert across < 1 or up < 1, f"{one.get_text()!r} lies over {other.get_text()!r}"
    for text, box in found.items():
        assert box.x0 > -1, text.get_text()
        assert box.y0 > -1, text.get_text()
        assert box.x1 < figure.bbox.x1 + 1, text.get_text()
        assert box.y1 < figure.bbox.y1 + 1, text.get_text()


@pytest.mark.parametrize("length", [3, 40])
@pytest.mark.parametrize("count", COUNTS)
def test_names_below_samples_and_strips(count: int, length: int) -> None:
    for config in (show.Config(rows=2), show.Config(rows=1, columns=20, steps=15)):
        assert_apart(show.draw(data_of(count, length), config))


@pytest.mark.parametrize("shape", [(16, 64), (64, 16)])
def test_names_below_samples_of_any_shape(shape: tuple[int, int]) -> None:
    data = data_of(3, 40)
    images = np.resize(np.asarray(data.images[:]), (len(data), 1, *shape))
    assert_apart(show.draw(Dataset("wide", images, data.factors, data.specs), show.Config(rows=2)))


@pytest.mark.parametrize("length", [3, 40])
@pytest.mark.parametrize("count", COUNTS[1:])
def test_names_of_categories_and_in_legends(count: int, length: int, tmp_path: Path) -> None:
    run = joint_run(tmp_path, data_of(count, length))
    assert_apart(traverse.draw(run, traverse.Config(rows=2, steps=3)))
    assert_apart(scatter.draw(run, scatter.Config()))


@pytest.mark.parametrize("count", COUNTS)
def test_names_of_factors_beside_a_heat_map(count: int) -> None:
    """As many factors as that."""
    figure = new_figure(*heatmap.size_of(named(count, 40), len(LATENTS)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax in (left, right):
        heatmap.draw_map(
            ax,
            np.random.default_rng(0).random((len(LATENTS), count)),
            named(count, 40),
            "",
            LATENTS,
        )
    assert_apart(figure)
    apart = np.diff([t.get_window_extent().x1 for t in left.get_xticklabels()])
    assert (apart > 1.2 * POINTS * figure.dpi / 72).all()


def test_a_long_name_keeps_its_start_and_its_end() -> None:
    assert short("cat") == "cat"
    for most in range(1, 40):
        assert len(short(LONG, most)) <= most
    assert short("n02085620-Chihuahua", 14) == "n0208562…uahua"


@pytest.mark.parametrize("inches", [0.1, 0.5, 1.0, 3.0])
def test_folded_text_fits(inches: float) -> None:
    lines = folded(LONG, inches).split("\n")
    assert len(lines) <= 2
    assert all(text_width(line) <= inches or len(line) == 1 for line in lines)
