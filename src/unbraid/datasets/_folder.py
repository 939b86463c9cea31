"""A folder of files, of images or recordings: which are read, their labels, and their split."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.files import expand, readable
from unbraid.datasets import SPLITS
from unbraid.datasets._cells import Cells
from unbraid.datasets._columns import Factors, read_columns
from unbraid.datasets._groups import numbered, taken
from unbraid.datasets._images import held_out
from unbraid.datasets._table import find_table, match
from unbraid.datasets._table_files import read_table, without_empty_rows
from unbraid.datasets._walk import (
    Item,
    Media,
    Skipped,
    items,
    skip_beside,
    unnested,
    visible,
)

FOLDER = "folder"  # the name of a group for the subfolder of a file


@dataclass(frozen=True)
class Options:
    """Options of a folder of files.

    Args:
        path: the folder. Its subfolders are the values of the factor ``label``; subfolders named
            ``train`` and ``test``, if there are both, are the splits, and theirs the labels.
        labels: a table of labels, a row a file and a column a factor; the ``labels.csv``,
            ``.tsv`` or ``.parquet`` in the folder if not given.
        columns: which columns of the table are factors, with commas between them; all by default.
        kinds: the kinds of factors, as in ``size=ordinal,age=continuous,angle=circular:360``;
            those of others are inferred.
        units: the units of factors, as in ``size=pixels,angle=degrees``.
        skip_broken: leave out files that cannot be read, with a warning that counts them.
        group: the column of the table that names the group of each file, such as the clip of a
            frame, or ``folder`` for its subfolder. A group is whole in a split, and no factor.
        split_seed: draws the tenth of the files that is the test set, if they come without one.
        full: all files in the order of their paths, in either split.
        title: what the data is called; the folder's name if not given.
    """

    path: str
    labels: str | None = None
    columns: str | None = None
    kinds: str | None = None
    units: str | None = None
    group: str | None = None
    skip_broken: bool = False
    split_seed: int = 0
    full: bool = False
    title: str | None = None


class Found(NamedTuple):
    """The files of a folder and their labels.

    Args:
        items: of both splits.
        rows: those of the split.
        labels: of all items.
        notes: on what was skipped and on the labels; ``before`` and ``after`` those of the files.
        groups: (N,) of all items, None without any.
    """

    items: list[Item]
    rows: list[int]
    labels: Factors
    before: tuple[str, ...]
    after: tuple[str, ...]
    groups: NDArray[np.int64] | None = None

    def groups_of(self, kept: Sequence[int]) -> NDArray[np.int64] | None:
        """Return the groups of the rows that were read, given their places in ``rows``."""
        return None if self.groups is None else self.groups[np.array(self.rows)[list(kept)]]

    def factors(self, kept: Sequence[int]) -> NDArray[Any] | None:
        """Return the factors of the rows that were read, given their places in ``rows``."""
        if self.labels.factors is None:
            return None
        return np.asarray(self.labels.factors[np.array(self.rows)[list(kept)]])


def find(config: Options, split: str, media: Media) -> Found:
    """Return the files of a folder with their labels; warn of what may have been meant as data.

    Raises:
        UnbraidError: no such folder, no such files in it, files both in subfolders and beside
            them, or a table that does not match the files or contradicts itself.
    """
    skipped = Skipped(expand(config.path), media)
    root = unnested(skipped.root, skipped)
    found, rows = _of_split(root, split, config, skipped)
    read, groups, warning = _labels(found, skipped, root, config)
    own = rows is not None and not config.full
    shared = _shared_groups(groups, rows or [], skipped) if own else ""
    if rows is None:
        rows = held_out(
            len(found), split, config.split_seed, config.full, str(root), media.noun, groups
        ).tolist()
    said = skipped.sentence()
    for sentence in (said if skipped.serious else "", warning, shared):
        if sentence:
            warnings.warn(sentence, stacklevel=3)
    before = ("" if skipped.serious else said,)
    return Found(found, rows, read, before, read.notes, groups)


def read_each(
    paths: Sequence[Path],
    read: Callable[[int], str | None],
    skip_broken: bool | None,
    threads: ThreadPoolExecutor,
    noun: str = "image",
) -> list[int]:
    """Read files by their row and return the rows of those that could be read.

    Args:
        paths: of the files.
        read: reads a row, and returns why it cannot, None if it did.
        skip_broken: leave out files that cannot be read, with a warning; None where the reader of
            the data has no such option.
        threads: that read.
        noun: what messages call what a file holds.

    Raises:
        UnbraidError: a file that cannot be read, without ``skip_broken``, or none that can.
    """
    reasons = list(threads.map(read, range(len(paths))))
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    if len(kept) == len(paths):
        return kept
    first = next(row for row, reason in enumerate(reasons) if reason)
    broken = len(paths) - len(kept)
    more = f", nor can {broken - 1} more of {len(paths)} files" if broken > 1 else ""
    article = "an" if noun[0] in "aeiou" else "a"
    sentence = f"{paths[first]} cannot be read as {article} {noun} ({reasons[first]}){more}"
    if not skip_broken:
        or_else = ", or leave such files out with skip_broken=True (--data.skip-broken)"
        or_else = "" if skip_broken is None else or_else
        raise UnbraidError(f"{sentence}: replace or delete it{or_else}.")
    if not kept:
        raise UnbraidError(
            f"{sentence}, so no {noun} is left: replace them, or convert them to another format."
        )
    warnings.warn(f"left out {broken} of {len(paths)} files: {sentence}.", stacklevel=4)
    return kept


def _of_split(
    root: Path, split: str, config: Options, skipped: Skipped
) -> tuple[list[Item], list[int] | None]:
    """Return all files and the rows of those in the split, None if it is to be drawn."""
    halves = {each.name.lower(): each for each in visible(root) if each.is_dir()}
    if not all(half in halves for half in SPLITS):
        return _ordered(items(root, skipped, [root]), config), None
    both = [halves[half] for half in SPLITS]
    train, test = (_ordered(items(half, skipped, both), config) for half in both)
    skip_beside(both, replace(skipped, root=root))
    if config.full:
        return train + test, list(range(len(train) + len(test)))
    first = 0 if split == "train" else len(train)
    return train + test, list(range(first, first + len(train if split == "train" else test)))


def _shared_groups(groups: NDArray[np.int64] | None, rows: Sequence[int], skipped: Skipped) -> str:
    """Return a sentence on groups in both splits of a folder that comes with them, or ``""``."""
    if groups is None:
        return ""
    here = np.isin(np.arange(len(groups)), rows)
    count, of = len(np.intersect1d(groups[here], groups[~here])), len(np.unique(groups))
    if not count:
        return ""
    noun = skipped.media.noun
    return (
        f"{skipped.root}: {count:,} of {of:,} groups have {noun}s in both train and test, so that "
        f"models are measured on groups that they have seen: move the {noun}s of each group into "
        "one of the two folders."
    )


def _ordered(found: list[Item], config: Options) -> list[Item]:
    """Return files in the order of frames where they are in groups: 2 comes before 10."""
    if not config.group:
        return found

    def parts(item: Item) -> list[tuple[int, str]]:
        pieces = re.split(r"([0-9]+)", item.path.as_posix())
        return [(int(each), "") if each.isdecimal() else (-1, each) for each in pieces]

    return sorted(found, key=parts)


def _labels(
    found: list[Item], skipped: Skipped, root: Path, config: Options
) -> tuple[Factors, NDArray[np.int64] | None, str]:
    """Return factors and groups of all files, and a warning where table and files differ."""
    given = None if config.labels is None else expand(config.labels)
    path = given or find_table(skipped.root, root)
    if path is not None:  # then the other tables may be left out without a warning
        skipped.others += [each for each in skipped.tables if each.resolve() != path.resolve()]
        skipped.tables = []
    columns: dict[str, Any] = {}
    beside: tuple[str, ...] = ()
    warning = ""
    subfolders = [readable(each.label) for each in found]
    by_folder = config.group == FOLDER
    groups = _of_subfolders(subfolders, skipped.root) if by_folder else None
    if path is None and config.group and not by_folder:
        taken(columns, config.group, str(skipped.root))  # which says that there are no columns
    if path is not None:
        table = without_empty_rows(read_table(path))
        base = path.parent if found[0].path.is_relative_to(path.parent) else skipped.root
        noun = skipped.media.noun
        matched = match(
            table, [each.path.relative_to(base).as_posix() for each in found], base, noun
        )
        columns, warning = dict(matched.columns), matched.warning
        beside = tuple(columns)
        if not by_folder:
            groups = taken(columns, config.group, str(path))
        if config.columns is not None:
            columns = _chosen(columns, config.columns, config.group, path)
    elif config.columns is not None:
        raise UnbraidError(
            f"{skipped.root}: columns are chosen ({config.columns}), but there is no labels.csv in "
            "it: name the table with labels (--data.labels)."
        )
    if by_folder:
        pass  # subfolders are groups, and no factor
    elif path is None or (config.columns is None and _is_factor(subfolders, columns)):
        _check_subfolders(found, skipped.media)
        if len(set(subfolders)) > 1:
            known = np.ones(len(subfolders), bool)  # a folder NA is a name, not an unknown label
            columns["label"] = Cells(known, words=np.array(subfolders))
    owner = str(path or skipped.root)
    read = read_columns(
        columns,
        config.kinds,
        config.units,
        owner,
        lambda row: f"the row of {found[row].path.name}",
        beside,
    )
    return read, groups, warning


def _of_subfolders(subfolders: list[str], root: Path) -> NDArray[np.int64] | None:
    """Return subfolders as groups; a name such as NA is one like any other."""
    if "" in subfolders:
        return taken({FOLDER: subfolders}, FOLDER, str(root))  # which says how many are in none
    return numbered(subfolders)


def _chosen(columns: dict[str, Any], given: str, group: str | None, path: Path) -> dict[str, Any]:
    """Return the columns that were asked for, in that order; that of groups is none of them."""
    names = [name.strip() for name in given.split(",") if name.strip() and name.strip() != group]
    for name in names:
        if name not in columns:
            raise UnbraidError(
                f"{path} has no column '{name}'{did_you_mean(name, columns)}: its columns are "
                f"{', '.join(columns)}."
            )
    return {name: columns[name] for name in names}


def _is_factor(subfolders: list[str], columns: dict[str, Any]) -> bool:
    """Whether subfolders are a factor that no column of the table is."""
    if "" in subfolders or "label" in map(str.casefold, columns):
        return False
    count = len(set(subfolders))
    for column in columns.values():
        cells = [str(cell) for cell in column]
        if len(set(cells)) == count == len(set(zip(cells, subfolders, strict=True))):
            return False
    return True


def _check_subfolders(found: list[Item], media: Media) -> None:
    """Refuse files both in subfolders and beside them."""
    example = {each.label: each.path for each in found}
    if len(example) > 1 and "" in example:
        outside = example.pop("")
        raise UnbraidError(
            f"{outside} is beside the subfolders that give {media.noun}s their labels (such as "
            f"{next(iter(example.values())).parent}): move it into one, or out of the folder."
        )
