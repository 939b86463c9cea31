"""The table of a comparison as text: for a terminal, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence

from unbraid.comparison.table import Cell, Row

WHOLE = {"parameters", "bytes", "steps taken", "active units", "peak memory, MB"}
# one scheme for both: LaTeX's special characters
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # these three are other characters in the fonts that LaTeX takes by default
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
}


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
    header, *body = ([_plain_markdown(cell) for cell in line] for line in grid(names, rows))
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * len(names) + "|"]
    lines += ["| " + " | ".join(line) + " |" for line in body]
    return "\n".join([*lines, *(f"\n{_plain_markdown(note)}" for note in notes)]) + "\n"


def _plain_markdown(text: str) -> str:
    r"""Return text with Markdown's special characters as such.

    >>> _plain_markdown("_a_ dip_vae 0.5 [0.4, 0.6] [b](c)")
    '\\_a\\_ dip_vae 0.5 [0.4, 0.6] \\[b](c)'
    """
    return re.sub(r"[\\`*<|]|(?<!\w)_|_(?!\w)|\[(?=[^\]]*\]\()", r"\\\g<0>", text)


def as_latex(names: Sequence[str], rows: Sequence[Row], notes: Sequence[str]) -> str:
    """Return a tabular with a column for each run, a rule between groups, and notes as comments."""
    header, *body = ([escaped(cell) for cell in line] for line in grid(names, rows))
    lines = [f"% {note}" for note in notes]
    lines += [r"\begin{tabular}{l" + "r" * len(names) + "}", r"\toprule"]
    lines += [" & ".join(header) + r" \\"]
    before = None
    for row, line in zip(rows, body, strict=True):
        lines += [r"\midrule"] if row.group != before else []
        if row.group != "options":  # a hyphen is shorter than a minus sign
            line = [re.sub(r"(?<!\w)-(?=\d)", "$-$", cell) for cell in line]
        lines.append(" & ".join(line) + r" \\")
        before = row.group
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def escaped(text: str) -> str:
    r"""Return text with LaTeX's special characters as such.

    >>> escaped("beta_1 & 50%")
    'beta\\_1 \\& 50\\%'
    """
    return re.sub(r"[\\~^|<>&%$#_{}]", lambda found: SPECIAL[found[0]], text)
