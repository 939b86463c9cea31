"""Tables of labels, with a row for each image and a column for each factor, joined by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets._file_names import NONE, SEVERAL, FileNames
from unbraid.datasets._table_files import SUFFIXES, Table

STEMS = ("labels", "metadata")  # of tables that are read without being asked for
# Columns that may name the images, besides the first.
KEYS = frozenset(
    (
        *("file", "filename", "file_name", "path", "filepath", "file_path", "image"),
        *("image_path", "image_file", "image_id", "img", "name"),
    )
)
UNNAMED = ("", "Unnamed: 0", "__index_level_0__")  # what pandas calls a column of row numbers


@dataclass(frozen=True)
class Matched:
    """The columns of a table in the order of the images, and what did not fit.

    Args:
        columns: without the one that names the images; unknown where an image has no row.
        warning: a sentence on rows without images and images without rows, or ``""``.
    """

    columns: dict[str, Any]
    warning: str


def find_table(*folders: Path) -> Path | None:
    """Return the table in one of the folders that has one of the usual names, if any."""
    for folder in folders:
        there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
        for stem in STEMS:
            for suffix in SUFFIXES:
                if (path := there.get(f"{stem}{suffix}")) is not None:
                    return path
    return None


def match(table: Table, images: Sequence[str], root: Path, noun: str = "image") -> Matched:
    """Return a table's columns in the order of the images.

    Args:
        table: one of its columns names the images, by their path below the folder, by file name
            or by file name without its suffix.
        images: paths below the folder, with ``/`` between their parts.
        root: the folder, for messages.
        noun: what messages call an image.

    Raises:
        UnbraidError: no row names an image, a name that several images have, or rows of one
            image that differ.
    """
    found = FileNames(images, root)
    _check_header(table, found, noun)
    key, rows = _naming_column(table, found, noun)
    _check_first_stem(table, key, found, rows, noun)
    names = _texts(table.columns[key])
    if (rows == NONE).all():
        raise UnbraidError(
            f"no row of {table.path} names {_a(noun)} in {root}: its rows name "
            f"{_first_three(names)}, the {noun}s are {_first_three(images)}: name them by file "
            "name or path in its first column or in one called file."
        )
    several = [name for name, row in zip(names, rows, strict=True) if row == SEVERAL]
    if several:
        example = next((image for image in images if "/" in image), images[0])
        raise UnbraidError(
            f"{table.path} names {_first_three(several)}, a name that several {noun}s in {root} "
            f"have: give paths with their suffix, such as {example}."
        )
    others = {name: column for name, column in table.columns.items() if name != key}
    source = _merged(table, names, rows, others, len(images), noun)
    return Matched(
        {name: _reordered(column, source) for name, column in others.items()},
        _unmatched_note(table, names, rows, images, source, noun),
    )


def _naming_column(table: Table, found: FileNames, noun: str) -> tuple[str, NDArray[np.int64]]:
    """Return the column that names most images, and the image of each row.

    Names with their suffix count first, since numbers of another meaning may be the names of
    images without it. A column called otherwise is taken if it alone has such names, beside a
    column of row numbers without a name, as pandas writes it, or none that names an image.

    Raises:
        UnbraidError: the first column names images without their suffix, and another one names
            others with it.
    """
    first = next(iter(table.columns), None)
    if first is None or not table.rows:
        raise UnbraidError(f"{table.path} has no rows, expected one {_a(noun)}: add them.")
    able = [name for name in table.columns if name == first or _is_key(name)]
    rows = {name: found.rows([*map(str, table.columns[name])]) for name in able}

    def rank(name: str) -> tuple[int, int, bool]:
        full, either = rows[name]
        return _different(full), _different(either), _is_key(name)

    key = max(able, key=rank)
    if not _different(rows[key].full):
        texts = [name for name in table.columns if name not in able and _holds_text(table, name)]
        rows |= {name: found.rows([*map(str, table.columns[name])]) for name in texts}
        exact = max(texts, key=rank, default=key)
        if _different(rows[exact].full):
            same = np.array_equal(rows[key].any, rows[exact].full)
            if same or (_is_key(key) and _different(rows[key].any)):
                return key, rows[key].any
            if _different(rows[key].any) and key not in UNNAMED:
                raise UnbraidError(
                    f"{table.path} names {noun}s twice: {key} without their suffix "
                    f"({_first_three(_texts(table.columns[key]))}), {exact} with it "
                    f"({_first_three(_texts(table.columns[exact]))}): call the column that says "
                    f"which {noun} a row is of 'file', or remove the other one."
                )
            key = exact
    return key, rows[key].any


def _holds_text(table: Table, name: str) -> bool:
    """Whether a cell of a column is a text with a point, as names with a suffix are."""
    return any(isinstance(cell, str) and "." in cell for cell in table.columns[name])


def _is_key(name: str) -> bool:
    return "_".join(name.casefold().split()) in KEYS


def _different(rows: NDArray[np.int64]) -> int:
    """Return how many images the rows name."""
    return len(np.unique(rows[rows != NONE]))


def _merged(
    table: Table,
    names: Sequence[str],
    rows: NDArray[np.int64],
    columns: Mapping[str, Any],
    count: int,
    noun: str,
) -> NDArray[np.int64]:
    """Return the row of each image, -1 for none; of equal rows the first.

    Raises:
        UnbraidError: two rows of an image that differ.
    """
    source = np.full(count, -1, np.int64)
    differing: list[str] = []
    for row, image in enumerate(rows.tolist()):
        if image < 0:
            continue
        if source[image] < 0:
            source[image] = row
            continue
        for name, column in columns.items():
            one, other = str(column[source[image]]).strip(), str(column[row]).strip()
            if one != other:
                differing.append(
                    f"{names[row]} has {name} '{one}' in row {source[image] + 1} and '{other}' in "
                    f"row {row + 1}"
                )
                break
    if differing:
        others = len(differing) - 1
        more = f", and so {'does' if others == 1 else 'do'} {others} more" if others else ""
        raise UnbraidError(
            f"{table.path} contradicts itself: {differing[0]}{more}: keep one row {_a(noun)}."
        )
    return source


def _reordered(column: Any, source: NDArray[np.int64]) -> Any:
    """Return a column in the order of the images, unknown where they have no row."""
    if isinstance(column, list):
        return ["" if row < 0 else column[row] for row in source.tolist()]
    if (source >= 0).all():
        return column[source]
    taken = np.array(column, object)[source]
    taken[source < 0] = None
    return taken


def _unmatched_note(
    table: Table,
    names: Sequence[str],
    rows: NDArray[np.int64],
    images: Sequence[str],
    source: NDArray[np.int64],
    noun: str,
) -> str:
    """Return a sentence on rows that name no image and on images that have no row."""
    extra = [names[row] for row in np.flatnonzero(rows == NONE).tolist()]
    without = [images[row] for row in np.flatnonzero(source < 0).tolist()]
    parts = []
    if extra:
        parts.append(
            f"{_count(extra, 'row')} of {table.rows:,} "
            f"{f'names no {noun} and is' if len(extra) == 1 else f'name no {noun} and are'} not "
            f"used ({_first_three(extra)})"
        )
    if without:
        parts.append(
            f"{_count(without, noun)} of {len(images):,} "
            f"{'has no row, so that its' if len(without) == 1 else 'have no row, so that their'} "
            f"labels are unknown ({_first_three(without)})"
        )
    return f"{table.path}: {'; '.join(parts)}." if parts else ""


def _check_header(table: Table, found: FileNames, noun: str) -> None:
    columns = list(table.columns)
    for name, row in zip(columns, found.rows(columns).full, strict=True):
        if row != NONE:
            raise _no_header(table, name, noun)


def _check_first_stem(
    table: Table, key: str, found: FileNames, rows: NDArray[np.int64], noun: str
) -> None:
    """Refuse a first row that names, without its suffix, an image that no other row does."""
    row = found.stem(key)
    if row >= 0 and row not in rows and not _is_key(key):
        raise _no_header(table, key, noun)


def _no_header(table: Table, name: str, noun: str) -> UnbraidError:
    return UnbraidError(
        f"the first row of {table.path} names {_a(noun)}, {name}, expected the names of "
        "the columns: put such a row above it, as in 'file,label'."
    )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _texts(column: Any) -> list[str]:
    return [str(cell).strip() for cell in column]


def _first_three(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"
