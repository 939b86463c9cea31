"""The codes of VAEs that differ in their seed, compared with the prior, and samples of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unbraid.core.subsets import some_rows
from unbraid.figures import sample
from unbraid.pages.html import paragraph, table
from unbraid.tour.exhibits.clouds import (
    CLOUD_SHEET,
    cloud_panels,
    cloud_rows,
    cloud_sheet,
    cloud_table,
    draw_ellipses,
)
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.formatting import number
from unbraid.tour.plan import WIDE
from unbraid.tour.references import cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.clouds import (
    Cloud,
    agreement,
    both_spreads,
    centres_spread,
    chance_agreement,
    cloud,
    collect,
    distance_from_origin,
    largest_distance,
    reach_of,
)
from unbraid.tour.statistics.samples import DRAWN, digits_by_likeness, mismatch, nearest, shares

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "A VAE's codes follow the prior"
FIGURES = ("stay", "clouds", "prior", "wider")
METHODS = {"ae": "autoencoder", "vae": "VAE"}
Clouds = Mapping[str, Sequence[Cloud]]


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    wide = [name for method in METHODS for name in _wide(tour, method)]
    return [*tour.plane("ae"), *tour.plane("vae"), *wide]


def write(tour: Tour) -> str:
    """Return the chapter."""
    runs = {method: [tour.run(name) for name in tour.plane(method)] for method in METHODS}
    clouds = {method: [cloud(run) for run in runs[method]] for method in runs}
    return "".join(
        [
            paragraph(
                f"A variational autoencoder (VAE, {cite('kingma2014')}) changes two things. The "
                "encoder returns a Gaussian instead of a point, and the decoder reconstructs the "
                "image from a code drawn from it. The loss adds the Kullback-Leibler divergence "
                "(KL, in nats) of that Gaussian from a prior, a standard normal that is the same "
                "for every image. So the loss is reconstruction plus KL."
            ),
            exhibit(
                tour,
                "stay",
                cloud_panels(runs["vae"], clouds["vae"], prior=True),
                "Codes of held-out digits by the VAE, all on one scale (smaller than the "
                "autoencoder's above). The dashed circle holds 95% of the prior.",
                cloud_sheet(runs["vae"], clouds["vae"]),
                also=[f"unbraid scatter {tour.folder(name)}" for name in tour.plane("vae")],
            ),
            cloud_table(cloud_rows(runs["vae"], clouds["vae"])),
            exhibit(
                tour,
                "clouds",
                [Picture(draw_ellipses(clouds), _ellipses_alt(clouds))],
                "All trainings on one scale: each ellipse is two standard deviations of the codes "
                "of one training; the line points to the mean code of the ones.",
                Numbers(
                    ("method", *CLOUD_SHEET),
                    [
                        [method, *row]
                        for method in METHODS
                        for row in cloud_sheet(runs[method], clouds[method]).rows
                    ],
                ),
                grid=True,
            ),
            table(
                "The same numbers side by side: autoencoder and VAE over "
                f"{spread.trainings(len(clouds['vae']))} each",
                ["measure", "autoencoder", "VAE"],
                _beside(clouds),
            ),
            paragraph(_found(clouds), finding=True),
            paragraph(
                "Only the orientation remains arbitrary: the directions of the ones are "
                + ", ".join(f"{each.ones:.0f}°" for each in clouds["vae"])
                + ". A standard normal is invariant to rotation and reflection, so a model can "
                f"rotate all codes without changing its loss ({cite('locatello2019')}). So this "
                "prior alone cannot make each latent stand for one factor."
            ),
            *_prior(tour, clouds),
            *_wider(tour),
        ]
    )


def _beside(clouds: Clouds) -> list[list[str]]:
    """Return the rows that compare both methods."""
    pair = [clouds[method] for method in METHODS]
    lines: list[tuple[str, Callable[[Sequence[Cloud]], str]]] = [
        (
            "distance of the centre from 0",
            lambda c: spread.written(collect(c, distance_from_origin), 2),
        ),
        ("largest distance of two centres", lambda c: _several(c, largest_distance(c))),
        (
            "root mean square distance of the centres from their mean",
            lambda c: _several(c, centres_spread(c)),
        ),
        ("standard deviations of the codes", lambda c: spread.between(collect(c, both_spreads))),
        ("radius of 99% of the codes", lambda c: spread.between(collect(c, reach_of))),
        ("codes in the circle of 95%", lambda c: f"{np.mean([e.inside_prior for e in c]):.0%}"),
        (f"agreement of directions{_by_chance(clouds)}", lambda c: _several(c, _agreement(c))),
    ]
    return [[name, *(of(each) for each in pair)] for name, of in lines]


def _agreement(clouds: Sequence[Cloud]) -> float:
    return agreement([each.ones for each in clouds])


def _by_chance(clouds: Clouds) -> str:
    """Return how much random directions agree, in words."""
    if (count := len(clouds["vae"])) < 2:
        return ""
    mean, high = chance_agreement(count)
    return f" (by chance {mean:.2f}, 5% above {high:.2f})"


def _several(clouds: Sequence[Cloud], value: float) -> str:
    """Write what compares trainings, nothing for a single one."""
    return f"{value:.2f}" if len(clouds) > 1 else ""


def _ellipses_alt(clouds: Clouds) -> str:
    return "Two panels of ellipses, one a training. " + " ".join(
        f"{METHODS[method]}: centres {spread.between(collect(each, distance_from_origin))} from 0"
        + (f", up to {largest_distance(each):.2f} apart" if len(each) > 1 else "")
        + f"; spreads {spread.between(collect(each, both_spreads))}."
        for method, each in clouds.items()
    )


def _found(clouds: Clouds) -> str:
    """Return sentences on the table, for any outcome."""
    vae, ae = clouds["vae"], clouds["ae"]
    text = (
        "The standard deviations of the VAE's codes, along and across, are "
        f"{spread.between(collect(vae, both_spreads))} (the prior's is 1), the autoencoder's "
        f"{spread.between(collect(ae, both_spreads))}. The VAE's centres are "
        f"{spread.between(collect(vae, distance_from_origin))} from 0, the autoencoder's "
        f"{spread.between(collect(ae, distance_from_origin))}."
    )
    if len(vae) < 2:
        return text
    apart = {method: largest_distance(clouds[method]) for method in clouds}
    # relative to its own spread: a model whose codes are all twice as far out differs by twice that
    own = {
        method: apart[method] / np.mean(collect(clouds[method], both_spreads)) for method in clouds
    }
    text += (
        f" Between trainings the VAE's centres differ by up to {apart['vae']:.2f}, the "
        f"autoencoder's by up to {apart['ae']:.2f}"
    )
    if own["vae"] > 0.8 * own["ae"]:
        return text + (
            f"; relative to their own standard deviation that is {own['vae']:.1f} and "
            f"{own['ae']:.1f}. So in these trainings the centres do not agree clearly better with "
            "a prior than without."
        )
    return text + f": {own['vae']:.1f} and {own['ae']:.1f} times their own standard deviation."


def _prior(tour: Tour, clouds: Clouds) -> list[str]:
    """Return the parts on samples of the prior decoded by both models."""
    runs = {method: tour.run(tour.plane(method)[0]) for method in METHODS}
    unseen = runs["vae"].unseen()
    real = shares(unseen.factor("digit"))
    counts = {
        method: [
            shares(digits_by_likeness(tour.run(name).model().sample(DRAWN).numpy(), unseen))
            for name in tour.plane(method)
        ]
        for method in METHODS
    }
    wrong = {method: [mismatch(each, real) for each in counts[method]] for method in METHODS}
    inside = {method: np.mean([c.inside_prior for c in clouds[method]]) for method in METHODS}
    lines = [[METHODS[method], *_percent(np.mean(counts[method], 0))] for method in METHODS]
    pictures = [
        Picture(
            sample.draw(runs[method], sample.Config(rows=4)),
            f"Forty images decoded from codes drawn from a standard normal by the {name}; by "
            f"likeness to real digits, its samples are {_most(counts[method][0])}.",
            method,
        )
        for method, name in METHODS.items()
    ]
    table_rows = [*lines, ["real digits", *_percent(real)]]
    return [
        paragraph(
            "Where codes follow a known prior, new digits can be generated: draw a code from the "
            "prior and decode it. The autoencoder has no prior, but its decoder can decode the "
            "same samples:"
        ),
        exhibit(
            tour,
            "prior",
            pictures,
            "Samples of the standard normal decoded by both models; two latents, seed 0.",
            Numbers(
                ("model", "seed", *map(str, range(10))),
                [(METHODS[m], seed, *each) for m in METHODS for seed, each in enumerate(counts[m])]
                + [("real digits", "", *real)],
            ),
            also=[f"unbraid sample {tour.folder(tour.plane(m)[0])} --rows 4" for m in METHODS],
            grid=True,
        ),
        table(
            f"Digit of the nearest held-out image, by squared distance, in percent of {DRAWN:,} "
            "samples from each training",
            ["samples of", *map(str, range(10))],
            table_rows,
        ),
        paragraph(
            f"The circle that holds 95% of these samples holds {inside['vae']:.0%} of the VAE's "
            f"codes of real digits, and {inside['ae']:.0%} of the autoencoder's. From the shares "
            "of the ten digits among real images, those among samples differ by "
            f"{spread.written([100 * w for w in wrong['vae']], 0)}% for the VAE and "
            f"by {spread.written([100 * w for w in wrong['ae']], 0)}% for the autoencoder "
            f"(total variation distance; {spread.note(len(wrong['vae']))}).",
            finding=True,
        ),
    ]


def _wider(tour: Tour) -> list[str]:
    """Return the parts on samples of the prior with more latents."""
    names = {method: _wide(tour, method) for method in METHODS}
    unseen = tour.run(names["vae"][0]).unseen()
    far = {
        method: [
            float(nearest(tour.run(name).model().sample(DRAWN).numpy(), unseen)[1].mean())
            for name in names[method]
        ]
        for method in METHODS
    }
    images = tour.data()[1]
    written = np.asarray(images.take(some_rows(len(images), DRAWN)).images[:]) / 255
    real = float(nearest(written, unseen)[1].mean())
    told = {method: spread.written(far[method]) for method in METHODS}
    pictures = [
        Picture(
            sample.draw(tour.run(names[method][0]), sample.Config(rows=4)),
            f"Forty images decoded from codes of {WIDE} numbers drawn from a standard normal by "
            f"the {label}; their squared distance to the nearest held-out digit is {told[method]}.",
            method,
        )
        for method, label in METHODS.items()
    ]
    return [
        paragraph(
            "With two latents the autoencoder's codes still cover the middle of the prior. With "
            f"more latents, less of the prior is covered by codes. The same with {WIDE} latents:"
        ),
        exhibit(
            tour,
            "wider",
            pictures,
            f"Samples of the standard normal decoded by both models; {WIDE} latents, seed 0.",
            Numbers(
                ("images", "seed", "squared distance"),
                [(METHODS[m], seed, d) for m in METHODS for seed, d in enumerate(far[m])]
                + [("real digits", "", real)],
            ),
            also=[f"unbraid sample {tour.folder(names[m][0])} --rows 4" for m in METHODS],
            grid=True,
        ),
        paragraph(
            "The squared distance to the nearest held-out digit, summed over pixels, is "
            f"{told['ae']} for the autoencoder's samples and {told['vae']} for the VAE's "
            f"({spread.note(len(far['vae']))}, {spread.trainings(len(far['vae']))} each); for "
            f"real training digits it is {number(real)}.",
            finding=True,
        ),
    ]


def _wide(tour: Tour, method: str) -> list[str]:
    return tour.seeds(f"{method}-{WIDE}d")


def _percent(values: np.ndarray) -> list[str]:
    return [f"{100 * value:.0f}" for value in values]


def _most(values: np.ndarray) -> str:
    """Return the most and the least frequent digit, in words."""
    order = values.argsort()[::-1]
    most, least = order[0], order[-1]
    return f"{values[most]:.0%} {most}s at most and {values[least]:.0%} {least}s at least"
