"""Held-out images and their reconstructions, with the squared error of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unbraid.figures._style import (
    as_pictures,
    check_counts,
    image_grid,
    label_width,
    styled,
    title,
    which,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.runs import Run

TARGET = "run"
NAMES = ("original", "reconstructed")


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        rows: rows of pairs.
        columns: pairs a row.
        seed: draws the images, equally many of each class as far as possible.
    """

    rows: int = 2
    columns: int = 10
    seed: int = 0


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw originals above reconstructions, the squared error summed over pixels below.

    >>> draw(Run("runs/vae-mnist-0"), Config(rows=1))  # doctest: +SKIP
    """
    from unbraid.figures._codes import one_of_each

    check_counts(config, "rows", "columns")
    unseen = run.unseen()
    rows = one_of_each(unseen, config.rows * config.columns, config.seed)
    images = np.asarray(unseen.images[rows])
    drawn = run.model().reconstruct(images).numpy()
    errors = np.square(drawn - images.astype(np.float32) / 255).sum((1, 2, 3))

    pairs = np.stack(
        [as_pictures(images, run.signal), as_pictures(drawn, run.signal)]
    )  # (2, N, H, W, 3)
    starts = range(0, len(rows), config.columns)
    short = -len(rows) % config.columns  # white where the data have too few images
    pairs = np.pad(pairs, ((0, 0), (0, short), *[(0, 0)] * 3), constant_values=255)
    note = "squared error, summed over pixels, below each"
    if run.finished:
        found = run.result["reconstruction_stats"]
        note += f"; mean of {found['images']:,} images: {found['squared_error']:.1f}"
    figure, axes = image_grid(
        [pairs[:, start : start + config.columns] for start in starts],
        title(run, f"{which(unseen)} images and their reconstructions"),
        note,
        left=label_width(NAMES),
        below=0.2,
        signal=run.signal,
    )
    for ax, start in zip(axes, starts, strict=True):
        part = errors[start : start + config.columns]
        ax.set_xticks(np.arange(len(part)) + 0.5, [f"{error:.1f}" for error in part])
        ax.set_yticks([0.5, 1.5], NAMES)
    return figure
