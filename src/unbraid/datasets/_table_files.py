"""Table files: comma-separated text and Parquet, read into columns by name."""

from __future__ import annotations

import csv
import importlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.core.errors import UnbraidError
from unbraid.datasets._cells import UNKNOWN
from unbraid.datasets._numbers import numbers_of, with_decimal_points

SUFFIXES = (".csv", ".tsv", ".parquet")
_SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_SAID = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class Table:
    """A table read: its columns in their order, cells as text in a list or typed in an array."""

    path: Path
    columns: dict[str, Any]
    rows: int


def read_table(path: Path) -> Table:
    """Read a table with the columns' names in its first row.

    Raises:
        UnbraidError: no such file, another format, rows of another length, or a name twice.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnbraidError(
            f"{path} is no table of labels: expected a path that ends in {', '.join(SUFFIXES)}; "
            "save it as CSV."
        )
    return _parquet(path) if suffix == ".parquet" else _separated(path)


def without_empty_rows(table: Table) -> Table:
    """Return a table without the rows that hold nothing, where a row is found by what it names."""
    if not all(isinstance(column, list) for column in table.columns.values()):
        return table  # typed columns
    kept = [row for row in range(table.rows) if any(c[row] for c in table.columns.values())]
    columns = {name: [column[row] for row in kept] for name, column in table.columns.items()}
    return Table(table.path, columns, len(kept))


def _separated(path: Path) -> Table:
    """Read text with commas, semicolons, tabs or bars between cells."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = _separator(first, path.suffix.lower())
            if given := _SEPARATOR.fullmatch(first.rstrip("\r\n")):  # a line that Excel reads
                separator = given[1]
            else:
                file.seek(0)
            lines = _lines(csv.reader(file, delimiter=separator))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UnbraidError(
            f"{path} is not text in UTF-8 ({error.reason} at byte {error.start}): save it as CSV "
            "in UTF-8."
        ) from error
    except csv.Error as error:
        raise UnbraidError(
            f"cannot read {path} as a table ({error}), expected text with commas, semicolons, tabs "
            "or bars between cells: save it again as CSV."
        ) from error
    if not lines:
        raise UnbraidError(
            f"{path} is empty: expected a row of names and one a file; save the table again."
        )
    header = [name.strip() for name in lines[0]]
    _check_names(header, path)
    for number, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            mend = (
                "give it one cell a column, empty where it is unknown"
                if len(line) < len(header)
                else f"put quotes around cells that hold a {_SAID.get(separator, separator)}"
            )
            raise UnbraidError(
                f"row {number} of {path} has {len(line)} cells, but its first row names "
                f"{len(header)} columns ({', '.join(header[:5])}): {mend}."
            )
    columns = dict(zip(header, map(list, zip(*lines[1:], strict=True)), strict=False))
    if separator != ",":  # then a comma may be a decimal point
        columns = {name: _with_points(cells) for name, cells in columns.items()}
    return Table(path, columns, len(lines) - 1)


def _lines(read: Iterable[list[str]]) -> list[list[str]]:
    """Return the rows of a table: empty cells are unknown, but rows of them at its end are none.

    >>> _lines([["z", "a"], ["", ""], [], ["1", "2"], ["", ""]])
    [['z', 'a'], ['', ''], ['1', '2']]
    """
    lines = list(read)
    while lines and not any(lines[-1]):
        del lines[-1]
    while lines and not any(lines[0]):
        del lines[0]
    header, body = lines[:1], lines[1:]
    doubled = not any(body[::2]) and all(body[1::2])  # each line end was written twice
    while body and not body[0]:
        del body[0]
    if header and len(header[0]) == 1 and not doubled:
        return header + [line or [""] for line in body]  # a single column's empty cell
    return header + [line for line in body if line]


def _separator(line: str, suffix: str) -> str:
    """Return what separates the names in the first row: a tab in a .tsv that has one there."""
    return "\t" if suffix == ".tsv" and "\t" in line else max(",;\t|", key=line.count)


def _with_points(cells: list[str]) -> list[str]:
    """Return cells whose numbers have decimal points, if all are numbers, perhaps of one unit."""
    changed = with_decimal_points(cells)
    known = [cell for cell in changed if cell.strip().lower() not in UNKNOWN]
    return changed if numbers_of(known) is not None else cells


def _parquet(path: Path) -> Table:
    """Read a Parquet file, with pyarrow or pandas."""
    if not path.is_file():
        raise _unreadable(path, "No such file or directory")
    try:
        reader = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UnbraidError(
            f"{path} needs pyarrow to be read: install it with pip install 'unbraid[parquet]', or "
            "save the table as .csv."
        ) from error
    try:
        table = reader.read_table(path)
        columns = {
            str(name): np.asarray(table.column(name).to_pylist(), object)
            for name in table.column_names
        }
    except Exception as error:  # a broken file can make it raise anything
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnbraidError(
            f"cannot read {path} as a Parquet file ({reason}): save the table again, or as CSV."
        ) from error
    _check_names(list(columns), path)
    return Table(path, columns, table.num_rows)


def _unreadable(path: Path, reason: str) -> UnbraidError:
    return UnbraidError(
        f"cannot read {path}: {reason}, expected a table of labels; check the path and its "
        "permissions."
    )


def _check_names(names: Sequence[str], path: Path) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise UnbraidError(f"{path} has two columns called '{twice}': name each once.")
