"""Images of codes drawn from the prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unbraid.figures._style import as_pictures, check_counts, image_grid, styled, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.runs import Run

TARGET = "run"


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        rows: rows of images.
        columns: images a row.
        seed: seed of the draw.
    """

    rows: int = 6
    columns: int = 10
    seed: int = 0


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw images of codes drawn from the prior; of the standard normal for an autoencoder.

    >>> draw(Run("runs/vae-mnist-0"), Config(rows=2))  # doctest: +SKIP
    """
    from unbraid import methods

    check_counts(config, "rows", "columns")
    model = run.model()
    images = model.sample(config.rows * config.columns, config.seed)
    pictures = as_pictures(images, run.signal)
    grid = pictures.reshape(config.rows, config.columns, *pictures.shape[1:])
    prior = model.layout.prior_text
    if model.prior_kind == "own":
        prior = f"the prior of {methods.name_of(run.config.method)}"
    note = f"decoded from codes drawn from {prior}"
    if model.prior_kind == "none":
        note += "; an autoencoder's codes do not follow it"
    return image_grid([grid], title(run, "samples"), note, signal=run.signal)[0]
