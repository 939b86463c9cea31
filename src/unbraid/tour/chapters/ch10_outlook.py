"""What comes next: what was found and what was not, and where the docs lead from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unbraid import registry
from unbraid.tour.exhibits.curves import draw_factor_gaps
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.page.commands import runnable
from unbraid.tour.page.html import paragraph, table, text
from unbraid.tour.page.references import cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.curves import (
    LABELS,
    best_beta,
    curve_trainings,
    factor_gaps,
    read_curve,
)

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


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
    return curve_trainings(tour)


def write(tour: Tour) -> str:
    """Return the chapter."""
    best = {method: best_beta(read_curve(tour, method)) for method in LABELS}
    factors = tour.drawn("test").factor_names
    gaps = {method: factor_gaps(tour, method, beta) for method, beta in best.items()}
    mean = {method: each.mean(0) for method, each in gaps.items()}
    told = " ".join(
        f"{LABELS[method]}, β = {best[method]}: "
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
        [name, *(spread.written(gaps[method][:, column].tolist(), 2) for method in best)]
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
                [Picture(draw_factor_gaps(gaps, best, factors), f"Bars by factor. {told}")],
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
                f"Gap of each factor, 0 to 1; {spread.note(tour.scale.curve_seeds)}",
                ["factor", *(f"{LABELS[m]}, β = {b}" for m, b in best.items())],
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
