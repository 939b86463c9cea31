"""Options of data sets whose files were moved."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand
from unbraid.datasets import resolve

PATHS = ("path", "labels")  # options that name files
NAMING = ("title", "names", "download")  # options that change no image and no factor's value
OWN = ("folder", "idx", "npz", "recordings")  # data sets that read a user's own files


def absolute(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with absolute paths, as runs are opened from other folders, too."""
    return {
        name: str(expand(value).absolute())
        if name in PATHS and isinstance(value, str) and value
        else value
        for name, value in options.items()
    }


def moved(name: str, options: dict[str, Any], place: str) -> tuple[str, dict[str, Any]]:
    """Return the name and options of a data set whose files are at another path now.

    Other files of it, such as a table of labels, have moved with the data if they were beside them.
    One that was elsewhere, and is there no longer, is looked for as far from the data as it was,
    beside them, and in their folder.

    Args:
        name: of the data set.
        options: that it was read with.
        place: the present path.

    Raises:
        UnbraidError: nothing is there, or the data set is not read from a path.
    """
    if "path" not in _options_of(name):
        raise UnbraidError(f"{name} is not read from a path: leave out --data.")
    path = expand(place).absolute()
    if not path.exists():
        raise UnbraidError(f"{path} does not exist: give the present path of the data.")
    if name in OWN:
        name, _ = resolve(str(path))
        options = {key: value for key, value in options.items() if key in _options_of(name)}
    old = Path(options.get("path") or path)
    others = {
        key: str(_found(Path(value), old, path))
        for key, value in options.items()
        if key in PATHS and key != "path" and isinstance(value, str) and value
    }
    return name, {**options, **others, "path": str(path)}


def _found(file: Path, old: Path, new: Path) -> Path:
    """Return where another file of a data set is that was moved from one path to another."""
    beside = new.parent / file.name
    if file.parent == old.parent:
        return beside
    if file.exists():
        return file
    relative = Path(os.path.normpath(new / os.path.relpath(file, old)))
    places = (relative, beside, new / file.name)
    return next((place for place in places if place.is_file()), file)


def _options_of(name: str) -> set[str]:
    return {field.name for field in fields(registry.load("datasets", name).Config)}
