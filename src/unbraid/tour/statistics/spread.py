"""Numbers over seeds: their mean, their spread, and how both are written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unbraid.tour.formatting import number


def note(count: int) -> str:
    """Return the note that explains what ``written`` writes.

    >>> note(3), note(1)
    ('± is the standard deviation over trainings', 'of a single training')
    """
    return "± is the standard deviation over trainings" if count > 1 else "of a single training"


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(np.mean(values))


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation over trainings, 0 for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def written(values: Sequence[float], digits: int = 1) -> str:
    """Write the mean and the standard deviation, of a single training the value alone.

    >>> written([1.0, 2.0, 3.0])
    '2.0 ± 1.0'
    """
    if len(values) < 2:
        return number(mean(values), digits)
    return f"{number(mean(values), digits)} ± {number(deviation(values), digits)}"


def between(values: Sequence[float], digits: int = 2) -> str:
    """Write the smallest and the largest value.

    >>> between([0.5, 0.25])
    '0.25 to 0.50'
    """
    low, high = number(min(values), digits), number(max(values), digits)
    return low if low == high else f"{low} to {high}"


def trainings(count: int) -> str:
    """Write how many trainings.

    >>> trainings(1), trainings(3)
    ('1 training', '3 trainings')
    """
    return f"{count} training{'' if count == 1 else 's'}"
