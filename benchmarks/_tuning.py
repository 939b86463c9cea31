"""Which value of a method's weight a seed's tuned run has: the best of the other seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]
PUBLISHED, TUNED = "published", "tuned"  # settings, beside the option and value that were tried


def tuned(rows: Sequence[Row], settings: Sequence[str], score: str) -> list[Row]:
    """Return the tuned runs of one method and data set: each seed's is chosen by other seeds.

    A seed's run is that of the setting with the highest mean score over the other seeds. Only
    seeds of which all settings are there count, and none of fewer than two. A run without the score
    counts as -1.

    Args:
        rows: trainings, of which those of the settings are looked at.
        settings: all that are to be tried.
        score: the name of a score.
    """
    found = {(row["setting"], row["seed"]): row for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    whole = [seed for seed in seeds if all((name, seed) in found for name in settings)]
    if len(whole) < 2 or not settings:
        return []

    def value(name: str, seed: int) -> float:
        known = found[name, seed]["scores"].get(score, [None])[0]
        return -1.0 if known is None or math.isnan(known) else float(known)

    chosen = []
    for seed in whole:
        means = [np.mean([value(name, k) for k in whole if k != seed]) for name in settings]
        chosen.append({**found[settings[int(np.argmax(means))], seed], "setting": TUNED})
    return chosen
