"""Images that belong together, such as the frames of a clip or two photographs of one object.

They are in one split, and partners of each other for methods that learn from pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.datasets._cells import UNKNOWN

if TYPE_CHECKING:
    from unbraid.datasets._dataset import Dataset

Ints = NDArray[np.int64]
GROUPED = ("group", "next")  # rules of pairs, see ``Dataset.pairs``
_UNKNOWN = UNKNOWN | {"none", "nat"}  # as Python and NumPy write them


def taken(columns: dict[str, Any], name: str | None, owner: str) -> Ints | None:
    """Take the column that names groups out of a table's columns; None if no name is given.

    Returns:
        (N,), a number for each row: that of its group.

    Raises:
        UnbraidError: there is no such column, or a row has no value in it.

    >>> columns = {"clip": ["b", "a", "b"], "size": [1, 2, 3]}
    >>> taken(columns, "clip", "labels.csv"), list(columns)
    (array([1, 0, 1]), ['size'])
    """
    if not name:
        return None
    if name not in columns:
        raise UnbraidError(
            f"{owner} has no column '{name}'{did_you_mean(name, columns)} that names groups: its "
            f"columns are {', '.join(columns) or 'none'}."
        )
    cells = [str(cell).strip() for cell in columns.pop(name)]
    if unknown := sum(cell.casefold() in _UNKNOWN for cell in cells):
        raise UnbraidError(
            f"{owner}: {unknown} of {len(cells)} rows have no group in the column '{name}': give "
            "an image that belongs to no other one a name of its own."
        )
    return numbered(cells)


def numbered(groups: Any) -> Ints:
    """Return groups as whole numbers; those of other names, such as texts, get one each.

    >>> numbered(["b", "a", "b"])
    array([1, 0, 1])
    """
    found = np.asarray(groups)
    if found.dtype.kind in "iu":
        return found.astype(np.int64)
    return np.unique(found.astype(str), return_inverse=True)[1].astype(np.int64)


def whole_groups(groups: Ints, wanted: int, seed: int) -> NDArray[np.bool_]:
    """Return which rows are in random whole groups that hold about a number of rows, (N,).

    They hold no more, unless the smallest group does. One group at least is left out.

    >>> whole_groups(np.array([0, 0, 1, 1, 2, 2]), 3, seed=0).sum()
    np.int64(2)
    """
    names, sizes = np.unique(groups, return_counts=True)
    if wanted < 1 or len(names) < 2:
        return np.zeros(len(groups), bool)
    chosen: list[int] = []
    room = wanted
    for at in np.random.default_rng(seed).permutation(len(names)).tolist():
        if sizes[at] <= room:
            chosen.append(at)
            room -= int(sizes[at])
    return np.asarray(np.isin(groups, names[chosen or [int(sizes.argmin())]]))


@dataclass(frozen=True, eq=False)
class GroupIndex:
    """Rows by their groups.

    Args:
        rows: (M,) those that partners are taken from, in the order of groups, then of rows.
        groups: (N,) the group of each row, as a number below G.
        first: (G,) where the rows of a group begin.
        counts: (G,) how many they are.
        place: (N,) the place of a row among those of its group, -1 if it is none of ``rows``.
    """

    rows: Ints
    groups: Ints
    first: Ints
    counts: Ints
    place: Ints


def group_index(data: Dataset, among: Ints | None) -> GroupIndex:
    """Return the rows of a data set by their groups; those of ``among`` only, if it is given.

    Raises:
        UnbraidError: the data have no groups.
    """
    if data.groups is None:
        raise UnbraidError(
            f"{data.name} has no groups of images, from which pairs are to be taken: name the "
            "column that tells them with group (--data.group), or have pairs made from factors "
            "(--pairs uniform)."
        )
    names, groups = np.unique(data.groups, return_inverse=True)
    allowed = np.arange(len(groups)) if among is None else np.sort(among)
    rows = allowed[np.argsort(groups[allowed], kind="stable")]
    counts = np.bincount(groups[rows], minlength=len(names))
    first = np.cumsum(counts) - counts
    place = np.full(len(groups), -1)
    place[rows] = np.arange(len(rows)) - first[groups[rows]]
    return GroupIndex(rows, groups, first, counts, place)


def check_partners(data: Dataset) -> None:
    """Raise an UnbraidError if a data set has no groups, or an image that is alone in its own."""
    counts = group_index(data, None).counts
    if (counts == 1).any():
        raise _alone(data, counts)


def _alone(data: Dataset, counts: Ints) -> UnbraidError:
    return UnbraidError(
        f"{data.name}: {(counts == 1).sum()} of {(counts > 0).sum()} groups have a single image, "
        "so that there is no pair: leave these images out, or correct the column of groups."
    )


def group_partners(
    data: Dataset, index: GroupIndex, rows: NDArray[Any], rule: str, rng: np.random.Generator
) -> Ints:
    """Return a row of the same group for each of ``rows``, (B,).

    With the rule ``next`` it is the next one in the data set's order, and the one before for the
    last; with ``group`` any other one.

    Raises:
        UnbraidError: a row that is alone in its group.
    """
    rows = np.asarray(rows, np.int64)
    groups = index.groups[rows]
    counts, place = index.counts[groups], index.place[rows]
    others = counts - (place >= 0)
    if (others < 1).any():
        raise _alone(data, index.counts)
    if rule == "next":
        at = np.where(place + 1 < counts, place + 1, place - 1)
    else:  # any but itself
        at = (rng.random(len(rows)) * others).astype(np.int64)
        at += (place >= 0) & (at >= place)
    return np.asarray(index.rows[index.first[groups] + at])
