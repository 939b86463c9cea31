"""Traversals of several runs side by side: each row is the same latent of every run.

Latents are matched by the rank correlation of their codes of the same held-out images, one to one,
so that the sum of |rho| is largest (Kuhn 1955, "The Hungarian Method for the Assignment Problem").
Categorical latents take the association of ``unbraid.datasets.associations`` in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import associations
from unbraid.figures import _style, traverse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from unbraid.figures._codes import Codes, Latent
    from unbraid.runs import Run

MINUS = traverse.MINUS
GAP = 0.12  # inches between runs
TOP = 0.64  # inches above the pictures: heading, note and the runs' names


@dataclass(frozen=True)
class MatchedConfig:
    """Options of the figure.

    Args:
        rows: latents of the first run, at most: those of the largest KL.
        steps: images of a latent.
        low: where a latent's range starts, as a quantile of its codes of held-out images.
        high: where it ends.
        image: which of the first run's held-out images the other latents are held at.
    """

    rows: int = 8
    steps: int = 7
    low: float = 0.02
    high: float = 0.98
    image: int = 0


class Match(NamedTuple):
    """The latent of a run that stands for one of the first run.

    Args:
        latent: itself.
        rho: rank correlation of both, below 0 where they go opposite ways.
    """

    latent: Latent
    rho: float


def correlations(one: Codes, other: Codes) -> NDArray[np.float64]:
    """Return the rank correlations of latents of two runs, (D1, D2), 0 where one is constant."""
    columns = (
        np.stack([_values(codes, latent) for latent in codes.latents], 1) for codes in (one, other)
    )
    found = rank_correlations(*columns)
    for i, first in enumerate(one.latents):
        for j, second in enumerate(other.latents):
            if first.categories > 1 or second.categories > 1:
                found[i, j] = _associated(one, first, other, second)
    return found


def rank_correlations(
    one: NDArray[np.floating], other: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return Spearman's correlation of each column of one with each of the other, (D1, D2).

    0 where a column is constant.

    >>> codes = np.random.default_rng(0).normal(size=(100, 1))
    >>> rank_correlations(codes, -(codes**3)).round(6).tolist()
    [[-1.0]]
    """
    ranks = [_ranks(columns) for columns in (one, other)]
    return np.asarray(ranks[0].T @ ranks[1])


def _ranks(columns: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the ranks of each column, (N, D), of mean 0 and length 1."""
    # noise of the last digits is no order
    ranks = rankdata(columns.astype(np.float64).round(6), axis=0)
    ranks -= ranks.mean(0)
    return np.asarray(ranks / np.maximum(np.linalg.norm(ranks, axis=0), 1e-12))


def _values(codes: Codes, latent: Latent) -> NDArray[np.float64]:
    part = codes.mean[:, latent.columns].astype(np.float64)
    return part[:, 0] if latent.categories == 1 else part.argmax(1).astype(np.float64)


def _associated(one: Codes, first: Latent, other: Codes, second: Latent) -> float:
    """Return the association of two latents, one of which is categorical, 0 to 1."""
    specs = [
        FactorSpec(name, "categorical", values=tuple(range(latent.categories)))
        if latent.categories > 1
        else FactorSpec(name, "continuous", range=(0.0, 1.0))
        for name, latent in (("one", first), ("other", second))
    ]
    columns = np.stack([_values(one, first), _values(other, second)], 1)
    return float(np.nan_to_num(associations(columns, specs)[0, 1]))


def match(one: Codes, other: Codes) -> list[Match | None]:
    """Return for each latent of the first run its counterpart, None where the other has too few."""
    rho = correlations(one, other)
    found: list[Match | None] = [None] * len(one.latents)
    for i, j in zip(*linear_sum_assignment(-np.abs(rho)), strict=True):
        found[i] = Match(other.latents[j], float(rho[i, j]))
    return found


@_style.styled
def draw_matched(runs: Sequence[Run], names: Sequence[str], config: MatchedConfig) -> Figure:
    """Draw the traversals of several runs, those of the first one in the order of its latents' KL.

    A latent that goes the other way is turned round, and marked by a minus sign.

    Args:
        runs: finished runs on images of one shape.
        names: what each is called.
        config: options.

    Raises:
        UnbraidError: images of several shapes, or options out of range.
    """
    from unbraid.library import memory_run

    _style.check_counts(config, "rows", "steps")
    shapes = {run.image_shape for run in runs}
    if len(shapes) > 1:
        raise UnbraidError(
            f"the runs have images of shapes {', '.join(map(str, sorted(shapes)))}: latents can be "
            "matched on images that all of them take."
        )
    unseen = runs[0].unseen()
    options = traverse.Config(
        steps=config.steps, low=config.low, high=config.high, image=config.image
    )
    moved = [traverse.Traversal(memory_run(run.model(), unseen), options) for run in runs]
    wanted = list(moved[0].codes.latents)[: config.rows]
    blocks, labels = [], []
    for each in moved:
        first = each is moved[0]
        found = match(moved[0].codes, each.codes)
        chosen = [Match(latent, 1.0) for latent in wanted] if first else found[: len(wanted)]
        blocks.append(_block(each, chosen, config.steps))
        labels.append([_label(each_match, first) for each_match in chosen])
    note = (
        f"a row is one latent, from the {config.low:.0%} to the {config.high:.0%} quantile of its "
        f"codes, matched to {names[0]}'s by rank correlation (in brackets)"
    )
    return _figure(blocks, labels, names, note)


def _block(
    moved: traverse.Traversal, chosen: Sequence[Match | None], count: int
) -> NDArray[np.uint8]:
    """Return the pictures of a run, (R, steps, H, W, 3); white where it has no such latent."""
    steps = np.linspace(0, 1, count)
    rows = [
        None if each is None else moved.pictures(each.latent, steps if each.rho >= 0 else 1 - steps)
        for each in chosen
    ]
    drawn = next((row for row in rows if row is not None), None)
    if drawn is None:  # it has fewer latents, none of them a counterpart of those shown
        drawn = moved.pictures(moved.codes.latents[0], steps)
    return np.stack([np.full_like(drawn, 255) if row is None else row for row in rows])


def _label(found: Match | None, first: bool) -> str:
    if found is None:
        return ""
    if first:
        return found.latent.label
    return f"{MINUS if found.rho < 0 else ''}{found.latent.name} ({abs(found.rho):.2f})"


def _figure(
    blocks: Sequence[NDArray[np.uint8]],
    labels: Sequence[Sequence[str]],
    names: Sequence[str],
    note: str,
) -> Figure:
    rows, count, height, width, _ = blocks[0].shape
    lefts = [_style.label_width(each) for each in labels]
    room = _style.WIDTH - sum(lefts) - GAP * len(blocks)
    side = max(_style.SMALLEST, min(_style.TILE, room / (count * len(blocks))))
    tall, wide = side * height / width, count * side
    across = max(sum(lefts) + len(blocks) * (wide + GAP), 4.8)
    heading = f"latents of {len(blocks)} runs"
    folded = _style.folded(note, across - 0.1)
    up = TOP + 0.12 * folded.count("\n") + rows * tall + 0.05
    figure = _style.new_figure(across, up)
    figure.text(0.05 / across, 1 - 0.05 / up, heading, va="top", fontsize=9)
    figure.text(0.05 / across, 1 - 0.23 / up, folded, va="top", color=_style.GREY)
    reached = 0.0
    for block, texts, name, left in zip(blocks, labels, names, lefts, strict=True):
        reached += left
        place = (reached / across, 0.05 / up, wide / across, rows * tall / up)
        ax: Axes = figure.add_axes(place)
        ax.imshow(_style.tile(block), extent=(0, count, rows, 0), aspect="auto")
        ax.set_xticks([])
        ax.set_yticks(np.arange(rows) + 0.5, texts)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(_style.folded(name, wide + left / 2, 9), loc="left", pad=3)
        reached += wide + GAP
    return figure
