"""The beta-VAE: the KL weighted, and what that buys and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.figures import encode, traverse
from unbraid.tour.exhibits.curves import (
    CURVE_HEAD,
    CURVE_SHEET,
    both_terms,
    curve_alt,
    curve_rows,
    curve_sheet,
    draw_curve,
    draw_terms,
)
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.formatting import number
from unbraid.tour.page.html import paragraph, table
from unbraid.tour.page.references import cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.curves import Curve, best_beta, read_curve

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "The β-VAE: a weight on the KL"
FIGURES = ("terms", "curve", "traversals")
ROWS, STEPS = 6, 9  # of a traversal


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return [name for names in tour.curve("beta-vae").values() for name in names]


def write(tour: Tour) -> str:
    """Return the chapter."""
    points = read_curve(tour, "beta-vae")
    seeds = len(next(iter(tour.curve("beta-vae").values())))
    return "".join(
        [
            paragraph(
                "The VAE's loss is a sum of two terms, in nats per image: the "
                "<em>reconstruction</em>, how unlikely the image is under what the decoder makes "
                "of its code; and the <em>KL</em>, how much the code's Gaussian differs from the "
                f"prior. The β-VAE ({cite('higgins2017')}) multiplies the second by β:"
            ),
            paragraph("<strong>loss = reconstruction + β · KL</strong>"),
            *_terms(tour, points),
            paragraph(
                "Why should that disentangle? The prior's numbers are independent of each other; a "
                "larger weight makes the code's numbers more independent too, and the code must "
                "keep what helps the reconstruction most. That favours, but does not guarantee, "
                "one number for each independent cause: rotated codes are as independent, as "
                f"chapter 3 showed ({cite('locatello2019')}). And the same weight makes the code "
                "keep less of the image. On the drawn digits both can be measured, since their "
                f"factors are known: MIG ({cite('chen2018')}) asks whether each factor is told by "
                f"one number and no other, DCI ({cite('eastwood2018')}) whether each number tells "
                "of one factor only; both are between 0 and 1. A latent counts as active if its "
                f"mean varies over images with a variance above 0.01 ({cite('burda2016')})."
            ),
            *_curve(tour, points, seeds),
            *_traversals(tour, points),
        ]
    )


def _terms(tour: Tour, points: Curve) -> list[str]:
    ends = [tour.scale.betas[0], tour.scale.betas[len(tour.scale.betas) // 2], tour.scale.betas[-1]]
    lines = [
        [
            f"β = {beta}",
            number(spread.mean(point.reconstruction)),
            number(spread.mean(point.kl), 2),
            number(beta * spread.mean(point.kl)),
            number(spread.mean(point.reconstruction) + beta * spread.mean(point.kl)),
        ]
        for beta, point in points.items()
    ]
    drawn = {beta: tour.run(tour.curve("beta-vae")[beta][0]).history() for beta in ends}
    told = " ".join(
        "At β = {}, reconstruction {:.1f} and KL {:.2f} nats in the end.".format(
            beta, *both_terms(records[-1])
        )
        for beta, records in drawn.items()
    )
    return [
        exhibit(
            tour,
            "terms",
            [
                Picture(
                    draw_terms(drawn),
                    f"Two panels of lines over training: reconstruction and KL. {told}",
                )
            ],
            "Both terms over training, on drawn digits held out; seed 0.",
            Numbers(
                ("beta", "epoch", "reconstruction", "kl"),
                [
                    [beta, record["epoch"], *both_terms(record)]
                    for beta, records in drawn.items()
                    for record in records
                ],
            ),
            grid=True,
        ),
        table(
            "The loss after training, term by term, in nats per unseen image, means over seeds",
            ["training", "reconstruction", "KL", "β · KL", "loss"],
            lines,
        ),
    ]


def _curve(tour: Tour, points: Curve, seeds: int) -> list[str]:
    best, first, last = best_beta(points), next(iter(points)), list(points)[-1]
    mig = {beta: spread.written(point.scores["mig"], 3) for beta, point in points.items()}
    text = f"Of these betas MIG is highest at β = {best}: {mig[best]}"
    if best == first:
        text += ". A larger one did not raise it."
    else:
        one, other = points[best].reconstruction, points[first].reconstruction
        costs = spread.mean(one) > spread.mean(other)
        text += (
            f", against {mig[first]} at β = {first}. The reconstruction is {spread.written(one)} "
            f"nats there, against {spread.written(other)}"
            f"{': that is what it costs' if costs else ''}."
        )
    if best != last:
        text += (
            f" A larger β is not always better: at β = {last} the code holds "
            f"{spread.mean(points[last].kl):.1f} nats, with "
            f"{spread.mean(points[last].active):.1f} latents in use, and MIG is {mig[last]}."
        )
    return [
        exhibit(
            tour,
            "curve",
            [
                Picture(
                    draw_curve(points),
                    "Four panels against beta, reconstruction, KL, MIG and DCI, and one of MIG "
                    f"against reconstruction. {curve_alt('beta-vae', points)}",
                )
            ],
            f"The trade-off over {spread.trainings(seeds)} at each β. Small dots are single "
            "trainings, large ones their means; bars are one standard deviation.",
            Numbers(CURVE_SHEET, curve_sheet({"beta-vae": points})),
            grid=True,
        ),
        table(
            f"β-VAE on the drawn digits, unseen images; nats per image; {spread.note(seeds)}",
            CURVE_HEAD,
            curve_rows("beta-vae", points),
        ),
        paragraph(text, finding=True),
    ]


def _traversals(tour: Tour, points: Curve) -> list[str]:
    config = traverse.Config(rows=ROWS, steps=STEPS)
    pictures = []
    names = {beta: names[0] for beta, names in tour.curve("beta-vae").items()}
    for beta, name in names.items():
        run = tour.run(name)
        latents = encode(run.model(), run.unseen(), traverse.LIMIT).latents[:ROWS]
        pictures.append(
            Picture(
                traverse.draw(run, config),
                f"β-VAE with β = {beta}: a row of {STEPS} images for each of {len(latents)} "
                "latents moved through its range: "
                + ", ".join(latent.label for latent in latents)
                + f". MIG {points[beta].scores['mig'][0]:.2f}.",
                f"b{beta}",
            )
        )
    return [
        paragraph(
            "Scores say how much, pictures say what. Below, one latent moves through its range "
            "while all others are fixed. Look along a row for what changes: place, rotation, size, "
            "the digit itself. Where a row changes two things, or one thing needs two rows, the "
            "code is entangled; a latent of 0.0 nats is switched off."
        ),
        exhibit(
            tour,
            "traversals",
            pictures,
            f"Traversals at β = {', '.join(map(str, names))}, from above; seed 0, the {ROWS} "
            "latents of highest KL.",
            also=[
                f"unbraid traverse {tour.folder(name)} --rows {ROWS} --steps {STEPS}"
                for name in names.values()
            ],
            grid=True,
        ),
    ]
