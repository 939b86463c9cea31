"""The beta-TCVAE: total correlation weighted by beta, and the claim about it tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unbraid.core import registry
from unbraid.figures import encode, traverse
from unbraid.pages.commands import runnable
from unbraid.pages.html import paragraph, table, text
from unbraid.tour.exhibits.claim import claim_test, equal_reconstruction
from unbraid.tour.exhibits.curves import (
    CURVE_HEAD,
    CURVE_SHEET,
    KL_TERMS,
    curve_alt,
    curve_rows,
    curve_sheet,
    draw_factor_gaps,
    draw_parts,
    draw_trade_off,
)
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.interactive import latent_sliders
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.comparison import Compared, Curves, compare
from unbraid.tour.statistics.curves import (
    LABELS,
    best_beta,
    curve_trainings,
    example_beta,
    factor_gaps,
    read_curve,
    score,
)

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "The β-TCVAE: a weight on the total correlation"
FIGURES = ("tradeoff", "claim", "parts", "moved", "left")
ROWS, STEPS = 6, 9  # of the traversal


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    return curve_trainings(tour)


def write(tour: Tour) -> str:
    """Return the chapter."""
    curves = {method: read_curve(tour, method) for method in LABELS}
    found = compare(curves)
    return "".join(
        [
            paragraph(
                "The KL, averaged over images, is a sum of three terms. The <em>mutual "
                "information</em> of image and code is the information that the code holds on the "
                "image. The <em>total correlation</em> is the dependence between latents. The "
                "<em>dimension-wise KL</em> is the divergence of each latent by itself from its "
                "prior. If independence is what disentangles, only the total correlation has to be "
                f"penalised more, as in the β-TCVAE ({cite('chen2018')}):"
            ),
            paragraph(
                "<strong>loss = reconstruction + mutual information + β · total correlation + "
                "dimension-wise KL</strong>"
            ),
            paragraph(
                "In general, each term has a weight: \N{GREEK SMALL LETTER ALPHA} for the mutual "
                "information (of image and code, which is why it is also called index-code mutual "
                "information) and \N{GREEK SMALL LETTER GAMMA} for the dimension-wise KL. Both "
                f"are 1 here, as in the article ({cite(ARTICLE)})."
            ),
            *_trade(tour, curves, found),
            *claim_test(tour, curves, found),
            *_parts(tour),
            *_by_factor(tour, curves),
        ]
    )


# -- the three terms -------------------------------------------------------------------------------


def _parts(tour: Tour) -> list[str]:
    beta = example_beta(tour)
    names = tour.curve("beta-tcvae")[beta]
    histories = [tour.run(name).history() for name in names]
    measured = {term: [_value(tour.run(name).result, term) for name in names] for term in KL_TERMS}
    other = {
        term: [_value(tour.run(name).result, term) for name in tour.curve("beta-vae")[beta]]
        for term in KL_TERMS
    }
    lines = [
        [f"β-TCVAE, β = {beta}", *(spread.written(measured[term], 2) for term in KL_TERMS)],
        [f"β-VAE, β = {beta}", *(spread.written(other[term], 2) for term in KL_TERMS)],
    ]
    told = ", ".join(f"{label} {spread.mean(measured[t]):.2f}" for t, label in KL_TERMS.items())
    return [
        exhibit(
            tour,
            "parts",
            [
                Picture(
                    draw_parts(histories, beta),
                    "Three panels of lines over training, one for each term of the KL, as "
                    f"estimated from batches. Measured on held-out images after training: {told} "
                    "nats.",
                )
            ],
            f"The three terms over training, β-TCVAE with β = {beta}, estimated from validation "
            f"batches: {spread.trainings(len(names))} and their mean. These estimates are biased, "
            "and the total correlation can come out below 0.",
            Numbers(
                ("seed", "epoch", *KL_TERMS),
                [
                    [seed, record["epoch"], *(record[f"validation_{term}"] for term in KL_TERMS)]
                    for seed, history in enumerate(histories)
                    for record in history
                ],
            ),
            grid=True,
        ),
        table(
            f"The terms after training, on held-out images with more samples, in nats; "
            f"{spread.note(tour.scale.curve_seeds)}",
            ["training", *KL_TERMS.values()],
            lines,
        ),
        _moved(tour, names[0], beta),
        latent_sliders(
            tour.run(names[0]),
            "latents",
            "the β-TCVAE's latents",
            f"Image decoded by the β-TCVAE with β = {beta}",
            "These are its active latents. Does each change one factor?",
        ),
    ]


def _moved(tour: Tour, name: str, beta: int) -> str:
    """Return the traversals of a training."""
    run = tour.run(name)
    labels = [each.label for each in encode(run.model(), run.unseen(), traverse.LIMIT).latents]
    return exhibit(
        tour,
        "moved",
        [
            Picture(
                traverse.draw(run, traverse.Config(rows=ROWS, steps=STEPS)),
                f"β-TCVAE with β = {beta}: a row of {STEPS} images for each of "
                f"{len(labels[:ROWS])} latents varied through its range: "
                f"{', '.join(labels[:ROWS])}. MIG {score(run.result, 'mig'):.2f}.",
            )
        ],
        f"Traversals of a β-TCVAE with β = {beta}, seed {run.config.training.seed}, the "
        f"{ROWS} latents of highest KL.",
        also=[f"unbraid traverse {tour.folder(name)} --rows {ROWS} --steps {STEPS}"],
        grid=True,
    )


def _value(result: dict[str, Any], term: str) -> float:
    return float(result["reconstruction_stats"]["decomposition"][term]["value"])


# -- factor by factor ------------------------------------------------------------------------------


def _by_factor(tour: Tour, curves: Curves) -> list[str]:
    """Return what is disentangled and what is left."""
    best = {method: best_beta(points) for method, points in curves.items()}
    factors = tour.drawn("test").factor_names
    gaps = {method: factor_gaps(tour, method, beta) for method, beta in best.items()}
    mean = {method: each.mean(0) for method, each in gaps.items()}
    told = " ".join(
        f"{LABELS[method]}, β = {best[method]}: "
        + ", ".join(f"{name} {value:.2f}" for name, value in zip(factors, each, strict=True))
        + "."
        for method, each in mean.items()
    )
    together = np.mean(list(mean.values()), axis=0)
    order = np.argsort(-together)
    lines = [
        [name, *(spread.written(gaps[method][:, column].tolist(), 2) for method in best)]
        for column, name in enumerate(factors)
    ]
    others = [name for name in registry.names("methods") if name not in ("ae", "vae")]
    return [
        paragraph(
            "Which factors are disentangled? MIG is the mean over factors of a gap: the mutual "
            "information of the factor with the best latent minus that with the second best, "
            f"divided by the factor's entropy ({cite('chen2018')}). Here it is for each factor."
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
            f"Mutual information gap of each factor, 0 to 1; {spread.note(tour.scale.curve_seeds)}",
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
            + ", ".join(f"<code>{text(name)}</code>" for name in others)
            + f"; <code>{text(runnable('unbraid methods'))}</code> says what each is."
        ),
    ]


# -- both curves -----------------------------------------------------------------------------------


def _trade(tour: Tour, curves: Curves, found: Compared) -> list[str]:
    told = " ".join(curve_alt(method, points) for method, points in curves.items())
    return [
        paragraph(
            "Is it better than the β-VAE? The same β is a different weight in each: the β-VAE "
            "applies it to the whole KL, the β-TCVAE to one term. So they are compared at equal "
            "reconstruction. Both were trained with the same data, networks, seeds and β. Up is "
            "more disentangled, left is better reconstruction."
        ),
        exhibit(
            tour,
            "tradeoff",
            [
                Picture(
                    draw_trade_off(curves),
                    f"Two panels, MIG and DCI against reconstruction, a curve for each method. "
                    f"{told}",
                )
            ],
            "Disentanglement against reconstruction, each point a β. Small dots are single "
            "trainings; bars are one standard deviation. At β = 1 both are the VAE.",
            Numbers(CURVE_SHEET, curve_sheet(curves)),
            grid=True,
        ),
        equal_reconstruction(found),
        table(
            "β-TCVAE on the drawn digits, held-out images; nats per image; "
            f"{spread.note(tour.scale.curve_seeds)}",
            CURVE_HEAD,
            curve_rows("beta-tcvae", curves["beta-tcvae"]),
        ),
    ]
