"""The runs that a study consists of: grids expanded, checked, and each given its identity."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from unbraid import datasets, methods
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean, one_line
from unbraid.datasets import NAMING, PATHS, Dataset
from unbraid.evaluation.scores import Config as Evaluation
from unbraid.evaluation.scores import check_measurable
from unbraid.methods import MethodConfig
from unbraid.runs import RunConfig
from unbraid.runs.fingerprints import fingerprint
from unbraid.studies.arithmetic import names_in, value_of
from unbraid.studies.cells import Cell
from unbraid.studies.measures import check_apart, compares, wanted_by
from unbraid.studies.spec import Spec
from unbraid.training import FREE, Loop, Recorder, TrainingConfig, new_model

# Raised when training changes its results: runs made before are then other runs.
SEMANTICS = 1
Setting = tuple[MethodConfig, TrainingConfig, dict[str, Any]]  # and its varied options
NOT_OPTIONS = {
    "seed": "[study] has 'seeds'",
    "threads": "[resources] has 'threads'",
    "method": "each [[grid]] has one 'method'",
}


def expand(spec: Spec) -> tuple[list[Cell], list[dict[str, Any]]]:
    """Return the cells of a study, and what is measured by comparing the seeds of a setting.

    Each cell comes once, in the order of data, grids, settings and seeds.

    All is checked before anything trains: names, types and bounds of options, data sets, metrics,
    and that each method can be built for each data set.

    Raises:
        UnbraidError: something in the study is not known or not possible.
    """
    asked = {key: told for measure in spec.measures for key, told in wanted_by(measure).items()}
    check_apart(list(asked.values()))
    compared = [told for told in asked.values() if compares(told["metrics"])]
    wanted = {key: told for key, told in asked.items() if told not in compared}
    grids = _told_apart([list(_settings(spec, grid)) for grid in spec.grids])
    cells: dict[str, Cell] = {}
    labels: list[str] = []
    for table in spec.data:
        name, options = _data_options(spec, table)
        data = datasets.load_dataset(name, "train", **options)
        content = fingerprint(data).to_json()
        label = _label(name, options, labels)
        labels.append(label)
        for settings in grids:
            fitting: set[str] = set()
            for method, training, varied in settings:
                config = RunConfig(method, name, options, training)
                if (shape := _shape(config)) not in fitting:
                    _check_fits(config, data, asked.values())
                    fitting.add(shape)
                for seed in spec.seeds:
                    seeded = dataclasses.replace(training, seed=seed)
                    cell = _cell(
                        dataclasses.replace(config, training=seeded), label, content, varied
                    )
                    cells.setdefault(
                        cell.id,
                        dataclasses.replace(cell, wanted=wanted, timeout=spec.resources.seconds),
                    )
    return list(cells.values()), compared


def config_of(cell: Cell) -> RunConfig:
    """Return the options of a cell's run."""
    method, data, training = (dict(cell.config[part]) for part in ("method", "data", "training"))
    kind = registry.load("methods", method.pop("name")).Config
    return RunConfig(
        kind(**_tuples(kind, method)), data.pop("name"), data, TrainingConfig(**training)
    )


# -- options --------------------------------------------------------------------------------------


def _settings(spec: Spec, grid: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield the options of each setting of a grid, and of those the varied ones."""
    method = registry.check("methods", grid["method"])
    kind = registry.load("methods", method).Config
    hints = {name: get_type_hints(each) for name, each in (("m", kind), ("t", TrainingConfig))}
    known = hints["m"] | hints["t"]
    given: dict[str, Any] = {}
    for where, table in (("[common]", spec.common), ("its [[grid]]", grid)):
        for option, value in table.items():
            name = option.replace("-", "_")
            if where != "[common]" and option == "method":
                continue
            if name in NOT_OPTIONS:
                raise UnbraidError(f"{where} has the option '{option}': {NOT_OPTIONS[name]}.")
            if name in table and name != option:
                raise UnbraidError(f"{where} has the option '{name}' twice, also as '{option}'.")
            if name not in known:
                raise UnbraidError(
                    f"unknown option '{option}' of {method} in {where}{did_you_mean(name, known)}: "
                    f"it takes {', '.join(sorted(known.keys() - NOT_OPTIONS.keys()))}."
                )
            given[name] = value
    lists = {name: value for name, value in given.items() if isinstance(value, list)}
    if empty := [name for name, value in lists.items() if not value]:
        raise UnbraidError(f"option '{empty[0]}' of {method} has no values: give at least one.")
    for values in itertools.product(*lists.values()):
        chosen = dict(zip(lists, values, strict=True))
        options = _computed({**given, **chosen}, kind, known, method)
        training = {name: options.pop(name) for name in hints["t"] if name in options}
        owner = f"method {method}"
        built = registry.build(kind, _tuples(kind, options), owner)
        trained = registry.build(
            TrainingConfig,
            {**_tuples(TrainingConfig, training), "threads": spec.resources.threads},
            "training",
        )
        varied = {name: value for name, value in chosen.items() if len(lists[name]) > 1}
        yield built, trained, varied


def _told_apart(grids: list[list[Setting]]) -> list[list[Setting]]:
    """Return the settings of grids, each named by options that no other setting shares.

    Two grids of a method may vary nothing, or the same options, and differ in others: those are
    then named, too. Else their runs would pass for seeds of one setting.
    """
    alike: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for method, training, varied in itertools.chain(*grids):
        key = methods.stored_name(method), _named(varied)
        alike.setdefault(key, []).append(_options_of(method, training))
    named: list[list[Setting]] = []
    for grid in grids:
        named.append([])
        for method, training, varied in grid:
            others = alike[methods.stored_name(method), _named(varied)]
            own = _options_of(method, training)
            apart = {
                option: value
                for option, value in own.items()
                if any(other.get(option) != value for other in others)
            }
            named[-1].append((method, training, {**varied, **apart}))
    return named


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


def _tuples(kind: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
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


def _data_options(spec: Spec, table: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the registered name and the options of a data set; relative paths are the file's."""
    options = {name.replace("-", "_"): value for name, value in table.items() if name != "name"}
    name = table["name"]
    if name not in registry.names("datasets") and (spec.base / name).exists():
        name = str(spec.base / name)
    kind, implied = datasets.resolve(name)
    for option in (*PATHS, "names"):
        value = options.get(option)
        if isinstance(value, str) and (spec.base / value).exists():
            options[option] = str(spec.base / value)
    filled = registry.build(
        datasets.config_of(kind), {**implied, **options}, f"dataset {table['name']}"
    )
    plain = {
        field.name: getattr(filled, field.name)
        for field in dataclasses.fields(filled)
        if getattr(filled, field.name) != field.default
    }
    return kind, datasets.absolute(datasets.anchored(plain))


def _filled(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a data set with its defaults."""
    return dataclasses.asdict(datasets.config_of(name)(**options))


def _label(name: str, options: Mapping[str, Any], others: list[str]) -> str:
    """Return what a data set is called in tables, unlike the others of its study."""
    label = one_line(datasets.called(name, _filled(name, options)))
    if label not in others:
        return label
    told = [one_line(f"{key}={value}") for key, value in options.items() if key not in PATHS]
    label = " ".join([label, *told])
    return label if label not in others else f"{label} ({len(others) + 1})"


def _shape(config: RunConfig) -> str:
    """Return what decides whether a setting can be built: settings that only weigh fit alike."""
    weighs = {name for name, value in vars(config.method).items() if isinstance(value, float)}
    method = {k: v for k, v in dataclasses.asdict(config.method).items() if k not in weighs}
    training = config.training
    return repr((method, training.batch_size, training.validation, training.sampling))


def _check_fits(config: RunConfig, data: Dataset, asked: Iterable[Mapping[str, Any]]) -> None:
    """Raise an UnbraidError unless a method can be built for a data set, trained and measured."""
    try:
        model = new_model(config.method, data, 0)
        Loop(model, data, config.training, Recorder())
        for told in asked:
            check_measurable(model, data, Evaluation(**told))
    except UnbraidError as error:
        raise UnbraidError(f"{methods.name_of(config.method)} on {data.name}: {error}") from error


# -- identity -------------------------------------------------------------------------------------


def _cell(
    config: RunConfig, label: str, content: Mapping[str, Any], varied: Mapping[str, Any]
) -> Cell:
    """Return the cell of a run.

    Args:
        config: its options.
        label: the name of its data.
        content: the fingerprint of its data.
        varied: the options that its grid varies.
    """
    name = methods.stored_name(config.method)
    training = dataclasses.asdict(config.training)
    described = {
        "method": {"name": name, **dataclasses.asdict(config.method)},
        "data": {"name": config.data, **config.data_options},
        "training": training,
    }
    # those that only name things have their defaults, so that naming makes no other run
    seen = {name: v for name, v in config.data_options.items() if name not in NAMING}
    filled = {
        option: value for option, value in _filled(config.data, seen).items() if option not in PATHS
    }
    decides = {
        "semantics": [SEMANTICS, methods.model_of(config.method).semantics],
        "method": described["method"],
        "data": {"name": config.data, **filled, "content": content},
        "training": {key: value for key, value in training.items() if key not in FREE},
    }
    setting = _named(varied)
    numbers = (
        (option, float(value))
        for option, value in varied.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    words = [name, setting, "on", label, "seed", str(config.training.seed)]
    return Cell(
        id=digest(decides)[:12],
        label=" ".join(filter(None, words)),
        data=label,
        method=name,
        setting=setting,
        strength=next(numbers, None),
        seed=config.training.seed,
        config=json.loads(json.dumps(described)),
        wanted={},
    )


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _named(varied: Mapping[str, Any]) -> str:
    """Return the name of a setting in tables."""
    return " ".join(f"{option}={_text(value)}" for option, value in varied.items())


def _text(value: Any) -> str:
    """Return an option's value as text, in as many digits as tell it from any other."""
    if not isinstance(value, float):
        return str(value)
    return short if float(short := f"{value:g}") == value else repr(value)
