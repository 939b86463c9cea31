"""The files that the cells of a table name: by path, by file name or without the suffix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NONE, SEVERAL = -1, -2
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?/")


class Rows(NamedTuple):
    """The file of each cell, by its number, ``NONE`` or ``SEVERAL``; (N,) int64.

    Args:
        full: of the cells that name a file with its suffix.
        any: of those, and of the cells that name one without.
    """

    full: NDArray[np.int64]
    any: NDArray[np.int64]


class FileNames:
    """Files by path, file name and file name without suffix.

    Accented letters count as equal whether they are stored as one character or as a letter and
    its accent, as macOS does. Capitals count only where names differ in nothing else.

    Args:
        paths: below the folder, with ``/`` between their parts.
        root: the folder.
    """

    def __init__(self, paths: Sequence[str], root: Path) -> None:
        self.root = f"{_plain(str(root.absolute()))}/"
        plain = [PurePosixPath(_plain(path)) for path in paths]
        self._full = [_index(map(str, plain)), _index(path.name for path in plain)]
        self._stems = [
            _index(str(path.with_suffix("")) for path in plain),
            _index(path.stem for path in plain),
        ]

    def rows(self, cells: Sequence[str]) -> Rows:
        """Return the file of each cell. Absolute paths of another place lose what all share."""
        # spaces around a name count where a file has them
        cells = [cell if self._has(cell) else cell.strip() for cell in cells]
        names = [str(PurePosixPath(_plain(cell))) if cell else "" for cell in cells]
        names = [name.removeprefix(self.root) for name in names]
        absolute = {name: PurePosixPath(name).parts for name in names if _ABSOLUTE.match(name)}
        shared = _shared([parts[:-1] for parts in absolute.values()])
        names = ["/".join(absolute[name][shared:]) if name in absolute else name for name in names]
        full = np.array([_found(name, self._full) for name in names], np.int64)
        stems = np.array([_found(name, self._stems) for name in names], np.int64)
        return Rows(full, np.where(full == NONE, stems, full))

    def _has(self, cell: str) -> bool:
        """Whether a file has just this name."""
        name = _plain(cell)
        return any(name in exact for exact, _ in (*self._full, *self._stems))

    def stem(self, cell: str) -> int:
        """Return the file that a cell names without its suffix."""
        return _found(_plain(cell), self._stems)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def _shared(paths: Iterable[tuple[str, ...]]) -> int:
    """Return with how many equal parts all paths begin."""
    columns = zip(*paths, strict=False)  # as many as the shortest has
    return sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, columns))


def _index(names: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the number of each name, as it is and without capitals."""
    exact: dict[str, int] = {}
    folded: dict[str, int] = {}
    for row, name in enumerate(names):
        for found, key in ((exact, name), (folded, name.casefold())):
            found[key] = SEVERAL if key in found else row
    return exact, folded


def _found(name: str, indices: Sequence[tuple[dict[str, int], dict[str, int]]]) -> int:
    for exact, _ in indices:
        if name in exact:
            return exact[name]
    for _, folded in indices:
        if name.casefold() in folded:
            return folded[name.casefold()]
    return NONE
