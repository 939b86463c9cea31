"""Sentences on columns of labels that may be meant otherwise, or tell little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec
from unbraid.datasets._class_names import may_be_place, words_of
from unbraid.datasets._units import in_brackets, unit_in

# Words of a factor's name whose numbers may go round a circle.
_ANGLES = frozenset(("angle", "rotation", "orientation", "azimuth", "hue", "heading", "direction"))


def may_be_circular(spec: FactorSpec, owner: str) -> list[str]:
    """Return a sentence on a number whose name and range suggest degrees of a whole turn."""
    numbers = [value for value in spec.values or () if isinstance(value, int | float)]
    ends = spec.range or ((min(numbers), max(numbers)) if numbers else None)
    if spec.kind == "periodic" or ends is None or not _ANGLES & words_of(spec.name):
        return []
    low, high = ends
    if not (300 < high - low <= 360 and low >= -180):
        return []
    what = "classes" if spec.kind == "categorical" else "a number"
    return [
        f"{owner}: {spec.name} is taken as {what} from {low:g} to {high:g} whose ends differ; if "
        f"they are the same direction, say with kinds that it is circular ({spec.name}="
        "circular:360)."
    ]


def may_be_unit(name: str, owner: str) -> list[str]:
    """Return a sentence on brackets in a number's name that hold no unit of those known."""
    found = in_brackets(name)
    if not found or unit_in(name):
        return []
    return [
        f"{owner}: '{found}' in {name} is not known to be a unit, and is taken as part of the "
        f"name; if it is one, say so with units ({name}={found})."
    ]


def remarks(column: NDArray[np.float64], spec: FactorSpec, owner: str) -> list[str]:
    """Return sentences on constant factors and on levels that have one image."""
    known = column[~np.isnan(column)]
    values = spec.values
    if known.min() == known.max():
        value = f"{known[0]:g}" if values is None else str(values[int(known[0])])
        return [
            f"{owner}: {spec.name} is {value} wherever it is known, so nothing can be learned "
            "about it."
        ]
    if values is None or spec.kind != "categorical":
        return []
    counts = np.bincount(known.astype(np.int64), minlength=len(values))
    notes = []
    if once := [str(values[level]) for level in np.flatnonzero(counts == 1)]:
        more = ", ..." if len(once) > 3 else ""
        notes.append(
            f"{owner}: {len(once):,} of the {len(values):,} values of {spec.name} "
            f"{'occurs' if len(once) == 1 else 'occur'} once "
            f"({', '.join(once[:3])}{more}), too rarely to be learned or measured."
        )
    first: dict[str, str] = {}
    for text in map(str, values):
        if (other := first.setdefault(text.casefold(), text)) != text:
            notes.append(
                f"{owner}: {spec.name} has the values {other} and {text}, which differ in capitals "
                "only: write both the same way if they mean the same."
            )
            break
    return notes


def may_be_quantity(spec: FactorSpec, few: int, owner: str) -> list[str]:
    """Return a sentence on many whole numbers that are classes by the name ``y`` alone."""
    levels = spec.values or ()
    if spec.kind != "categorical" or len(levels) <= few or not may_be_place(spec.name):
        return []
    return [
        f"{owner}: {spec.name} is taken as {len(levels):,} classes by its name; if it is a place "
        f"or another quantity, say so with kinds ({spec.name}=continuous)."
    ]
