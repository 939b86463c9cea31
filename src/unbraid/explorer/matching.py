"""Matching of the latents of two runs by their codes of the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from unbraid.figures import rank_correlations

if TYPE_CHECKING:
    from unbraid.explorer.bundle import Bundle

LEAST = 0.2  # of |rank correlation|: a pair below it is no match


def matches(one: Bundle, other: Bundle) -> list[tuple[str, str, float]]:
    """Return pairs of latents, one of each run, and their rank correlation, strongest first.

    They are the assignment with the largest sum of |rank correlation|, without the pairs below
    ``LEAST``. Categorical latents and angles have no order, and are left out.
    """
    rows = [
        [row for row in held.about["latents"] if row["kind"] in ("number", "levels")]
        for held in (one, other)
    ]
    if not all(rows):
        return []
    columns = [
        held.codes.astype(np.float64)[:, [row["first"] for row in chosen]]
        for held, chosen in zip((one, other), rows, strict=True)
    ]
    rho = rank_correlations(*columns)
    pairs = zip(*linear_sum_assignment(-np.abs(rho)), strict=True)
    found = [
        (rows[0][a]["name"], rows[1][b]["name"], round(float(rho[a, b]), 3))
        for a, b in pairs
        if abs(rho[a, b]) >= LEAST
    ]
    return sorted(found, key=lambda pair: -abs(pair[2]))
