"""The data sets of a study, with the options that its file and a recipe give them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unbraid import datasets, recipes
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, one_line
from unbraid.datasets import PATHS
from unbraid.studies.spec import Spec


@dataclass(frozen=True)
class Source:
    """A data set.

    Args:
        name: it is registered by.
        options: that differ from their defaults.
    """

    name: str
    options: dict[str, Any]


def recipe_of(spec: Spec, grid: Mapping[str, Any]) -> str:
    """Return the recipe of a grid, that of ``[common]`` unless it has its own; empty for none."""
    found = grid.get("recipe", spec.common.get("recipe", ""))
    if not isinstance(found, str):
        raise UnbraidError(f"recipe is {found!r}, expected the name of one recipe.")
    return found


def source_of(spec: Spec, table: Mapping[str, Any], recipe: str = "") -> Source:
    """Return the data set of a table ``[[data]]``; relative paths are the file's.

    Args:
        spec: of the study.
        table: of the data set.
        recipe: gives options that the table does not; empty for none.
    """
    options = {name.replace("-", "_"): value for name, value in table.items() if name != "name"}
    name = table["name"]
    if name not in registry.names("datasets") and (spec.base / name).exists():
        name = str(spec.base / name)
    kind, implied = datasets.resolve(name)
    published = recipes.load(recipe).data.get(kind, {}) if recipe else {}
    for option in (*PATHS, "names"):
        value = options.get(option)
        if isinstance(value, str) and (spec.base / value).exists():
            options[option] = str(spec.base / value)
    filled = registry.build(
        datasets.config_of(kind), {**published, **implied, **options}, f"dataset {table['name']}"
    )
    plain = {
        field.name: getattr(filled, field.name)
        for field in dataclasses.fields(filled)
        if getattr(filled, field.name) != field.default
    }
    return Source(kind, datasets.absolute(datasets.anchored(plain)))


def filled(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a data set with its defaults."""
    return dataclasses.asdict(datasets.config_of(name)(**options))


def label_of(source: Source, others: list[str]) -> str:
    """Return what a data set is called in tables, unlike the others of its study."""
    label = one_line(datasets.called(source.name, filled(source.name, source.options)))
    if label not in others:
        return label
    told = [one_line(f"{key}={value}") for key, value in source.options.items() if key not in PATHS]
    label = " ".join([label, *told])
    return label if label not in others else f"{label} ({len(others) + 1})"
