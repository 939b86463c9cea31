"""Figure of chapter 4: samples and the digit that each is nearest to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.figures import as_pictures, image_grid, styled, title
from unbraid.tour.statistics.samples import ASKED, DRAWN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.runs import Run


SHOWN = (4, 10)  # rows and columns of samples


@styled
def draw_samples(run: Run, digits: NDArray[np.int64]) -> Figure:
    """Draw samples, below each the digit of the nearest held-out image."""
    rows, columns = SHOWN
    pictures = as_pictures(run.model().sample(DRAWN)[: rows * columns])
    blocks = list(pictures.reshape(rows, 1, columns, *pictures.shape[1:]))
    figure, axes = image_grid(blocks, title(run, "samples from the prior"), below=0.2)
    for ax, row in zip(axes, digits.reshape(rows, columns), strict=True):
        ax.set_xticks(np.arange(columns) + 0.5, [f"{digit}" for digit in row])
        for label in ax.get_xticklabels():
            label.set_fontweight("bold" if label.get_text() == str(ASKED) else "normal")
    return figure
