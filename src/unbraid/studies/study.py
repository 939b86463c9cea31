"""A study on disk: its folder, the plan of its runs, and where its runs are.

``ROOT/NAME`` is the folder of a study, ``ROOT/runs`` that of the runs of all studies in ROOT. The
plan is kept in ``plan.json``, so that a study that is done answers at once; it is made again when
the study's file, its seeds or the code that decides weights has changed. Where that cannot be, as
without the data, what trains nothing takes it as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import unbraid
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, one_line
from unbraid.core.files import expand, read_object, write_json
from unbraid.core.registry import ROOT as PACKAGE
from unbraid.studies import spec as specs
from unbraid.studies.cells import RESULT, STATE, Cell, State, read_state
from unbraid.studies.spec import Spec

PLAN, SEEDS, TABLE = "plan.json", "seeds.json", "results.csv"
FOLDERS = ("name", "path", "labels")  # options of data that may name a folder of them
Planned = tuple[list[Cell], list[dict[str, Any]]]  # the runs, and what compares them
DECIDES = ("methods", "nn", "training", "datasets", "metrics", "recipes", "runs", "studies")


@dataclass(frozen=True)
class Study:
    """A study and its runs.

    Args:
        spec: what is asked for, with the seeds added later.
        folder: the study's own.
        cells: its runs.
        compared: what is measured by comparing the seeds of a setting.
    """

    spec: Spec
    folder: Path
    cells: tuple[Cell, ...]
    compared: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The study's name."""
        return self.spec.name

    def run_folder(self, cell: Cell) -> Path:
        """Return where a cell's run is."""
        return self.folder.parent.absolute() / "runs" / cell.id

    def states(self) -> list[State]:
        """Return what the folder of each run says, in the order of the cells."""
        return [read_state(self.run_folder(cell)) for cell in self.cells]

    def changed(self) -> int:
        """Return when the plan or a run changed last, in nanoseconds by the files' own clock."""
        found = [self.folder / PLAN]
        found += [self.run_folder(cell) / name for cell in self.cells for name in (STATE, RESULT)]
        last = 0
        for path in found:
            with suppress(OSError):
                last = max(last, path.stat().st_mtime_ns)
        return last

    def has_table(self) -> bool:
        """Whether the table holds all that the run folders do."""
        path = self.folder / TABLE
        return path.is_file() and path.stat().st_mtime_ns >= self.changed()

    def shard(self, index: int, count: int) -> Study:
        """Return every ``count``-th cell from ``index`` on, as a study of its own."""
        return replace(self, cells=self.cells[index::count])


def open_study(
    target: str | os.PathLike[str],
    root: str | os.PathLike[str] = "studies",
    seeds: Sequence[int] = (),
    keep: bool = True,
    trains: bool = True,
) -> Study:
    """Open a study by its file or its folder.

    Args:
        target: the file, or the folder of a study that was opened before.
        root: of the folders of studies and runs; that of a folder is known.
        seeds: further seeds.
        keep: keep these, and the plan; else nothing is written.
        trains: whether runs may be trained. If not, a folder's plan is used, with a warning, where
            it cannot be made again, as without the data.

    Raises:
        UnbraidError: no such file or folder, something in it is not known or not possible, or the
            folder is that of another file's study.
    """
    path = expand(target)
    of_folder = path.is_dir()
    if of_folder:
        folder, (spec, file) = path, _read_folder(path)
    else:
        spec, file = specs.read(path), str(path.absolute())
        folder = expand(root) / spec.name
    spec = replace(spec, seeds=tuple(dict.fromkeys((*spec.seeds, *_extra(folder), *seeds))))
    try:
        cells, compared = _planned(spec, folder, keep, file)
    except UnbraidError as error:
        if trains or not of_folder:
            raise
        cells, compared = _as_stored(spec, folder, error)
    study = Study(spec, folder, tuple(cells), tuple(compared))
    if seeds and keep:
        extra = dict.fromkeys((*_extra(folder), *seeds))
        write_json(folder / SEEDS, {"seeds": list(extra)})
    return study


def _read_folder(folder: Path) -> tuple[Spec, str]:
    """Return the study whose folder it is, and its file, "" if an earlier version planned it."""
    path = folder / PLAN
    if not path.is_file():
        raise UnbraidError(
            f"{folder} is no study's folder: expected a {PLAN} in it; give the study's file."
        )
    stored = read_object(path, "spec")
    spec = specs.understood(stored["spec"], Path(stored.get("base", ".")))
    return spec, str(stored.get("file", ""))


def _extra(folder: Path) -> list[int]:
    """Return the seeds that were added to a study."""
    path = folder / SEEDS
    if not path.is_file():
        return []
    found = read_object(path).get("seeds")
    if not isinstance(found, list) or not all(isinstance(seed, int) for seed in found):
        raise UnbraidError(f"{path} does not hold seeds: restore it or delete it.")
    return found


def _planned(spec: Spec, folder: Path, keep: bool, file: str) -> Planned:
    """Return what ``plan.expand`` does, from a study's plan if nothing has changed since."""
    path = folder / PLAN
    asked = _asked(spec)
    with suppress(UnbraidError, LookupError, TypeError, ValueError):
        stored = read_object(path)
        if stored["asked"] == asked:
            return _understood(stored, spec)
    from unbraid.studies.plan import expand as expanded

    cells, compared = expanded(spec)
    _check_own(folder, file, cells)
    if not keep:
        return cells, compared
    plan = {
        "unbraid": unbraid.__version__,
        "asked": asked,
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "file": file,
        "base": str(spec.base),
        "spec": spec.raw,
        "wanted": cells[0].wanted,
        "compared": compared,
        "cells": [_without(cell.to_json(), "wanted", "timeout") for cell in cells],
    }
    write_json(path, plan)
    return cells, compared


def _understood(stored: Mapping[str, Any], spec: Spec) -> Planned:
    """Return what a plan holds; raises LookupError, TypeError or ValueError if it is none."""
    more = {"wanted": stored["wanted"], "timeout": spec.resources.seconds}
    cells = [Cell.from_json({**cell, **more}) for cell in stored["cells"]]
    return cells, list(stored["compared"])


def _as_stored(spec: Spec, folder: Path, error: UnbraidError) -> Planned:
    """Return the plan that is there, with a warning of why it could not be made again.

    Raises:
        UnbraidError: the same, if the plan is damaged.
    """
    path = folder / PLAN
    try:
        stored = read_object(path)
        found = _understood(stored, spec)
        # which earlier versions did not write
        made = str(stored.get("made") or datetime.fromtimestamp(path.stat().st_mtime))[:10]
    except (UnbraidError, LookupError, OSError, TypeError, ValueError):
        raise error from None
    warnings.warn(
        f"the plan of {made} is used, as it cannot be made again here: {one_line(str(error))}",
        stacklevel=3,
    )
    return found


def _check_own(folder: Path, file: str, cells: Sequence[Cell]) -> None:
    """Raise an UnbraidError if a folder is that of another file's study.

    A file that was moved, copied or extended shares runs with the plan, and takes the folder over.
    Plans of earlier versions name no file, and are anyone's.

    Args:
        folder: of the study.
        file: that asks for the runs.
        cells: the runs.
    """
    try:
        stored = read_object(folder / PLAN)
        before, planned = str(stored["file"]), {cell["id"] for cell in stored["cells"]}
    except (UnbraidError, LookupError, TypeError):  # none, or damaged
        return
    if not before or Path(before).resolve() == Path(file).resolve():
        return
    if planned.isdisjoint(cell.id for cell in cells):
        raise UnbraidError(
            f"{folder} is the study of {before}: choose another name, or another --root."
        )


def _asked(spec: Spec) -> str:
    """Return a hash of all that a plan depends on: the study, the code, and files of data.

    Of what other packages announce, the code is the file that is announced.
    """
    code = [
        (str(path.relative_to(PACKAGE)), path.stat().st_size, path.stat().st_mtime_ns)
        for folder in DECIDES
        for path in sorted((PACKAGE / folder).rglob("*.py"))
    ]
    code += [
        (name, found.st_size, found.st_mtime_ns)
        for kind in registry.DEFINES
        for name in registry.announced(kind)
        if (path := registry.source(kind, name)) and (found := _stat(path)) is not None
    ]
    files = [
        (str(path), found.st_size, found.st_mtime_ns)
        for table in spec.data
        for option, value in table.items()
        if isinstance(value, str) and value
        for path in _with_folders(spec.base, value, option in FOLDERS)
        if (found := _stat(path)) is not None
    ]
    facts = [unbraid.__version__, spec.raw, list(spec.seeds), str(spec.base), code, files]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _with_folders(base: Path, value: str, walk: bool) -> list[Path]:
    """Return what an option may name and, if that is a folder of data, all that lies in it."""
    with suppress(OSError, ValueError, UnbraidError):
        path = base / expand(value)
        if walk and path.is_dir():
            return [
                Path(folder, name)
                for folder, _, files in sorted(os.walk(path))
                for name in (".", *sorted(files))
            ]
        return [path]
    return []


def _stat(path: Path) -> os.stat_result | None:
    with suppress(OSError, ValueError):
        return path.stat()
    return None


def _without(stored: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in stored.items() if key not in names}
