"""What several pages' tables share."""

from __future__ import annotations

from typing import Any


def made_by(result: dict[str, Any]) -> str:
    """Return the line below a table: its command, on what, and how busy that was."""
    machine = result["machine"]
    return (
        f"`{result['command']}`, torch {machine['torch']}, {machine['cores']} cores "
        f"({machine['device']}, {machine['vector instructions']}), "
        f"load {result['load_before']} before."
    )


def labels_of(row: dict[str, Any]) -> str:
    """Return how many labels a row of control has, and when they are used."""
    return str(row["labels"]).replace("to steer by", "after training")


def rows_of(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table of which all columns but the first are numbers."""
    top, *lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([top, "|---" + "|--:" * (len(head) - 1) + "|", *lines])
