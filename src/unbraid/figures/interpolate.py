"""Latent interpolation between two held-out images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.figures._style import as_pictures, check_counts, image_grid, styled, title, which

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.runs import Run

TARGET = "run"


@dataclass(frozen=True)
class Config:
    """Options of the figure.

    Args:
        pairs: pairs of images, one a row.
        steps: images of an interpolation.
        path: ``linear``, a straight line; or ``spherical``, along the arc between the codes,
            whose distance from the origin is that of codes of a Gaussian prior.
        seed: draws the images, of different classes where there are classes.
    """

    pairs: int = 6
    steps: int = 11
    path: Literal["linear", "spherical"] = "linear"
    seed: int = 0


@styled
def draw(run: Run, config: Config) -> Figure:
    """Draw a row for each pair: an image, the decoded interpolation, and the other image.

    >>> draw(Run("runs/vae-mnist-0"), Config(path="spherical"))  # doctest: +SKIP
    """
    from unbraid import methods
    from unbraid.figures._codes import encode, one_of_each

    check_counts(config, "pairs", "steps")
    model, unseen = run.model(), run.unseen()
    rows = one_of_each(unseen, 2 * config.pairs, config.seed)
    if len(rows) < 2:
        raise UnbraidError(f"{unseen.name} has one {which(unseen)} image, expected two for a pair.")
    pairs = len(rows) // 2
    # the classes come in order: pairing first with last half keeps both ends apart
    ends = unseen.take(rows[: 2 * pairs])
    codes = encode(model, ends, len(ends))
    if config.path == "spherical" and not codes.gaussian:
        raise UnbraidError(
            f"a spherical path needs codes with a Gaussian prior, which "
            f"{methods.name_of(run.config.method)} has not: use path linear."
        )
    between = spherical if config.path == "spherical" else linear
    steps = np.linspace(0, 1, config.steps)
    way = between(codes.mean[:pairs], codes.mean[pairs:], steps)  # (pairs, steps, D)
    codes_between = model.layout.snap(way.reshape(-1, way.shape[-1]))
    images = model.decode(codes_between.astype(np.float32))
    drawn = as_pictures(images, run.signal)
    pictures = as_pictures(np.asarray(ends.images[:]), run.signal)
    drawn = drawn.reshape(pairs, config.steps, *pictures.shape[1:])
    grid = np.concatenate([pictures[:pairs, None], drawn, pictures[pairs:, None]], 1)
    figure, (ax,) = image_grid(
        [grid],
        title(run, "latent interpolation"),
        f"{config.path} path between the codes of {which(unseen)} images",
        below=0.2,
        signal=run.signal,
    )
    ax.axvline(1, color="white", linewidth=5)
    ax.axvline(config.steps + 1, color="white", linewidth=5)
    labels = ["image", *[f"{step:.2g}" for step in steps], "image"]
    ax.set_xticks(np.arange(config.steps + 2) + 0.5, labels)
    return figure


def linear(
    start: NDArray[np.float32], end: NDArray[np.float32], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return points on the straight line from each start to its end.

    Args:
        start, end: codes, (P, D).
        steps: shares of the way, (S,).

    Returns:
        (P, S, D).
    """
    share = steps[None, :, None]
    return np.asarray((1 - share) * start[:, None] + share * end[:, None])


def spherical(
    start: NDArray[np.float32], end: NDArray[np.float32], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return points on the arc from each start to its end, shaped as ``linear`` shapes them.

    Shoemake 1985, "Animating Rotation with Quaternion Curves": the direction turns at an even
    rate; the distance from the origin goes evenly from that of the start to that of the end.

    >>> way = spherical(np.eye(2)[:1], np.eye(2)[1:], np.array([0.5]))
    >>> way.round(3).tolist()
    [[[0.707, 0.707]]]
    """
    lengths = [np.linalg.norm(code, axis=1)[:, None, None] for code in (start, end)]
    if not min(length.min() for length in lengths):
        return linear(start, end, steps)  # the origin has no direction
    one, other = (
        code[:, None] / length for code, length in zip((start, end), lengths, strict=True)
    )
    share = steps[None, :, None]
    angle = np.arccos(np.clip((one * other).sum(2, keepdims=True), -1, 1))
    # sin(angle share) / sin(angle), which is the share itself where the angle is none
    arc = np.sinc((1 - share) * angle / np.pi) * (1 - share) * one
    arc = arc + np.sinc(share * angle / np.pi) * share * other
    turned = arc / np.maximum(np.sinc(angle / np.pi), 1e-12)
    return np.asarray(turned * ((1 - share) * lengths[0] + share * lengths[1]))
