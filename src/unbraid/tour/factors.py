"""What an image of a digit is made of: data whose causes are known, and a request it can meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.language.parser import parse
from unbraid.control.language.request import Request
from unbraid.datasets import Dataset
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Digits, Renderer, factor_specs
from unbraid.factors import FactorSpec
from unbraid.figures._style import as_pictures, image_grid, styled
from unbraid.subsets import some_rows
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._jobs import CANVAS
from unbraid.tour._page import number, paragraph, table
from unbraid.tour._references import ARTICLE, cite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "What an image is made of"
FIGURES = ("factors", "sentence")
SENTENCE = "small seven in the top rotated 30 degrees"
# one word changed at a time
OTHERS = (
    "small three in the top rotated 30 degrees",
    "big seven in the top rotated 30 degrees",
    "small seven in the bottom rotated 30 degrees",
    "small seven in the top rotated -30 degrees",
)
ANOTHER = "big one in the left"  # the article's first
REFERENCE = 64  # pixels of the canvas that lengths are given on, whatever the image's
WRITERS = 10
NEAR = 0.1  # of a factor's range: an image that close to what is asked counts as it


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of: none."""
    return []


def write(tour: Tour) -> str:
    """Return the chapter."""
    data = tour.drawn()
    specs = data.specs
    asked = {text: parse(text, specs) for text in (SENTENCE, *OTHERS, ANOTHER)}
    found, counts = _matching(data, asked[SENTENCE])
    each = "; ".join(f"{name} {count:,}" for name, count in counts.items())
    return "".join(
        [
            paragraph(
                "An image varies because its causes vary: which digit, how big, where, how far "
                "rotated, how bold. These are its <em>factors</em>. MNIST does not say what they "
                f"were. So here are {len(data):,} digits made for the purpose: MNIST's "
                f"handwriting, reduced to its centre lines ({cite('zhang1984')}) and drawn again "
                "with factors that are known. Here they are drawn independently of each other: a "
                "seven can be big or small, and so can a three."
            ),
            exhibit(
                tour,
                "factors",
                [Picture(_drawn(data), _alt(data))],
                "Above: some of the drawn digits. Below: one handwriting, one factor changing at a "
                f"time, all else fixed. Lengths are in pixels of a canvas of {REFERENCE}, as in "
                f"requests; these pictures are {CANVAS} pixels wide, so halve them. Angles are in "
                "degrees counter-clockwise.",
                _ranges(data),
                also=["unbraid show digits --rows 2"],
                grid=True,
            ),
            paragraph(
                f"With known factors, a sentence becomes a request: the article's "
                f"<q>{SENTENCE}</q> ({cite(ARTICLE)}) is {asked[SENTENCE].describe()} (lengths in "
                f"pixels of a canvas of {REFERENCE}). Here the data answer it themselves: ten "
                "handwritings to a row, the same ten in each row of sevens; below the first row "
                f"one word is changed at a time; the last is <q>{ANOTHER}</q>."
            ),
            exhibit(
                tour,
                "sentence",
                [Picture(_answers(asked), _sentence_alt(asked))],
                "Requests answered by drawing real handwriting with the factors that they name. "
                "Those not named are in the middle of their range.",
                Numbers(
                    ("request", *data.factor_names),
                    [[text, *middling(request, specs)] for text, request in asked.items()],
                ),
                grid=True,
            ),
            table(
                f"How requests are understood; lengths in pixels of a canvas of {REFERENCE}",
                ["request", "understood as"],
                [[text, request.describe()] for text, request in asked.items()],
                words=True,
            ),
            paragraph(
                f"Of the {len(data):,} images, {found:,} match the whole sentence to within "
                f"{NEAR:.0%} of each factor's range; each part alone matches many ({each}). "
                "Requests are easy to answer where the factors are known. The question of the "
                "following chapters: can a model that sees only images acquire such controls?",
                finding=True,
            ),
        ]
    )


def _alt(data: Dataset) -> str:
    ranges = ", ".join(
        f"{spec.name} {spec.range[0]:g} to {spec.range[1]:g} {spec.unit}"
        for spec in data.specs
        if spec.range
    )
    return (
        "Twenty drawn digits, white on black, and six strips in each of which one factor of one "
        f"digit changes: the digit from 0 to 9, and {ranges}; pixels of a canvas of {REFERENCE}."
    )


def _ranges(data: Dataset) -> Numbers:
    rows = []
    for spec in data.specs:
        low, high = spec.range or (0, len(spec.values or ()) - 1)
        rows.append([spec.name, spec.kind, low, high, spec.unit])
    return Numbers(("factor", "kind", "lowest", "highest", "unit"), rows)


def _matching(data: Dataset, request: Request) -> tuple[int, dict[str, int]]:
    """Return how many images are near to all that is asked, and to each part of it alone."""
    fits = np.ones(len(data), bool)
    counts = {}
    for spec in data.specs:
        if spec.name in request.values:
            wanted, have = request.values[spec.name], data.factor(spec.name)
            if spec.values is None and spec.range is not None:
                near = abs(have - wanted) <= NEAR * (spec.range[1] - spec.range[0])
            else:
                near = have == wanted
            counts[spec.name] = int(near.sum())
            fits &= near
    return int(fits.sum()), counts


def middling(request: Request, specs: Sequence[FactorSpec]) -> list[float]:
    """Return the factors of a request, those it does not name in the middle of their range."""
    return [
        float(request.values.get(spec.name, sum(spec.range) / 2 if spec.range else 0.0))
        for spec in specs
    ]


def rendered(request: Request, seed: int = 0) -> NDArray[Any]:
    """Return real handwriting of ten writers, drawn as a request asks, (10, 1, H, W)."""
    renderer = Renderer("test", CANVAS)
    rows = np.tile(middling(request, factor_specs(DigitsConfig())), (WRITERS, 1))
    return renderer.draw(rows, renderer.choose(rows, seed))


@styled
def _drawn(data: Digits) -> Figure:
    """Draw two rows of digits, and a strip for each factor, which goes through its range."""
    samples = as_pictures(np.asarray(data.take(some_rows(len(data), 20)).images[:]))
    blocks = [samples[None, :10], samples[None, 10:]]
    row = int(np.flatnonzero(data.factor("digit") == 5)[0])
    ends = [spec.range or (0.0, 9.0) for spec in data.specs]
    base = np.array([0.0, *(sum(end) / 2 for end in ends[1:])])
    assert data.renderer is not None
    steps = [np.linspace(*end, 10) for end in ends]
    for column, (spec, values) in enumerate(zip(data.specs, steps, strict=True)):
        rows = np.tile(base, (10, 1))
        rows[:, 0] = data.factor("digit")[row]
        rows[:, column] = values
        style = np.repeat(data.style[row], 10)
        if spec.name == "digit":
            style = data.renderer.choose(rows)
        blocks.append(as_pictures(data.renderer.draw(rows, style))[None])
    figure, axes = image_grid(blocks, f"digits, {len(data):,} images", left=0.85, below=0.22)
    axes[0].set_ylabel("")
    for ax, spec, values in zip(axes[2:], data.specs, steps, strict=True):
        unit = f"\n{spec.unit}".replace("pixels", f"px of {REFERENCE}") if spec.unit else ""
        ax.set_yticks([0.5], [spec.name + unit])
        labels = [number(value, 0 if spec.name in ("digit", "angle") else 1) for value in values]
        ax.set_xticks(np.arange(10) + 0.5, labels)
    return figure


@styled
def _answers(asked: dict[str, Request]) -> Figure:
    """Draw each request in ten handwritings."""
    blocks = [as_pictures(rendered(request))[None] for request in asked.values()]
    figure, axes = image_grid(blocks, "digits: real handwriting, drawn as asked", below=0.25)
    for ax, text in zip(axes, asked, strict=True):
        ax.set_xlabel(text, loc="left")
    return figure


def _sentence_alt(asked: dict[str, Request]) -> str:
    told = ". ".join(f"{text}: {request.describe()}" for text, request in asked.items())
    return f"Rows of ten drawn digits, a row for each request. {told}."
