"""Codes and factors that any tool wrote, read from arrays and tables for the metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.datasets._arrays import split_columns
from unbraid.datasets._cells import cells_of, row_number, row_of_table
from unbraid.datasets._columns import pairs, read_columns
from unbraid.datasets._npz_keys import FACTORS_KEYS
from unbraid.datasets._table_files import SUFFIXES, read_table
from unbraid.datasets.npz import open_npz, read_array, reading

CODES_KEYS = ("codes", "z", "latents", "means", "mean", "mu", "embeddings")
LOGVAR_KEYS = ("logvar", "log_var", "z_logvar", "logvars")
# Columns of a table that hold codes unless others are named: z0, code_1, latent 12 ...
_CODE = re.compile(r"(z|codes?|latents?|means?|mu|dim)[ _.-]?\d+", re.IGNORECASE)
_LOGVAR = re.compile(r"(z[ _.-]?)?log[ _.-]?vars?[ _.-]?\d+", re.IGNORECASE)
_SAVE = "np.savez(path, codes=..., factors=...)"


@dataclass(frozen=True)
class Coded:
    """Codes and factors of the same images.

    Args:
        codes: (N, D).
        factors: (N, F), NaN where unknown; None if there are none.
        specs: one for each factor.
        logvar: (N, D) of the codes' posteriors, if the file of the codes has them.
        notes: sentences on what was found in the factors.
    """

    codes: NDArray[np.float64]
    factors: NDArray[Any] | None
    specs: tuple[FactorSpec, ...]
    logvar: NDArray[Any] | None
    notes: tuple[str, ...]


def read_codes(
    codes: str,
    factors: str | None = None,
    *,
    codes_key: str | None = None,
    factors_key: str | None = None,
    factor_names: tuple[str, ...] | None = None,
    kinds: str | None = None,
    units: str | None = None,
) -> Coded:
    """Read codes, and factors of the same file or another one.

    Args:
        codes: a ``.npz``, ``.npy``, ``.csv``, ``.tsv`` or ``.parquet`` file.
        factors: another one; without, they are looked for in the file of the codes.
        codes_key: the arrays of a ``.npz`` or the columns of a table that are the codes, with
            commas between them; ``*`` stands for any characters.
        factors_key: the same for the factors.
        factor_names: names for the columns of an array of factors.
        kinds: of factors, see ``read_columns``.
        units: of factors.

    Raises:
        UnbraidError: a file that is missing, broken or of another format, or that has no codes; two
            tables that name the same rows in another order.
    """
    source = _opened(expand(codes))
    names = source.codes(codes_key, alone=factors is not None)
    arrays = [source.numbers(name) for name in names]
    single = len(arrays) == 1 and arrays[0].ndim != 1
    z = arrays[0] if single else np.column_stack(arrays)
    other = source if factors is None else _opened(expand(factors))
    if isinstance(source, _Columns) and isinstance(other, _Columns) and other is not source:
        _check_order(source, other)
    columns = other.factors(factors_key, names if factors is None else (), factor_names)
    notes: tuple[str, ...] = ()
    if isinstance(other, _Columns) and factors_key is None:
        kept = {*pairs(kinds, "kinds", other.path.name), *pairs(units, "units", other.path.name)}
        columns, notes = _without_codes(columns, other.path, kept, factors is not None)
    if not columns:
        return Coded(z, None, (), source.logvar(), notes)
    counted = row_of_table if isinstance(other, _Columns) else row_number
    found = read_columns(columns, kinds, units, str(other.path), counted)
    return Coded(z, found.factors, found.specs, source.logvar(), (*notes, *found.notes))


def _without_codes(
    columns: dict[str, Any], path: Path, named: set[str], alone: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the columns of a table that are factors by their names, and a note on the others.

    Args:
        columns: without those that are read as codes.
        path: of the table.
        named: factors that the user has named.
        alone: no codes are read from this table; if all names are those of codes, all are factors.
    """
    codes = [name for name in columns if _CODE.fullmatch(name) or _LOGVAR.fullmatch(name)]
    codes = [name for name in codes if name not in named]
    if not codes or (alone and len(codes) == len(columns)):
        return columns, ()
    kept = {name: column for name, column in columns.items() if name not in codes}
    told = ", ".join(codes[:3]) + (", ..." if len(codes) > 3 else "")
    return kept, (
        f"{path}: {told} {'is' if len(codes) == 1 else 'are'} not taken as factors, as codes have "
        "such names: name them with --factors-key if they are.",
    )


class _Arrays:
    """The arrays of a ``.npz`` file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_npz(path, _SAVE) as file:
            self.names = list(file.files)

    def array(self, name: str) -> NDArray[Any]:
        """Read an array."""
        with open_npz(self.path, _SAVE) as file:
            return read_array(file, name, self.path, _SAVE)

    def codes(self, key: str | None, alone: bool) -> list[str]:
        """Return the names of the arrays of codes; ``alone`` where the file has no factors."""
        if key is not None:
            return _matching(key, self.names, self.path, "array")
        usual = _usual(CODES_KEYS, self.names)
        if usual is None and alone and len(self.names) == 1:
            usual = self.names[0]
        if usual is None:
            raise UnbraidError(
                f"{self.path} has none of the arrays {', '.join(CODES_KEYS)}: the arrays in it are "
                f"{', '.join(self.names) or 'none'}; name the one that holds the codes with "
                "--codes-key."
            )
        return [usual]

    def numbers(self, name: str) -> NDArray[Any]:
        """Return an array of codes."""
        return self.array(name)

    def factors(
        self, key: str | None, taken: Sequence[str], given: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Return the factors by name."""
        names = self._factor_keys(key, [n for n in self.names if n not in taken], not taken)
        if given is None and len(names) == 1 and "factor_names" in self.names:
            given = tuple(self.array("factor_names").astype(str).ravel().tolist())
        columns: dict[str, Any] = {}
        for name in names:
            array = self.array(name)
            if len(names) > 1:
                width = array.shape[1] if array.ndim == 2 else 1
                given = (name,) if width == 1 else tuple(f"{name}_{j}" for j in range(width))
            columns |= _split(array, given, f"'{name}' of {self.path}")
        return columns

    def _factor_keys(self, key: str | None, left: list[str], alone: bool) -> list[str]:
        """Return the names of the arrays of factors; ``alone`` where the file has no codes."""
        if key is not None:
            return _matching(key, left, self.path, "array")
        usual = _usual(FACTORS_KEYS, left)
        if usual is None and alone:
            if len(left) > 1:
                raise UnbraidError(
                    f"{self.path} has none of the arrays {', '.join(FACTORS_KEYS)}: the arrays in "
                    f"it are {', '.join(left)}; name those that hold factors with --factors-key."
                )
            return left
        return [] if usual is None else [usual]

    def logvar(self) -> NDArray[Any] | None:
        """Return the log variances, if there are any."""
        usual = _usual(LOGVAR_KEYS, self.names)
        return None if usual is None else self.array(usual)


class _Array(_Arrays):
    """The only array of a ``.npy`` file."""

    def __init__(self, path: Path) -> None:
        self.path, self.names = path, ["array"]

    def codes(self, key: str | None, alone: bool) -> list[str]:
        """Return the name of the array, whatever it shall be called."""
        return self.names

    def array(self, name: str) -> NDArray[Any]:
        """Read the array."""
        with reading(self.path, "np.save(path, array)", ".npy"):
            limits.check_npy(self.path)
            found: NDArray[Any] = np.load(self.path, allow_pickle=False)
        return found


class _Columns:
    """The columns of a table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = {n: column for n, column in read_table(path).columns.items() if n.strip()}
        numbered = [str(each) for each in range(len(self.columns))]  # as pandas names them
        if list(self.columns) != numbered and all(map(_is_number, self.columns)):
            raise UnbraidError(
                f"the first row of {path} holds numbers, expected the names of the columns: put "
                "such a row above it, as in 'z0,z1,size,angle'."
            )

    def codes(self, key: str | None, alone: bool) -> list[str]:
        """Return the names of the columns of codes."""
        if key is not None:
            return _matching(key, list(self.columns), self.path, "column")
        named = [name for name in self.columns if _CODE.fullmatch(name)]
        if not named and alone:
            return list(self.columns)
        if not named:
            raise UnbraidError(
                f"{self.path} has no columns called z0, z1, ... or code_0, code_1, ...: its columns"
                f" are {', '.join(list(self.columns)[:10]) or 'none'}; name those that are codes "
                "with --codes-key, as in --codes-key 'mean*'."
            )
        return named

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of codes; NaN where a cell is empty."""
        cells = cells_of(self.columns[name], f"{self.path}: {name}", row_of_table)
        if cells.numbers is None:
            found = cells.mixed or f"{self.path}: {name} holds words"
            raise UnbraidError(
                f"{found}, expected the numbers of a code: name the columns of codes with "
                "--codes-key."
            )
        return cells.numbers

    def factors(
        self, key: str | None, taken: Sequence[str], given: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Return the factors by name: all other columns unless some are named."""
        names = [name for name in self.columns if name not in taken]
        if key is not None:
            names = _matching(key, names, self.path, "column")
        if given is not None:
            raise UnbraidError(
                f"the columns of {self.path} have names: leave out --factor-names, or choose "
                "columns with --factors-key."
            )
        return {name: self.columns[name] for name in names}

    def logvar(self) -> None:
        """Return None: a table has no log variances."""


def _check_order(codes: _Columns, factors: _Columns) -> None:
    """Refuse two tables in which a column, such as file names, has the same cells in other rows."""
    for name in codes.columns:
        if name not in factors.columns:
            continue
        one, other = ([str(c).strip() for c in t.columns[name]] for t in (codes, factors))
        if one == other or len(set(one)) < len(one) or sorted(one) != sorted(other):
            continue
        row = next(row for row, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
        raise UnbraidError(
            f"{codes.path} and {factors.path} have other orders, as {name} is '{one[row]}' and "
            f"'{other[row]}' in row {row + 1}, expected codes and factors of the same image in a "
            f"row: sort both by {name}."
        )


def _opened(path: Path) -> _Arrays | _Columns:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return _Columns(path)
    if suffix in (".npz", ".npy"):
        return _Arrays(path) if suffix == ".npz" else _Array(path)
    raise UnbraidError(
        f"{path} is no file of codes or factors: expected a path that ends in .npz, .npy, "
        f"{', '.join(SUFFIXES)}; save them in one of these formats."
    )


def _split(array: NDArray[Any], names: tuple[str, ...] | None, owner: str) -> dict[str, Any]:
    """Return an array of factors as columns."""
    kinds = [array.dtype[name].kind for name in array.dtype.names or ()] or [array.dtype.kind]
    if array.ndim not in (1, 2) or not set(kinds) <= set("buifUS"):
        raise UnbraidError(
            f"{owner} has shape {array.shape} and type {array.dtype}, expected factors (N,) or "
            "(N, F) of whole numbers, reals or words: save them so."
        )
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    return split_columns(array, names, owner)


def _matching(key: str, names: Sequence[str], path: Path, what: str) -> list[str]:
    """Return the names that a key asks for, in the key's order."""
    found: list[str] = []
    for part in (part.strip() for part in key.split(",")):
        some = [name for name in names if name == part or fnmatchcase(name, part)]
        if not some:
            raise UnbraidError(
                f"{path} has no {what} '{part}'{did_you_mean(part, names)}: it has "
                f"{', '.join(names[:20]) or 'none'}; name one of those."
            )
        found += [name for name in some if name not in found]
    return found


def _usual(usual: Sequence[str], names: Sequence[str] | dict[str, Any]) -> str | None:
    lower = {name.lower(): name for name in names}
    return next((lower[key] for key in usual if key in lower), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
