"""What an image of a digit is made of: data whose causes are known, and a request it can meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.requests import Request, parse
from unbraid.datasets import Dataset
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Digits, Renderer, factor_specs
from unbraid.factors import FactorSpec
from unbraid.figures._style import as_pictures, image_grid, styled
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._jobs import CANVAS
from unbraid.tour._page import number, paragraph, table

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
                "An image varies because its causes vary: which digit, how big, where, how turned, "
                "how bold. These are its <em>factors</em>, and they are independent of each other: "
                "a seven can be big or small, and so can a three. MNIST does not say what they "
                f"were. So here are {len(data):,} digits made for the purpose: MNIST's "
                "handwriting, reduced to its centre lines, and drawn again under factors that were "
                "chosen at random and written down."
            ),
            exhibit(
                tour,
                "factors",
                [Picture(_drawn(data), _alt(data))],
                "Above: some of the drawn digits. Below: one handwriting, one factor moving at a "
                "time, all else fixed. Lengths are pixels of a canvas of 64, angles degrees "
                "counter-clockwise.",
                _ranges(data),
                also=["unbraid show digits --rows 2"],
                grid=True,
            ),
            paragraph(
                f"With factors written down, a sentence becomes a request: <q>{SENTENCE}</q> is "
                f"{asked[SENTENCE].describe()}. Here is the data's own answer, drawn: ten hands to "
                "a row, the same ten in each row of sevens; below the first row one word changed "
                f"at a time; and last <q>{ANOTHER}</q>."
            ),
            exhibit(
                tour,
                "sentence",
                [Picture(_answers(asked), _sentence_alt(asked))],
                "Requests answered by drawing real handwriting under the factors that they name. "
                "Those not named are held in the middle.",
                Numbers(
                    ("request", *data.factor_names),
                    [[text, *middling(request, specs)] for text, request in asked.items()],
                ),
                grid=True,
            ),
            table(
                "How requests are understood",
                ["request", "understood as"],
                [[text, request.describe()] for text, request in asked.items()],
                words=True,
            ),
            paragraph(
                f"Among the {len(data):,} images {found:,} fit the whole sentence to within "
                f"{NEAR:.0%} of each factor's range; each part alone fits many ({each}). Asking is "
                "easy where the causes are known. The question of all that follows: can a model "
                "that sees images alone come to have such knobs?",
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
        f"digit moves: the digit from 0 to 9, and {ranges}."
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
    """Return real handwriting drawn as a request asks, by ten hands, (10, 1, H, W)."""
    renderer = Renderer("test", CANVAS)
    rows = np.tile(middling(request, factor_specs(DigitsConfig())), (WRITERS, 1))
    return renderer.draw(rows, renderer.choose(rows, seed))


@styled
def _drawn(data: Digits) -> Figure:
    """Draw two rows of digits, and a strip for each factor, which moves through its range."""
    samples = as_pictures(np.asarray(data.images[:20]))
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
        unit = f"\n{spec.unit}" if spec.unit else ""
        ax.set_yticks([0.5], [spec.name + unit])
        labels = [number(value, 0 if spec.name in ("digit", "angle") else 1) for value in values]
        ax.set_xticks(np.arange(10) + 0.5, labels)
    return figure


@styled
def _answers(asked: dict[str, Request]) -> Figure:
    """Draw each request by ten hands."""
    blocks = [as_pictures(rendered(request))[None] for request in asked.values()]
    figure, axes = image_grid(blocks, "digits: real handwriting, drawn as asked", below=0.25)
    for ax, text in zip(axes, asked, strict=True):
        ax.set_xlabel(text, loc="left")
    return figure


def _sentence_alt(asked: dict[str, Request]) -> str:
    told = ". ".join(f"{text}: {request.describe()}" for text, request in asked.items())
    return f"Rows of ten drawn digits, a row for each request. {told}."
