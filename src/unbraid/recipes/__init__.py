"""Recipes: each file here is one, the settings of a published study, found by its name.

A recipe's module defines ``RECIPE``. It names every option of its methods, of its data and of the
training, so that it stays what it is when a default changes. No torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError

Options = Mapping[str, Any]
LENGTHS = ("epochs", "steps")  # one of them says how long a training is


@dataclass(frozen=True)
class Recipe:
    """The settings of a published study, and how far they are the study's.

    Args:
        source: author, year and title.
        data: the data sets, and the options each is loaded with; the first is the default.
        methods: the options of each method.
        training: the options of the training, but for the seed and those of the machine.
        by_data: options of a method that are others for a data set, by data set and method.
        sweeps: what the study varied, in words, by method.
        follows: what is as published, each a sentence.
        deviates: what is not, each a sentence.
    """

    source: str
    data: Mapping[str, Options]
    methods: Mapping[str, Options]
    training: Options
    by_data: Mapping[str, Mapping[str, Options]] = field(default_factory=dict)
    sweeps: Mapping[str, str] = field(default_factory=dict)
    follows: Sequence[str] = ()
    deviates: Sequence[str] = ()

    def method_options(self, method: str, data: str = "") -> dict[str, Any]:
        """Return the options of a method for a data set, or for the recipe's first one."""
        others = self.by_data.get(self.named(data), {})
        return {**self.methods[method], **others.get(method, {})}

    def named(self, data: str) -> str:
        """Return the registered name of a data set, ``mpi3d`` of ``mpi3d-complex``.

        It is the recipe's first one if none is given.
        """
        short = data.split("-")[0] or next(iter(self.data))
        return short if short in self.data else data

    def training_options(self, given: Options) -> dict[str, Any]:
        """Return the options of the training, those given in place of the recipe's.

        >>> load("locatello2019").training_options({"epochs": 3, "lr": 0.1})["epochs"]
        3
        """
        length = any(name in given for name in LENGTHS)
        kept = {k: v for k, v in self.training.items() if not (length and k in LENGTHS)}
        return {**kept, **given}


def load(name: str, method: str = "") -> Recipe:
    """Return a recipe.

    Args:
        name: of its file.
        method: one that it must have settings for.

    Raises:
        UnbraidError: there is no such recipe, or it has no settings for the method.

    >>> load("hsu2023", "qlae").method_options("qlae", "mpi3d")["latent_dim"]
    14
    """
    recipe: Recipe = registry.load("recipes", name).RECIPE
    if method and method not in recipe.methods:
        raise UnbraidError(
            f"the recipe {name} has no settings for {method}: it has them for "
            f"{', '.join(recipe.methods)}."
        )
    return recipe


def record(name: str, method: Options, data: Options, training: Options) -> dict[str, Any]:
    """Return what config.json says of a recipe: its name, and options that are not the recipe's.

    Args:
        name: of the recipe; one that there is no longer has nothing to compare with.
        method: the run's options, and its ``name``.
        data: its options, and its ``name``.
        training: its options.

    Returns:
        ``name``, and ``overridden``: by part and option, the value of the recipe and of the run.
    """
    if name not in registry.names("recipes"):
        return {"name": name}
    recipe = load(name, method["name"])
    source = recipe.named(data["name"])
    published: dict[str, Options] = {
        "method": recipe.method_options(method["name"], source),
        "training": {**dict.fromkeys(LENGTHS, 0), **recipe.training},
    }
    parts = {"method": method, "training": training, "data": data}
    if source not in recipe.data:
        published["data"] = {"name": recipe.named("")}
    elif not data.get("in_memory"):  # else nothing tells how they were loaded
        published["data"] = recipe.data[source]
        # config.json leaves out options of data that have their defaults
        parts["data"] = {**_defaults(source), **data}
    overridden = {
        f"{part}.{option}": {"recipe": value, "run": parts[part].get(option)}
        for part, options in published.items()
        for option, value in options.items()
        if parts[part].get(option) != value
    }
    return {"name": name, "overridden": overridden}


def _defaults(data: str) -> dict[str, Any]:
    """Return the default options of a data set."""
    config = registry.load("datasets", data).Config
    return {option.name: option.default for option in dataclasses.fields(config)}
