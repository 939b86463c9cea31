"""Codes against factors: mutual information and predictor importance of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.figures._style import (
    folded,
    label_width,
    new_figure,
    short,
    styled,
    title,
    which,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unbraid.runs import Run

TARGET = "run"
WRITTEN = 120  # cells; more are too small to write numbers into


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        images: how many held-out images are measured, at most.
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
    from unbraid.evaluation import evidence
    from unbraid.evaluation import scores as scoring

    data = evidence.varying(evidence.chosen_rows(run.unseen(), config.images, config.seed))
    if data.factors is None:
        raise UnbraidError(
            f"{data.name} has no factors that vary, so codes cannot be compared with factors: "
            "choose a run on data with known factors, such as digits or dsprites."
        )
    chosen = scoring.Config(metrics="mig,dci", images=config.images, seed=config.seed)
    model = run.model()
    scores = scoring.measure(model, data, chosen)
    latents = list(model.layout.names)
    figure = new_figure(*size_of(data.factor_names, len(latents)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for ax, name, what in (
        (left, "mig", "mutual information, nats"),
        (right, "dci", "importance, share of a factor"),
    ):
        matrix = scores[name].matrix
        assert matrix is not None  # both metrics have one
        draw_map(ax, matrix, scores[name].factor_names, what, latents)
    left.set_ylabel("latent")
    for ax, score in ((left, scores["mig"]), (right, scores["dci"])):
        found = f"{score.value:.2f} ± {score.standard_error:.2f}"
        ax.set_xlabel(f"{score.metric.upper()}: {found.replace('nan ± nan', 'undefined')}")
    heading = title(run, f"codes against factors, {len(data):,} {which(data)} images")
    figure.suptitle(folded(heading, figure.get_figwidth() - 0.2, 9), fontsize=9)
    return figure


def size_of(factors: Sequence[str], latents: int) -> tuple[float, float]:
    """Return the inches across and up of two maps side by side, with the factors' names below."""
    each = 0.9 if len(factors) * latents <= WRITTEN else 0.5  # of both maps
    slant = 0.65 * label_width([short(name) for name in factors])
    return max(6.0, 2.0 + each * len(factors) + slant), 1.2 + 0.24 * latents + slant


def draw_map(
    ax: Axes, matrix: NDArray[Any], factors: Sequence[str], what: str, latents: list[str]
) -> None:
    """Draw a matrix (codes, factors), each cell with its number where there is room."""
    ax.imshow(matrix, cmap="Blues", vmin=0, aspect="auto")
    ax.set_title(what)
    names = [short(name) for name in factors]
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(latents)), latents)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if matrix.size > WRITTEN:
        return
    dark = 0.6 * np.nanmax(matrix)
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if value > dark else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
