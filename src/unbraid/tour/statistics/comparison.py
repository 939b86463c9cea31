"""beta-TCVAE compared with beta-VAE, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unbraid.studies.statistics import Interval, interval
from unbraid.tour.statistics import claim
from unbraid.tour.statistics.claim import Comparison, Floats
from unbraid.tour.statistics.curves import SCORES, Curve

Curves = Mapping[str, Curve]


class Gap(NamedTuple):
    """How much higher beta-TCVAE's score is at equal reconstruction; p values are corrected."""

    interval: Interval
    higher: float
    lower: float


class Compared(NamedTuple):
    """What both curves say of the two methods.

    Args:
        gaps: of each score, by its label; empty where the curves do not overlap for every seed.
        betas: the claim at each.
        seeds: trainings of each point.
        chance: of any statement if the methods did not differ, simulated; NaN for a single seed.
    """

    gaps: Mapping[str, Gap]
    betas: Sequence[Comparison]
    seeds: int
    chance: float


def differences(curves: Curves) -> tuple[list[int], Floats, Floats]:
    """Return what is tested: β-TCVAE minus β-VAE, seed by seed.

    Returns:
        The betas above 1; the differences at each, (parts, betas, seeds), the reconstruction's
        first; those of each score at equal reconstruction, (scores, seeds), which has no seeds if
        the curves do not overlap in one of them.
    """
    ours, theirs = curves["beta-tcvae"], curves["beta-vae"]
    betas = [beta for beta in ours if beta > 1]
    scores = ("", *SCORES)
    found = np.array([[_less(ours, theirs, beta, name) for beta in betas] for name in scores])
    gaps = [equal(curves, name) for name in SCORES]
    overlap = all(len(each) == found.shape[-1] for each in gaps)
    return betas, found, np.array(gaps if overlap else [[] for _ in gaps])


def compare(curves: Curves) -> Compared:
    """Hold β-TCVAE against β-VAE: at equal reconstruction, and at every beta above 1."""
    betas, found, gaps = differences(curves)
    parts = [claim.RECONSTRUCTION, *SCORES.values()]
    seeds = found.shape[-1]
    p = claim.assess(found, gaps)
    return Compared(
        {
            label: Gap(interval(gaps[i]), float(p.higher[i]), float(p.lower[i]))
            for i, label in enumerate(SCORES.values())
            if gaps.size
        },
        [
            Comparison(
                beta,
                {name: interval(found[part, i]) for part, name in enumerate(parts)},
                float(p.holds[i]),
                {name: float(p.fails[part, i]) for part, name in enumerate(parts)},
            )
            for i, beta in enumerate(betas)
        ],
        seeds,
        claim.chance(
            found.std(-1, ddof=1),
            gaps.std(-1, ddof=1) if gaps.size else np.ones(len(gaps)),
            seeds,
        )
        if seeds > 1
        else float("nan"),
    )


def _less(ours: Curve, theirs: Curve, beta: int, score: str = "") -> list[float]:
    """Return the differences at a beta, seed by seed, of a score or of the reconstruction."""
    one, other = (
        each[beta].scores[score] if score else each[beta].reconstruction for each in (ours, theirs)
    )
    return [a - b for a, b in zip(one, other, strict=True)]


def equal(curves: Curves, score: str) -> list[float]:
    """Return for each seed how much higher β-TCVAE's score is at equal reconstruction."""
    seeds = len(next(iter(curves["beta-vae"].values())).reconstruction)
    gaps = []
    for seed in range(seeds):
        one, other = (
            {
                beta: (point.reconstruction[seed], point.scores[score][seed])
                for beta, point in curves[method].items()
            }
            for method in ("beta-tcvae", "beta-vae")
        )
        gap = claim.at_equal_reconstruction(one, other)
        gaps += [] if gap is None else [gap]
    return gaps
