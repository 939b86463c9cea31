"""Clouds of codes side by side on one scale, and the table of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from unbraid import methods
from unbraid.core.subsets import some_rows
from unbraid.figures import GREY, PALETTE, new_figure, scatter, styled
from unbraid.pages.html import table
from unbraid.runs import Run
from unbraid.tour.exhibits.files import Numbers, Picture
from unbraid.tour.formatting import number
from unbraid.tour.statistics.clouds import PRIOR_RADIUS, Cloud

POINTS = 2500  # of each cloud's codes that are drawn


@styled
def cloud_panels(
    runs: Sequence[Run], clouds: Sequence[Cloud], prior: bool = False
) -> list[Picture]:
    """Return a picture of each cloud, all on one scale, the middle of which is 0.

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
        shown = some_rows(len(cloud.codes), POINTS)
        scatter.plot(ax, cloud.codes[shown], cloud.data.take(shown))
        for points in ax.collections:  # thousands of points are smaller as pixels
            points.set_rasterized(True)
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
        # every digit's numeral at the median of its codes
        for digit in range(10):
            mine = cloud.codes[cloud.data.factor("digit") == digit]
            if len(mine):
                _name(ax, np.median(mine, 0), str(digit))
        images.append(Picture(figure, _alt(method, seed, cloud), str(seed)))
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
        f"Codes of {min(POINTS, len(cloud.codes)):,} held-out digits by {method}, seed {seed}, "
        f"coloured by digit: centred at ({x}, {y}), standard deviation {long:.2f} along the "
        f"longest direction and {short:.2f} across, ones towards {cloud.ones:.0f} degrees."
    )


@styled
def draw_ellipses(clouds: Mapping[str, Sequence[Cloud]]) -> Figure:
    """Draw the clouds of each method's trainings as ellipses, all methods on one scale."""
    reach = max(
        float(np.abs(cloud.centre).max()) + 2.1 * cloud.spread[0]
        for each in clouds.values()
        for cloud in each
    )
    figure = new_figure(6.5, 3.1, layout="constrained")
    for ax, (method, each) in zip(figure.subplots(1, len(clouds)), clouds.items(), strict=True):
        turn = np.linspace(0, 2 * np.pi, 200)
        ax.plot(2 * np.cos(turn), 2 * np.sin(turn), "--", color=GREY, lw=0.8)
        for seed, cloud in enumerate(each):
            color = PALETTE[seed % len(PALETTE)]
            wide, high = (4 * spread for spread in cloud.spread)
            ax.add_patch(
                Ellipse(
                    (cloud.centre[0], cloud.centre[1]),
                    wide,
                    high,
                    angle=cloud.axis,
                    fill=False,
                    ec=color,
                    lw=1.2,
                )
            )
            ones = cloud.centre + cloud.spread[0] * np.array(
                [np.cos(np.radians(cloud.ones)), np.sin(np.radians(cloud.ones))]
            )
            ax.plot(*np.stack([cloud.centre, ones], 1), color=color, lw=1.2)
            ax.plot(*cloud.centre, "o", ms=4, color=color, label=f"seed {seed}")
        ax.set_aspect("equal", adjustable="box")
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-reach, reach)
        ax.set_xlabel("z0")
        ax.set_ylabel("z1")
        ax.set_title(f"{method} on mnist: where codes lie", loc="left")
        if method == list(clouds)[-1]:
            ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.2)
    return figure


CLOUD_HEAD = (
    "training",
    "centre",
    "from 0",
    "spread, along and across",
    "long axis",
    "ones towards",
    "radius of 99%",
)


def cloud_rows(runs: Sequence[Run], clouds: Sequence[Cloud]) -> list[list[str]]:
    """Return a table's row for each cloud, under ``CLOUD_HEAD``."""
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


CLOUD_SHEET = (
    "seed", "centre z0", "centre z1", "spread along", "spread across", "long axis degrees",
    "ones towards degrees", "99% within",
)  # fmt: skip


def cloud_sheet(runs: Sequence[Run], clouds: Sequence[Cloud]) -> Numbers:
    """Return the same numbers, unrounded, for a CSV file."""
    return Numbers(
        CLOUD_SHEET,
        [
            [run.config.training.seed, *c.centre, *c.spread, c.axis, c.ones, c.reach]
            for run, c in zip(runs, clouds, strict=True)
        ],
    )


def cloud_table(lines: Sequence[Sequence[str]]) -> str:
    """Return the table of clouds' numbers."""
    return table(
        "Where the codes of held-out digits lie: their mean, its distance from 0, standard "
        "deviations along and across the cloud, directions in degrees counter-clockwise from z0, "
        "and the distance from 0 that 99% of codes keep within.",
        CLOUD_HEAD,
        lines,
    )
