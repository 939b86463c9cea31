"""Mutual information of codes and factors, by histogram, neighbours or posterior density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from unbraid.core.errors import UnbraidError
from unbraid.metrics._bins import BINNINGS
from unbraid.metrics._density import density_information
from unbraid.metrics._evidence import Evidence
from unbraid.metrics._knn import ROUNDING, jittered, ross
from unbraid.metrics._options import at_least
from unbraid.metrics._resampling import blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KNN_BLOCKS = 10


@dataclass(frozen=True)
class InformationOptions:
    """How mutual information is found.

    Args:
        estimator: ``histogram`` (plug-in, on binned codes), ``knn`` (Ross 2014, on the codes
            as they are) or ``density`` (Chen et al. 2018, from the posteriors' densities).
        bins: bins per code, for ``histogram``.
        binning: ``width`` (equal widths over a code's range) or ``quantile``.
        factor_bins: bins of a factor stored as reals with more values than that; levels stay.
        factor_binning: ``quantile`` or ``width``; circles are cut into equal arcs.
        neighbours: k of ``knn``.
        samples: draws from the aggregate posterior, for ``density``.
        min_std: codes with a lower standard deviation count as dead and tell nothing.
        blocks: jackknife blocks for the standard error.
    """

    estimator: Literal["histogram", "knn", "density"] = "histogram"
    bins: int = 20
    binning: Literal["width", "quantile"] = "width"
    factor_bins: int = 20
    factor_binning: Literal["width", "quantile"] = "quantile"
    neighbours: int = 10
    samples: int = 2000
    min_std: float = 0.0
    blocks: int = 50

    def __post_init__(self) -> None:
        at_least(self, bins=2, factor_bins=2, neighbours=1, samples=2, min_std=0, blocks=2)

    @property
    def variant(self) -> str:
        """The estimator in words."""
        if self.estimator == "histogram":
            kind = "equal-width" if self.binning == "width" else "quantile"
            return f"{self.bins} {kind} bins"
        if self.estimator == "knn":
            return f"{self.neighbours} nearest neighbours"
        return f"posterior density, {self.samples} samples"


@dataclass(frozen=True)
class Information:
    """Statistics in nats; entry 0 of the first axis is of all rows, g + 1 leaves out block g.

    Args:
        mutual: (G + 1, D, F) mutual information.
        factor_entropy: (G + 1, F).
        code_entropy: (G + 1, D) of the binned codes; None where codes are not binned.
        alive: (D,) which codes count.
        code_levels: (D,) how many values a binned code can take.
    """

    mutual: Floats
    factor_entropy: Floats
    code_entropy: Floats | None
    alive: NDArray[np.bool_]
    code_levels: Ints

    @property
    def normalised(self) -> Floats:
        """Mutual information over factor entropy, (G + 1, D, F)."""
        entropy = self.factor_entropy[:, None, :]
        # a level of few rows may be gone with a block: nothing is left to tell
        varies = entropy > 0
        shares: Floats = np.where(varies, self.mutual / np.where(varies, entropy, 1), 0.0)
        return shares


def information(evidence: Evidence, options: InformationOptions, seed: int) -> Information:
    """Return the mutual information of every code and factor, computed once per evidence."""
    key = ("information", *_fields_used(options), seed)
    return evidence.shared(key, lambda: _information(evidence, options, seed))


def level_information(evidence: Evidence, options: InformationOptions, seed: int) -> Information:
    """Return the plug-in information of codes that are levels already, whatever their values."""
    codes = evidence.latents.levels(evidence.codes)
    levels = evidence.levels(options.factor_bins, options.factor_binning)
    groups = blocks(len(codes), options.blocks, seed)
    mutual, code_entropy, factor_entropy = _plug_in(codes, levels, groups)
    alive = np.full(codes.shape[1], True)
    return Information(mutual, factor_entropy, code_entropy, alive, codes.max(axis=0) + 1)


def _fields_used(options: InformationOptions) -> tuple[Any, ...]:
    return tuple(getattr(options, name) for name in InformationOptions.__dataclass_fields__)


def _information(evidence: Evidence, options: InformationOptions, seed: int) -> Information:
    levels = evidence.levels(options.factor_bins, options.factor_binning)
    latents = evidence.latents
    discrete = np.flatnonzero(latents.discrete)
    alive = evidence.deviations() >= options.min_std
    # Neighbour searches are repeated for each block left out, so there are fewer blocks.
    count = min(options.blocks, KNN_BLOCKS) if options.estimator == "knn" else options.blocks
    groups = blocks(len(evidence.codes), count, seed)
    code_entropy = None
    if options.estimator == "histogram":
        bin_codes = BINNINGS[options.binning]
        binned = np.stack([bin_codes(code, options.bins) for code in evidence.codes.T], axis=1)
        binned[:, discrete] = latents.levels(evidence.codes)[:, discrete]
        mutual, code_entropy, factor_entropy = _plug_in(binned, levels, groups)
    elif options.estimator == "knn":
        measured = (np.ptp(evidence.codes, axis=0) > 0) & ~latents.discrete
        mutual = _neighbours(evidence.codes, measured, levels, groups, options.neighbours, seed)
        if len(discrete):  # values that repeat have no neighbours
            values = latents.levels(evidence.codes)[:, discrete]
            mutual[:, discrete] = _plug_in(values, levels, groups)[0]
        factor_entropy = _entropies(levels, groups)
    else:
        if evidence.logvar is None:
            raise UnbraidError(
                "the density estimator (protocol chen2018) needs the posteriors: give logvar, "
                "or choose estimator='histogram'."
            )
        mutual = density_information(
            evidence.codes, evidence.logvar, levels, options.samples, options.blocks, seed
        )
        factor_entropy = np.repeat(_entropies(levels, groups)[:1], len(mutual), axis=0)
    mutual = np.where(alive[:, None], mutual, 0.0)
    bins = [options.bins] * (len(alive) - len(discrete))
    code_levels = np.array([*evidence.categories, *evidence.quantised, *bins])
    return Information(mutual, factor_entropy, code_entropy, alive, code_levels)


def _plug_in(binned: Ints, levels: Ints, groups: Ints) -> tuple[Floats, Floats, Floats]:
    """Return plug-in mutual information and entropies: rows are counted once, per block."""
    counts = int(groups.max()) + 1
    code_entropy, factor_entropy = _entropies(binned, groups), _entropies(levels, groups)
    mutual = np.empty((counts + 1, binned.shape[1], levels.shape[1]))
    for j, level in enumerate(levels.T):
        width = int(level.max()) + 1
        for i, code in enumerate(binned.T):
            joint = _entropies((code * width + level)[:, None], groups)[:, 0]
            mutual[:, i, j] = code_entropy[:, i] + factor_entropy[:, j] - joint
    return np.where(mutual > ROUNDING, mutual, 0.0), code_entropy, factor_entropy


def _entropies(columns: Ints, groups: Ints) -> Floats:
    """Return plug-in entropies in nats of integer columns (N, C): all rows, then each block out."""
    count = int(groups.max()) + 1
    entropies = np.empty((count + 1, columns.shape[1]))
    for c, column in enumerate(columns.T):
        width = int(column.max()) + 1
        per_block = np.bincount(groups * width + column, minlength=count * width)
        per_block = per_block.reshape(count, width)
        total = per_block.sum(axis=0)
        tables = np.concatenate([total[None], total - per_block])
        rows = tables.sum(axis=1)
        entropies[:, c] = np.log(rows) - xlogy(tables, tables).sum(axis=1) / rows
    return np.where(entropies > ROUNDING, entropies, 0.0)


def _neighbours(
    codes: Floats, measured: NDArray[np.bool_], levels: Ints, groups: Ints, k: int, seed: int
) -> Floats:
    noisy = jittered(codes, seed)
    count = int(groups.max()) + 1
    kept = [np.full(len(codes), True), *(groups != block for block in range(count))]
    mutual = np.zeros((count + 1, codes.shape[1], levels.shape[1]))
    for i in np.flatnonzero(measured):
        for j in range(levels.shape[1]):
            for g, keep in enumerate(kept):
                mutual[g, i, j] = ross(noisy[keep, i], levels[keep, j], k)
    return mutual


def lone_code(evidence: Evidence) -> tuple[str, ...]:
    """Return a note where gaps between the two best codes are taken and there is one."""
    if evidence.codes.shape[1] > 1:
        return ()
    return ("with a single code there is no runner-up: all that it tells counts as the gap",)


def gap(values: Floats, axis: int) -> Floats:
    """Return the largest value minus the second largest along an axis; a lone value is its gap.

    >>> gap(np.array([[0.9, 0.2, 0.5]]), axis=1)
    array([0.4])
    """
    ordered = np.moveaxis(np.sort(values, axis=axis), axis, 0)
    largest: Floats = ordered[-1]
    return largest - ordered[-2] if len(ordered) > 1 else largest
