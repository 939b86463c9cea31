"""The decoded latent plane of a model with two latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from unbraid.core.errors import UnbraidError
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


def quantiles(steps: int) -> NDArray[np.float64]:
    """Return points on a latent's axis, the middles of equally probable intervals, (steps,).

    >>> quantiles(3).round(2).tolist()
    [-0.97, 0.0, 0.97]
    """
    places: NDArray[np.float64] = ndtri((np.arange(steps) + 0.5) / steps)
    return places


@styled
def draw(run: Run, config: Config) -> Figure:
    """Decode a grid of codes whose cells have the same probability under the prior.

    >>> draw(Run("runs/vae-2-mnist-0"), Config(steps=12))  # doctest: +SKIP
    """
    if config.steps < 2:
        raise UnbraidError(f"steps is {config.steps}, expected 2 or more.")
    check_drawable("steps", config.steps)
    model = run.model()
    across, up = _columns(config.latents, model.layout.continuous)
    places = quantiles(config.steps)
    first = model.layout.width - model.layout.continuous
    codes = np.zeros((config.steps, config.steps, model.latent_dim), np.float32)
    codes[..., first + across] = places[None, :]
    codes[..., first + up] = places[::-1, None]  # upwards, as in a scatter
    images = model.decode(codes.reshape(-1, model.latent_dim))
    pictures = as_pictures(images, run.signal)
    sheet = tile(pictures.reshape(config.steps, config.steps, *pictures.shape[1:]))
    figure = new_figure(6.0, 6.3, layout="constrained")
    ax = figure.subplots()
    ax.imshow(sheet, extent=(0, config.steps, 0, config.steps), interpolation="nearest")
    shown = np.unique(np.linspace(0, config.steps - 1, 7).round().astype(int))
    labels = [f"{places[k]:.1f}".replace("-", "\N{MINUS SIGN}") for k in shown]
    ax.set_xticks(shown + 0.5, labels)
    ax.set_yticks(shown + 0.5, labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(f"z{across}")
    ax.set_ylabel(f"z{up}")
    ax.set_title(folded(title(run, "decoded latent plane"), 5.2, 9), loc="left")
    return figure


def _columns(names: tuple[str, ...], continuous: int) -> tuple[int, int]:
    """Return the two continuous latents to show."""
    if continuous < 2:
        raise UnbraidError(
            f"a plane needs two continuous latents, this model has {continuous}: look at its "
            "traversal instead."
        )
    known = [f"z{index}" for index in range(continuous)]
    chosen = names or tuple(known[:2])
    if len(chosen) != 2 or not set(chosen) <= set(known) or chosen[0] == chosen[1]:
        raise UnbraidError(
            f"latents are {' '.join(chosen)}, expected two different ones of {', '.join(known)}."
        )
    return known.index(chosen[0]), known.index(chosen[1])
