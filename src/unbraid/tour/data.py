"""What the data look like, and how much of them is said by a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unbraid.figures import show
from unbraid.tour._page import commands, figure, paragraph, picture

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "784 numbers that could be few"
SEEN = 5000  # images that the figures of this chapter are computed on


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of: none."""
    return []


def write(tour: Tour) -> str:
    """Return the chapter."""
    name, data = tour.data()
    images = np.asarray(data.images[:SEEN]).reshape(min(SEEN, len(data)), -1) / 255
    black = float((images == 0).mean())
    variances = np.linalg.eigvalsh(np.cov(images.T))[::-1]
    directions = int(np.searchsorted(np.cumsum(variances) / variances.sum(), 0.9)) + 1
    pixels = images.shape[1]
    drawn = picture(
        show.draw(data, show.Config(rows=3)),
        "Three rows of ten handwritten digits, white on black, and a row of one of each digit "
        "from 0 to 9; they differ in slant, boldness and width.",
    )
    return "".join(
        [
            paragraph(
                f"MNIST holds {len(data):,} handwritten digits to train on, each of 28 by 28 grey "
                f"values: {pixels} numbers. Most say nothing: {black:.0%} of all pixels are black, "
                "and where one is white, its neighbours mostly are too."
            ),
            figure([drawn], "Some of the images the models are trained on.", grid=True),
            paragraph(
                "So the same content fits into fewer numbers. The shortest description is the "
                "digit itself, one whole number from 0 to 9; it says what is written, and nothing "
                "of how. A few numbers more for slant, size, boldness and the shape of strokes, "
                "and the image could be drawn again. Such a description is called a <em>latent "
                "code</em>."
            ),
            paragraph(
                f"How short can it be? Straight directions alone need {directions} of the {pixels} "
                f"to hold 90% of the pixels' variance (principal components of {len(images):,} "
                "images). Networks that may bend need fewer: the next chapters use two, since two "
                "can be seen on a page, and then ten."
            ),
            commands([f"unbraid show {name} --rows 3"]),
        ]
    )
