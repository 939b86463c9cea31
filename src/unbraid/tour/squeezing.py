"""What the data look like, and how few numbers an image can be drawn again from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.batches import split_rows
from unbraid.datasets import Dataset
from unbraid.figures._codes import one_of_each
from unbraid.figures._style import GREY, PALETTE, as_pictures, image_grid, new_figure, styled
from unbraid.subsets import some_rows
from unbraid.tour import _spread
from unbraid.tour._dimension import levina_bickel, two_nn
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._jobs import SIZES
from unbraid.tour._page import number, paragraph, table
from unbraid.tour._references import cite
from unbraid.training import TrainingConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "784 pixels, few numbers"
FIGURES = ("written", "sizes", "rebuilt")
SUBSETS, EACH = 4, 3000  # images that the dimension is estimated from
TWONN, LEVINA = "TwoNN", "maximum likelihood"  # the estimates
Estimates = dict[str, list[float]]


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
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
                "How short can a code be? Two networks can find out. The encoder turns an image "
                "into so many numbers, the decoder reconstructs the image from those alone, and "
                "both are trained to make the reconstruction like the original: an "
                f"<em>autoencoder</em> ({cite('hinton2006')}). All below were trained in the same "
                "way; only the width of the code differs."
            ),
            *_sizes(tour, errors, one, dimension),
            exhibit(
                tour,
                "rebuilt",
                [Picture(_rebuilt(tour, unseen, means), _rebuilt_alt(errors, one))],
                "Ten unseen digits, and their reconstructions from one whole number (the average "
                "of all training images of that digit) and from 2 to 50 real numbers "
                "(autoencoders, seed 0).",
                grid=True,
            ),
        ]
    )


def _data(tour: Tour, name: str, data: Dataset) -> list[str]:
    """Tell of the data set."""
    pixels = int(np.prod(data.image_shape))
    black = float((images_of(data, 5000) == 0).mean())
    trained = len(data) - len(split_rows(len(data), TrainingConfig().validation)[1])
    alt = (
        "Four rows of ten handwritten digits, white on black, a column for each digit; "
        f"they differ in slant, boldness and width. {black:.1%} of all pixels are black."
    )
    return [
        paragraph(
            f"There are {len(data):,} of MNIST's handwritten digits here ({cite('lecun1998')}): "
            f"{trained:,} to train on, and {len(data) - trained:,} held out to watch the training. "
            f"Each has 28 by 28 grey values: {pixels} numbers. Most of them are redundant: "
            f"{black:.0%} of all pixels are black, and where one is white, its neighbours mostly "
            "are too."
        ),
        exhibit(
            tour,
            "written",
            [Picture(_written(data), alt)],
            "Some of the images the models are trained on.",
            also=[f"unbraid show {name}"],
            grid=True,
        ),
        paragraph(
            "The same content fits into fewer numbers. The shortest description is the digit "
            "itself, one whole number from 0 to 9: it says what is written, and nothing of how. "
            "With a few more numbers, for slant, size, boldness and the shape of strokes, the "
            "image could be reconstructed. Such a description is called a <em>latent code</em>."
        ),
    ]


def _sizes(
    tour: Tour, errors: Mapping[int, Sequence[float]], one: float, dimension: Estimates
) -> list[str]:
    """Tell how the error falls with the width of the code."""
    told = {latents: _spread.mean(values) for latents, values in errors.items()}
    steps = list(pairwise(SIZES))
    gains = [(a, b, (told[a] - told[b]) / (b - a)) for a, b in steps]
    alt = (
        f"Squared error of unseen images against the width of the code: {one:.1f} for the digit "
        "alone, "
        + ", ".join(f"{told[n]:.1f} for {n} numbers" for n in SIZES)
        + f"; the intrinsic dimension of the data is marked at {_either(dimension)}."
    )
    rows = [["the digit, one whole number", f"{one:.1f}", ""]] + [
        [f"{n} real numbers", _spread.written(errors[n]), f"{len(errors[n])}"] for n in SIZES
    ]
    sheet: list[tuple[object, ...]] = [("digit", 1, "", one)]
    sheet += [("real", n, seed, e) for n in SIZES for seed, e in enumerate(errors[n])]
    sheet += [(kind, "", "", value) for kind, found in dimension.items() for value in found]
    gained = ", ".join(
        f"{number(gain, 2)} ({'' if place else 'from '}{a} to {b}{'' if place else ' numbers'})"
        for place, (a, b, gain) in enumerate(gains)
    )
    told_of = {TWONN: cite("facco2017"), LEVINA: f"{cite('levina2004')}; {cite('mackay2005')}"}
    by_two = "; ".join(
        f"{name} {_spread.written(dimension[name])} ({papers})" for name, papers in told_of.items()
    )
    return [
        exhibit(
            tour,
            "sizes",
            [Picture(draw_sizes(errors, one, dimension), alt)],
            "How far reconstructions are from their originals, by the width of the code. Dots are "
            "single trainings, the line their means; the band spans the estimates of the data's "
            "intrinsic dimension.",
            Numbers(("description", "numbers", "seed", "squared error or dimension"), sheet),
            grid=True,
        ),
        table(
            "Squared error of unseen images, summed over pixels; "
            f"{_spread.said(len(errors[SIZES[1]]))}",
            ["code", "squared error", "trainings"],
            rows,
        ),
        paragraph(
            f"Each added number lowers the error by {gained}. By two estimates from the distances "
            f"between neighbouring images, MNIST's intrinsic dimension is {_either(dimension)}: "
            f"{by_two} (over {SUBSETS} random sets of at most {EACH:,} images).",
            finding=True,
        ),
        paragraph(
            f"{_shape([gain for _, _, gain in gains])} The estimates say in how many directions "
            "an image can be changed without leaving the data; they are known to be too low where "
            "that number is large and images are few. Which codes belong to digits, and what "
            "their numbers mean, is the next question."
        ),
    ]


def _shape(gains: Sequence[float]) -> str:
    """Say how the curve falls, from what each further number gained at every step."""
    if min(gains) <= 0:
        return (
            "A wider code was not always better here: these trainings are too few or too short to "
            "tell."
        )
    if list(gains) == sorted(gains, reverse=True):
        return (
            "Each further number gains less than the one before. So there is no one right width: "
            "the curve flattens without a corner, and to choose one is a problem by itself."
        )
    return "There is no one right width: to choose one is a problem by itself."


def class_means(data: Dataset) -> NDArray[np.float64]:
    """Return the average image of each digit, (10, C, H, W) on [0, 1]."""
    digit = data.factor("digit").astype(int)
    sums = np.zeros((10, *data.image_shape))
    for start in range(0, len(data), 5000):
        np.add.at(sums, digit[start : start + 5000], np.asarray(data.images[start : start + 5000]))
    means: NDArray[np.float64] = (
        sums / np.bincount(digit, minlength=10).clip(1)[:, None, None, None]
    )
    return means / 255


def squared_error(drawn: NDArray[Any], data: Dataset) -> float:
    """Return the squared error of drawn images (N, C, H, W), summed over pixels, mean over N."""
    real = np.asarray(data.images[:]) / 255
    return float(np.square(drawn - real).sum((1, 2, 3)).mean())


def images_of(data: Dataset, count: int) -> NDArray[np.uint8]:
    """Return at most so many of a data set's images, random but always the same."""
    return np.asarray(data.take(some_rows(len(data), count)).images[:])


def estimates(images: NDArray[np.uint8]) -> Estimates:
    """Return each estimate of the dimension, on every one of a few disjoint sets of images."""
    flat = images.reshape(len(images), -1) / 255
    parts = np.array_split(flat, SUBSETS)
    return {
        TWONN: [two_nn(part) for part in parts],
        LEVINA: [levina_bickel(part) for part in parts],
    }


def _either(dimension: Estimates) -> str:
    """Write the estimates' means as a range of whole numbers."""
    return _spread.between([_spread.mean(values) for values in dimension.values()], 0)


@styled
def _written(data: Dataset) -> Figure:
    """Draw four images of each digit, a column for each."""
    chosen = data.take(one_of_each(data, 40, 0))
    order = np.argsort(chosen.factor("digit"), kind="stable").reshape(-1, 4).T
    pictures = as_pictures(np.asarray(chosen.images[:]))
    return image_grid([pictures[order]], f"mnist, {len(data):,} images")[0]


@styled
def draw_sizes(errors: Mapping[int, Sequence[float]], one: float, dimension: Estimates) -> Figure:
    """Draw the error against the width of the code."""
    figure = new_figure(6.5, 3.2, layout="constrained")
    ax = figure.subplots()
    found = [_spread.mean(values) for values in dimension.values()]
    ax.axvspan(min(found), max(found), color=PALETTE[4], alpha=0.35, lw=0)
    middle = (min(found) * max(found)) ** 0.5
    ax.annotate(
        f"intrinsic dimension,\ntwo estimates: {_either(dimension)}",
        (middle, one * 0.93),
        (6, 0),
        textcoords="offset points",
        va="top",
        color="black",
    )
    ax.axhline(one, color=GREY, ls="--", lw=0.9)
    ax.text(52, one, "the digit alone, one whole number", ha="right", va="bottom", color=GREY)
    for latents, values in errors.items():
        ax.plot([latents] * len(values), values, "o", ms=4, color=PALETTE[0], alpha=0.6)
    means = [_spread.mean(values) for values in errors.values()]
    ax.plot(list(errors), means, "-", color=PALETTE[0], lw=1.4)
    for latents, value in zip(errors, means, strict=True):
        ax.annotate(f"{value:.1f}", (latents, value), (5, 5), textcoords="offset points")
    ax.set_xscale("log")
    ax.set_xticks(list(errors), [str(n) for n in errors])
    ax.minorticks_off()
    ax.set_ylim(0, 1.12 * max(one, *means))
    ax.set_xlabel("real numbers in the code")
    ax.set_ylabel("squared error per image")
    ax.set_title("autoencoders on mnist: what is lost, unseen images", loc="left")
    return figure


def _rebuilt_alt(errors: Mapping[int, Sequence[float]], one: float) -> str:
    told = ", ".join(f"{n} numbers {values[0]:.1f}" for n, values in errors.items())
    return (
        "A grid: ten unseen digits, and below each its reconstructions from one whole number and "
        f"from 2 to 50 real ones. Squared errors: one whole number {one:.1f}, {told}."
    )


@styled
def _rebuilt(tour: Tour, unseen: Dataset, means: NDArray[np.float64]) -> Figure:
    """Draw unseen digits above what each width of the code keeps of them."""
    chosen = unseen.take(one_of_each(unseen, 10, 0))
    images = np.asarray(chosen.images[:])
    rows: dict[str, Any] = {"original": images}
    rows["1 integer"] = means[chosen.factor("digit").astype(int)]
    for latents in SIZES:
        rows[f"{latents} reals"] = tour.run(tour.sized(latents)[0]).model().reconstruct(images)
    figure, (ax,) = image_grid(
        [np.stack([as_pictures(row) for row in rows.values()])],
        "autoencoders on mnist, seed 0: unseen digits reconstructed",
        left=0.75,
    )
    ax.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
    return figure
