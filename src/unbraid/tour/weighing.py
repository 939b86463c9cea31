"""The beta-VAE: the KL weighted, and what that buys and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from unbraid.figures import traverse
from unbraid.figures._codes import encode
from unbraid.figures._style import PALETTE, new_figure, styled
from unbraid.tour import _curves, _spread
from unbraid.tour._curves import Curve
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._page import number, paragraph, table
from unbraid.tour._references import cite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "The β-VAE: a weight on the KL"
FIGURES = ("terms", "curve", "traversals")
ROWS, STEPS = 6, 9  # of a traversal


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return [name for names in tour.curve("beta-vae").values() for name in names]


def write(tour: Tour) -> str:
    """Return the chapter."""
    points = _curves.curve(tour, "beta-vae")
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
            number(_spread.mean(point.reconstruction)),
            number(_spread.mean(point.kl), 2),
            number(beta * _spread.mean(point.kl)),
            number(_spread.mean(point.reconstruction) + beta * _spread.mean(point.kl)),
        ]
        for beta, point in points.items()
    ]
    drawn = {beta: tour.run(tour.curve("beta-vae")[beta][0]).history() for beta in ends}
    told = " ".join(
        "At β = {}, reconstruction {:.1f} and KL {:.2f} nats in the end.".format(
            beta, *_both(records[-1])
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
                    [beta, record["epoch"], *_both(record)]
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


def _both(record: dict[str, float]) -> tuple[float, float]:
    return record["validation_reconstruction"], record["validation_kl"]


@styled
def draw_terms(drawn: Mapping[int, Sequence[dict[str, Any]]]) -> Figure:
    """Draw both terms of the loss over training at some betas."""
    figure = new_figure(6.5, 2.7, layout="constrained")
    axes = figure.subplots(1, 2)
    for color, (beta, records) in enumerate(drawn.items()):
        epochs = [record["epoch"] for record in records]
        for ax, values in zip(axes, zip(*map(_both, records), strict=True), strict=True):
            ax.plot(epochs, values, marker="osD"[color], ms=3, color=PALETTE[color],
                    label=f"β = {beta}")  # fmt: skip
    for ax, name in zip(axes, ("reconstruction", "KL"), strict=True):
        ax.set_xlabel("epoch")
        ax.set_ylabel("nats per image")
        ax.set_title(f"{name}, held-out digits", loc="left")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlim(left=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _curve(tour: Tour, points: Curve, seeds: int) -> list[str]:
    best, first, last = _curves.best(points), next(iter(points)), list(points)[-1]
    mig = {beta: _spread.written(point.scores["mig"], 3) for beta, point in points.items()}
    text = f"Of these betas MIG is highest at β = {best}: {mig[best]}"
    if best == first:
        text += ". A larger one did not raise it."
    else:
        one, other = points[best].reconstruction, points[first].reconstruction
        costs = _spread.mean(one) > _spread.mean(other)
        text += (
            f", against {mig[first]} at β = {first}. The reconstruction is {_spread.written(one)} "
            f"nats there, against {_spread.written(other)}"
            f"{': that is what it costs' if costs else ''}."
        )
    if best != last:
        text += (
            f" A larger β is not always better: at β = {last} the code holds "
            f"{_spread.mean(points[last].kl):.1f} nats, with "
            f"{_spread.mean(points[last].active):.1f} latents in use, and MIG is {mig[last]}."
        )
    return [
        exhibit(
            tour,
            "curve",
            [
                Picture(
                    draw_curve(points),
                    "Four panels against beta, reconstruction, KL, MIG and DCI, and one of MIG "
                    f"against reconstruction. {_curves.told('beta-vae', points)}",
                )
            ],
            f"The trade-off over {_spread.trainings(seeds)} at each β. Small dots are single "
            "trainings, large ones their means; bars are one standard deviation.",
            Numbers(_curves.SHEET, _curves.sheet({"beta-vae": points})),
            grid=True,
        ),
        table(
            f"β-VAE on the drawn digits, unseen images; nats per image; {_spread.said(seeds)}",
            _curves.HEAD,
            _curves.rows("beta-vae", points),
        ),
        paragraph(text, finding=True),
    ]


@styled
def draw_curve(points: Curve) -> Figure:
    """Draw each number against beta, and MIG against reconstruction."""
    figure = new_figure(6.5, 4.6, layout="constrained")
    axes = figure.subplot_mosaic([["reconstruction", "kl", "trade"], ["mig", "dci", "trade"]],
                                 width_ratios=[1, 1, 1.5])  # fmt: skip
    betas = list(points)
    shown = {
        "reconstruction": [point.reconstruction for point in points.values()],
        "kl": [point.kl for point in points.values()],
        **{name: [point.scores[name] for point in points.values()] for name in _curves.SCORES},
    }
    names = {"reconstruction": "reconstruction, nats", "kl": "KL, nats", **_curves.SCORES}
    for name, values in shown.items():
        _curves.over_beta(axes[name], "beta-vae", betas, values)
        axes[name].set_title(names[name], loc="left")
        axes[name].set_ylim(bottom=0)
    _curves.trade_off(axes["trade"], "beta-vae", points, "mig")
    axes["trade"].set_title("the trade-off", loc="left")
    axes["trade"].set_ylim(bottom=0)
    axes["trade"].margins(x=0.2)
    return figure


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
