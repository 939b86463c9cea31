"""Discovery by folder: a method, dataset, metric or figure is a file, and its name is the file's.

``methods/beta_vae.py`` is the method ``beta-vae``. Files starting with ``_`` are shared helpers.
Listing names and summaries reads the source and imports nothing, so ``--help`` stays quick.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from unbraid.errors import UnbraidError, did_you_mean

ROOT = Path(__file__).parent


def names(folder: str) -> list[str]:
    """Return the sorted names registered in a folder ("methods", "datasets", "metrics", ...).

    >>> "beta-vae" in names("methods")
    True
    """
    files = (ROOT / folder).glob("*.py")
    return sorted(file.stem.replace("_", "-") for file in files if not file.stem.startswith("_"))


def check(folder: str, name: str) -> str:
    """Return ``name`` if it is registered in the folder, else raise an UnbraidError."""
    known = names(folder)
    if name not in known:
        kind = folder.removesuffix("s")
        raise UnbraidError(
            f"unknown {kind} '{name}'{did_you_mean(name, known)}: known {folder} are "
            + ", ".join(known)
            + "."
        )
    return name


def load(folder: str, name: str) -> ModuleType:
    """Import and return the module registered under ``name``."""
    check(folder, name)
    return importlib.import_module(f"unbraid.{folder}.{name.replace('-', '_')}")


@cache
def summary(folder: str, name: str) -> str:
    """Return the first line of the registered file's docstring, without importing it."""
    check(folder, name)
    source = (ROOT / folder / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(source)) or ""
    return doc.split("\n", 1)[0]


def build(config: type[Any], options: Mapping[str, Any], owner: str) -> Any:
    """Build a config dataclass from options; an unknown option raises an UnbraidError."""
    known = [field.name for field in dataclasses.fields(config)]
    for option in options:
        if option not in known:
            raise UnbraidError(
                f"unknown option '{option}' of {owner}{did_you_mean(option, known)}: "
                f"it takes {', '.join(known) or 'no options'}."
            )
    try:
        return config(**options)
    except TypeError as error:  # a required option is missing
        raise UnbraidError(f"{owner}: {error}.") from error
