"""Discovery by folder: a method, dataset, metric or figure is a file, and its name is the file's.

``methods/beta_vae.py`` is the method ``beta-vae``, and ``methods/beta_vae/__init__.py`` would be,
too. Files starting with ``_`` are shared helpers. An installed package announces things of its own
as entry points of the group ``unbraid.methods``, ``unbraid.datasets`` and so on, each the name of a
module.
Names and summaries are read from the source, which imports nothing, so that help stays quick.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from unbraid.core.errors import UnbraidError, did_you_mean, one_line

ROOT = Path(__file__).parent.parent
# Folders, and what a module in them, or of another package, defines
DEFINES = {
    "methods": ("Config", "Model"),
    "datasets": ("Config", "load"),
    "metrics": ("Config", "compute"),
    "figures": ("TARGET", "Config", "draw"),
    "recipes": ("RECIPE",),
    "loggers": ("Log",),
}

NAMED = 4  # at most, of all that take an option


class NotImportable(UnbraidError):
    """What an installed package announces cannot be used; ``note`` says so in a listing."""

    def __init__(self, sentence: str, note: str) -> None:
        super().__init__(sentence)
        self.note = note


def names(folder: str) -> list[str]:
    """Return the sorted names registered in a folder ("methods", "datasets", "metrics", ...).

    >>> "beta-vae" in names("methods")
    True
    """
    root = ROOT / folder
    stems = {path.stem for path in root.glob("*.py")}
    stems |= {path.parent.name for path in root.glob("*/__init__.py")}
    own = {stem.replace("_", "-") for stem in stems if not stem.startswith("_")}
    return sorted(own | announced(folder).keys())


@cache
def announced(folder: str) -> dict[str, str]:
    """Return what installed packages announce for a folder: names, and the module of each.

    What is in the folder itself keeps its name.
    """
    root = ROOT / folder
    found = {}
    for entry in importlib.metadata.entry_points(group=f"unbraid.{folder}"):
        stem = entry.name.replace("-", "_")
        if not (root / f"{stem}.py").exists() and not (root / stem).is_dir():
            found[entry.name] = entry.module
    return found


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
    place = announced(folder).get(name)
    if place is None:
        return importlib.import_module(f"unbraid.{folder}.{name.replace('-', '_')}")
    try:
        module = importlib.import_module(place)
    except Exception as error:  # whatever another package's code raises
        raise NotImportable(
            f"{name} is announced by an installed package, but its module {place} cannot be "
            f"imported ({error}): install the package again.",
            f"announced, but its module {place} cannot be imported: {error}",
        ) from error
    wanted = DEFINES.get(folder, ())
    if missing := [each for each in wanted if not hasattr(module, each)]:
        raise NotImportable(
            f"{name} is announced by an installed package, but its module {place} has no "
            f"{missing[0]}: expected a module that defines {' and '.join(wanted)}.",
            f"announced, but its module {place} has no {missing[0]}",
        )
    return module


@cache
def usable(folder: str) -> tuple[str, ...]:
    """Return the names whose module can be loaded; warn of others, of packages that are broken."""
    found = []
    for name in names(folder):
        try:
            load(folder, name)
        except UnbraidError as error:
            warnings.warn(str(error), stacklevel=2)
        else:
            found.append(name)
    return tuple(found)


@cache
def summary(folder: str, name: str) -> str:
    """Return the first line of the registered file's docstring, without importing it."""
    check(folder, name)
    path = source(folder, name)
    if path is None:
        return f"announced as {announced(folder).get(name)}, of which there is no source"
    try:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, SyntaxError, ValueError) as error:  # of another package: others are listed
        return f"announced, but {path.name} cannot be read: {error}"
    return doc.split("\n", 1)[0]


def listed(folder: str) -> dict[str, str]:
    """Return the first line of each registered docstring, by name.

    What installed packages announce without one is imported, and a note says why it cannot be.
    """
    found = {}
    for name in names(folder):
        found[name] = summary(folder, name)
        if not found[name] and name in announced(folder):
            try:
                load(folder, name)
            except NotImportable as error:
                found[name] = one_line(error.note)
    return found


def source(folder: str, name: str) -> Path | None:
    """Return the file that defines what is registered, without importing it; None if not found."""
    place = announced(folder).get(name)
    if place is None:
        root, parts = ROOT / folder, [name.replace("-", "_")]
    else:
        top, *parts = place.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None or spec.origin is None:
            return None
        if not parts:
            return Path(spec.origin)
        root = Path(spec.origin).parent
    path = root.joinpath(*parts)
    choices = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((choice for choice in choices if choice.is_file()), None)


def source_hash(folder: str, name: str) -> str:
    """Return a hash of the file in which another package defines a thing, "" for unbraid's own.

    >>> source_hash("methods", "beta-vae")
    ''
    """
    path = source(folder, name) if name in announced(folder) else None
    if path is None:
        return ""
    try:
        text = path.read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()[:12]


def with_option(folder: str, option: str) -> str:
    """Return ``" (an option of a, b)"``: what in a folder takes an option, or ``""`` if none does.

    >>> with_option("methods", "discriminator_hidden")
    ' (an option of factor-vae)'
    """
    found = []
    for name in names(folder):
        try:
            config = load(folder, name).Config
            known = {each.name for each in dataclasses.fields(config)}
        except (UnbraidError, TypeError):  # of a package that is broken, which nobody asked for
            continue
        if option in known:
            found.append(name)
    found.sort(key=lambda name: option not in name)  # those that are named after it
    told = ", ".join(found)
    if len(found) > NAMED + 1:
        told = f"{', '.join(found[:NAMED])} and {len(found) - NAMED} others"
    return f" (an option of {told})" if found else ""


def build(
    config: type[Any], options: Mapping[str, Any], owner: str, folder: str | None = None
) -> Any:
    """Build a config dataclass from options; an unknown option raises an UnbraidError.

    Args:
        config: the dataclass.
        options: values of its fields.
        owner: what has these options, as errors name it.
        folder: where to look for others that take an unknown option.
    """
    known = [field.name for field in dataclasses.fields(config)]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known)
            if folder and not any(name.startswith(option) for name in known):
                hint = with_option(folder, option) or hint
            raise UnbraidError(
                f"unknown option '{option}' of {owner}{hint}: "
                f"it takes {', '.join(known) or 'no options'}."
            )
    hints = get_type_hints(config)
    plain = {
        option: _plain(value, hints[option], f"option '{option}' of {owner}")
        for option, value in options.items()
    }
    missing = [
        field.name
        for field in dataclasses.fields(config)
        if field.name not in options
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UnbraidError(f"{owner} needs its option '{missing[0]}', which has no default.")
    return config(**plain)


def check_types(config: Any, owner: str) -> None:
    """Raise an UnbraidError unless a config made by hand holds what its plain types say.

    Numbers of other libraries in it, such as NumPy's, become Python's, which JSON can store.
    """
    for option, hint in get_type_hints(type(config)).items():
        value = getattr(config, option)
        plain = _plain(value, hint, f"option '{option}' of {owner}")
        if plain is not value:
            object.__setattr__(config, option, plain)


def whole_number(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """Return a whole number of any library as Python's.

    Args:
        value: what a user gave.
        name: what it is, as an error names it.
        least: the smallest number allowed.
        most: the largest.

    Raises:
        UnbraidError: anything else, or a number out of this range.

    >>> whole_number(2.0, "seed")
    Traceback (most recent call last):
    unbraid.core.errors.UnbraidError: seed is 2.0, expected a whole number, 0 or more.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UnbraidError(f"{name} is {value!r}, expected a whole number, {least} or more.")
    if int(value) > most:
        raise UnbraidError(f"{name} is {value!r}, expected a whole number, {most} or less.")
    return int(value)


def _plain(value: Any, hint: Any, what: str) -> Any:
    """Return a value as a hint of plain types or Literals has it.

    Raises:
        UnbraidError: it cannot be what the hint says.
    """
    value = plain_value(value)
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = get_args(hint)
        raise UnbraidError(
            f"{what} is {value!r}{did_you_mean(value, map(str, choices))}, expected one of "
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
    wanted = set(get_args(hint)) - {type(None)} if isinstance(hint, UnionType) else {hint}
    if value is None and len(wanted) < len(get_args(hint)):
        return value
    if wanted == {int} and (not isinstance(value, int) or isinstance(value, bool)):
        raise UnbraidError(f"{what} is {value!r}, expected a whole number, or None.")
    several = [each for each in wanted if get_origin(each) is tuple and ... in get_args(each)]
    if several and not isinstance(value, Iterable):
        raise UnbraidError(f"{what} is {value!r}, expected several values, such as ({value!r},).")
    if several and len(wanted) == 1 and not isinstance(value, Mapping):
        return tuple(map(plain_value, [value] if isinstance(value, str) else value))
    return value


def plain_value(value: Any) -> Any:
    """Return a value of NumPy or torch as Python's, also within a list; others as they are.

    >>> from fractions import Fraction
    >>> plain_value((Fraction(1, 2), "a"))
    (0.5, 'a')
    """
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(plain_value, value))
    if kind.__module__ == "torch" and kind.__name__ == "device":
        return str(value) if value.index else value.type
    if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_", "str_"):
        return value.item()
    if isinstance(value, bool | int | float) and kind.__module__ == "builtins":
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value
