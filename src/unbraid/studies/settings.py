"""The settings of a study: combinations of each grid's options, computed and told apart."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from unbraid import methods, recipes
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.methods import MethodConfig
from unbraid.studies.arithmetic import names_in, value_of
from unbraid.studies.spec import Spec
from unbraid.training import FREE, TrainingConfig

Setting = tuple[MethodConfig, TrainingConfig, dict[str, Any]]  # and its varied options
NOT_OPTIONS = {
    "seed": "[study] has 'seeds'",
    "threads": "[resources] has 'threads'",
    "method": "each [[grid]] has one 'method'",
}


def settings_of(spec: Spec, grid: Mapping[str, Any], recipe: str, data: str) -> Iterator[Setting]:
    """Yield the options of each setting of a grid, and of those the varied ones.

    Args:
        spec: of the study.
        grid: its options.
        recipe: gives options that the file does not; empty for none.
        data: the registered name of the data set, for which a recipe may have other options.

    Raises:
        UnbraidError: an option is not known or not possible, or the recipe has none for the method.
    """
    method = grid["method"]
    kind, _ = methods.named(method)
    training_hints = get_type_hints(TrainingConfig)
    known = get_type_hints(kind) | training_hints
    given = _given(spec, grid, method, known)
    lists = {name: value for name, value in given.items() if isinstance(value, list)}
    if empty := [name for name, value in lists.items() if not value]:
        raise UnbraidError(f"option '{empty[0]}' of {method} has no values: give at least one.")
    if recipe:
        given = {**_published(recipe, method, data, given), **given}
    for values in itertools.product(*lists.values()):
        chosen = dict(zip(lists, values, strict=True))
        options = _computed({**given, **chosen}, kind, known, method)
        training = {name: options.pop(name) for name in training_hints if name in options}
        owner = f"method {method}"
        built = registry.build(kind, tuples(kind, options), owner)
        trained = registry.build(
            TrainingConfig,
            {**tuples(TrainingConfig, training), "threads": spec.resources.threads},
            "training",
        )
        varied = {name: value for name, value in chosen.items() if len(lists[name]) > 1}
        yield built, trained, varied


def _given(
    spec: Spec, grid: Mapping[str, Any], method: str, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options that the file gives a grid, those of ``[common]`` among them.

    Args:
        spec: of the study.
        grid: its options.
        method: its name.
        known: the options that there are.
    """
    given: dict[str, Any] = {}
    for where, table in (("[common]", spec.common), ("its [[grid]]", grid)):
        for option, value in table.items():
            name = option.replace("-", "_")
            if option == "recipe" or (where != "[common]" and option == "method"):
                continue
            if name in NOT_OPTIONS:
                raise UnbraidError(f"{where} has the option '{option}': {NOT_OPTIONS[name]}.")
            if name in table and name != option:
                raise UnbraidError(f"{where} has the option '{name}' twice, also as '{option}'.")
            if name not in known:
                names = sorted({"recipe", *known} - NOT_OPTIONS.keys())
                raise UnbraidError(
                    f"unknown option '{option}' of {method} in {where}{did_you_mean(name, names)}: "
                    f"it takes {', '.join(names)}."
                )
            given[name] = value
    return given


def _published(recipe: str, method: str, data: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a method and of training that a recipe sets.

    Args:
        recipe: its name.
        method: it must have settings for.
        data: the registered name of the data set.
        given: the options in place of the recipe's: ``epochs`` replace its ``steps``, too.
    """
    found = recipes.load(recipe, method)
    lengths = {name: 0 for name in recipes.LENGTHS if name in given}
    training = found.training_options(lengths)
    kept = {name: value for name, value in training.items() if name not in lengths}
    return {**found.method_options(method, data), **kept}


def told_apart(grids: list[list[Setting]]) -> list[list[Setting]]:
    """Return the settings of grids, each called by what tells it from others of its method.

    Of a single grid, these are the options that it varies: the rest is fixed, or computed from
    them. Where a method has several grids, each setting has every option in which any two of them
    differ, as its name would else hide what another grid has fixed to something else.
    """
    owners: dict[str, list[list[Setting]]] = {}
    for grid in grids:
        if grid:
            owners.setdefault(methods.stored_name(grid[0][0]), []).append(grid)
    names = {method: _differing(own) for method, own in owners.items() if len(own) > 1}
    told: list[list[Setting]] = []
    for grid in grids:
        told.append([])
        for method, training, varied in grid:
            options = _options_of(method, training)
            shared = names.get(methods.stored_name(method))
            called = varied if shared is None else {name: options[name] for name in shared}
            told[-1].append((method, training, called))
    return told


def _differing(grids: list[list[Setting]]) -> list[str]:
    """Return the options in which settings of a method differ, those that a grid varies first."""
    settings = list(itertools.chain(*grids))
    every = [_options_of(method, training) for method, training, _ in settings]
    first = [option for *_, varied in settings for option in varied]
    return [
        option
        for option in dict.fromkeys([*first, *every[0]])
        if option in every[0] and any(own[option] != every[0][option] for own in every)
    ]


def _options_of(method: MethodConfig, training: TrainingConfig) -> dict[str, Any]:
    """Return the options of a setting, of which the training's free ones make no other run."""
    every = {**dataclasses.asdict(training), **dataclasses.asdict(method)}
    return {option: value for option, value in every.items() if option not in FREE}


def _computed(
    options: Mapping[str, Any], kind: type[Any], hints: Mapping[str, Any], method: str
) -> dict[str, Any]:
    """Return options with arithmetic replaced by its value."""
    defaults = {
        field.name: field.default
        for config in (TrainingConfig, kind)
        for field in dataclasses.fields(config)
    }
    found = dict(options)
    left = {
        name: value
        for name, value in options.items()
        if isinstance(value, str) and hints[name] in (int, float)
    }
    while left:
        ready = [name for name, text in left.items() if not names_in(text) & left.keys()]
        if not ready:
            raise UnbraidError(
                f"the options {', '.join(left)} of {method} are computed from each other: give one "
                "of them as a number."
            )
        for name in ready:
            owner = f"option '{name}' of {method}"
            value = value_of(left[name], {**defaults, **found}, owner)
            if hints[name] is float:
                value = float(value)
            elif value != int(value):
                raise UnbraidError(
                    f"{owner} is {left[name]!r}, which is {value:g}, expected a whole number: // "
                    "divides and rounds down."
                )
            found[name] = int(value) if hints[name] is int else value
            del left[name]
    return found


def tuples(kind: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with lists as tuples where the config has tuples."""
    hints = get_type_hints(kind)
    return {
        name: tuple(value)
        if isinstance(value, list) and get_origin(hints.get(name)) is tuple
        else float(value)
        if isinstance(value, int) and not isinstance(value, bool) and _is_float(hints.get(name))
        else value
        for name, value in options.items()
    }


def _is_float(hint: Any) -> bool:
    """Whether an option is a real number, so that 4 and 4.0 are the same setting."""
    return hint is float or (float in get_args(hint) and int not in get_args(hint))


def named(varied: Mapping[str, Any]) -> str:
    """Return the name of a setting in tables."""
    return " ".join(f"{option}={_text(value)}" for option, value in varied.items())


def _text(value: Any) -> str:
    """Return an option's value as text, in as many digits as tell it from any other."""
    if not isinstance(value, float):
        return str(value)
    return short if float(short := f"{value:g}") == value else repr(value)
