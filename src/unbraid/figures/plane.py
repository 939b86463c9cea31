"""The decoded plane of two latents, the others at 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.figures._latents import latent_names
from unbraid.figures._style import (
    as_pictures,
    check_drawable,
    folded,
    new_figure,
    styled,
    tile,
    title,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.core.latents import Layout
    from unbraid.runs import Run

TARGET = "run"


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        steps: images a side.
        latents: which two, such as ``z3 z0``; the first two if not given. Others are held at 0.
    """

    steps: int = 18
    latents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "latents", latent_names(self.latents))


@styled
def draw(run: Run, config: Config) -> Figure:
    """Decode a grid of codes whose cells have the same probability under the prior.

    >>> draw(Run("runs/vae-2-mnist-0"), Config(steps=12))  # doctest: +SKIP
    """
    if config.steps < 2:
        raise UnbraidError(f"steps is {config.steps}, expected 2 or more.")
    check_drawable("steps", config.steps)
    model = run.model()
    layout = model.layout
    names = _chosen(config.latents, layout)
    across, up = (layout.names.index(name) for name in names)
    right, upwards = (layout.latents[index].quantiles(config.steps) for index in (across, up))
    codes = np.zeros((config.steps, config.steps, model.latent_dim), np.float32)
    codes = layout.snap(codes)
    codes[..., layout.columns[across].start] = right[None, :]
    codes[..., layout.columns[up].start] = upwards[::-1, None]  # upwards, as in a scatter
    images = model.decode(codes.reshape(-1, model.latent_dim))
    pictures = as_pictures(images, run.signal)
    sheet = tile(pictures.reshape(config.steps, config.steps, *pictures.shape[1:]))
    figure = new_figure(6.0, 6.3, layout="constrained")
    ax = figure.subplots()
    ax.imshow(sheet, extent=(0, config.steps, 0, config.steps), interpolation="nearest")
    shown = np.unique(np.linspace(0, config.steps - 1, 7).round().astype(int))
    ax.set_xticks(shown + 0.5, _labels(right[shown]))
    ax.set_yticks(shown + 0.5, _labels(upwards[shown]))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.set_title(folded(title(run, "decoded latent plane"), 5.2, 9), loc="left")
    return figure


def _labels(places: NDArray[np.float64]) -> list[str]:
    """Return places on an axis as text."""
    return [f"{place:.1f}".replace("-", "\N{MINUS SIGN}") for place in places.tolist()]


def _chosen(names: tuple[str, ...], layout: Layout) -> tuple[str, str]:
    """Return the names of the two latents to show."""
    known = layout.names[len(layout.categories) :]
    if len(known) < 2:
        raise UnbraidError(
            f"a plane needs two numeric latents, this model has {len(known)}: look at its "
            "traversal instead."
        )
    chosen = names or known[:2]
    if len(chosen) != 2 or not set(chosen) <= set(known) or chosen[0] == chosen[1]:
        raise UnbraidError(
            f"latents are {' '.join(chosen)}, expected two different ones of {', '.join(known)}."
        )
    return chosen[0], chosen[1]
