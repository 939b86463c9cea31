"""Figures of chapter 5: images with known factors, and requests answered by the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unbraid.control.language.request import Request
from unbraid.core.subsets import some_rows
from unbraid.datasets.digits import Digits
from unbraid.figures import as_pictures, image_grid, styled
from unbraid.tour.exhibits.requests import REFERENCE, rendered
from unbraid.tour.formatting import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def draw_factors(data: Digits) -> Figure:
    """Draw two rows of digits, and a strip for each factor varied through its range."""
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
def draw_answers(asked: dict[str, Request]) -> Figure:
    """Draw each request in ten handwritings."""
    blocks = [as_pictures(rendered(request))[None] for request in asked.values()]
    figure, axes = image_grid(
        blocks, "digits: real handwriting drawn with the requested factors", below=0.25
    )
    for ax, text in zip(axes, asked, strict=True):
        ax.set_xlabel(text, loc="left")
    return figure
