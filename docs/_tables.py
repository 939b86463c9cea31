"""Tables of measured numbers: one function for each file in benchmarks/results, of its name.

``train_speed(result)`` turns benchmarks/results/train_speed.json into Markdown, and a page shows it
with an include of ``_generated/train_speed.md``. Numbers are never typed into a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def methods(result: dict[str, Any]) -> str:
    """Return a row for each method: its command and the figures of its result.json."""
    columns = {
        "reconstruction": "Reconstruction",
        "squared_error": "Squared error",
        "kl": "KL",
        "index_code_mi": "Mutual information",
        "total_correlation": "Total correlation",
        "dimwise_kl": "Dimension-wise KL",
        "active_units": "Active units",
    }
    lines = ["| " + " | ".join(["Command", *columns.values()]) + " |"]
    lines.append("|---" + "|--:" * len(columns) + "|")
    for run in result.values():
        figures = run["figures"]
        terms = figures.get("decomposition", {})
        cells = [f"`{run['command']}`"]
        for name in columns:
            if name in terms:
                value, error = terms[name]["value"], terms[name]["standard_error"]
                cells.append(f"{value:.2f} ± {error:.2f}")
            else:
                value = figures.get(name)
                cells.append("" if value is None else f"{value:.2f}" if value % 1 else str(value))
        lines.append("| " + " | ".join(cells) + " |")
    machine = next(iter(result.values()))["machine"]
    return "\n".join(lines) + (
        f"\n\nNats per image but for the squared error and the units; ± is a standard error. Made "
        f"by `python benchmarks/methods.py` with torch {machine['torch']} on {machine['device']}."
    )


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"methods": methods}


def write_all(results: Path, out: Path) -> None:
    """Write every table; where there is no result yet, the table says which command makes it."""
    out.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        result = results / f"{name}.json"
        if result.is_file():
            text = table(json.loads(result.read_text(encoding="utf-8")))
        else:
            text = f"*Not measured yet: `python benchmarks/{name}.py` does.*"
        page = out / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text + "\n":
            page.write_text(text + "\n", encoding="utf-8")
