"""Samples of a data set, a strip for each factor varied alone, and the factors' associations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.signals import Signal
from unbraid.core.subsets import drawing
from unbraid.datasets import Dataset, associations, facts_of, report_of
from unbraid.figures._style import (
    as_pictures,
    check_drawable,
    folded,
    new_figure,
    short,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TARGET = "dataset"
_GAP = 2  # pixels between tiles
_WIDTH = 10.0  # inches
_SMALL, _LABEL = 5.5, 7  # points of what stands below samples, and below a strip
_GAP_GREY = 255


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        rows: rows of samples.
        columns: samples a row.
        steps: images a strip.
        seed: draws the samples.
        confounded: factors whose association is above this are named, 0 to 1.
    """

    rows: int = 4
    columns: int = 10
    steps: int = 10
    seed: int = 0
    confounded: float = 0.5


def report(dataset: Dataset, config: Config) -> list[str]:
    """Return a description of a data set in lines of text, for the command line."""
    return report_of(dataset, config.confounded)


def facts(dataset: Dataset, config: Config) -> dict[str, Any]:
    """Return the same description as plain values, for ``--json``."""
    return facts_of(dataset)


def records(dataset: Dataset, config: Config) -> list[dict[str, Any]]:
    """Return a flat record of each factor, for ``--csv``."""
    names = ("name", "kind", "unit", "period", "known", "unknown", "lowest", "highest")
    return [
        {name: factor.get(name) for name in names} | {"levels": len(factor.get("counts", ()))}
        for factor in facts_of(dataset)["factors"]
    ]


@styled
def draw(dataset: Dataset, config: Config) -> Figure:
    """Draw the samples above, each with its factors, the strips below, then the associations.

    Where a data set can draw (``digits``), a strip shows one handwriting with all else fixed;
    elsewhere it shows the images whose other factors are nearest to fixed. The associations of each
    two factors (docs/your_data.md) are shown if there are several.

    >>> from unbraid.datasets import load_dataset
    >>> figure = draw(load_dataset("mnist", split="test"), Config(rows=2))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['', 'digit']
    """
    _check(config)
    if dataset.signal == sound_signal():
        from unbraid.figures import _voices

        return _voices.draw(dataset, config)
    moving = [spec for spec in dataset.specs if moves(spec)]
    tall, wide = dataset.signal.picture_size
    scale = _WIDTH / config.columns / (wide + _GAP)  # inches a pixel
    heights = [config.rows * (tall + _band(dataset, moving, config) + _GAP) * scale]
    heights += [_WIDTH / config.steps * tall / wide + 0.45 for _ in moving]
    several = len(moving) > 1
    parts = [sum(heights) + 0.4, *([0.9 + 0.4 * len(moving)] * several)]
    figure = new_figure(_WIDTH, sum(parts), layout="constrained")
    # apart, so that the names beside the matrix take no width from the images
    above, *below = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=parts)[:, 0]
    axes = above.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _samples(axes[0], dataset, moving, config)
    base = middle_row(dataset, moving) if moving else 0
    for ax, spec in zip(axes[1:], moving, strict=True):
        _strip(ax, dataset, spec, base, config)
    for part in below:
        matrix(part.subplots(), dataset, moving, config)
    return figure


def page(dataset: Dataset, config: Config) -> str:
    """Return a page of HTML on which samples and strips of sounds can be heard.

    Raises:
        UnbraidError: a data set of images.
    """
    _check(config)
    if dataset.signal != sound_signal():
        raise UnbraidError(
            f"{dataset.name} has no sounds to be heard on a page: write its figure as .png, .svg "
            "or .pdf."
        )
    from unbraid.figures import _voices

    return _voices.page(dataset, config)


def sound_signal() -> Signal:
    """Return the signal of voice pictures."""
    from unbraid.sound import SIGNAL

    return SIGNAL


def _check(config: Config) -> None:
    for name in ("rows", "columns", "steps"):
        if (found := getattr(config, name)) < 1:
            raise UnbraidError(f"show: {name} is {found}, expected 1 or more.")
        check_drawable(name, found)


def matrix(ax: Axes, dataset: Dataset, moving: list[FactorSpec], config: Config) -> None:
    """Draw the association of each two factors."""
    columns = np.stack([dataset.factor(spec.name) for spec in moving], 1)
    found = associations(columns, moving, config.seed)
    np.fill_diagonal(found, np.nan)
    ax.imshow(found, vmin=0, vmax=1, cmap="Blues", aspect="equal")
    names = [short(spec.name, 12) for spec in moving]
    ax.set_xticks(range(len(names)), names, fontsize=7, rotation=30, ha="right")
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.set_title(
        "association of each two factors (0: independent, 1: one tells the other)", fontsize=8
    )
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(found):
        if row != column:
            text = "?" if np.isnan(value) else f"{value:.2f}".removeprefix("0")
            color = "white" if value > 0.6 else "black"
            ax.text(column, row, text, ha="center", va="center", fontsize=7, color=color)


def _samples(ax: Axes, dataset: Dataset, moving: list[FactorSpec], config: Config) -> None:
    count = min(config.rows * config.columns, len(dataset))
    rows = np.sort(drawing(config.seed).choice(len(dataset), count, replace=False))
    images = dataset.images[rows]
    # A white band under each row of tiles holds their labels.
    band = _band(dataset, moving, config)
    tall, wide = dataset.signal.picture_size
    tile_height, tile_width = tall + band + _GAP, wide + _GAP
    lines = [
        _row_of_tiles(images[start : start + config.columns], config.columns, band, dataset.signal)
        for start in range(0, count, config.columns)
    ]
    _show(ax, np.concatenate(lines))
    ax.set_xticks([])
    names = ", ".join(short(spec.name) + _unit_of(spec) for spec in moving)
    title = f"{short(dataset.name)}, {dataset.split}: {len(dataset):,} images"
    title += f"; below each: {names}" if names else ""
    title += f"; {dataset.signal.caption()}" if dataset.signal.axes else ""
    ax.set_title(folded(title, _WIDTH, 9, lines=3), fontsize=9, loc="left")
    for index, row in enumerate(rows if moving else ()):
        values = ", ".join(_value(spec, dataset.factor(spec.name)[row], 2) for spec in moving)
        ax.text(
            index % config.columns * tile_width + (wide - 1) / 2,
            (index // config.columns + 1) * tile_height - _GAP - band,
            folded(values, 0.88 * _WIDTH / config.columns, _SMALL),
            ha="center",
            va="top",
            fontsize=_SMALL,
            linespacing=1.0,
        )


def _band(dataset: Dataset, moving: list[FactorSpec], config: Config) -> int:
    """Return the pixels below each sample that two lines of its factors need."""
    tall, wide = dataset.signal.picture_size
    inches = 2 * 1.2 * _SMALL / 72
    needed = int(np.ceil(inches * config.columns * (wide + _GAP) / _WIDTH))
    return max(int(0.25 * tall), needed) if moving else 0


def _unit_of(spec: FactorSpec, before: str = " ") -> str:
    return f"{before}({short(spec.unit_beside)})" if spec.unit_beside else ""


def _strip(ax: Axes, dataset: Dataset, spec: FactorSpec, base: int, config: Config) -> None:
    values = steps(spec, config.steps)
    vary = getattr(dataset, "vary", None)
    if vary is not None:
        images = vary(base, spec.name, values)
    else:
        rows = nearest_rows(dataset, spec, values, base)
        images, values = dataset.images[rows], dataset.factor(spec.name)[rows]
    _show(ax, _row_of_tiles(images, max(config.steps, len(images)), 0, dataset.signal))
    tall, wide = dataset.signal.picture_size
    middles = np.arange(len(images)) * (wide + _GAP) + (wide - 1) / 2
    apart = _WIDTH / max(config.steps, len(images))
    labels = [folded(_value(spec, value), 0.88 * apart, _LABEL) for value in values]
    ax.set_xticks(middles, labels, fontsize=_LABEL)
    high = apart * tall / wide
    ax.set_ylabel(folded(spec.name, high, 8) + _unit_of(spec, "\n"), fontsize=8)


def _show(ax: Axes, picture: NDArray[np.uint8]) -> None:
    ax.imshow(picture, interpolation="nearest")
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _row_of_tiles(
    images: NDArray[np.uint8], places: int, band: int, signal: Signal
) -> NDArray[np.uint8]:
    """Lay images (K, C, H, W) side by side, white around them: (height, width, 3)."""
    pictures = as_pictures(images, signal)  # (K, H, W, 3)
    count, height, width, _ = pictures.shape
    row = np.full((height + band + _GAP, places, width + _GAP, 3), _GAP_GREY, np.uint8)
    row[:height, :count, :width] = pictures.transpose(1, 0, 2, 3)
    return row.reshape(height + band + _GAP, -1, 3)


def moves(spec: FactorSpec) -> bool:
    """Whether a factor has more than one value to show."""
    if spec.values is not None:
        return len(spec.values) > 1
    return spec.range is not None and spec.range[0] < spec.range[1]


def steps(spec: FactorSpec, steps: int) -> NDArray[np.float64]:
    """Return evenly spread values of a factor, as stored: all of a categorical one that fit."""
    if spec.values is None:
        assert spec.range is not None
        return np.linspace(*spec.range, steps)
    return np.unique(np.linspace(0, len(spec.values) - 1, steps).round())


def _value(spec: FactorSpec, stored: Any, figures: int = 3) -> str:
    """Write a stored value in the factor's own words, ``?`` if it is unknown."""
    if np.isnan(stored):
        return "?"
    value = stored if spec.values is None else spec.values[int(stored)]
    if isinstance(value, str):
        return value
    whole = 10**figures <= abs(value) < 1e5  # 510, not 5.1e+02
    return f"{value:.0f}" if whole else f"{value:.{figures}g}"


def _unit(dataset: Dataset, spec: FactorSpec) -> NDArray[np.float64]:
    """Return a factor's column scaled so that its values span 0 to 1."""
    low, high = _ends(spec)
    scaled: NDArray[np.float64] = (dataset.factor(spec.name) - low) / (high - low)
    return scaled


def _ends(spec: FactorSpec) -> tuple[float, float]:
    """Return the lowest and highest stored value of a factor."""
    return (0, len(spec.values) - 1) if spec.values is not None else spec.range or (0, 1)


def _away(spec: FactorSpec, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far apart two values are, given their difference on the 0 to 1 scale."""
    away: NDArray[np.float64] = np.abs(offset)
    if spec.kind == "categorical":
        away = np.sign(away)
    elif spec.stored_turn:
        low, high = _ends(spec)
        turn = spec.stored_turn / (high - low)
        away = np.minimum(away % turn, -away % turn)
    return np.nan_to_num(away, nan=1)  # unknown: as far as can be


def middle_row(dataset: Dataset, moving: list[FactorSpec]) -> int:
    """Return the row whose ordered factors are nearest to the middle of their ranges.

    An image on which a factor repeats early (the angle of a ring) shows that factor badly, so
    others come first.
    """
    away = np.zeros(len(dataset))
    names = [spec.name for spec in moving]
    for spec in moving:
        if spec.kind != "categorical":
            away += np.nan_to_num((_unit(dataset, spec) - 0.5) ** 2, nan=1)
        away += np.isnan(dataset.factor(spec.name))
        for symmetry in spec.symmetries:
            if symmetry.factor in names:
                values = dataset.specs[dataset.factor_names.index(symmetry.factor)].values or ()
                if symmetry.value in values:
                    index = values.index(symmetry.value)
                    away[dataset.factor(symmetry.factor) == index] += len(moving)
    return int(away.argmin())


def nearest_rows(
    dataset: Dataset, spec: FactorSpec, values: NDArray[np.float64], base: int
) -> NDArray[np.int64]:
    """Return for each value of one factor the row there that is otherwise nearest to ``base``."""
    others = np.zeros(len(dataset))
    for other in dataset.specs:
        if other.name != spec.name and moves(other):
            column = _unit(dataset, other)
            others += _away(other, column - column[base]) ** 2
    stored = dataset.factor(spec.name)
    low, high = steps(spec, 2)[[0, -1]]
    # First the factor itself, then the others: a hundredth of its span outweighs all of those.
    apart = (abs(stored - values[:, None]) / (high - low)) ** 2 * 1e4 + others  # (steps, N)
    return np.asarray(np.nan_to_num(apart, nan=np.inf).argmin(1))
