"""The data, and reconstruction error against the number of latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from unbraid.datasets import Dataset
from unbraid.pages.html import paragraph, table
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.latent_size import draw_reconstructions, draw_sizes, draw_training_images
from unbraid.tour.formatting import number
from unbraid.tour.plan import SIZES
from unbraid.tour.references import cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.latent_size import (
    EACH,
    LEVINA,
    SUBSETS,
    TWONN,
    Estimates,
    class_means,
    dimension_range,
    estimates,
    images_of,
    squared_error,
)
from unbraid.training import TrainingConfig, split_rows

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "Latent size: 784 pixels, few numbers"
FIGURES = ("written", "sizes", "rebuilt")


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    return [name for latents in SIZES for name in tour.sized(latents)]


def write(tour: Tour) -> str:
    """Return the chapter."""
    name, data = tour.data()
    unseen = tour.run("ae-2d-0").unseen()
    errors = {
        latents: [
            tour.run(run).result["reconstruction_stats"]["squared_error"]
            for run in tour.sized(latents)
        ]
        for latents in SIZES
    }
    means = class_means(data)
    one = squared_error(means[unseen.factor("digit").astype(int)], unseen)
    dimension = estimates(images_of(data, SUBSETS * EACH))
    return "".join(
        [
            *_data(tour, name, data),
            paragraph(
                "How many numbers does a code need? An <em>autoencoder</em> can show it "
                f"({cite('hinton2006')}). Its encoder maps an image to a code of a fixed number of "
                "latents, its decoder reconstructs the image from the code, and both are trained "
                "to minimise the reconstruction error. All autoencoders below were trained in the "
                "same way; only the number of latents differs."
            ),
            *_sizes(tour, errors, one, dimension),
            exhibit(
                tour,
                "rebuilt",
                [Picture(draw_reconstructions(tour, unseen, means), _rebuilt_alt(errors, one))],
                "Ten held-out digits, and their reconstructions from one integer (the mean of all "
                "training images of that digit) and from 2 to 50 latents (autoencoders, seed 0).",
                grid=True,
            ),
        ]
    )


def _data(tour: Tour, name: str, data: Dataset) -> list[str]:
    """Return the parts on the data set."""
    pixels = int(np.prod(data.image_shape))
    black = float((images_of(data, 5000) == 0).mean())
    trained = len(data) - len(split_rows(data, TrainingConfig().validation)[1])
    alt = (
        "Four rows of ten handwritten digits, white on black, a column for each digit; "
        f"they differ in slant, boldness and width. {black:.1%} of all pixels are black."
    )
    return [
        paragraph(
            f"There are {len(data):,} of MNIST's handwritten digits here ({cite('lecun1998')}): "
            f"{trained:,} for training and {len(data) - trained:,} for validation. "
            f"Each has 28 by 28 grey values: {pixels} numbers. Most of them are redundant: "
            f"{black:.0%} of all pixels are black, and where one is white, its neighbours mostly "
            "are too."
        ),
        exhibit(
            tour,
            "written",
            [Picture(draw_training_images(data), alt)],
            "Random images of the training set.",
            also=[f"unbraid show {name}"],
            grid=True,
        ),
        paragraph(
            "Fewer numbers can hold the same content. The shortest description is the digit "
            "itself, one integer from 0 to 9, which leaves out the handwriting. With a few more "
            "numbers, for slant, size, stroke width and the shape of strokes, the image could be "
            "reconstructed. Such a description is called a <em>latent code</em>, and its numbers "
            "<em>latents</em>."
        ),
    ]


def _sizes(
    tour: Tour, errors: Mapping[int, Sequence[float]], one: float, dimension: Estimates
) -> list[str]:
    """Return the parts on the error against the number of latents."""
    told = {latents: spread.mean(values) for latents, values in errors.items()}
    steps = list(pairwise(SIZES))
    gains = [(a, b, (told[a] - told[b]) / (b - a)) for a, b in steps]
    alt = (
        f"Squared error of held-out images against the number of latents: {one:.1f} for the digit "
        "alone, "
        + ", ".join(f"{told[n]:.1f} for {n} latents" for n in SIZES)
        + f"; the intrinsic dimension of the data is marked at {dimension_range(dimension)}."
    )
    rows = [["the digit, one integer", f"{one:.1f}", ""]] + [
        [f"{n} latents", spread.written(errors[n]), f"{len(errors[n])}"] for n in SIZES
    ]
    sheet: list[tuple[object, ...]] = [("digit", 1, "", one)]
    sheet += [("real", n, seed, e) for n in SIZES for seed, e in enumerate(errors[n])]
    sheet += [(kind, "", "", value) for kind, found in dimension.items() for value in found]
    gained = ", ".join(
        f"{number(gain, 2)} ({'' if place else 'from '}{a} to {b}{'' if place else ' latents'})"
        for place, (a, b, gain) in enumerate(gains)
    )
    told_of = {TWONN: cite("facco2017"), LEVINA: f"{cite('levina2004')}; {cite('mackay2005')}"}
    by_two = "; ".join(
        f"{name} {spread.written(dimension[name])} ({papers})" for name, papers in told_of.items()
    )
    return [
        exhibit(
            tour,
            "sizes",
            [Picture(draw_sizes(errors, one, dimension), alt)],
            "Reconstruction error against the number of latents. Dots are single trainings, the "
            "line is their mean; the band spans two estimates of the data's intrinsic dimension.",
            Numbers(("description", "latents", "seed", "squared error or dimension"), sheet),
            grid=True,
        ),
        table(
            "Squared error of held-out images, summed over pixels; "
            f"{spread.note(len(errors[SIZES[1]]))}",
            ["code", "squared error", "trainings"],
            rows,
        ),
        paragraph(
            f"Each added latent lowers the error by {gained}. By two estimates from the distances "
            "between neighbouring images, MNIST's intrinsic dimension is "
            f"{dimension_range(dimension)}: {by_two} (over {SUBSETS} random sets of at most "
            f"{EACH:,} images).",
            finding=True,
        ),
        paragraph(
            f"{_shape([gain for _, _, gain in gains])} The intrinsic dimension is the number of "
            "directions in which an image can change and still look like the data; such estimates "
            "are too low where it is high and images are few. The next question is which codes "
            "decode to digits, and what each latent means."
        ),
    ]


def _shape(gains: Sequence[float]) -> str:
    """Return a sentence on the shape of the curve, from the gain of each added latent."""
    if min(gains) <= 0:
        return (
            "More latents were not always better here: these trainings are too few or too short "
            "to tell."
        )
    if list(gains) == sorted(gains, reverse=True):
        return (
            "Each added latent gains less than the one before. The curve has no corner, so the "
            "number of latents has to be chosen."
        )
    return "The number of latents has to be chosen."


def _rebuilt_alt(errors: Mapping[int, Sequence[float]], one: float) -> str:
    told = ", ".join(f"{n} latents {values[0]:.1f}" for n, values in errors.items())
    return (
        "A grid: ten held-out digits, and below each its reconstructions from one integer and "
        f"from 2 to 50 latents. Squared errors: one integer {one:.1f}, {told}."
    )
