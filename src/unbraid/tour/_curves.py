"""What both curves, beta-VAE's and beta-TCVAE's, are drawn and told from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from unbraid.figures._style import PALETTE
from unbraid.runs import scores_by_metric
from unbraid.tour import _spread

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

LABELS = {"beta-vae": "β-VAE", "beta-tcvae": "β-TCVAE"}
SCORES = {"mig": "MIG", "dci": "DCI"}
COLORS = {"beta-vae": PALETTE[0], "beta-tcvae": PALETTE[3]}
MARKERS = {"beta-vae": "o", "beta-tcvae": "s"}
SHOWN = 4  # the beta of examples
CROWD = 5  # betas that can all be named where two curves run close
BESIDE = {"beta-vae": (4, 4), "beta-tcvae": (4, -10)}  # where a point's beta is written, in points


@dataclass(frozen=True)
class Point:
    """A method at one beta: each number over seeds, in the seeds' order.

    Args:
        reconstruction, kl: nats per unseen image.
        scores: of each metric, 0 to 1.
        active: latents in use.
    """

    reconstruction: Sequence[float]
    kl: Sequence[float]
    scores: Mapping[str, Sequence[float]]
    active: Sequence[float]


Curve = Mapping[int, Point]


def curve(tour: Tour, method: str) -> Curve:
    """Return a method's points by beta, from the results of its trainings."""
    points = {}
    for beta, names in tour.curve(method).items():
        results = [tour.run(name).result for name in names]
        figures = [result["reconstruction_stats"] for result in results]
        points[beta] = Point(
            [each["reconstruction"] for each in figures],
            [each["kl"] for each in figures],
            {name: [score(result, name) for result in results] for name in SCORES},
            [each["active_units"] for each in figures],
        )
    return points


def score(result: Mapping[str, Any], name: str) -> float:
    """Return a metric's value; a code that is too constant for it to be defined has none of it."""
    value = scores_by_metric(result)[name]["value"]
    return 0.0 if value is None else float(value)


def needs(tour: Tour) -> list[str]:
    """Return the trainings of both curves."""
    names = (each for method in LABELS for each in tour.curve(method).values())
    return list(dict.fromkeys(name for each in names for name in each))


def best(points: Curve) -> int:
    """Return the beta at which the mean MIG is highest."""
    return max(points, key=lambda beta: _spread.mean(points[beta].scores["mig"]))


def shown(tour: Tour) -> int:
    """Return the beta whose trainings are shown as an example: 4, or the highest."""
    return SHOWN if SHOWN in tour.scale.betas else tour.scale.betas[-1]


def over_beta(
    ax: Axes, method: str, betas: Sequence[int], values: Sequence[Sequence[float]]
) -> None:
    """Plot a number against beta: single trainings as dots, their means as a line."""
    color = COLORS[method]
    for beta, each in zip(betas, values, strict=True):
        ax.plot([beta] * len(each), each, MARKERS[method], ms=3, color=color, alpha=0.45)
    means = [_spread.mean(each) for each in values]
    ax.plot(betas, means, "-", marker=MARKERS[method], ms=5, color=color, label=LABELS[method])
    ax.set_xscale("log")
    ax.set_xticks(list(betas), [f"{beta}" for beta in betas])
    if len(betas) > CROWD:
        ax.tick_params(axis="x", labelsize=6)
    ax.minorticks_off()
    ax.set_xlabel("β")


def trade_off(
    ax: Axes, method: str, points: Curve, score: str, named: Sequence[int] | None = None
) -> None:
    """Plot a score against the reconstruction, each point a beta, bars one standard deviation.

    The betas in ``named`` are written beside their points, all of them if it is not given.
    """
    color = COLORS[method]
    across = [_spread.mean(point.reconstruction) for point in points.values()]
    up = [_spread.mean(point.scores[score]) for point in points.values()]
    ax.errorbar(
        across,
        up,
        xerr=[_spread.deviation(point.reconstruction) for point in points.values()],
        yerr=[_spread.deviation(point.scores[score]) for point in points.values()],
        fmt="-",
        marker=MARKERS[method],
        ms=5,
        lw=1.2,
        elinewidth=0.8,
        color=color,
        label=LABELS[method],
    )
    for point in points.values():
        ax.plot(
            point.reconstruction, point.scores[score], MARKERS[method], ms=2.5, color=color,
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


def rows(method: str, points: Curve) -> list[list[str]]:
    """Return a table's row for each beta."""
    return [
        [
            f"{LABELS[method]}, β = {beta}",
            _spread.written(point.reconstruction),
            _spread.written(point.kl, 2),
            *(_spread.written(point.scores[name], 3) for name in SCORES),
            _spread.written(point.active),
        ]
        for beta, point in points.items()
    ]


HEAD = ("training", "reconstruction", "KL", *SCORES.values(), "active latents")


def sheet(curves: Mapping[str, Curve]) -> list[list[object]]:
    """Return a row for each training, for a CSV file under ``SHEET``."""
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


SHEET = ("method", "beta", "seed", "reconstruction", "kl", *SCORES, "active_units")


def told(method: str, points: Curve) -> str:
    """Say a curve's numbers, for those who do not see it."""
    return " ".join(
        f"{LABELS[method]} at β {beta}: reconstruction {_spread.mean(point.reconstruction):.1f}, "
        + ", ".join(f"{name} {_spread.mean(point.scores[key]):.2f}" for key, name in SCORES.items())
        + "."
        for beta, point in points.items()
    )
