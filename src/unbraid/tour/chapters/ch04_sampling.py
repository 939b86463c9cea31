"""Samples of a VAE's prior and its decoded plane: neither latent is the digit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.figures import plane
from unbraid.pages.html import paragraph, table
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.interactive import latent_sliders
from unbraid.tour.exhibits.sampling import SHOWN, draw_samples
from unbraid.tour.formatting import number
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.clouds import Cloud, cloud, compared_with_chance, direction_of
from unbraid.tour.statistics.samples import ASKED, DRAWN, sample_digits, shares

if TYPE_CHECKING:
    from unbraid.runs import Run
    from unbraid.tour.context import Tour


TITLE = "Sampling a VAE does not choose the digit"
FIGURES = ("draws", "map")
HEAD = ("training", "sevens among samples", "samples per seven", "direction", "distance from 0")


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    return tour.plane("vae")


def write(tour: Tour) -> str:
    """Return the chapter."""
    names = tour.plane("vae")
    runs = [tour.run(name) for name in names]
    clouds = [cloud(run) for run in runs]
    drawn = [sample_digits(run) for run in runs]
    share = [float((digits == ASKED).mean()) for digits in drawn]
    lines = [
        [
            f"vae, seed {run.config.training.seed}",
            f"{part:.1%}",
            f"{1 / part:.0f}" if part else f"over {DRAWN:,}",
            f"{direction_of(each, ASKED)[0]:.0f}°",
            f"{direction_of(each, ASKED)[1]:.1f}",
        ]
        for run, part, each in zip(runs, share, clouds, strict=True)
    ]
    return "".join(
        [
            paragraph(
                "The VAE generates new digits from a known prior, but does not let one choose the "
                "digit. Here are forty codes drawn from the prior, decoded:"
            ),
            *_draws(tour, runs[0], drawn[0]),
            paragraph(
                "With two latents the whole plane can be decoded: a grid of cells of equal "
                "probability. Sevens have a region there, which has to be found by looking"
                + (", and differs between trainings:" if len(runs) > 1 else ":")
            ),
            *_maps(tour, runs[:2], clouds),
            latent_sliders(
                runs[0],
                "plane",
                "two latents of a VAE",
                "Image decoded by the VAE",
                "Try it: these are the two latents of the first training, z0 across and z1 up. "
                "Press a place of the plane or move the sliders. Where is a seven?",
            ),
            table(
                f"Sevens among {len(drawn[0]):,} samples of each training (a sample counts as the "
                "digit of the nearest held-out image), and the mean code of held-out sevens: its "
                "direction, in degrees counter-clockwise from z0, and distance from 0",
                HEAD,
                lines,
            ),
            paragraph(
                _found(share, [direction_of(each, ASKED)[0] for each in clouds]), finding=True
            ),
            paragraph(
                "So the prior determines where codes are, but not what they mean. Neither latent "
                "is the digit or the slant; each changes several factors at once. To ask for a "
                "seven, and for a small one that leans left, each factor needs its own latent, or "
                "a few. That is disentanglement."
            ),
        ]
    )


def _found(share: Sequence[float], towards: Sequence[float]) -> str:
    mean = spread.mean(share)
    rate = f"one in {1 / mean:.0f}" if mean else "none"
    text = (
        f"{spread.written([100 * part for part in share], 1)}% of the samples are sevens: {rate}."
    )
    if len(towards) < 2:
        return text
    return (
        f"{text} The directions of the sevens' mean codes in {spread.trainings(len(towards))}: "
        f"{compared_with_chance(towards)}."
    )


def _draws(tour: Tour, run: Run, digits: NDArray[np.int64]) -> list[str]:
    count = SHOWN[0] * SHOWN[1]
    first = np.flatnonzero(digits == ASKED)
    when = f"the first seven is sample {first[0] + 1}" if len(first) else "there is no seven"
    most = shares(digits).round(3)
    alt = (
        f"The first {count} samples of a VAE with two latents, each with the digit of the nearest "
        f"held-out image; "
        f"{when}; {(digits[:count] == ASKED).sum()} of {count} are sevens. Of all samples: "
        + ", ".join(f"{part:.1%} {digit}s" for digit, part in enumerate(most))
        + "."
    )
    return [
        exhibit(
            tour,
            "draws",
            [Picture(draw_samples(run, digits[:count]), alt)],
            f"The first {count} samples from the prior, in order, with the digit of the nearest "
            f"held-out image; {when}.",
            Numbers(("digit", "share of samples"), list(enumerate(most.tolist()))),
            also=[f"unbraid sample {tour.folder(tour.plane('vae')[0])} --rows {SHOWN[0]}"],
            grid=True,
        )
    ]


def _maps(tour: Tour, runs: Sequence[Run], clouds: Sequence[Cloud]) -> list[str]:
    pictures = []
    for run, codes in zip(runs, clouds, strict=False):
        seed = run.config.training.seed
        direction, distance = direction_of(codes, ASKED)
        pictures.append(
            Picture(
                plane.draw(run, plane.Config()),
                f"The latent plane of the VAE of seed {seed} decoded on a grid of 18 by 18: each "
                "digit has a region, with gradual changes between them; the mean code of sevens "
                f"is at {number(direction, 0)} degrees, {number(distance, 1)} from the origin.",
                str(seed),
            )
        )
    return [
        exhibit(
            tour,
            "map",
            pictures,
            "The latent plane, decoded"
            + (", for two trainings that differ in their seed" if len(runs) > 1 else "")
            + ". Each cell has the same probability under the prior.",
            also=[f"unbraid plane {tour.folder(name)}" for name in tour.plane("vae")[: len(runs)]],
        )
    ]
