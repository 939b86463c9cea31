"""Why one cannot yet ask for a seven: samples come as they come, and the map differs every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.figures import plane
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.interactive import latent_sliders
from unbraid.tour.exhibits.sampling import SHOWN, draw_samples
from unbraid.tour.formatting import number
from unbraid.tour.page.html import paragraph, table
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.clouds import Cloud, cloud, compared_with_chance, direction_of
from unbraid.tour.statistics.samples import ASKED, DRAWN, sample_digits, shares

if TYPE_CHECKING:
    from unbraid.runs import Run
    from unbraid.tour.context import Tour


TITLE = "Why a VAE cannot yet be asked for a seven"
FIGURES = ("draws", "map")
HEAD = ("training", "sevens among draws", "draws until one", "sevens towards", "from 0")


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
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
                "The VAE generates new digits from a known prior. But which digit? Here are forty "
                "codes drawn from the prior, decoded:"
            ),
            *_draws(tour, runs[0], drawn[0]),
            paragraph(
                "With two numbers, one can decode the whole plane instead: a grid of cells that "
                "are all equally likely. Sevens have a region there. But to find it, somebody had "
                "to look"
                + (", and the next training puts them elsewhere:" if len(runs) > 1 else ":")
            ),
            *_maps(tour, runs[:2], clouds),
            latent_sliders(
                runs[0],
                "plane",
                "two numbers of a VAE",
                "What the VAE draws",
                "Try it: here are the two numbers of the first training. Where is a seven?",
            ),
            table(
                f"Sevens, by {len(drawn[0]):,} draws from each training (a draw counts as the "
                "digit of the unseen image it is most like) and by the codes of unseen sevens, "
                "degrees anticlockwise from z0",
                HEAD,
                lines,
            ),
            paragraph(
                _found(share, [direction_of(each, ASKED)[0] for each in clouds]), finding=True
            ),
            paragraph(
                "So the prior says where codes are, not what they mean. Neither number is "
                "<em>which digit</em> or <em>how slanted</em>; each is a mixture of several. To "
                "ask for a seven, and for a small one that leans left, each of these needs its own "
                "number, or a few. That is disentanglement."
            ),
        ]
    )


def _found(share: Sequence[float], towards: Sequence[float]) -> str:
    mean = spread.mean(share)
    waiting = f"one draw in {1 / mean:.0f}" if mean else "no draw at all"
    text = (
        f"{spread.written([100 * part for part in share], 1)}% of the draws are sevens: {waiting}."
    )
    if len(towards) < 2:
        return text
    return (
        f"{text} As to the direction of the sevens over {spread.trainings(len(towards))}, "
        f"{compared_with_chance(towards)}."
    )


def _draws(tour: Tour, run: Run, digits: NDArray[np.int64]) -> list[str]:
    count = SHOWN[0] * SHOWN[1]
    first = np.flatnonzero(digits == ASKED)
    when = f"the first seven is draw {first[0] + 1}" if len(first) else "there is no seven"
    most = shares(digits).round(3)
    alt = (
        f"The first {count} draws of a VAE with two latents, each with the digit it is most like; "
        f"{when}; {(digits[:count] == ASKED).sum()} of {count} are sevens. Of all draws: "
        + ", ".join(f"{part:.1%} {digit}s" for digit, part in enumerate(most))
        + "."
    )
    return [
        exhibit(
            tour,
            "draws",
            [Picture(draw_samples(run, digits[:count]), alt)],
            f"The first {count} draws from the prior, in order, with the digit each is most like; "
            f"{when}.",
            Numbers(("digit", "share of draws"), list(enumerate(most.tolist()))),
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
                f"The plane of the VAE of seed {seed} decoded on a grid of 18 by 18: regions of "
                "each digit with soft borders between them; sevens lie towards "
                f"{number(direction, 0)} degrees, {number(distance, 1)} from the middle.",
                str(seed),
            )
        )
    return [
        exhibit(
            tour,
            "map",
            pictures,
            "The whole plane of codes, decoded"
            + (", for two trainings that differ in their seed" if len(runs) > 1 else "")
            + ". Each cell stands for an equal share of the prior.",
            also=[f"unbraid plane {tour.folder(name)}" for name in tour.plane("vae")[: len(runs)]],
        )
    ]
