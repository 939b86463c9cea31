"""What a choice among seeds gives, over all choices of so many of the measured ones."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def restarts(accuracy: Floats, score: Floats, whole: Bools) -> dict[str, Any]:
    """Return what ``--restarts`` keeps: of all seeds, and of any 1, 2, ... of them.

    Args:
        accuracy: of each seed.
        score: by which seeds are compared, the highest is kept.
        whole: whether each digit is the most frequent one of some category.

    >>> found = restarts(*map(np.array, ([0.8, 0.9, 0.7], [2.0, 3.0, 1.0], [False, True, False])))
    >>> found["kept"], found["by count"][1]["whole"], found["by count"][1]["choices"]
    (1, 2, 3)
    """
    picked = int(score.argmax())
    found = []
    for count in range(1, len(accuracy) + 1):
        choices = [list(rows) for rows in combinations(range(len(accuracy)), count)]
        kept = np.array([rows[score[rows].argmax()] for rows in choices])
        found.append(
            {
                "count": count,
                "choices": len(choices),
                "whole": int(whole[kept].sum()),
                "mean": round(float(accuracy[kept].mean()), 4),
                "lowest": round(float(accuracy[kept].min()), 4),
                "the best there is, mean": round(
                    float(np.mean([accuracy[rows].max() for rows in choices])), 4
                ),
            }
        )
    return {
        "kept": picked,
        "accuracy": float(accuracy[picked]),
        "best": float(accuracy.max()),
        "by count": found,
    }
