"""Figures of chapter 1: training images, error against code width, reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import Dataset
from unbraid.figures import GREY, PALETTE, as_pictures, image_grid, new_figure, one_of_each, styled
from unbraid.tour.plan import SIZES
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.latent_size import Estimates, dimension_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour.context import Tour


@styled
def draw_training_images(data: Dataset) -> Figure:
    """Draw four images of each digit, a column for each."""
    chosen = data.take(one_of_each(data, 40, 0))
    order = np.argsort(chosen.factor("digit"), kind="stable").reshape(-1, 4).T
    pictures = as_pictures(np.asarray(chosen.images[:]))
    return image_grid([pictures[order]], f"mnist, {len(data):,} images")[0]


@styled
def draw_sizes(errors: Mapping[int, Sequence[float]], one: float, dimension: Estimates) -> Figure:
    """Draw the squared error against the number of latents."""
    figure = new_figure(6.5, 3.2, layout="constrained")
    ax = figure.subplots()
    found = [spread.mean(values) for values in dimension.values()]
    ax.axvspan(min(found), max(found), color=PALETTE[4], alpha=0.35, lw=0)
    middle = (min(found) * max(found)) ** 0.5
    ax.annotate(
        f"intrinsic dimension,\ntwo estimates: {dimension_range(dimension)}",
        (middle, one * 0.93),
        (6, 0),
        textcoords="offset points",
        va="top",
        color="black",
    )
    ax.axhline(one, color=GREY, ls="--", lw=0.9)
    ax.text(52, one, "the digit alone, one integer", ha="right", va="bottom", color=GREY)
    for latents, values in errors.items():
        ax.plot([latents] * len(values), values, "o", ms=4, color=PALETTE[0], alpha=0.6)
    means = [spread.mean(values) for values in errors.values()]
    ax.plot(list(errors), means, "-", color=PALETTE[0], lw=1.4)
    for latents, value in zip(errors, means, strict=True):
        ax.annotate(f"{value:.1f}", (latents, value), (5, 5), textcoords="offset points")
    ax.set_xscale("log")
    ax.set_xticks(list(errors), [str(n) for n in errors])
    ax.minorticks_off()
    ax.set_ylim(0, 1.12 * max(one, *means))
    ax.set_xlabel("latents")
    ax.set_ylabel("squared error per image")
    ax.set_title("autoencoders on mnist: reconstruction error, held-out images", loc="left")
    return figure


@styled
def draw_reconstructions(tour: Tour, unseen: Dataset, means: NDArray[np.float64]) -> Figure:
    """Draw held-out digits above their reconstructions from each number of latents."""
    chosen = unseen.take(one_of_each(unseen, 10, 0))
    images = np.asarray(chosen.images[:])
    rows: dict[str, Any] = {"original": images}
    rows["1 integer"] = means[chosen.factor("digit").astype(int)]
    for latents in SIZES:
        rows[f"{latents} latents"] = tour.run(tour.sized(latents)[0]).model().reconstruct(images)
    figure, (ax,) = image_grid(
        [np.stack([as_pictures(row) for row in rows.values()])],
        "autoencoders on mnist, seed 0: held-out digits reconstructed",
        left=0.75,
    )
    ax.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
    return figure
