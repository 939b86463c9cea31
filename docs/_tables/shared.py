"""What several pages' tables share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unbraid.studies.statistics import interval


def made_by(result: dict[str, Any]) -> str:
    """Return the line below a table: its command, on what, and how busy that was."""
    machine = result["machine"]
    load = f", load {result['load_before']} before" if "load_before" in result else ""
    return (
        f"`{result['command']}`, torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}){load}."
    )


def labels_of(row: dict[str, Any]) -> str:
    """Return how many labels a row of control has, and when they are used."""
    return str(row["labels"]).replace("to steer by", "after training")


def rows_of(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table of which all columns but the first are numbers."""
    top, *lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([top, "|---" + "|--:" * (len(head) - 1) + "|", *lines])


def interval_over(values: Sequence[float | None]) -> tuple[float, float] | None:
    """Return the mean over seeds and half of its 95% t interval, 0 of a single seed."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if len(known) < 2:
        return known[0], 0.0
    mean, _, high = interval(known)
    return mean, high - mean


def over_seeds(values: Sequence[float | None], digits: int = 3) -> str:
    """Return the mean over seeds and half of its 95% t interval, "" if nothing is known.

    The interval of two seeds is so wide that it tells nothing: both values are shown in its place.
    """
    found = interval_over(values)
    if found is None:
        return ""
    known = sorted(value for value in values if value is not None)
    text = f"{found[0]:.{digits}f}"
    if len(known) == 2:
        return f"{known[0]:.{digits}f}, {known[1]:.{digits}f}"
    return text if len(known) < 2 else f"{text}\u00a0±\u00a0{found[1]:.{digits}f}"
