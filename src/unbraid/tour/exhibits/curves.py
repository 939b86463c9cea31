"""Figures and tables of beta-VAE and beta-TCVAE over beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from unbraid.figures import GREY, PALETTE, new_figure, styled
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.comparison import Curves
from unbraid.tour.statistics.curves import EXAMPLE_BETA, LABELS, SCORES, Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


METHOD_COLORS = {"beta-vae": PALETTE[0], "beta-tcvae": PALETTE[3]}

METHOD_MARKERS = {"beta-vae": "o", "beta-tcvae": "s"}

MOST_NAMED = 5  # betas that can all be named where two curves run close

BESIDE = {"beta-vae": (4, 4), "beta-tcvae": (4, -10)}  # where a point's beta is written, in points


def plot_over_beta(
    ax: Axes, method: str, betas: Sequence[int], values: Sequence[Sequence[float]]
) -> None:
    """Plot a number against beta: single trainings as dots, their means as a line."""
    color = METHOD_COLORS[method]
    for beta, each in zip(betas, values, strict=True):
        ax.plot([beta] * len(each), each, METHOD_MARKERS[method], ms=3, color=color, alpha=0.45)
    means = [spread.mean(each) for each in values]
    ax.plot(
        betas, means, "-", marker=METHOD_MARKERS[method], ms=5, color=color, label=LABELS[method]
    )
    ax.set_xscale("log")
    ax.set_xticks(list(betas), [f"{beta}" for beta in betas])
    if len(betas) > MOST_NAMED:
        ax.tick_params(axis="x", labelsize=6)
    ax.minorticks_off()
    ax.set_xlabel("β")


def plot_trade_off(
    ax: Axes, method: str, points: Curve, score: str, named: Sequence[int] | None = None
) -> None:
    """Plot a score against the reconstruction, each point a beta, bars one standard deviation.

    The betas in ``named`` are written beside their points, all of them if it is not given.
    """
    color = METHOD_COLORS[method]
    across = [spread.mean(point.reconstruction) for point in points.values()]
    up = [spread.mean(point.scores[score]) for point in points.values()]
    ax.errorbar(
        across,
        up,
        xerr=[spread.deviation(point.reconstruction) for point in points.values()],
        yerr=[spread.deviation(point.scores[score]) for point in points.values()],
        fmt="-",
        marker=METHOD_MARKERS[method],
        ms=5,
        lw=1.2,
        elinewidth=0.8,
        color=color,
        label=LABELS[method],
    )
    for point in points.values():
        ax.plot(
            point.reconstruction, point.scores[score], METHOD_MARKERS[method], ms=2.5, color=color,
            alpha=0.45,
        )  # fmt: skip
    for beta, x, y in zip(points, across, up, strict=True):
        if beta == 1 and method != "beta-vae":
            continue  # the same trainings, named once
        if named is not None and beta not in named:
            continue
        ax.annotate(f"β={beta}", (x, y), BESIDE[method], textcoords="offset points", color=color)
    ax.set_xlabel("reconstruction, nats\n(less is better)")
    ax.set_ylabel(SCORES[score])


def curve_rows(method: str, points: Curve) -> list[list[str]]:
    """Return a table's row for each beta."""
    return [
        [
            f"{LABELS[method]}, β = {beta}",
            spread.written(point.reconstruction),
            spread.written(point.kl, 2),
            *(spread.written(point.scores[name], 3) for name in SCORES),
            spread.written(point.active),
        ]
        for beta, point in points.items()
    ]


CURVE_HEAD = ("training", "reconstruction", "KL", *SCORES.values(), "active latents")


def curve_sheet(curves: Mapping[str, Curve]) -> list[list[object]]:
    """Return a row for each training, for a CSV file under ``CURVE_SHEET``."""
    return [
        [method, beta, seed, *values]
        for method, points in curves.items()
        for beta, point in points.items()
        for seed, values in enumerate(
            zip(
                point.reconstruction,
                point.kl,
                *(point.scores[name] for name in SCORES),
                point.active,
                strict=True,
            )
        )
    ]


CURVE_SHEET = ("method", "beta", "seed", "reconstruction", "kl", *SCORES, "active_units")


def curve_alt(method: str, points: Curve) -> str:
    """Return the numbers of a curve as alternative text."""
    return " ".join(
        f"{LABELS[method]} at β {beta}: reconstruction {spread.mean(point.reconstruction):.1f}, "
        + ", ".join(f"{name} {spread.mean(point.scores[key]):.2f}" for key, name in SCORES.items())
        + "."
        for beta, point in points.items()
    )


def both_terms(record: dict[str, float]) -> tuple[float, float]:
    """Return reconstruction and KL of an epoch's validation."""
    return record["validation_reconstruction"], record["validation_kl"]


@styled
def draw_terms(drawn: Mapping[int, Sequence[dict[str, Any]]]) -> Figure:
    """Draw both terms of the loss over training at some betas."""
    figure = new_figure(6.5, 2.7, layout="constrained")
    axes = figure.subplots(1, 2)
    for color, (beta, records) in enumerate(drawn.items()):
        epochs = [record["epoch"] for record in records]
        for ax, values in zip(axes, zip(*map(both_terms, records), strict=True), strict=True):
            ax.plot(epochs, values, marker="osD"[color], ms=3, color=PALETTE[color],
                    label=f"β = {beta}")  # fmt: skip
    for ax, name in zip(axes, ("reconstruction", "KL"), strict=True):
        ax.set_xlabel("epoch")
        ax.set_ylabel("nats per image")
        ax.set_title(f"{name}, held-out digits", loc="left")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlim(left=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


@styled
def draw_curve(points: Curve) -> Figure:
    """Draw each number against beta, and MIG against reconstruction."""
    figure = new_figure(6.5, 4.6, layout="constrained")
    axes = figure.subplot_mosaic([["reconstruction", "kl", "trade"], ["mig", "dci", "trade"]],
                                 width_ratios=[1, 1, 1.5])  # fmt: skip
    betas = list(points)
    shown = {
        "reconstruction": [point.reconstruction for point in points.values()],
        "kl": [point.kl for point in points.values()],
        **{name: [point.scores[name] for point in points.values()] for name in SCORES},
    }
    names = {"reconstruction": "reconstruction, nats", "kl": "KL, nats", **SCORES}
    for name, values in shown.items():
        plot_over_beta(axes[name], "beta-vae", betas, values)
        axes[name].set_title(names[name], loc="left")
        axes[name].set_ylim(bottom=0)
    plot_trade_off(axes["trade"], "beta-vae", points, "mig")
    axes["trade"].set_title("the trade-off", loc="left")
    axes["trade"].set_ylim(bottom=0)
    axes["trade"].margins(x=0.2)
    return figure


KL_TERMS = {
    "index_code_mi": "mutual information",
    "total_correlation": "total correlation",
    "dimwise_kl": "dimension-wise KL",
}


@styled
def draw_parts(histories: Sequence[Sequence[dict[str, float]]], beta: int) -> Figure:
    """Draw each part of the KL over training, a thin line for each seed and a thick mean."""
    figure = new_figure(6.5, 2.5, layout="constrained")
    for ax, (term, label), color in zip(
        figure.subplots(1, 3), KL_TERMS.items(), PALETTE, strict=False
    ):
        values = np.array([[r[f"validation_{term}"] for r in history] for history in histories])
        epochs = [record["epoch"] for record in histories[0]]
        ax.plot(epochs, values.T, color=color, lw=0.7, alpha=0.6)
        ax.plot(epochs, values.mean(0), color=color, lw=1.8, marker="o", ms=3)
        ax.axhline(0, color="black", lw=0.5)
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlim(left=0)
        ax.set_title(label, loc="left")
    figure.axes[0].set_ylabel(f"nats per image, β = {beta}")
    return figure


@styled
def draw_trade_off(curves: Curves) -> Figure:
    """Draw each score against the reconstruction, both methods on one pair of axes."""
    figure = new_figure(6.5, 3.4, layout="constrained")
    for ax, (score, name) in zip(figure.subplots(1, 2), SCORES.items(), strict=True):
        for method, points in curves.items():
            few = [EXAMPLE_BETA, *list(points)[:: len(points) - 1]]
            named = few if len(points) > MOST_NAMED else None
            plot_trade_off(ax, method, points, score, named)
        ax.set_title(f"{name} against reconstruction", loc="left")
        ax.set_ylim(bottom=0)
        ax.margins(x=0.15)
        ax.annotate("better", (0.02, 0.99), (0.14, 0.86), xycoords="axes fraction", color=GREY,
                    textcoords="axes fraction", arrowprops={"arrowstyle": "->", "color": GREY},
                    fontsize=7, ha="left", va="center")  # fmt: skip
    figure.axes[0].legend(loc="upper right")
    return figure


@styled
def draw_factor_gaps(
    gaps: dict[str, NDArray[np.float64]], best: dict[str, int], factors: tuple[str, ...]
) -> Figure:
    """Draw the mutual information gap of each factor as bars, the methods side by side."""
    figure = new_figure(6.5, 2.7, layout="constrained")
    ax = figure.subplots()
    places = np.arange(len(factors))
    for index, (method, each) in enumerate(gaps.items()):
        at = places + 0.38 * (index - 0.5)
        label = f"{LABELS[method]}, β = {best[method]}"
        ax.bar(at, each.mean(0), 0.34, color=METHOD_COLORS[method], label=label,
               hatch=("", "//")[index], edgecolor="white")  # fmt: skip
        for row in each:
            ax.plot(at, row, "o", ms=3, color=PALETTE[6])
    ax.set_xticks(places, factors)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("mutual information gap")
    ax.set_title("digits, held-out images: mutual information gap by factor", loc="left")
    ax.legend()
    return figure
