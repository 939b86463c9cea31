"""What comes next: what was found and what was not, and where the docs lead from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid import registry
from unbraid.figures._style import PALETTE, new_figure, styled
from unbraid.runs import scores_by_metric
from unbraid.tour import _curves, _spread
from unbraid.tour._commands import runnable
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._page import paragraph, table, text
from unbraid.tour._references import cite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "What comes next"
FIGURES = ("left",)
# pages of the documentation; tests look that they are there
PAGES = {
    "docs/methods/index.md": "all methods, side by side",
    "docs/metrics.md": "what each metric asks, and what it misses",
    "docs/digits.md": "the drawn digits and their factors",
    "docs/contributing.md": "a method, a data set or a metric of your own: one file each",
}


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return _curves.needs(tour)


def write(tour: Tour) -> str:
    """Return the chapter."""
    best = {method: _curves.best(_curves.curve(tour, method)) for method in _curves.LABELS}
    factors = tour.drawn("test").factor_names
    gaps = {method: _gaps(tour, method, beta) for method, beta in best.items()}
    mean = {method: each.mean(0) for method, each in gaps.items()}
    told = " ".join(
        f"{_curves.LABELS[method]}, β = {best[method]}: "
        + ", ".join(
            f"{name} {value:.2f}" for name, value in zip(factors, mean[method], strict=True)
        )
        + "."
        for method in best
    )
    together = np.mean(list(mean.values()), axis=0)
    order = np.argsort(-together)
    methods = [name for name in registry.names("methods") if name not in ("ae", "vae")]
    lines = [
        [name, *(_spread.written(gaps[method][:, column].tolist(), 2) for method in best)]
        for column, name in enumerate(factors)
    ]
    return "".join(
        [
            paragraph(
                "How far did these models get? MIG is the mean, over factors, of a gap: how much "
                "more the best number of the code tells of the factor than the second best, as a "
                f"share of the factor's entropy ({cite('chen2018')}). Here it is factor by factor."
            ),
            exhibit(
                tour,
                "left",
                [Picture(draw_left(gaps, best, factors), f"Bars by factor. {told}")],
                "How far each factor has a number of its own, at the β where the method's MIG was "
                "highest; dots are single trainings.",
                Numbers(
                    ("method", "beta", "seed", *factors),
                    [
                        [method, best[method], seed, *row]
                        for method, each in gaps.items()
                        for seed, row in enumerate(each.tolist())
                    ],
                ),
                grid=True,
            ),
            table(
                f"Gap of each factor, 0 to 1; {_spread.said(tour.scale.curve_seeds)}",
                ["factor", *(f"{_curves.LABELS[m]}, β = {b}" for m, b in best.items())],
                lines,
            ),
            paragraph(
                f"The factor best captured by a single number, in the mean of both methods, is "
                f"{factors[order[0]]} ({together[order[0]]:.2f}), then {factors[order[1]]} "
                f"({together[order[1]]:.2f}); the worst is {factors[order[-1]]} "
                f"({together[order[-1]]:.2f}).",
                finding=True,
            ),
            paragraph(
                "Other methods start from what is missing: codes with categories, for factors "
                f"without an order ({cite('dupont2018')}); a few labels, to choose which number "
                f"means what ({cite('locatello2020')}); other penalties for dependence. The "
                "package has "
                + ", ".join(f"<code>{text(name)}</code>" for name in methods)
                + f"; <code>{text(runnable('unbraid methods'))}</code> says what each is."
            ),
            paragraph(
                "And images are not the only data with factors. In speech, what is said, who says "
                "it, how high, how fast and in what mood can vary independently; the same losses "
                "apply to spectrograms, and the same questions: which number is the voice, and "
                "does it stay the same when the words change?"
            ),
            paragraph(
                "The documentation is in the source, where <code>make docs</code> builds it: "
                + "; ".join(f"<code>{page}</code>, {text(what)}" for page, what in PAGES.items())
                + "."
            ),
        ]
    )


def _gaps(tour: Tour, method: str, beta: int) -> NDArray[np.float64]:
    """Return MIG's gap of each factor, (seeds, factors)."""
    results = [tour.run(name).result for name in tour.curve(method)[beta]]
    gaps = np.array(
        [scores_by_metric(result)["mig"]["per_factor"] for result in results], np.float64
    )
    return np.nan_to_num(gaps)  # undefined where a code is too constant to tell of anything


@styled
def draw_left(
    gaps: dict[str, NDArray[np.float64]], best: dict[str, int], factors: tuple[str, ...]
) -> Figure:
    """Draw each factor's gap as bars, a method beside the other."""
    figure = new_figure(6.5, 2.7, layout="constrained")
    ax = figure.subplots()
    places = np.arange(len(factors))
    for index, (method, each) in enumerate(gaps.items()):
        at = places + 0.38 * (index - 0.5)
        label = f"{_curves.LABELS[method]}, β = {best[method]}"
        ax.bar(at, each.mean(0), 0.34, color=_curves.COLORS[method], label=label,
               hatch=("", "//")[index], edgecolor="white")  # fmt: skip
        for row in each:
            ax.plot(at, row, "o", ms=3, color=PALETTE[6])
    ax.set_xticks(places, factors)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("gap")
    ax.set_title("digits, unseen images: what has a number of its own", loc="left")
    ax.legend()
    return figure
