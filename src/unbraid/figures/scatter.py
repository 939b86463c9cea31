"""Scatter plot of held-out codes in two latents, coloured by a factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.figures._latents import latent_names
from unbraid.figures._style import (
    PALETTE,
    folded,
    label_width,
    marker,
    new_figure,
    short,
    styled,
    title,
    which,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unbraid.core.factors import FactorSpec
    from unbraid.datasets import Dataset
    from unbraid.figures._codes import Codes, Latent
    from unbraid.runs import Run

TARGET = "run"
UNKNOWN = "#bbbbbb"  # points whose factor is unknown
CLASSES = 20  # more are told apart by a colour scale, not by a legend


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        latents: which two, such as ``z3 z0``; if not given, both of a model with two, else those
            of the largest KL (of the largest variance where there is no KL).
        factor: the factor that colours the points; the first that varies if not given.
        points: how many images at most.
        seed: draws the images.
    """

    latents: tuple[str, ...] = ()
    factor: str | None = None
    points: int = 4000
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "latents", latent_names(self.latents))


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw the mean code of each image as a point, both axes on one scale.

    >>> draw(Run("runs/vae-mnist-0"), Config(factor="digit"))  # doctest: +SKIP
    """
    from unbraid.figures._codes import encode

    if config.points < 2:
        raise UnbraidError(f"points is {config.points}, expected 2 or more.")
    codes = encode(run.model(), run.unseen(), config.points, config.seed)
    pair = chosen(codes, config.latents)
    spec = _spec(codes.data, config.factor)
    wide = label_width([short(value) for value in _words(spec)] or [""])
    figure = new_figure(5.6 + max(wide - 0.8, 0), 4.6, layout="constrained")
    ax = figure.subplots()
    points = np.concatenate([codes.mean[:, latent.columns] for latent in pair], 1)
    plot(ax, points, codes.data, config.factor, legend=True)
    ax.set_xlabel(pair[0].label)
    ax.set_ylabel(pair[1].label)
    heading = title(run, f"codes of {len(points):,} {which(codes.data)} images")
    ax.set_title(folded(heading, figure.get_figwidth() - 0.8, 9), loc="left")
    return figure


def chosen(codes: Codes, names: tuple[str, ...]) -> list[Latent]:
    """Return the two latents to show: those named, else the first two, in their order."""
    by_name = {latent.name: latent for latent in codes.numbers()}
    if len(by_name) < 2:
        raise UnbraidError(
            f"a scatter needs two numeric latents, this model has {len(by_name)}: "
            "look at its traversal instead."
        )
    if names and len(names) != 2:
        raise UnbraidError(
            f"latents are {' '.join(names)}, expected two of {', '.join(sorted(by_name))}."
        )
    for name in names:
        if name not in by_name:
            raise UnbraidError(
                f"there is no numeric latent '{name}'{did_you_mean(name, by_name)}: "
                f"they are {', '.join(sorted(by_name))}."
            )
    # of two, the first is across, whichever says more
    most = sorted(list(by_name)[:2], key=lambda name: by_name[name].columns.start)
    return [by_name[name] for name in names or most]


def plot(
    ax: Axes, points: NDArray[Any], data: Dataset, factor: str | None = None, legend: bool = False
) -> None:
    """Plot points (N, 2) of a data set's images, coloured by a factor, on equal axes.

    Args:
        ax: where to.
        points: (N, 2).
        data: their images' data set; without factors, all points look alike.
        factor: its name; the first that varies if not given.
        legend: whether to say beside the axes which colour is which.
    """
    ax.set_aspect("equal", adjustable="datalim")
    for line in (ax.axhline, ax.axvline):
        line(0, color="#cccccc", linewidth=0.6, zorder=0)
    spec = _spec(data, factor)
    if spec is None:
        ax.scatter(points[:, 0], points[:, 1], s=4, color=PALETTE[0], alpha=0.5, linewidths=0)
        return
    values = data.factor(spec.name)
    known = ~np.isnan(values)
    if not known.all():  # grey, under the others
        x, y = points[~known].T
        ax.scatter(x, y, s=4, color=UNKNOWN, linewidths=0, zorder=0.5)
        points, values = points[known], values[known]
    if spec.kind == "categorical" and spec.values and len(spec.values) <= CLASSES:
        _classes(ax, points, values, spec, legend)
        return
    if spec.values and all(isinstance(value, int | float) for value in spec.values):
        values = np.array(spec.values)[values.astype(np.int64)]
    colours: dict[str, Any] = {"cmap": "viridis"}
    if spec.period is not None:  # a whole turn, so that only what is the same looks the same
        low, turn = _turn(spec)
        colours = {"cmap": "twilight", "vmin": low, "vmax": low + turn}
    drawn = ax.scatter(points[:, 0], points[:, 1], s=4, c=values, linewidths=0, **colours)
    if legend:
        unit = spec.unit_beside
        label = short(spec.name) + (f" ({short(unit)})" if unit else "")
        bar = ax.figure.colorbar(drawn, ax=ax, label=label)
        bar.outline.set_visible(False)
        if words := _words(spec):
            shown = np.unique(np.linspace(values.min(), values.max(), CLASSES).round()).astype(int)
            bar.set_ticks(shown.tolist(), labels=[short(words[index]) for index in shown])


def _turn(spec: FactorSpec) -> tuple[float, float]:
    """Return where a circular factor starts and the length of its turn, as points are coloured."""
    assert spec.period is not None
    if spec.values is None:
        assert spec.range is not None  # FactorSpec has it where it has no values
        return spec.range[0], spec.period
    numbers = [value for value in spec.values if not isinstance(value, str)]
    if len(numbers) < len(spec.values):
        return 0.0, spec.stored_turn or 1.0
    return min(numbers), spec.period


def _words(spec: FactorSpec | None) -> list[str]:
    """Return the values of a factor whose values are words."""
    values = (spec.values if spec else None) or ()
    return list(map(str, values)) if any(isinstance(value, str) for value in values) else []


def _spec(data: Dataset, factor: str | None) -> FactorSpec | None:
    """Return the spec of the named factor, or of the first that varies."""
    if factor is not None:
        data.factor(factor)  # a factor the data lack is an error that names those it has
        return data.specs[data.factor_names.index(factor)]
    known = {spec: data.factor(spec.name) for spec in data.specs}
    varying = (spec for spec, v in known.items() if len(np.unique(v[~np.isnan(v)])) > 1)
    return next(varying, None)


def _classes(
    ax: Axes, points: NDArray[Any], values: NDArray[Any], spec: FactorSpec, legend: bool
) -> None:
    """Plot points by class, in a mixed order, so that no class lies on top of the others."""
    assert spec.values is not None
    present = np.unique(values)
    # Shares of each class in turn: cheap, and as good as drawing every point by itself.
    for share in range(10):
        for index in present:
            rows = np.flatnonzero(values == index)[share::10]
            ax.scatter(
                points[rows, 0],
                points[rows, 1],
                s=6,
                alpha=0.75,
                **marker(int(index)),
                label=short(spec.values[int(index)]) if share == 0 else None,
            )
    if legend:
        ax.legend(
            title=short(spec.name),
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            markerscale=2,
            handletextpad=0.2,
        )
