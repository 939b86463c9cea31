"""The claim made for beta-TCVAE, held against both curves: figure, table and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unbraid.figures._style import GREY, PALETTE, new_figure, styled
from unbraid.tour import _claim, _curves, _spread
from unbraid.tour._claim import ALPHA, Comparison, Floats, Interval
from unbraid.tour._curves import Curve
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._page import number, paragraph, table, text
from unbraid.tour._references import ARTICLE, cite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

Curves = Mapping[str, Curve]
COLORS = {"holds": PALETTE[2], "fails": PALETTE[3], "not decided": GREY}
MARKERS = {"holds": "o", "fails": "X", "not decided": "s"}


class Gap(NamedTuple):
    """How much higher beta-TCVAE's score is at equal reconstruction; p values are corrected."""

    interval: Interval
    higher: float
    lower: float


class Found(NamedTuple):
    """What both curves say of the two methods.

    Args:
        gaps: of each score, by its label; empty where the curves do not overlap for every seed.
        betas: the claim at each.
        seeds: trainings of each point.
        chance: of any statement if the methods did not differ, simulated; NaN for a single seed.
    """

    gaps: Mapping[str, Gap]
    betas: Sequence[Comparison]
    seeds: int
    chance: float


def differences(curves: Curves) -> tuple[list[int], Floats, Floats]:
    """Return what is tested: β-TCVAE less β-VAE, seed by seed.

    Returns:
        The betas above 1; the differences at each, (parts, betas, seeds), the reconstruction's
        first; those of each score at equal reconstruction, (scores, seeds), which has no seeds if
        the curves do not overlap in one of them.
    """
    ours, theirs = curves["beta-tcvae"], curves["beta-vae"]
    betas = [beta for beta in ours if beta > 1]
    scores = ("", *_curves.SCORES)
    found = np.array([[_less(ours, theirs, beta, name) for beta in betas] for name in scores])
    gaps = [equal(curves, name) for name in _curves.SCORES]
    overlap = all(len(each) == found.shape[-1] for each in gaps)
    return betas, found, np.array(gaps if overlap else [[] for _ in gaps])


def compare(curves: Curves) -> Found:
    """Hold β-TCVAE against β-VAE: at equal reconstruction, and at every beta above 1."""
    betas, found, gaps = differences(curves)
    parts = [_claim.RECONSTRUCTION, *_curves.SCORES.values()]
    seeds = found.shape[-1]
    p = _claim.assess(found, gaps)
    return Found(
        {
            label: Gap(_claim.interval(gaps[i]), float(p.higher[i]), float(p.lower[i]))
            for i, label in enumerate(_curves.SCORES.values())
            if gaps.size
        },
        [
            Comparison(
                beta,
                {name: _claim.interval(found[part, i]) for part, name in enumerate(parts)},
                float(p.holds[i]),
                {name: float(p.fails[part, i]) for part, name in enumerate(parts)},
            )
            for i, beta in enumerate(betas)
        ],
        seeds,
        _claim.chance(
            found.std(-1, ddof=1),
            gaps.std(-1, ddof=1) if gaps.size else np.ones(len(gaps)),
            seeds,
        )
        if seeds > 1
        else float("nan"),
    )


def _less(ours: Curve, theirs: Curve, beta: int, score: str = "") -> list[float]:
    """Return the differences at a beta, seed by seed, of a score or of the reconstruction."""
    one, other = (
        each[beta].scores[score] if score else each[beta].reconstruction for each in (ours, theirs)
    )
    return [a - b for a, b in zip(one, other, strict=True)]


def equal(curves: Curves, score: str) -> list[float]:
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


# -- at equal reconstruction -----------------------------------------------------------------------


def leading(found: Found) -> str:
    """Return what was found at equal reconstruction."""
    if not found.gaps:
        return paragraph(
            "The two curves do not reach the same reconstructions here, so nothing can be said at "
            "equal reconstruction.",
            finding=True,
        )
    told = " and ".join(f"{_told(gap)} in {label}" for label, gap in found.gaps.items())
    return paragraph(
        "At equal reconstruction, averaged over the range that both curves reach (points joined by "
        f"straight lines), β-TCVAE less β-VAE is {told}. <strong>{_wins(found)}</strong>",
        finding=True,
    )


def _wins(found: Found) -> str:
    higher = [label for label, gap in found.gaps.items() if gap.higher <= ALPHA]
    lower = [label for label, gap in found.gaps.items() if gap.lower <= ALPHA]
    if found.seeds < 2:
        return "A single training of each decides nothing."
    parts = [
        f"{'more' if names is higher else 'less'} disentangled by {' and '.join(names)}"
        for names in (higher, lower)
        if names
    ]
    if parts:
        return f"At equal reconstruction β-TCVAE is {' and '.join(parts)}."
    return (
        f"These {found.seeds} seeds show no difference: there is no evidence that β-TCVAE is more "
        "disentangled at equal reconstruction."
    )


# -- at the same beta ------------------------------------------------------------------------------


def tested(tour: Tour, curves: Curves, found: Found) -> list[str]:
    """Return the parts of the chapter that test the article's claim."""
    answer, why = _claim.verdict(found.betas, found.seeds)
    return [
        paragraph(
            f"<strong>The article's claim</strong> ({cite(ARTICLE)}) is about the same β: β-TCVAE "
            "has better reconstruction than β-VAE with similar disentanglement. To be testable, "
            "it is put as one question, the same for every tour: at which β is the "
            "reconstruction better, while neither MIG nor DCI is lower by "
            f"{_claim.MARGIN:g} or more? To judge that margin by: over these β, the β-VAE's "
            f"{_moved(curves['beta-vae'])}."
        ),
        *_shown(tour, found),
        paragraph(
            "<strong>“Better reconstruction with similar disentanglement”: "
            f"{text(answer)}.</strong> {text(why)}",
            finding=True,
        ),
        paragraph(_caution(found)),
    ]


def _shown(tour: Tour, found: Found) -> list[str]:
    """Return the figure and the table of the differences at the same beta."""
    lines = [
        [
            f"β = {each.beta}",
            *(written(part, 3 if place else 1) for place, part in enumerate(each.parts.values())),
            *([_value(min(each.holds, *each.fails.values()))] if found.seeds > 1 else []),
            each.decision,
        ]
        for each in found.betas
    ]
    sheet = [
        [each.beta, what, *part, each.holds, each.fails[what], each.decision]
        for each in found.betas
        for what, part in each.parts.items()
    ]
    told = " ".join(
        f"β {each.beta}: "
        + ", ".join(
            f"{name} {written(part, 3 if place else 1)}"
            for place, (name, part) in enumerate(each.parts.items())
        )
        + f": {each.decision}."
        for each in found.betas
    )
    p = ["p"] if found.seeds > 1 else []
    over = (
        f"mean and 95% t interval over {found.seeds} seeds, and the corrected p value that the "
        "claim holds or fails, whichever is smaller"
    )
    return [
        exhibit(
            tour,
            "claim",
            [
                Picture(
                    draw_claim(found.betas),
                    "Three panels of intervals by beta: the difference of β-TCVAE and β-VAE in "
                    f"reconstruction, MIG and DCI. {told}",
                )
            ],
            "β-TCVAE less β-VAE at the same β and seed: means and 95% t intervals, each by itself; "
            "the decision rests on the corrected p values. The claim needs the first to be below 0 "
            "and the others to stay above the dashed line.",
            Numbers(
                ("beta", "difference in", "mean", "low", "high", "p holds", "p fails", "decision"),
                sheet,
            ),
            grid=True,
        ),
        table(
            f"β-TCVAE less β-VAE, {over if found.seeds > 1 else 'a single training of each'}",
            ["same β", "reconstruction, nats", *_curves.SCORES.values(), *p, "the claim"],
            lines,
        ),
    ]


def _moved(points: Curve) -> str:
    """Say how much beta itself moves each score, as a measure for the margin."""
    parts = []
    for name, label in _curves.SCORES.items():
        means = [_spread.mean(point.scores[name]) for point in points.values()]
        parts.append(f"{label} moves by {max(means) - min(means):.2f}")
    return " and its ".join(parts)


def written(found: Interval, digits: int) -> str:
    """Write a mean and its interval, of a single seed the value alone."""
    if np.isnan(found.low):
        return number(found.mean, digits)
    low, high = number(found.low, digits), number(found.high, digits)
    return f"{number(found.mean, digits)} ({low} to {high})"


def _value(p: float) -> str:
    """Write a p value."""
    return "under 0.001" if p < 0.001 else f"{p:.3f}"


def _told(gap: Gap) -> str:
    """Write a difference at equal reconstruction, with its interval and its p value."""
    mean, low, high = (number(each, 3) for each in gap.interval)
    if np.isnan(gap.interval.low):
        return mean
    p = min(gap.higher, gap.lower)
    return f"{mean} (95% interval {low} to {high}, p {'' if p < 0.001 else '= '}{_value(p)})"


def _caution(found: Found) -> str:
    """Say how it was tested and how often that errs."""
    if found.seeds < 2:
        return (
            "With one seed there is no interval at all. <code>--seeds</code> sets how many there "
            "are, and <code>--full</code> takes ten for these curves."
        )
    more = (
        ""
        if found.seeds >= 10
        else " With more seeds (<code>--full</code> takes ten) it can decide more."
    )
    return (
        "How it was tested: differences are taken seed by seed, and their means tested by "
        "one-sided t tests. The claim <em>holds</em> at a β if all three parts pass "
        f"(an intersection-union test, {cite('berger1982')}); it <em>fails</em> if the "
        f"reconstruction is worse, or a score lower by {_claim.MARGIN:g} or more; else it is "
        "<em>not decided</em>. All p values, those at equal reconstruction too, are corrected for "
        f"the number of β, of scores and of kinds of statement ({cite('holm1979')}), so that the "
        f"chance of any false statement about the two methods is at most {ALPHA:.0%}. Simulated "
        f"20,000 times for {found.seeds} seeds that spread as these do and two methods that do "
        f"not differ, any statement at all was made in {found.chance:.1%}.{more} The answer is "
        "about these data, networks and lengths of training."
    )


@styled
def draw_claim(found: Sequence[Comparison]) -> Figure:
    """Draw the differences and their intervals by beta, coloured by what was decided."""
    figure = new_figure(6.5, 2.9, layout="constrained")
    panels = dict.fromkeys(found[0].parts) if found else {}
    axes = figure.subplots(1, 3)
    for ax, name in zip(axes, panels, strict=False):
        for place, each in enumerate(found):
            part = each.parts[name]
            around = [[part.mean - part.low], [part.high - part.mean]]
            ax.errorbar(
                [place], [part.mean], yerr=around, fmt=MARKERS[each.decision], ms=5, capsize=3,
                color=COLORS[each.decision], lw=1.2,
            )  # fmt: skip
        ax.axhline(0, color="black", lw=0.6)
        if name != _claim.RECONSTRUCTION:
            ax.axhline(-_claim.MARGIN, color="black", ls="--", lw=0.9)
        ax.set_xticks(range(len(found)), [f"{each.beta}" for each in found])
        ax.set_xlim(-0.5, len(found) - 0.5)
        ax.set_xlabel("β")
        ax.set_title("reconstruction, nats" if name == _claim.RECONSTRUCTION else name, loc="left")
    axes[0].set_ylabel("β-TCVAE less β-VAE")
    for decision in dict.fromkeys(each.decision for each in found):
        label = decision if decision == "not decided" else f"the claim {decision}"
        axes[0].plot([], [], MARKERS[decision], ms=5, color=COLORS[decision], label=label)
    figure.legend(loc="outside upper right", ncols=3)
    return figure
