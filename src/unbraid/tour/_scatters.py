"""Clouds of codes side by side on one scale, and the table of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from unbraid import methods
from unbraid.figures import scatter
from unbraid.figures._style import GREY, new_figure, styled
from unbraid.runs import Run
from unbraid.tour._measure import PRIOR_RADIUS, Cloud
from unbraid.tour._page import number, picture, table

POINTS = 2500  # of each cloud's codes that are drawn


@styled
def panels(runs: Sequence[Run], clouds: Sequence[Cloud], prior: bool = False) -> list[str]:
    """Return an image of each cloud, all on one scale, the middle of which is 0.

    Args:
        runs: the runs.
        clouds: their codes.
        prior: whether to draw the circle that holds 95% of the standard normal.
    """
    reach = 1.05 * max(np.quantile(np.abs(cloud.codes), 0.999) for cloud in clouds)
    images = []
    for run, cloud in zip(runs, clouds, strict=True):
        figure = new_figure(3.2, 3.4, layout="constrained")
        ax = figure.subplots()
        shown = np.arange(min(POINTS, len(cloud.codes)))
        scatter.plot(ax, cloud.codes[shown], cloud.data.take(shown))
        ax.set_aspect("equal", adjustable="box")
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-reach, reach)
        if prior:
            turn = np.linspace(0, 2 * np.pi, 200)
            ax.plot(PRIOR_RADIUS * np.cos(turn), PRIOR_RADIUS * np.sin(turn), "--", c=GREY, lw=0.8)
        ax.plot(*cloud.centre, "+", c="black", ms=14, mew=4)
        ax.plot(*cloud.centre, "+", c="white", ms=12, mew=1.5)
        method, seed = methods.name_of(run.config.method), run.config.training.seed
        ax.set_title(f"{method} on mnist, seed {seed}", loc="left")
        ax.set_xlabel("z0")
        ax.set_ylabel("z1")
        # every digit's name where most of its codes are
        for digit in range(10):
            mine = cloud.codes[cloud.data.factor("digit") == digit]
            if len(mine):
                _name(ax, np.median(mine, 0), str(digit))
        images.append(picture(figure, _alt(method, seed, cloud)))
    return images


def _name(ax: Axes, place: NDArray[Any], text: str) -> None:
    """Write a class's name where its codes are."""
    ax.text(
        place[0],
        place[1],
        text,
        ha="center",
        va="center",
        fontsize=9,
        fontweight="bold",
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )


def _alt(method: str, seed: int, cloud: Cloud) -> str:
    x, y = (number(value, 2) for value in cloud.centre)
    long, short = cloud.spread
    return (
        f"Codes of {min(POINTS, len(cloud.codes)):,} unseen digits by {method}, seed {seed}, "
        f"coloured by digit: centred at ({x}, {y}), standard deviation {long:.2f} along the "
        f"longest direction and {short:.2f} across, ones towards {cloud.ones:.0f} degrees."
    )


HEAD = (
    "training",
    "centre",
    "from 0",
    "spread, along and across",
    "long axis",
    "ones towards",
    "farthest codes",
)


def rows(runs: Sequence[Run], clouds: Sequence[Cloud]) -> list[list[str]]:
    """Return a table's row for each cloud, under ``HEAD``."""
    return [
        [
            f"{methods.name_of(run.config.method)}, seed {run.config.training.seed}",
            f"({number(cloud.centre[0], 2)}, {number(cloud.centre[1], 2)})",
            f"{np.linalg.norm(cloud.centre):.2f}",
            f"{cloud.spread[0]:.2f}, {cloud.spread[1]:.2f}",
            f"{cloud.axis:.0f}°",
            f"{cloud.ones:.0f}°",
            f"{cloud.reach:.1f}",
        ]
        for run, cloud in zip(runs, clouds, strict=True)
    ]


def numbers(lines: Sequence[Sequence[str]]) -> str:
    """Return the table of clouds' numbers."""
    return table(
        "Where the codes of unseen digits lie: their mean, its distance from 0, standard "
        "deviations along and across the cloud, directions in degrees anticlockwise from z0, and "
        "the distance from 0 that 99% of codes keep within.",
        HEAD,
        lines,
    )
