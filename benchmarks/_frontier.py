"""The frontier of control: every row of benchmarks/results/control.json in two plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from unbraid.core.files import atomic
from unbraid.figures import GREY, PALETTE, new_figure, styled

FAMILIES = ("conditional-flow", "conditional-vae", "s2-", "")  # by how a method's name starts
COLOURS = (PALETTE[1], PALETTE[0], PALETTE[3], PALETTE[2])
NAMES = (
    "factors are given, their geometry is learned",
    "factors are given, their geometry is built in",
    "latents trained with labels",
    "unsupervised, 100 labels after training",
)


def family(method: str) -> int:
    """Return which family a method is of."""
    return next(i for i, start in enumerate(FAMILIES) if method.startswith(start))


def points(result: dict[str, Any]) -> list[tuple[str, int, np.ndarray]]:
    """Return name, family and, seed by seed, (diversity, wrong digits in %, grey ratio)."""
    found = []
    for row in result["rows"].values():
        name = f"{row['method']}, {row['labels'].split(',')[0]}"
        if row["labels"] in ("1,000", "all"):
            name = f"{row['method']}, {row['labels']}"
        if row["canvas"] != 32:
            name += f", {row['canvas']} px"
        if row["setting"] != "corrected":
            name += f", {row['setting']}"
        seeds = [seed["report"]["figures"] for seed in row["seeds"].values()]
        at = [
            (
                figures["diversity"]["value"],
                max(100 - figures["digit accuracy"]["value"], 0.5),
                figures["grey ratio"]["value"],
            )
            for figures in seeds
        ]
        if at:
            found.append((name, family(row["method"]), np.array(at)))
    return found


@styled
def draw(result: dict[str, Any], path: Path) -> None:
    """Draw accuracy and grey ratio against diversity; the corner at the top right is best."""
    if "32" not in result["floor"] or not points(result):
        return
    figure = new_figure(9.6, 3.9, layout="constrained")
    accurate, sharp, key = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1, 0.62]})
    rows = points(result)
    for index, (_, of, at) in enumerate(rows):
        for ax, column in ((accurate, 1), (sharp, 2)):
            _mark(ax, at[:, [0, column]], COLOURS[of], str(index + 1))
    real = result["floor"]["32"]["figures"]
    for ax, y in (
        (accurate, 100 - real["digit accuracy"]["value"]),
        (sharp, real["grey ratio"]["value"]),
    ):
        ax.plot(1, y, marker="*", markersize=11, color="black", linestyle="none", zorder=4)
        ax.set_xlabel("diversity at one request, relative to real writers")
        ax.set_xlim(-0.04, max([1.25, *(at[:, 0].max() + 0.08 for _, _, at in rows)]))
    for labels, aims in result["targets"]["conditional-flow"].items():
        _target(accurate, aims["diversity"], 100 - aims["digit accuracy"], labels)
        _target(sharp, aims["diversity"], aims["grey ratio"], labels)
    accurate.set_yscale("log")
    accurate.set_ylim(100, 0.45)  # points() puts no row below 0.5
    ticks = (0.5, 1, 2, 5, 10, 20, 50, 90)
    accurate.set_yticks(ticks, [f"{tick:g}%" for tick in ticks])
    accurate.minorticks_off()
    accurate.set_ylabel("digits that the judge reads otherwise")
    greys = [at[:, 2].max() for _, _, at in rows]
    sharp.set_ylim(max([0.35, *greys]) + 0.04, 0.1)
    sharp.set_ylabel("grey ratio (lower is sharper)")
    _key(key, rows)
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=160)


def _mark(ax: Axes, at: np.ndarray, colour: str, text: str) -> None:
    """Mark a row at the mean of its seeds, each seed a dot."""
    x, y = at.mean(0)
    if len(at) > 1:
        ax.scatter(*at.T, s=9, color=colour, alpha=0.5, linewidths=0, zorder=2)
    ax.scatter(x, y, s=95, color=colour, edgecolors="white", linewidths=0.7, zorder=3)
    ax.annotate(
        text, (x, y), ha="center", va="center_baseline", fontsize=6.5, color="white", zorder=3
    )


def _target(ax: Axes, diversity: float, most: float, labels: str) -> None:
    """Draw the corner of what is aimed at with that many labels."""
    style = {"color": GREY, "linewidth": 0.8, "zorder": 1}
    style["linestyle"] = {"all": "-", "1,000": "--"}.get(labels, ":")
    ax.plot([diversity, diversity, 10], [0.001, most, most], **style, scaley=False, scalex=False)


def _key(ax: Axes, rows: list[tuple[str, int, np.ndarray]]) -> None:
    """List the rows by their numbers."""
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    lines: list[tuple[str, str]] = []
    for of, name in enumerate(NAMES):
        mine = [(i, row[0]) for i, row in enumerate(rows) if row[1] == of]
        if mine:
            lines.append((name, COLOURS[of]))
            lines += [(f"  {i + 1}  {text}", "black") for i, text in mine]
    lines += [("", ""), ("★  real renderings", "black")]
    lines += [("aims where geometry is learned: all labels", GREY)]
    lines += [("(line), 1,000 (dashed), 100 (dotted)", GREY)]
    step = 1 / max(len(lines), 24)
    for index, (text, colour) in enumerate(lines):
        bold = colour in COLOURS
        ax.text(
            0,
            1 - (index + 0.5) * step,
            text,
            color=colour or "black",
            fontsize=7,
            fontweight="bold" if bold else "normal",
            family="DejaVu Sans",
        )
