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
from typing import Any, Literal, get_args, get_origin, get_type_hints

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
    hints = get_type_hints(config)
    for option, value in options.items():
        _check_type(value, hints[option], f"option '{option}' of {owner}")
    missing = [
        field.name
        for field in dataclasses.fields(config)
        if field.name not in options
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UnbraidError(f"{owner} needs its option '{missing[0]}', which has no default.")
    return config(**options)


def check_types(config: Any, owner: str) -> None:
    """Raise an UnbraidError unless a config made by hand holds what its plain types say."""
    for option, hint in get_type_hints(type(config)).items():
        _check_type(getattr(config, option), hint, f"option '{option}' of {owner}")


def _check_type(value: Any, hint: Any, what: str) -> None:
    """Raise an UnbraidError if a value cannot be what a plain type or Literal hint says."""
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = get_args(hint)
        raise UnbraidError(
            f"{what} is {value!r}{did_you_mean(str(value), map(str, choices))}, expected one of "
            + ", ".join(map(repr, choices))
            + "."
        )
    allowed: dict[Any, tuple[type, ...]] = {
        int: (int,),
        float: (int, float),
        bool: (bool,),
        str: (str,),
    }
    if hint in allowed and (
        not isinstance(value, allowed[hint]) or (isinstance(value, bool) and hint is not bool)
    ):
        raise UnbraidError(f"{what} is {value!r}, expected a value of type {hint.__name__}.")
