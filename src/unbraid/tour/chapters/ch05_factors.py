"""The factors of variation of drawn digits, and requests answered by the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.control.language.parser import parse
from unbraid.control.language.request import Request
from unbraid.datasets import Dataset
from unbraid.pages.html import paragraph, table
from unbraid.tour.exhibits.factors import draw_answers, draw_factors
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.requests import ANOTHER, OTHERS, REFERENCE, SENTENCE, middling
from unbraid.tour.plan import CANVAS
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics.requests import NEAR, matching

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "Factors of variation"
FIGURES = ("factors", "sentence")


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs: none."""
    return []


def write(tour: Tour) -> str:
    """Return the chapter."""
    data = tour.drawn()
    specs = data.specs
    asked = {text: parse(text, specs) for text in (SENTENCE, *OTHERS, ANOTHER)}
    found, counts = matching(data, asked[SENTENCE])
    each = "; ".join(f"{name} {count:,}" for name, count in counts.items())
    return "".join(
        [
            paragraph(
                "Images vary because their <em>factors of variation</em> vary: here the digit, its "
                "size, position, rotation and stroke width. MNIST gives only the digit. So the "
                f"following chapters use {len(data):,} digits with known factors: MNIST's "
                f"handwriting, reduced to its centre lines ({cite('zhang1984')}) and drawn again "
                "with factors that are set. Each factor is sampled independently of the others: a "
                "seven is as often small as a three."
            ),
            exhibit(
                tour,
                "factors",
                [Picture(draw_factors(data), _alt(data))],
                "Above: random images. Below: one handwriting with one factor changed at a time. "
                f"Lengths are in pixels of a canvas of {REFERENCE}, as in requests; these images "
                f"are {CANVAS} pixels wide, so halve them. Angles are in degrees "
                "counter-clockwise.",
                _ranges(data),
                also=["unbraid show digits --rows 2"],
                grid=True,
            ),
            paragraph(
                f"With known factors, a sentence can be a request: the article's "
                f"<q>{SENTENCE}</q> ({cite(ARTICLE)}) is {asked[SENTENCE].describe()} (lengths in "
                f"pixels of a canvas of {REFERENCE}). Here the renderer answers it: ten "
                "handwritings to a row, the same ten in each row of sevens; below the first row "
                f"one word is changed at a time; the last request is <q>{ANOTHER}</q>."
            ),
            exhibit(
                tour,
                "sentence",
                [Picture(draw_answers(asked), _sentence_alt(asked))],
                "Requests answered by real handwriting, drawn with the factors that they name. "
                "Factors not named are in the middle of their range.",
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
                f"Of the {len(data):,} images, {found:,} match the whole request to within "
                f"{NEAR:.0%} of each factor's range; each part alone matches many ({each}). "
                "Requests are easy to answer where the factors are known. The following chapters "
                "ask whether a model that sees only images can learn such controls.",
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


def _sentence_alt(asked: dict[str, Request]) -> str:
    told = ". ".join(f"{text}: {request.describe()}" for text, request in asked.items())
    return f"Rows of ten drawn digits, a row for each request. {told}."
