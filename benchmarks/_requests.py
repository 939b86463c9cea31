"""Images of requests, a row for each, with what was asked above it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import unbraid
from unbraid.core.files import atomic
from unbraid.figures import GREY, new_figure, styled

COUNT = 10  # images of each request


@styled
def draw(requests: tuple[str, ...], model: Path, path: Path) -> None:
    """Write the figure of what a model draws when asked.

    Args:
        requests: in words.
        model: run folder.
        path: of the PNG.
    """
    figure = new_figure(width=7.0, height=0.92 * len(requests))
    rows = figure.subplots(len(requests), COUNT, squeeze=False)
    for axes, request in zip(rows, requests, strict=True):
        for each, image in zip(axes, unbraid.generate(request, model=model, n=COUNT), strict=True):
            pixels = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
            each.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
            each.set_axis_off()
        axes[0].set_title(request, loc="left", fontsize=9, color=GREY)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.95, wspace=0.03, hspace=0.32)
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=140)
