from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unbraid import figures
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.figures import scatter
from unbraid.figures._codes import encode
from unbraid.figures._style import new_figure
from unbraid.runs import Run


def points(figure: object) -> np.ndarray:
    """Return all points of the first axes, (N, 2)."""
    drawn = figure.axes[0].collections  # type: ignore[attr-defined]
    return np.concatenate([part.get_offsets() for part in drawn])


def test_two_latents_are_shown_as_they_are(ae_run: Run) -> None:
    figure = scatter.draw(ae_run, scatter.Config())
    ax = figure.axes[0]
    expected = ae_run.model().encode(ae_run.unseen().images[:]).numpy()
    found = points(figure)
    np.testing.assert_allclose(
        found[np.lexsort(found.T)], expected[np.lexsort(expected.T)], atol=1e-5
    )
    assert ax.get_aspect() == 1
    assert ax.get_xlabel().startswith("z0, variance")
    assert ax.get_ylabel().startswith("z1, variance")
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "grey"
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]


def test_of_more_latents_those_of_the_largest_kl(tiny_run: Run) -> None:
    ax = scatter.draw(tiny_run, scatter.Config()).axes[0]
    first, second = encode(tiny_run.model(), tiny_run.unseen(), 4000).latents[:2]
    assert {ax.get_xlabel(), ax.get_ylabel()} == {first.label, second.label}
    assert ax.get_xlabel() < ax.get_ylabel()


def test_latents_and_factor_may_be_named(tiny_run: Run) -> None:
    figure = scatter.draw(tiny_run, scatter.Config(latents=("z3", "z0"), factor="row"))
    ax = figure.axes[0]
    assert (ax.get_xlabel()[:2], ax.get_ylabel()[:2]) == ("z3", "z0")
    assert ax.get_legend().get_title().get_text() == "row"
    with pytest.raises(UnbraidError, match="no numeric latent 'z9'"):
        scatter.draw(tiny_run, scatter.Config(latents=("z9", "z0")))
    with pytest.raises(UnbraidError, match="latents are z1, expected two of z0, z1, z2, z3"):
        scatter.draw(tiny_run, scatter.Config(latents=("z1",)))
    with pytest.raises(UnbraidError, match="no factor 'rwo' \\(did you mean 'row'"):
        scatter.draw(tiny_run, scatter.Config(factor="rwo"))


def test_data_without_labels_have_one_colour(wide_run: Run) -> None:
    figure = scatter.draw(wide_run, scatter.Config())
    assert figure.axes[0].get_legend() is None
    assert len(points(figure)) == len(wide_run.unseen())


@pytest.mark.parametrize(
    "spec",
    [
        FactorSpec("angle", "periodic", range=(0, 360), unit="degrees", period=360),
        FactorSpec("size", "ordinal", values=(0.5, 0.75, 1.0)),
        FactorSpec("kind", "categorical", values=tuple(f"kind {i}" for i in range(40))),
    ],
)
def test_factors_that_are_no_few_classes_get_a_scale(spec: FactorSpec) -> None:
    values = np.random.default_rng(0).integers(0, 3, (30, 1))
    data = Dataset("some", np.zeros((30, 1, 16, 16), np.uint8), values, (spec,))
    figure = new_figure(4, 4)
    ax = figure.subplots()
    scatter.plot(ax, np.random.default_rng(1).normal(size=(30, 2)), data, legend=True)
    bar = figure.axes[1]
    assert bar.get_ylabel().startswith(spec.name)
    if spec.kind == "ordinal":
        assert bar.get_ylim() == (0.5, 1.0)


@pytest.mark.parametrize(
    "spec",
    [
        FactorSpec("f", "categorical", values=(1, 2)),
        FactorSpec("f", "ordinal", values=(1, 2)),
        FactorSpec("f", "continuous", range=(0.0, 1.0)),
    ],
)
def test_images_whose_factor_is_unknown_are_grey(squares: Dataset, spec: FactorSpec) -> None:
    factors = np.tile([[0.0], [1.0], [np.nan]], (100, 1))
    data = replace(squares, factors=factors, specs=(spec,))
    ax = new_figure(3, 3).subplots()
    scatter.plot(ax, np.arange(600.0).reshape(300, 2), data, legend=True)
    first, *others = ax.collections
    assert len(first.get_offsets()) == 100
    assert sum(len(part.get_offsets()) for part in others) == 200


@pytest.mark.parametrize(
    ("spec", "turn"),
    [
        (FactorSpec("hue", "periodic", values=(0.0, 0.25, 0.5, 0.75), period=1), (0, 1)),
        (FactorSpec("axis", "periodic", range=(-90, 90), period=180), (-90, 90)),
        (FactorSpec("day", "periodic", values=tuple("MTWtFSs"), period=7), (0, 7)),
    ],
)
def test_colours_of_a_circle_span_a_whole_turn(spec: FactorSpec, turn: tuple[float, float]) -> None:
    values = np.array([[0.0], [1.0], [3.0]] * 10)
    data = Dataset("some", np.zeros((30, 1, 16, 16), np.uint8), values, (spec,))
    ax = new_figure(4, 4).subplots()
    scatter.plot(ax, np.random.default_rng(1).normal(size=(30, 2)), data)
    (drawn,) = ax.collections
    assert drawn.get_clim() == turn
    first, _, last = drawn.to_rgba(np.asarray(drawn.get_array())[:3])
    assert np.abs(first - last).max() > 0.1 or spec.values is None


def test_a_factor_that_never_varies_is_passed_over(squares: Dataset) -> None:
    constant = replace(squares.specs[0], name="constant")
    assert squares.factors is not None
    factors = np.insert(squares.factors, 0, 0, axis=1)
    data = Dataset("more", squares.images, factors, (constant, *squares.specs))
    assert scatter._spec(data, None) == squares.specs[0]


def test_one_latent_is_too_few(joint_run: Run) -> None:
    codes = encode(joint_run.model(), joint_run.unseen(), 50)
    one = replace(codes, latents=codes.latents[:1])
    with pytest.raises(UnbraidError, match="needs two numeric latents"):
        scatter.chosen(one, ())


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_it_is_written_in_every_format(ae_run: Run, tmp_path: object, suffix: str) -> None:
    path = tmp_path / f"codes{suffix}"  # type: ignore[operator]
    figures.produce(scatter, "scatter", ae_run, scatter.Config(), path)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)
