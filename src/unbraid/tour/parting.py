"""The beta-TCVAE: the KL in three parts, one of them weighted, and the claim made for it tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from unbraid.figures import traverse
from unbraid.figures._codes import encode
from unbraid.figures._style import GREY, PALETTE, new_figure, styled
from unbraid.tour import _curves, _spread, _touch
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._page import paragraph, table
from unbraid.tour._references import ARTICLE, cite
from unbraid.tour._testing import Curves, Found, compare, leading, tested

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "The β-TCVAE: a weight on the total correlation"
FIGURES = ("tradeoff", "claim", "parts", "moved")
TERMS = {
    "index_code_mi": "mutual information",
    "total_correlation": "total correlation",
    "dimwise_kl": "dimension-wise KL",
}
ROWS, STEPS = 6, 9  # of the traversal


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return _curves.needs(tour)


def write(tour: Tour) -> str:
    """Return the chapter."""
    curves = {method: _curves.curve(tour, method) for method in _curves.LABELS}
    found = compare(curves)
    return "".join(
        [
            paragraph(
                "The KL is itself a sum of three parts. The <em>mutual information</em> of image "
                "and code is how much the code tells of the image. The <em>total correlation</em> "
                "is how far the numbers of the code are from independent of each other. The "
                "<em>dimension-wise KL</em> is how far each number by itself is from the prior. If "
                "it is independence that disentangles, why penalise the other two more? The "
                f"β-TCVAE ({cite('chen2018')}) weighs the total correlation alone:"
            ),
            paragraph(
                "<strong>loss = reconstruction + mutual information + β · total correlation + "
                "dimension-wise KL</strong>"
            ),
            paragraph(
                "In full, each part has a weight: \N{GREEK SMALL LETTER ALPHA} for the mutual "
                "information (of image and code, which is why it is also called index-code mutual "
                "information) and \N{GREEK SMALL LETTER GAMMA} for the dimension-wise KL. Both "
                f"are 1 here, as in the article ({cite(ARTICLE)})."
            ),
            *_trade(tour, curves, found),
            *tested(tour, curves, found),
            *_parts(tour),
        ]
    )


# -- the three terms -------------------------------------------------------------------------------


def _parts(tour: Tour) -> list[str]:
    beta = _curves.shown(tour)
    names = tour.curve("beta-tcvae")[beta]
    histories = [tour.run(name).history() for name in names]
    measured = {term: [_value(tour.run(name).result, term) for name in names] for term in TERMS}
    other = {
        term: [_value(tour.run(name).result, term) for name in tour.curve("beta-vae")[beta]]
        for term in TERMS
    }
    lines = [
        [f"β-TCVAE, β = {beta}", *(_spread.written(measured[term], 2) for term in TERMS)],
        [f"β-VAE, β = {beta}", *(_spread.written(other[term], 2) for term in TERMS)],
    ]
    told = ", ".join(f"{label} {_spread.mean(measured[t]):.2f}" for t, label in TERMS.items())
    return [
        exhibit(
            tour,
            "parts",
            [
                Picture(
                    draw_parts(histories, beta),
                    "Three panels of lines over training, one for each part of the KL, as "
                    f"estimated from batches. Measured on unseen images after training: {told} "
                    "nats.",
                )
            ],
            f"The three parts over training, β-TCVAE with β = {beta}, as training estimates them "
            f"on held-out batches: {_spread.trainings(len(names))}, and their mean. The estimates "
            "are rough, and share an error that can push the total correlation below 0.",
            Numbers(
                ("seed", "epoch", *TERMS),
                [
                    [seed, record["epoch"], *(record[f"validation_{term}"] for term in TERMS)]
                    for seed, history in enumerate(histories)
                    for record in history
                ],
            ),
            grid=True,
        ),
        table(
            f"The parts after training, measured on unseen images with more samples, in nats; "
            f"{_spread.said(tour.scale.curve_seeds)}",
            ["training", *TERMS.values()],
            lines,
        ),
        _moved(tour, names[0], beta),
        _touch.sliders(
            tour.run(names[0]),
            "latents",
            "the β-TCVAE's latents",
            f"What the β-TCVAE with β = {beta} draws",
            "Here are its latents, all that are switched on, to move. Does each change one thing?",
        ),
    ]


def _moved(tour: Tour, name: str, beta: int) -> str:
    """Show what the latents of a training do."""
    run = tour.run(name)
    labels = [each.label for each in encode(run.model(), run.unseen(), traverse.LIMIT).latents]
    return exhibit(
        tour,
        "moved",
        [
            Picture(
                traverse.draw(run, traverse.Config(rows=ROWS, steps=STEPS)),
                f"β-TCVAE with β = {beta}: a row of {STEPS} images for each of "
                f"{len(labels[:ROWS])} latents moved through its range: "
                f"{', '.join(labels[:ROWS])}. MIG {_curves.score(run.result, 'mig'):.2f}.",
            )
        ],
        f"What its latents do: a β-TCVAE with β = {beta}, seed {run.config.training.seed}, the "
        f"{ROWS} latents of highest KL.",
        also=[f"unbraid traverse {tour.folder(name)} --rows {ROWS} --steps {STEPS}"],
        grid=True,
    )


def _value(result: dict[str, Any], term: str) -> float:
    return float(result["reconstruction_stats"]["decomposition"][term]["value"])


@styled
def draw_parts(histories: Sequence[Sequence[dict[str, float]]], beta: int) -> Figure:
    """Draw each part of the KL over training, a thin line for each seed and a thick mean."""
    figure = new_figure(6.5, 2.5, layout="constrained")
    for ax, (term, label), color in zip(
        figure.subplots(1, 3), TERMS.items(), PALETTE, strict=False
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


# -- both curves -----------------------------------------------------------------------------------


def _trade(tour: Tour, curves: Curves, found: Found) -> list[str]:
    told = " ".join(_curves.told(method, points) for method, points in curves.items())
    return [
        paragraph(
            "Is it better than the β-VAE? The same β is not the same weight: the β-VAE applies it "
            "to the whole KL, the β-TCVAE to one part. So the fairer question is which of them is "
            "more disentangled at equal reconstruction. Below are both, with the same data, "
            "networks, seeds and betas. Up is more disentangled, left is better reconstruction."
        ),
        exhibit(
            tour,
            "tradeoff",
            [
                Picture(
                    draw_trade(curves),
                    f"Two panels, MIG and DCI against reconstruction, a curve for each method. "
                    f"{told}",
                )
            ],
            "Disentanglement against reconstruction, each point a β. Small dots are single "
            "trainings; bars are one standard deviation. At β = 1 both are the VAE.",
            Numbers(_curves.SHEET, _curves.sheet(curves)),
            grid=True,
        ),
        leading(found),
        table(
            "β-TCVAE on the drawn digits, unseen images; nats per image; "
            f"{_spread.said(tour.scale.curve_seeds)}",
            _curves.HEAD,
            _curves.rows("beta-tcvae", curves["beta-tcvae"]),
        ),
    ]


@styled
def draw_trade(curves: Curves) -> Figure:
    """Draw each score against the reconstruction, both methods on one pair of axes."""
    figure = new_figure(6.5, 3.4, layout="constrained")
    for ax, (score, name) in zip(figure.subplots(1, 2), _curves.SCORES.items(), strict=True):
        for method, points in curves.items():
            few = [_curves.SHOWN, *list(points)[:: len(points) - 1]]
            named = few if len(points) > _curves.CROWD else None
            _curves.trade_off(ax, method, points, score, named)
        ax.set_title(f"{name} against reconstruction", loc="left")
        ax.set_ylim(bottom=0)
        ax.margins(x=0.15)
        ax.annotate("better", (0.02, 0.99), (0.14, 0.86), xycoords="axes fraction", color=GREY,
                    textcoords="axes fraction", arrowprops={"arrowstyle": "->", "color": GREY},
                    fontsize=7, ha="left", va="center")  # fmt: skip
    figure.axes[0].legend(loc="upper right")
    return figure
