"""What the figures of a study share: panels side by side, their titles, and rows of numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.figures import WIDTH, new_figure
from unbraid.studies.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = list[dict[str, Any]]
Drawn = tuple["Figure", Rows] | None  # a figure and its numbers, None where there is nothing
LETTERS = 14  # an inch of a heading has at most
PANEL = 1.55  # inches: the height of a panel
ACROSS = 3  # panels side by side


def panel_grid(
    count: int, heading: str, *, height: float = PANEL, foot: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels below a heading."""
    across = min(count, ACROSS)
    down = -(-count // across)
    figure = new_figure(
        max(WIDTH * across / ACROSS, 3.4), down * (height + 0.75) + 0.3 + foot, layout="constrained"
    )
    grid = np.atleast_1d(figure.subplots(down, across)).ravel()
    for ax in grid[count:]:
        ax.set_axis_off()
    head(figure, heading)
    return figure, list(grid[:count])


def head(figure: Figure, heading: str) -> None:
    """Write the heading of a figure, in as many lines as its width needs."""
    lines = textwrap.fill(heading, int(LETTERS * figure.get_figwidth()), break_long_words=False)
    figure.suptitle(lines, x=0.01, ha="left", fontsize=9)


def heading_of(results: Results, what: str) -> str:
    """Return the heading of a figure: data, number of runs, and what it shows."""
    lost = f", {len(results.lost)} lost" if results.lost else ""
    return f"{results.data}, {len(results.cells)} runs{lost}: {what}"


def measured(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values that are not NaN."""
    return values[~np.isnan(values)]


def spread(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return count, quartiles and range of values."""
    if not len(values):
        return {"runs": 0}
    low, high = np.quantile(values, [0.25, 0.75])
    return {
        "runs": len(values),
        "low_quartile": low,
        "high_quartile": high,
        "least": values.min(),
        "most": values.max(),
    }


def spread_out(count: int) -> NDArray[Any]:
    """Return places left and right of a middle, so that dots lie less on each other."""
    found: NDArray[Any] = 0.12 * ((np.arange(count) * 0.618) % 1 - 0.5)
    return found


def name_methods(ax: Axes, methods: Sequence[str], lost: Sequence[int] = ()) -> None:
    """Write the names of methods below the x axis, with the number of lost runs of each."""
    counts = lost or [0] * len(methods)
    names = [
        f"{method} ({count} lost)" if count else method
        for method, count in zip(methods, counts, strict=True)
    ]
    ax.set_xticks(range(len(methods)), names, rotation=35, ha="right", fontsize=7)


def write_cells(
    ax: Axes,
    values: NDArray[np.float64],
    written: Callable[[float], str],
    dark: float,
    middle: float = 0.0,
) -> None:
    """Write the numbers of a matrix into its cells, white on dark ones."""
    for (i, j), value in np.ndenumerate(values):
        if not math.isnan(value):
            color = "white" if abs(value - middle) > dark else "black"
            ax.text(j, i, written(value), ha="center", va="center", fontsize=7, color=color)
