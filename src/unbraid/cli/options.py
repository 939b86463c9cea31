"""Options that several commands have: the output path, and a data set with its options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any


def out_type() -> Any:
    """Return the type of the optional path ``--out`` or ``-o``."""
    import tyro

    return Annotated[
        Path | None, tyro.conf.arg(aliases=["-o"], metavar="PATH", help_behavior_hint="")
    ]


def data_field(data: str, preset: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """Return type and default of the options ``--data.OPTION`` of a data set or path.

    Args:
        data: the data set's name or a path.
        preset: options that are others than the data set's defaults.
    """
    import tyro

    from unbraid import datasets

    name, implied = datasets.resolve(data) if data else ("mnist", {})
    implied = {**(preset or {}), **datasets.anchored(implied)}
    config = datasets.config_of(name)
    needed = {field.name for field in dataclasses.fields(config) if is_needed(field)}
    default: Any = dataclasses.field()
    if not needed - implied.keys():
        default = dataclasses.field(default_factory=lambda: config(**implied))
    return Annotated[config, tyro.conf.arg(name="data")], default


def option_value(args: Sequence[str], option: str) -> str | None:
    """Return the last value of an option in arguments that are not parsed yet."""
    found = None
    for index, arg in enumerate(args):
        if arg == option and index + 1 < len(args):
            found = args[index + 1]
        elif arg.startswith(f"{option}="):
            found = arg.split("=", 1)[1]
    return found


def is_needed(field: dataclasses.Field[Any]) -> bool:
    """Whether a config's option has no default."""
    return field.default is field.default_factory is dataclasses.MISSING


def plain(config: Any) -> dict[str, Any]:
    """Return the options of a data set that differ from their defaults, for config.json."""
    fields = {field.name: field for field in dataclasses.fields(config)}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in dataclasses.asdict(config).items()
        if value != fields[name].default
    }
