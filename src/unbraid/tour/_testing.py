"""The claim made for beta-TCVAE, held against both curves: figure, table and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unbraid.figures._style import PALETTE, new_figure, styled
from unbraid.tour import _claim, _curves, _spread
from unbraid.tour._claim import Comparison, Interval
from unbraid.tour._curves import Curve
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._page import number, paragraph, table, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

Curves = Mapping[str, Curve]


def compare(curves: Curves) -> list[Comparison]:
    """Hold β-TCVAE against β-VAE at every beta above 1, pair by pair of seeds."""
    ours, theirs = curves["beta-tcvae"], curves["beta-vae"]
    return [
        Comparison(
            beta,
            _claim.bootstrap(_less(ours[beta].reconstruction, theirs[beta].reconstruction)),
            {
                label: _claim.bootstrap(_less(ours[beta].scores[name], theirs[beta].scores[name]))
                for name, label in _curves.SCORES.items()
            },
        )
        for beta in ours
        if beta > 1
    ]


def along(curves: Curves, score: str) -> list[float]:
    """Return for each seed how much higher β-TCVAE's score is at equal reconstruction."""
    seeds = len(next(iter(curves["beta-vae"].values())).reconstruction)
    gaps = []
    for seed in range(seeds):
        one, other = (
            {
                beta: (point.reconstruction[seed], point.scores[score][seed])
                for beta, point in curves[method].items()
            }
            for method in ("beta-tcvae", "beta-vae")
        )
        gap = _claim.at_equal_reconstruction(one, other)
        gaps += [] if gap is None else [gap]
    return gaps


def _less(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(one, other, strict=True)]


def tested(tour: Tour, curves: Curves) -> list[str]:
    """Return the parts of the chapter that test the claim."""
    found = compare(curves)
    seeds = len(next(iter(curves["beta-vae"].values())).reconstruction)
    answer, why = _claim.verdict(found, seeds)
    lines = [
        [f"β = {each.beta}", _interval(each.reconstruction, 1)]
        + [_interval(score, 3) for score in each.scores.values()]
        + [_said(each) if seeds > 1 else "not decided"]
        for each in found
    ]
    sheet = [
        [each.beta, what, interval.mean, interval.low, interval.high]
        for each in found
        for what, interval in {"reconstruction": each.reconstruction, **each.scores}.items()
    ]
    told = " ".join(
        f"β {each.beta}: reconstruction {_interval(each.reconstruction, 1)}, "
        + ", ".join(f"{name} {_interval(score, 3)}" for name, score in each.scores.items())
        + "."
        for each in found
    )
    return [
        paragraph(
            "<strong>The claim</strong>, as the article makes it: β-TCVAE has better "
            "reconstruction than β-VAE with similar disentanglement. Put so that it can fail: at "
            "the same β, its reconstruction is better, surely (the whole interval below 0), and "
            f"neither score is lower by {_claim.MARGIN:g} or more, as surely. Seeds are compared "
            f"pair by pair; intervals hold {_claim.LEVEL:.0%} of the means of {_claim.DRAWS:,} "
            "bootstrap resamples of seeds. To judge the margin by: over these β, the β-VAE's "
            f"{_moved(curves['beta-vae'])}."
        ),
        exhibit(
            tour,
            "claim",
            [
                Picture(
                    draw_claim(found),
                    "Three panels of intervals by beta: the difference of β-TCVAE and β-VAE in "
                    f"reconstruction, MIG and DCI. {told}",
                )
            ],
            "β-TCVAE less β-VAE at the same β and seed: means and intervals. The claim needs the "
            "first to be below 0 and the others to stay above the dashed line.",
            Numbers(("beta", "difference in", "mean", "low", "high"), sheet),
            grid=True,
        ),
        table(
            f"β-TCVAE less β-VAE, mean and {_claim.LEVEL:.0%} interval over {seeds} seeds"
            if seeds > 1
            else "β-TCVAE less β-VAE, a single training of each",
            ["", "reconstruction, nats", *_curves.SCORES.values(), "the claim there"],
            lines,
        ),
        paragraph(
            "<strong>“Better reconstruction with similar disentanglement”: "
            f"{text(answer)}.</strong> {text(why)}",
            finding=True,
        ),
        paragraph(_caution(seeds)),
        *_equal(curves, seeds),
    ]


def _moved(points: Curve) -> str:
    """Say how much beta itself moves each score, as a measure for the margin."""
    parts = []
    for name, label in _curves.SCORES.items():
        means = [_spread.mean(point.scores[name]) for point in points.values()]
        parts.append(f"{label} moves by {max(means) - min(means):.2f}")
    return " and its ".join(parts)


def _said(each: Comparison) -> str:
    if not each.better:
        worse = each.reconstruction.low > 0
        return "reconstruction worse" if worse else "reconstruction not surely better"
    if each.similar:
        return "holds"
    lower = any(score.high <= -_claim.MARGIN for score in each.scores.values())
    return "scores lower" if lower else "scores may be lower"


def _interval(found: Interval, digits: int) -> str:
    if found.low == found.high:  # a single seed
        return number(found.mean, digits)
    low, high = number(found.low, digits), number(found.high, digits)
    return f"{number(found.mean, digits)} ({low} to {high})"


def _caution(seeds: int) -> str:
    if seeds < 2:
        return (
            "With one seed there is no interval at all: these are two trainings, not two methods. "
            "Run the tour with more seeds."
        )
    held = _claim.coverage(seeds)
    caution = (
        f"A caution: with {seeds} seeds such intervals are too narrow. Of normal numbers, they "
        f"hold the truth {held:.0%} of the time (simulated), not {_claim.LEVEL:.0%}"
    )
    more = "" if seeds >= 10 else "; <code>--full --seeds 10</code> comes closer"
    return f"{caution}{more}. And the answer is about these data, networks and lengths of training."


def _equal(curves: Curves, seeds: int) -> list[str]:
    """Tell how the curves compare at equal reconstruction, where both reach."""
    parts = []
    for score, label in _curves.SCORES.items():
        gaps = along(curves, score)
        if len(gaps) == seeds:
            parts.append(f"{label} differs by {_interval(_claim.bootstrap(gaps), 3)}")
    if not parts:
        return []
    return [
        paragraph(
            "The same β is not the same pressure: β-TCVAE multiplies less. A fairer question may "
            "be which curve runs higher at equal reconstruction. Over the range that both reach, "
            f"points joined by straight lines: {' and '.join(parts)}, β-TCVAE less β-VAE.",
            finding=True,
        )
    ]


@styled
def draw_claim(found: Sequence[Comparison]) -> Figure:
    """Draw the differences and their intervals by beta."""
    figure = new_figure(6.5, 2.6, layout="constrained")
    places = range(len(found))
    panels = {"reconstruction, nats": [each.reconstruction for each in found]}
    for label in _curves.SCORES.values():
        panels[label] = [each.scores[label] for each in found]
    for ax, (label, intervals) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        means = [each.mean for each in intervals]
        around = [
            [each.mean - each.low for each in intervals],
            [each.high - each.mean for each in intervals],
        ]
        ax.errorbar(places, means, yerr=around, fmt="o", color=PALETTE[0], capsize=3, lw=1.2)
        ax.axhline(0, color="black", lw=0.6)
        if label in _curves.SCORES.values():
            ax.axhline(-_claim.MARGIN, color=PALETTE[3], ls="--", lw=0.9)
        ax.set_xticks(places, [f"{each.beta}" for each in found])
        ax.set_xlim(-0.5, len(found) - 0.5)
        ax.set_xlabel("β")
        ax.set_title(label, loc="left")
    figure.axes[0].set_ylabel("β-TCVAE less β-VAE")
    return figure
