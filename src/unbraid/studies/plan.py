"""The runs that a study consists of: grids expanded, checked, and each given its identity."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Any

from unbraid import datasets, methods
from unbraid.core.errors import UnbraidError
from unbraid.datasets import NAMING, PATHS, Dataset
from unbraid.evaluation.scores import Config as Evaluation
from unbraid.evaluation.scores import check_measurable
from unbraid.runs import RunConfig
from unbraid.runs.fingerprints import fingerprint
from unbraid.runs.run_data import test_of, unseen_of
from unbraid.studies.cells import Cell, digest
from unbraid.studies.measures import check_apart, compares, wanted_by
from unbraid.studies.settings import Setting, named, settings_of, told_apart, tuples
from unbraid.studies.sources import Source, filled, label_of, recipe_of, source_of
from unbraid.studies.spec import Spec
from unbraid.training import FREE, Loop, Recorder, TrainingConfig, new_model

# Raised when training changes its results: runs made before are then other runs.
SEMANTICS = 1
Load = Callable[[str], Dataset]  # of a split
Grid = tuple[str, list[Setting]]  # with the name of its recipe, empty for none


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
    tables = [_settled(spec, table) for table in spec.data]  # before any data are read
    cells: dict[str, Cell] = {}
    labels: list[str] = []
    first: dict[str, int] = {}  # of each run, the table of its data
    for number, parts in enumerate(tables):
        for source, grids in parts:
            label = label_of(source, labels)
            labels.append(label)
            # all settings share what is read of the data
            load = cache(partial(datasets.load_dataset, source.name, **source.options))
            for cell in _cells(spec, source, load, label, grids, asked.values()):
                if first.setdefault(cell.id, number) != number:
                    raise _twice(cells[cell.id], cell)
                found = dataclasses.replace(cell, wanted=wanted, timeout=spec.resources.seconds)
                cells.setdefault(cell.id, found)
    return list(cells.values()), compared


def _twice(first: Cell, second: Cell) -> UnbraidError:
    """Return the error of two data sets of a study that make the same run.

    It is measured on one of them, whose scores would then be those of both.
    """
    same = first.measured_on == second.measured_on
    return UnbraidError(
        f"the data {first.data} and {second.data} have the same training images and labels"
        f"{'' if same else ', and other test images or labels'}, so that their runs are the same: "
        "leave one of them out, or measure it by a study of its own with another --root."
    )


def _settled(spec: Spec, table: Mapping[str, Any]) -> list[tuple[Source, list[Grid]]]:
    """Return a data set and its grids; grids whose recipes load it otherwise are apart."""
    names = [recipe_of(spec, grid) for grid in spec.grids]
    sources = {recipe: source_of(spec, table, recipe) for recipe in dict.fromkeys(names)}
    settings = [
        list(settings_of(spec, grid, recipe, sources[recipe].name))
        for grid, recipe in zip(spec.grids, names, strict=True)
    ]
    grids = list(zip(names, told_apart(settings), strict=True))
    parts: list[tuple[Source, list[Grid]]] = []
    for source in sources.values():
        if source not in [other for other, _ in parts]:
            parts.append((source, [grid for grid in grids if sources[grid[0]] == source]))
    return parts


def _cells(
    spec: Spec,
    source: Source,
    load: Load,
    label: str,
    grids: Iterable[Grid],
    asked: Collection[Mapping[str, Any]],
) -> Iterator[Cell]:
    """Yield the cells of a data set, once each setting is found to be possible.

    Args:
        spec: of the study.
        source: of the data.
        load: loads a split of the data.
        label: what the data are called.
        grids: recipe and settings of each.
        asked: what is measured.
    """
    content = fingerprint(load("train")).to_json()
    test = test_of(load)
    measured_on = digest(None if test is None else fingerprint(test).to_json())
    unseen = cache(partial(unseen_of, load))
    for recipe, settings in grids:
        fitting: set[str] = set()
        for method, training, varied in settings:
            config = RunConfig(method, source.name, source.options, training, recipe)
            if (shape := _shape(config)) not in fitting:
                _check_fits(config, load("train"), unseen, asked)
                fitting.add(shape)
            for seed in spec.seeds:
                seeded = dataclasses.replace(training, seed=seed)
                config = dataclasses.replace(config, training=seeded)
                yield _cell(config, label, content, measured_on, varied)


def config_of(cell: Cell) -> RunConfig:
    """Return the options of a cell's run."""
    method, data, training = (dict(cell.config[part]) for part in ("method", "data", "training"))
    kind = methods.find(method.pop("name"))[0]
    return RunConfig(
        kind(**tuples(kind, method)),
        data.pop("name"),
        data,
        TrainingConfig(**training),
        cell.config.get("recipe", {}).get("name", ""),
    )


def _shape(config: RunConfig) -> str:
    """Return what decides whether a setting can be built: settings that only weigh fit alike."""
    weighs = {name for name, value in vars(config.method).items() if isinstance(value, float)}
    method = {k: v for k, v in dataclasses.asdict(config.method).items() if k not in weighs}
    training = config.training
    return repr((method, training.batch_size, training.validation, training.sampling))


def _check_fits(
    config: RunConfig,
    data: Dataset,
    unseen: Callable[[float], Dataset],
    asked: Iterable[Mapping[str, Any]],
) -> None:
    """Raise an UnbraidError unless a method can be built for a data set, trained and measured.

    Args:
        config: the options of a run.
        data: the training images.
        unseen: returns the images that it is measured on, by the share that is held out.
        asked: what is measured.
    """
    try:
        model = new_model(config.method, data, 0)
        Loop(model, data, config.training, Recorder())
        for told in asked:
            check_measurable(model, unseen(config.training.validation), Evaluation(**told))
    except UnbraidError as error:
        raise UnbraidError(f"{methods.name_of(config.method)} on {data.name}: {error}") from error


# -- identity -------------------------------------------------------------------------------------


def _cell(
    config: RunConfig,
    label: str,
    content: Mapping[str, Any],
    measured_on: str,
    varied: Mapping[str, Any],
) -> Cell:
    """Return the cell of a run.

    Args:
        config: its options.
        label: the name of its data.
        content: the fingerprint of what it is trained on.
        measured_on: a hash of that of the test split.
        varied: the options that its grid varies.
    """
    name = methods.stored_name(config.method)
    training = dataclasses.asdict(config.training)
    described: dict[str, Any] = {
        "method": {"name": name, **dataclasses.asdict(config.method)},
        "data": {"name": config.data, **config.data_options},
        "training": training,
    }
    if config.recipe:
        described["recipe"] = {"name": config.recipe}
    # those that only name things have their defaults, so that naming makes no other run
    seen = {name: v for name, v in config.data_options.items() if name not in NAMING}
    options = {
        option: value for option, value in filled(config.data, seen).items() if option not in PATHS
    }
    decides = {
        "semantics": [SEMANTICS, methods.model_of(config.method).semantics],
        "method": described["method"],
        "data": {"name": config.data, **options, "content": content},
        "training": {key: value for key, value in training.items() if key not in FREE},
    }
    setting = named(varied)
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
        measured_on=measured_on,
    )
