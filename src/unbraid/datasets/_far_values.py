"""Numbers so far from all others of their column that they may be errors of typing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets._cells import Where

ENOUGH = 50  # known numbers; of fewer, none is said to be far
_SHARE = 100  # one more than one in so many numbers may be far at an end
_TAIL = 10  # numbers, at least, that tell how the tail of the others falls off
_TIMES = 5.0  # as far beyond the tail in logarithms; 0.7% of the largest are by chance


def far_notes(numbers: NDArray[np.float64], name: str, owner: str, where: Where) -> list[str]:
    """Return a sentence for each end of a column's range that is far from the other numbers.

    Args:
        numbers: (N,), NaN where unknown.
        name: of the column.
        owner: names the source of the column in messages.
        where: names a row in messages, by its number.
    """
    known = np.sort(numbers[~np.isnan(numbers)])
    if len(known) < ENOUGH:
        return []
    below, above = _count_above(-known[::-1]), _count_above(known)
    rest = known[below : len(known) - above]
    notes = []
    for count, value in ((below, known[0]), (above, known[-1])):
        if count:
            row = int(np.flatnonzero(numbers == value)[0])
            more = f" (and {count - 1:,} more as far)" if count > 1 else ""
            notes.append(
                f"{owner}: {name} is {value:g} in {where(row)}{more}, far from the others, which "
                f"are {rest[0]:g} to {rest[-1]:g}: check it, as words such as small and big refer "
                "to the whole range."
            )
    return notes


def _count_above(known: NDArray[np.float64]) -> int:
    """Return how many of the largest numbers are far above the others, of sorted ones.

    Two things are asked of the gap below them. It is larger than the span of the others, so that
    the range is more than doubled. And, in logarithms of distances from the median, it is several
    times the mean excess of the numbers below it (the estimate of Hill 1975), so that the tails
    of sizes, incomes or ages are not far, however heavy: of a tail x^-a, excesses are exponential.
    """
    count = len(known)
    most = 1 + count // _SHARE
    above = known - known[count // 2]
    length = max(_TAIL, int(count**0.5))
    for far in range(most, 0, -1):
        first, last = count - far, count - far - 1
        if not known[first] - known[last] > known[last] - known[most]:
            continue
        tail = above[first - length : first]
        tail = tail[tail > 0]
        if len(tail) < _TAIL:
            continue
        excess = np.log(tail[1:] / tail[0]).mean()
        if np.log(above[first] / tail[-1]) > _TIMES * excess:
            return far
    return 0
