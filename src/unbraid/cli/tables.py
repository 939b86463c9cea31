"""How commands print what they found: as text for a terminal, as JSON or as CSV.

This is the only place that knows ``--json`` and ``--csv``. A command takes its options with
``parse_with_output`` and prints by ``present``; one that must not wait for the option parser takes
``output_of``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.parsing import UNBROKEN, parse, wrapped

TABLE = 72  # columns from which on a table of numbers breaks no word


@dataclass(frozen=True)
class Output:
    """The form of what is printed.

    Args:
        json: print JSON instead of text.
        csv: print CSV instead of text: a row of names, then a row for each number.

    >>> Output(csv=True).json
    False
    """

    json: bool = False
    csv: bool = False

    def __post_init__(self) -> None:
        if self.json and self.csv:
            raise UnbraidError("--json and --csv are both given: give one of them.")


def parse_with_output(
    shape: type[Any], args: Sequence[str], prog: str, description: str = ""
) -> tuple[Any, Output]:
    """Parse the options of a command into its dataclass, and how its result is printed.

    Args:
        shape: a dataclass that tyro takes; all its fields have defaults.
        args: the arguments after the command and its target.
        prog: how help and errors call the command.
        description: what its help starts with.
    """
    import tyro

    flag = tyro.conf.FlagCreatePairsOff[bool]
    flags = [(each.name, flag, field(default=False)) for each in fields(Output)]
    both = make_dataclass("Options", flags, bases=(Output, shape), frozen=True, kw_only=True)
    both.__doc__ = shape.__doc__
    given = parse(both, args, prog, description)
    config = shape(**{each.name: getattr(given, each.name) for each in fields(shape)})
    return config, Output(given.json, given.csv)


def output_field() -> tuple[str, Any, Any]:
    """Return name, type and default of the field ``output`` for a dataclass of options."""
    import tyro

    flags = tyro.conf.FlagCreatePairsOff[Output]
    return "output", tyro.conf.OmitArgPrefixes[flags], field(default_factory=Output)


def output_of(args: Sequence[str], command: str) -> Output:
    """Return the form of output that arguments ask for which may name nothing else.

    >>> output_of(["--csv"], "unbraid methods")
    Output(json=False, csv=True)
    """
    known = ("--json", "--csv")
    for arg in args:
        if arg not in known:
            raise UnbraidError(
                f"{command} takes no options but --json and --csv, found '{arg}'"
                f"{did_you_mean(arg, known)}."
            )
    return Output(json="--json" in args, csv="--csv" in args)


def present(
    output: Output,
    text: Callable[[], None],
    document: Any,
    records: Iterable[Mapping[str, Any]],
) -> None:
    """Print a result in the form that was asked for.

    Args:
        output: the form.
        text: prints it for a terminal.
        document: the whole of it, of what JSON holds; numbers that are not finite become null.
        records: its numbers, a flat mapping for each row of CSV; numbers are written in full, and
            None and NaN as empty cells.
    """
    if output.json:
        print(json.dumps(_finite(document), indent=2, allow_nan=False))
    elif output.csv:
        print(as_csv(records), end="")
    else:
        text()


def as_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """Return records as CSV: the names of all columns in a first row, then a row for each record.

    >>> print(as_csv([{"metric": "mig", "value": 0.5}, {"metric": "dci", "error": None}]), end="")
    metric,value,error
    mig,0.5,
    dci,,
    """
    rows = [_finite(record) for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _finite(value: Any) -> Any:
    """Return plain values with None for the numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
    width: int | None = None,
) -> None:
    """Print a table of numbers; on a narrow terminal, each row as lines of text.

    Args:
        title: above it.
        header: names of the columns.
        rows: their cells.
        notes: sentences below it.
        width: columns of the terminal, if not those that it says.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False, width=width)
    console.width = console.width or 80  # COLUMNS=0 says nothing
    if console.width < TABLE:
        print(title)
        for name, *cells in rows:
            print(name)
            named = zip(header[1:], cells, strict=True)
            print("\n".join(wrapped("  ".join(" ".join(each) for each in named), console.width)))
    else:
        table = Table(title=Text(title), title_justify="left")
        longest = max((len(word) for row in rows for word in row[0].split()), default=0)
        table.add_column(header[0], min_width=longest)
        for heading in header[1:]:
            table.add_column(heading, no_wrap=heading in ("value", "± se", "real"), overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    for note in notes:
        console.print(note, style="dim", soft_wrap=True)


def print_wide(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> None:
    """Print a table of numbers in parts, one below the other, each as wide as the terminal.

    The first column is in all parts. What is no terminal gets one part.
    """
    room = shutil.get_terminal_size((UNBROKEN, 24)).columns
    if room < TABLE:
        print_table(title, header, rows, notes, room)
        return
    widths, names = [], []
    for name, *cells in zip(header, *rows, strict=True):
        widths.append(max(map(len, [*name.split(), *cells]), default=0))
        names.append("\n".join(textwrap.wrap(name, max(widths[-1], 1))))
    first, *others = (width + 3 for width in widths)
    parts: list[list[int]] = [[]]
    left = room - first - 1
    for column, width in enumerate(others, 1):
        if parts[-1] and left < width:
            parts.append([])
            left = room - first - 1
        parts[-1].append(column)
        left -= width
    for part in parts:
        lines = [[row[0], *(row[column] for column in part)] for row in rows]
        shown = [names[0], *(names[column] for column in part)]
        print_table(title, shown, lines, notes if part is parts[-1] else (), room)


def one_format(given: Any) -> str:
    """Return which of the forms ``csv``, ``latex`` and ``markdown`` options ask for, or ``""``.

    Raises:
        UnbraidError: several.
    """
    asked = [name for name in ("csv", "latex", "markdown") if getattr(given, name)]
    if len(asked) > 1:
        raise UnbraidError(f"--{asked[0]} and --{asked[1]} are both given: give one of them.")
    return asked[0] if asked else ""
