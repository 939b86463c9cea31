"""The table of a comparison as text: for a terminal, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from itertools import groupby

from unbraid.comparison.table import Cell, Row
from unbraid.core import text_tables

WHOLE = {"parameters", "bytes", "steps taken", "active units", "peak memory, MB"}


def cell_text(row: Row, cell: Cell) -> str:
    """Return a cell as people read it: three decimals of scores, and the interval in brackets.

    Other numbers have three digits at least, so that a small one is not 0.0.

    >>> cell_text(Row("scores", "mig", ()), Cell(0.25, 0.01))
    '0.250 [0.230, 0.270]'
    """
    if cell.value is None:
        return ""
    if isinstance(cell.value, str):
        return cell.value
    if math.isnan(cell.value):
        return "undefined"
    if row.group == "scores" or row.name in ("index code mi", "total correlation", "dimwise kl"):
        ends = cell.interval
        text = f"{cell.value:.3f}"
        return text if ends is None else f"{text} [{ends[0]:.3f}, {ends[1]:.3f}]"
    if row.name in WHOLE:
        return f"{cell.value:,.0f}"
    return f"{cell.value:,.1f}" if abs(cell.value) >= 10 else f"{cell.value:.3g}"


def grid(names: Sequence[str], rows: Sequence[Row]) -> list[list[str]]:
    """Return the cells of a table with a column for each run, the header first."""
    return [["", *names], *([row.name, *(cell_text(row, c) for c in row.cells)] for row in rows)]


def as_csv(names: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a row for each run, with full precision; ``NAME low`` and ``NAME high`` are ends."""
    known = [any(cell.interval for cell in row.cells) for row in rows]
    header = ["run"]
    for row, ends in zip(rows, known, strict=True):
        header += [row.name, *([f"{row.name} low", f"{row.name} high"] if ends else [])]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for index, name in enumerate(names):
        line: list[object] = [name]
        for row, ends in zip(rows, known, strict=True):
            cell = row.cells[index]
            unknown = isinstance(cell.value, float) and math.isnan(cell.value)
            line.append("" if cell.value is None or unknown else _plain(cell.value))
            line += list(cell.interval or ("", "")) if ends else []
        writer.writerow(line)
    return file.getvalue()


def _plain(value: float | str) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_markdown(names: Sequence[str], rows: Sequence[Row], notes: Sequence[str]) -> str:
    """Return a column for each run, and the notes below."""
    header, *body = grid(names, rows)
    return text_tables.markdown(header, body, notes)


def as_latex(names: Sequence[str], rows: Sequence[Row], notes: Sequence[str]) -> str:
    """Return a tabular with a column for each run, a rule between groups, and notes as comments."""
    header, *body = grid(names, rows)
    both = zip(rows, body, strict=True)
    groups = [[line for _, line in of] for _, of in groupby(both, lambda each: each[0].group)]
    return text_tables.latex(header, groups, notes)
