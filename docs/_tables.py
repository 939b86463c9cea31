"""Tables of measured numbers: one function for each file in benchmarks/results, of its name.

``train_speed(result)`` turns benchmarks/results/train_speed.json into Markdown, and a page shows it
with an include of ``_generated/train_speed.md``. Numbers are never typed into a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

TABLES: dict[str, Callable[[dict[str, Any]], str]] = {}


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
