"""The beta-VAE: the weight of the KL against reconstruction and disentanglement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.figures import encode, traverse
from unbraid.pages.html import paragraph, table
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
from unbraid.tour.references import cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.curves import Curve, best_beta, read_curve

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "The β-VAE: a weight on the KL"
FIGURES = ("terms", "curve", "traversals")
ROWS, STEPS = 6, 9  # of a traversal


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    return [name for names in tour.curve("beta-vae").values() for name in names]


def write(tour: Tour) -> str:
    """Return the chapter."""
    points = read_curve(tour, "beta-vae")
    seeds = len(next(iter(tour.curve("beta-vae").values())))
    return "".join(
        [
            paragraph(
                "The VAE's loss is a sum of two terms, in nats per image: the "
                "<em>reconstruction</em>, the negative log-likelihood of the image given its code; "
                "and the <em>KL</em> divergence of the code's Gaussian from the "
                f"prior. The β-VAE ({cite('higgins2017')}) multiplies the second by β:"
            ),
            paragraph("<strong>loss = reconstruction + β · KL</strong>"),
            *_terms(tour, points),
            paragraph(
                "Why should that disentangle? The latents of the prior are independent of each "
                "other. A larger weight makes the latents of codes more independent too, and the "
                "code keeps what helps the reconstruction most. That favours one latent for each "
                "factor, but does not guarantee it: a rotated code is as independent, as chapter 3 "
                f"showed ({cite('locatello2019')}). The same weight makes the code keep less "
                "information on the image. Both can be measured on the drawn digits, since their "
                f"factors are known. MIG ({cite('chen2018')}) is high if each factor is encoded "
                f"by one latent and no other, DCI ({cite('eastwood2018')}) if each latent encodes "
                "one factor only; both are between 0 and 1. A latent is active if the variance "
                f"of its mean over images is above 0.01 ({cite('burda2016')})."
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
        "At β = {}, reconstruction {:.1f} and KL {:.2f} nats after training.".format(
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
            "Both terms over training, on the validation images of the drawn digits; seed 0.",
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
            "The terms of the loss after training, in nats per held-out image, means over seeds",
            ["training", "reconstruction", "KL", "β · KL", "loss"],
            lines,
        ),
    ]


def _curve(tour: Tour, points: Curve, seeds: int) -> list[str]:
    best, first, last = best_beta(points), next(iter(points)), list(points)[-1]
    mig = {beta: spread.written(point.scores["mig"], 3) for beta, point in points.items()}
    text = f"Among these β, MIG is highest at β = {best}: {mig[best]}"
    if best == first:
        text += ". A larger β did not increase it."
    else:
        one, other = points[best].reconstruction, points[first].reconstruction
        costs = spread.mean(one) > spread.mean(other)
        text += (
            f", against {mig[first]} at β = {first}. The reconstruction is {spread.written(one)} "
            f"nats there, against {spread.written(other)}"
            f"{', which is worse' if costs else ''}."
        )
    if best != last:
        text += (
            f" A larger β is not always better: at β = {last} the code holds "
            f"{spread.mean(points[last].kl):.1f} nats, with "
            f"{spread.mean(points[last].active):.1f} active latents, and MIG is {mig[last]}."
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
            f"The trade-off, {spread.trainings(seeds)} at each β. Small dots are single "
            "trainings, large ones their means; bars are one standard deviation.",
            Numbers(CURVE_SHEET, curve_sheet({"beta-vae": points})),
            grid=True,
        ),
        table(
            f"β-VAE on the drawn digits, held-out images; nats per image; {spread.note(seeds)}",
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
                "latents varied through its range: "
                + ", ".join(latent.label for latent in latents)
                + f". MIG {points[beta].scores['mig'][0]:.2f}.",
                f"b{beta}",
            )
        )
    return [
        paragraph(
            "A traversal shows what each latent encodes: one latent is varied through its range "
            "while all others are fixed. Look along a row for what changes: position, rotation, "
            "size, the digit. Where one row changes two factors, or one factor changes in two "
            "rows, the code is entangled. A latent of 0.0 nats is inactive."
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
