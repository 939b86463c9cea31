"""Kinds of runs: those of one kind take a step in the same time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from unbraid.studies.cells import Cell

# What changes how many steps are taken, or where they start, but not the time of one
LENGTHS = ("steps", "seed")


def kinds(cells: Sequence[Cell]) -> dict[str, str]:
    """Return the name of each run's kind, by the run's id.

    A kind is all that decides the time of a step, and for runs by epochs their number: data,
    method, and all options but weights, which are real numbers. The name tells those options that
    differ between the kinds of a method on a data set.
    """
    found: dict[str, tuple[Cell, str]] = {}
    alike: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for cell in cells:
        costs = _costs(cell)
        found[cell.id] = cell, repr(costs)
        alike.setdefault((cell.data, cell.method), {}).setdefault(repr(costs), costs)
    names = {
        (*both, key): " ".join([*both, *_told(costs, of_both.values())])
        for both, of_both in alike.items()
        for key, costs in of_both.items()
    }
    return {name: names[cell.data, cell.method, key] for name, (cell, key) in found.items()}


def _costs(cell: Cell) -> dict[str, Any]:
    """Return the options that decide the time of a run's step."""
    training = {
        name: value
        for name, value in cell.config["training"].items()
        # how many images are held out decides the steps of an epoch
        if name not in LENGTHS and (not _weighs(value) or (name == "validation" and not cell.steps))
    }
    method = {name: value for name, value in cell.config["method"].items() if not _weighs(value)}
    return {**training, **method}


def _weighs(value: Any) -> bool:
    return isinstance(value, float)


def _told(costs: Mapping[str, Any], others: Collection[Mapping[str, Any]]) -> list[str]:
    """Return the options that not all others share."""
    return [
        f"{name}={value}"
        for name, value in costs.items()
        if any(other.get(name) != value for other in others)
    ]
