"""The requests of the tour, and images that answer them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.run_report import draw_function
from unbraid.control.language.parser import parse
from unbraid.control.language.request import Request
from unbraid.core.factors import FactorSpec
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Renderer, factor_specs
from unbraid.figures import as_pictures, image_grid, styled
from unbraid.tour.formatting import number
from unbraid.tour.plan import CANVAS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
SEED = 3  # of the styles


def middling(request: Request, specs: Sequence[FactorSpec]) -> list[float]:
    """Return a row of factors for a request, with the middle of the range where it names none."""
    return [
        float(request.values.get(spec.name, sum(spec.range) / 2 if spec.range else 0.0))
        for spec in specs
    ]


def rendered(request: Request, seed: int = 0) -> NDArray[Any]:
    """Return real handwriting of ten writers with the factors of a request, (10, 1, H, W)."""
    renderer = Renderer("test", CANVAS)
    rows = np.tile(middling(request, factor_specs(DigitsConfig())), (WRITERS, 1))
    return renderer.draw(rows, renderer.choose(rows, seed))


def answers(controller: Any, sentence: str) -> NDArray[np.float32]:
    """Return a model's images of a request, in ten styles, (10, C, H, W).

    Factors that it does not name are in the middle of their range, as in chapter 5.
    """
    row = middling(parse(sentence, controller.specs), controller.specs)
    styles = np.random.default_rng(SEED).integers(0, 2**31, WRITERS)
    drawn: NDArray[np.float32] = draw_function(controller, correct=True)(
        np.tile(row, (WRITERS, 1)), styles
    )
    return drawn


def as_judged(rows: Mapping[str, Any]) -> str:
    """Return the judge's most frequent digit and median angle of each row of images, in words."""
    from unbraid.control.assessment.judge import Judge

    judge = Judge.load()
    told = []
    for label, images in rows.items():
        found = judge.read(images)
        digits = found[:, 0].astype(int)
        digit = np.bincount(digits).argmax()
        told.append(
            f"{label}, {(digits == digit).sum()} of {len(images)} a {digit}, median angle "
            f"{number(float(np.median(found[:, 4])), 0)} degrees"
        )
    return "; ".join(told)


@styled
def draw_rows(rows: Mapping[str, Any], heading: str, left: float) -> Figure:
    """Draw a row of images for each entry, named beside it, or below it where left is 0."""
    if left:
        blocks = [np.stack([as_pictures(images) for images in rows.values()])]
        figure, (ax,) = image_grid(blocks, heading, left=left)
        ax.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
        return figure
    blocks = [as_pictures(images)[None] for images in rows.values()]
    figure, axes = image_grid(blocks, heading, below=0.25)
    for ax, text in zip(axes, rows, strict=True):
        ax.set_xlabel(text, loc="left")
    return figure
