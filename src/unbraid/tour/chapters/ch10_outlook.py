"""Disentanglement by factor, and where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unbraid.core import registry
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


TITLE = "Results by factor, and outlook"
FIGURES = ("left",)
# pages of the documentation; tests look that they are there
PAGES = {
    "docs/methods/index.md": "all methods, side by side",
    "docs/metrics.md": "what each metric measures, and what it misses",
    "docs/digits.md": "the drawn digits and their factors",
    "docs/contributing.md": "how to add a method, a data set or a metric: one file each",
}


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
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
                "MIG is the mean over factors of a gap: the mutual information of the factor with "
                "the best latent less that with the second best, divided by the factor's entropy "
                f"({cite('chen2018')}). Here it is shown for each factor."
            ),
            exhibit(
                tour,
                "left",
                [Picture(draw_factor_gaps(gaps, best, factors), f"Bars by factor. {told}")],
                "Mutual information gap of each factor, at the β where the method's mean MIG is "
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
                "Mutual information gap of each factor, 0 to 1; "
                f"{spread.note(tour.scale.curve_seeds)}",
                ["factor", *(f"{LABELS[m]}, β = {b}" for m, b in best.items())],
                lines,
            ),
            paragraph(
                f"The factor with the highest gap, in the mean of both methods, is "
                f"{factors[order[0]]} ({together[order[0]]:.2f}), then {factors[order[1]]} "
                f"({together[order[1]]:.2f}); the lowest is {factors[order[-1]]} "
                f"({together[order[-1]]:.2f}).",
                finding=True,
            ),
            paragraph(
                "Other methods address what is missing: categorical latents for factors without an "
                f"order ({cite('dupont2018')}), and a few labels that assign factors to latents "
                f"({cite('locatello2020')}). The package also has "
                + ", ".join(f"<code>{text(name)}</code>" for name in methods)
                + f"; <code>{text(runnable('unbraid methods'))}</code> says what each is."
            ),
            paragraph(
                "Images are not the only data with factors. In speech, the words, the speaker, "
                "pitch, speed and emotion can vary independently. The same losses apply to "
                "spectrograms, and so does the same question: which latents encode the speaker, "
                "and do they change with the words?"
            ),
            paragraph(
                "The documentation is in the source, where <code>make docs</code> builds it: "
                + "; ".join(f"<code>{page}</code>, {text(what)}" for page, what in PAGES.items())
                + "."
            ),
        ]
    )
