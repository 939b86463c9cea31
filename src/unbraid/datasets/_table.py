"""Tables of labels, with a row for each image and a column for each factor, joined by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets._table_files import SUFFIXES, Table

STEMS = ("labels", "metadata")  # of tables that are read without being asked for
# Columns that may name the images; the one that names most of them does.
KEYS = frozenset(
    (
        *("file", "filename", "file_name", "path", "filepath", "file_path", "image"),
        *("image_path", "image_file", "image_id", "img", "name"),
    )
)


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
        for stem in STEMS:
            for suffix in SUFFIXES:
                if (path := folder / f"{stem}{suffix}").is_file():
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
    _check_header(table, images, noun)
    found = _Names(images)
    key, rows = _naming_column(table, found, noun)
    names = _texts(table.columns[key])
    if not (rows >= 0).any():
        raise UnbraidError(
            f"no row of {table.path} names {_a(noun)} in {root}: its rows name "
            f"{_first_three(names)}, the {noun}s are {_first_three(images)}: name them by file "
            "name or path in its first column or in one called file."
        )
    several = [name for name, row in zip(names, rows, strict=True) if row == _Names.SEVERAL]
    if several:
        raise UnbraidError(
            f"{table.path} names {_first_three(several)}, a name that several {noun}s in {root} "
            f"have: give paths, such as {next(image for image in images if '/' in image)}."
        )
    others = {name: column for name, column in table.columns.items() if name != key}
    source = _merged(table, names, rows, others, len(images), noun)
    return Matched(
        {name: _reordered(column, source) for name, column in others.items()},
        _unmatched_note(table, names, rows, images, source, noun),
    )


class _Names:
    """The images by path, file name and file name without suffix."""

    SEVERAL = -2

    def __init__(self, images: Sequence[str]) -> None:
        self.by_path = {image: row for row, image in enumerate(images)}
        self.by_name: dict[str, int] = {}
        self.by_stem: dict[str, int] = {}
        for row, image in enumerate(images):
            path = PurePosixPath(image)
            self.by_path.setdefault(str(path.with_suffix("")), row)
            for names, name in ((self.by_name, path.name), (self.by_stem, path.stem)):
                names[name] = self.SEVERAL if name in names else row

    def row(self, name: str) -> int:
        """Return the image of a name: -1 for none, -2 for several."""
        path = str(PurePosixPath(name.replace("\\", "/")))
        for names in (self.by_path, self.by_name, self.by_stem):
            if path in names:
                return names[path]
        return -1


def _naming_column(table: Table, found: _Names, noun: str) -> tuple[str, NDArray[np.int64]]:
    """Return the column that names most images, and the image of each row."""
    first = next(iter(table.columns), None)
    if first is None or not table.rows:
        raise UnbraidError(f"{table.path} has no rows, expected one {_a(noun)}: add them.")
    able = [name for name in table.columns if name == first or name.casefold() in KEYS]
    matched = {
        name: np.array([found.row(text) for text in _texts(table.columns[name])]) for name in able
    }
    key = max(able, key=lambda name: int((matched[name] != -1).sum()))
    return key, matched[key]


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
        more = f", and so do {len(differing) - 1} more" if len(differing) > 1 else ""
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
    extra = [names[row] for row in np.flatnonzero(rows == -1).tolist()]
    without = [images[row] for row in np.flatnonzero(source < 0).tolist()]
    parts = []
    if extra:
        parts.append(
            f"{_count(extra, 'row')} of {table.rows:,} name no {noun} and are not used "
            f"({_first_three(extra)})"
        )
    if without:
        parts.append(
            f"{_count(without, noun)} of {len(images):,} have no row, so that their labels are "
            f"unknown ({_first_three(without)})"
        )
    return f"{table.path}: {'; '.join(parts)}." if parts else ""


def _check_header(table: Table, images: Sequence[str], noun: str) -> None:
    known = set(images) | {PurePosixPath(image).name for image in images}
    for name in table.columns:
        if name in known:
            raise UnbraidError(
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
