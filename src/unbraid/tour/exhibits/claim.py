"""The claim about beta-TCVAE, tested: figure, table and answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from unbraid.figures import GREY, PALETTE, new_figure, styled
from unbraid.pages.html import paragraph, table, text
from unbraid.studies.statistics import Interval
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.formatting import number
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics import claim, spread
from unbraid.tour.statistics.claim import ALPHA, Comparison
from unbraid.tour.statistics.comparison import Compared, Curves, Gap
from unbraid.tour.statistics.curves import SCORES, Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour.context import Tour


DECISION_COLORS = {"holds": PALETTE[2], "fails": PALETTE[3], "not decided": GREY}
DECISION_MARKERS = {"holds": "o", "fails": "X", "not decided": "s"}


# -- at equal reconstruction -----------------------------------------------------------------------


def equal_reconstruction(found: Compared) -> str:
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
        f"straight lines), β-TCVAE minus β-VAE is {told}. <strong>{_wins(found)}</strong>",
        finding=True,
    )


def _wins(found: Compared) -> str:
    higher = [label for label, gap in found.gaps.items() if gap.higher <= ALPHA]
    lower = [label for label, gap in found.gaps.items() if gap.lower <= ALPHA]
    if found.seeds < 2:
        return "A single training of each cannot decide it."
    parts = [
        f"{'more' if names is higher else 'less'} disentangled by {' and '.join(names)}"
        for names in (higher, lower)
        if names
    ]
    if parts:
        return f"At equal reconstruction β-TCVAE is {' and '.join(parts)}."
    return (
        f"These {found.seeds} seeds show no significant difference: no evidence that β-TCVAE is "
        "more disentangled at equal reconstruction."
    )


# -- at the same beta ------------------------------------------------------------------------------


def claim_test(tour: Tour, curves: Curves, found: Compared) -> list[str]:
    """Return the parts of the chapter that test the article's claim."""
    answer, why = claim.verdict(found.betas, found.seeds)
    return [
        paragraph(
            f"<strong>The article's claim</strong> ({cite(ARTICLE)}) is about the same β: β-TCVAE "
            "has better reconstruction than β-VAE with similar disentanglement. It is tested "
            "as one question, fixed in advance: at which β is the reconstruction better, while "
            "neither MIG nor DCI is lower by "
            f"{claim.MARGIN:g} or more? For scale: over these β, the β-VAE's "
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


def _shown(tour: Tour, found: Compared) -> list[str]:
    """Return the figure and the table of the differences at the same beta."""
    lines = [
        [
            f"β = {each.beta}",
            *(
                written_interval(part, 3 if place else 1)
                for place, part in enumerate(each.parts.values())
            ),
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
            f"{name} {written_interval(part, 3 if place else 1)}"
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
            "β-TCVAE minus β-VAE at the same β and seed: means and 95% t intervals, each by "
            "itself; the decision rests on the corrected p values. The claim needs the first to be "
            "below 0 and the others to stay above the dashed line.",
            Numbers(
                ("beta", "difference in", "mean", "low", "high", "p holds", "p fails", "decision"),
                sheet,
            ),
            grid=True,
        ),
        table(
            f"β-TCVAE minus β-VAE, {over if found.seeds > 1 else 'a single training of each'}",
            ["same β", "reconstruction, nats", *SCORES.values(), *p, "the claim"],
            lines,
        ),
    ]


def _moved(points: Curve) -> str:
    """Return by how much each score varies over beta, to compare the margin with."""
    parts = []
    for name, label in SCORES.items():
        means = [spread.mean(point.scores[name]) for point in points.values()]
        parts.append(f"{label} varies by {max(means) - min(means):.2f}")
    return " and its ".join(parts)


def written_interval(found: Interval, digits: int) -> str:
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


def _caution(found: Compared) -> str:
    """Return how the claim was tested, and the error rate."""
    if found.seeds < 2:
        return (
            "With one seed there is no interval at all. <code>--seeds</code> sets how many there "
            "are, and <code>--full</code> takes ten for these curves."
        )
    more = (
        "" if found.seeds >= 10 else " More seeds (<code>--full</code> takes ten) have more power."
    )
    return (
        "How it was tested: differences are taken seed by seed, and their means tested by "
        "one-sided t tests. The claim <em>holds</em> at a β if all three parts pass "
        f"(an intersection-union test, {cite('berger1982')}); it <em>fails</em> if the "
        f"reconstruction is worse, or a score lower by {claim.MARGIN:g} or more; else it is "
        "<em>not decided</em>. All p values, those at equal reconstruction too, are corrected for "
        f"the number of β, of scores and of kinds of statement ({cite('holm1979')}), so that the "
        f"chance of any false statement about the two methods is at most {ALPHA:.0%}. In "
        f"20,000 simulations of two methods that do not differ, with {found.seeds} seeds and the "
        f"standard deviations found here, any statement was made in {found.chance:.1%}.{more} The "
        "answer is about these data, networks and lengths of training."
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
                [place], [part.mean], yerr=around, fmt=DECISION_MARKERS[each.decision],
                ms=5, capsize=3, color=DECISION_COLORS[each.decision], lw=1.2,
            )  # fmt: skip
        ax.axhline(0, color="black", lw=0.6)
        if name != claim.RECONSTRUCTION:
            ax.axhline(-claim.MARGIN, color="black", ls="--", lw=0.9)
        ax.set_xticks(range(len(found)), [f"{each.beta}" for each in found])
        ax.set_xlim(-0.5, len(found) - 0.5)
        ax.set_xlabel("β")
        ax.set_title("reconstruction, nats" if name == claim.RECONSTRUCTION else name, loc="left")
    axes[0].set_ylabel("β-TCVAE minus β-VAE")
    for decision in dict.fromkeys(each.decision for each in found):
        label = decision if decision == "not decided" else f"the claim {decision}"
        axes[0].plot(
            [], [], DECISION_MARKERS[decision], ms=5, color=DECISION_COLORS[decision], label=label
        )
    figure.legend(loc="outside upper right", ncols=3)
    return figure
