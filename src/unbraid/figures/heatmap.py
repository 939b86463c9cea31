"""Codes against factors: how much each latent knows of each factor, and which a predictor uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unbraid.errors import UnbraidError
from unbraid.figures._style import new_figure, styled, title, which

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unbraid.metrics import Score
    from unbraid.runs import Run

TARGET = "run"
WRITTEN = 120  # cells; more are too small to write numbers into


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        images: at most so many unseen images are measured.
        seed: draws the images.
    """

    images: int = 10_000
    seed: int = 0


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw mutual information (as MIG measures it) beside importance (as DCI does).

    Raises:
        UnbraidError: data without factors that vary.

    >>> draw(Run("runs/vae-digits-0"), Config())  # doctest: +SKIP
    """
    from unbraid import scoring

    data = scoring.varying(scoring.chosen_rows(run.unseen(), config.images, config.seed))
    if data.factors is None:
        raise UnbraidError(
            f"{data.name} has no factors that vary, so there is nothing to set the codes against: "
            "choose a run on data with known factors, such as digits or dsprites."
        )
    chosen = scoring.Config(metrics="mig,dci", images=config.images, seed=config.seed)
    model = run.model()
    scores = scoring.measure(model, data, chosen)
    blocks, free = len(model.layout.categories), model.layout.continuous
    latents = [f"c{i}" for i in range(blocks)] + [f"z{i}" for i in range(free)]
    size = (max(6.0, 3.0 + 0.9 * len(data.specs)), 1.3 + 0.24 * len(latents))
    figure = new_figure(*size, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _map(left, scores["mig"], "mutual information, nats", latents)
    _map(right, scores["dci"], "importance, share of a factor", latents)
    left.set_ylabel("latent")
    for ax, score in ((left, scores["mig"]), (right, scores["dci"])):
        found = f"{score.value:.2f} ± {score.standard_error:.2f}"
        ax.set_xlabel(f"{score.metric.upper()}: {found.replace('nan ± nan', 'undefined')}")
    shown = f"codes against factors, {len(data):,} {which(data)} images"
    figure.suptitle(title(run, shown), fontsize=9)
    return figure


def _map(ax: Axes, score: Score, what: str, latents: list[str]) -> None:
    """Draw a score's matrix (codes, factors), each cell with its number."""
    matrix = score.matrix
    assert matrix is not None  # both metrics have one
    ax.imshow(matrix, cmap="Blues", vmin=0, aspect="auto")
    ax.set_title(what)
    ax.set_xticks(range(matrix.shape[1]), score.factor_names, rotation=40, ha="right")
    ax.set_yticks(range(matrix.shape[0]), latents)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if matrix.size > WRITTEN:
        return
    dark = 0.6 * np.nanmax(matrix)
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if value > dark else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
