"""The quantities of runs that a comparison lists, and what makes them incomparable."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from unbraid import methods
from unbraid.core import hardware, registry
from unbraid.datasets import config_of
from unbraid.runs import Run

NORMAL = 1.96  # standard errors on both sides that hold 95%
STATS = ("reconstruction", "kl", "elbo", "squared_error", "active_units")
# settings that may differ: numbers of latents, of those that FactorVAE compares, and versions
OWN = ("versions", "codes", "active_codes")
PARTS = ("index_code_mi", "total_correlation", "dimwise_kl")


class Cell(NamedTuple):
    """A value of one run: a number, with its standard error if it is known, a text, or nothing."""

    value: float | str | None = None
    error: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the interval of 95%; None where it is unknown."""
        if self.error is None or not isinstance(self.value, float) or math.isnan(self.error):
            return None
        return self.value - NORMAL * self.error, self.value + NORMAL * self.error


@dataclass(frozen=True)
class Row:
    """A quantity of every run.

    Args:
        group: ``options``, ``held-out images``, ``scores``, ``speed`` or ``size``.
        name: what it is.
        cells: its value for each run.
    """

    group: str
    name: str
    cells: tuple[Cell, ...]


def names_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return what runs are called: as much of the end of their paths as tells them apart."""
    paths = [run.folder.absolute().parts for run in runs]
    for count in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-count:]) for parts in paths]
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{parts[-1]} ({index})" for index, parts in enumerate(paths, 1))


def rows_of(runs: Sequence[Run], protocol: str) -> tuple[Row, ...]:
    """Return all rows of a table, those of which no run has a value left out."""
    given = dict.fromkeys(name for run in runs for name in run.config.data_options)
    groups = {
        "options": _differing([_options(run, given) for run in runs]),
        "held-out images": [_stats(run) for run in runs],
        "scores": [dict(_scores(run, protocol)) for run in runs],
        "speed": [_speed(run) for run in runs],
        "size": [_size(run) for run in runs],
    }
    return tuple(
        Row(group, name, tuple(column.get(name, Cell()) for column in columns))
        for group, columns in groups.items()
        for name in dict.fromkeys(name for column in columns for name in column)
    )


def _options(run: Run, given: Iterable[str]) -> dict[str, Cell]:
    """Return the options of a run, of its data those that some run was given."""
    config = run.config
    found: dict[str, Any] = {"method": methods.name_of(config.method), "data": config.data}
    told = _defaults(config.data) | config.data_options
    found |= {f"data.{name}": told[name] for name in given if name in told}
    found |= dataclasses.asdict(config.method) | dataclasses.asdict(config.training)
    return {name: Cell(_text(value)) for name, value in found.items()}


def _defaults(data: str) -> dict[str, Any]:
    """Return the options of a data set that have a default; config.json has the others alone."""
    if data not in registry.names("datasets"):  # images in memory
        return {}
    known = dataclasses.fields(config_of(data))
    return {each.name: each.default for each in known if each.default is not dataclasses.MISSING}


def _differing(columns: list[dict[str, Cell]]) -> list[dict[str, Cell]]:
    names = dict.fromkeys(name for column in columns for name in column)
    kept = [n for n in names if len({column.get(n) for column in columns}) > 1]
    return [{name: column[name] for name in kept if name in column} for column in columns]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value))
    if isinstance(value, float) and float(short := f"{value:g}") == value:
        return short
    return str(value)


def _stats(run: Run) -> dict[str, Cell]:
    stats = run.result["reconstruction_stats"]
    found = {name: _number(stats[name]) for name in STATS if name in stats}
    parts = stats.get("decomposition", {})
    for name in PARTS:
        if name in parts:
            found[name] = _number(parts[name]["value"], parts[name]["standard_error"])
    return {name.replace("_", " "): cell for name, cell in found.items()}


def _scores(run: Run, protocol: str) -> Iterator[tuple[str, Cell]]:
    for metric, score in run.scores(protocol).items():
        parts: Mapping[str, Any] = score.get("parts") or {"": score}
        for part, each in parts.items():
            yield f"{metric} {part}".strip(), _number(each["value"], each["standard_error"])


def _speed(run: Run) -> dict[str, Cell]:
    training = run.result["training"]
    named = {
        "images a second": "images_per_second",
        "seconds": "seconds",
        "steps taken": "steps",
        "peak memory, MB": "peak_memory_mb",
    }
    return {name: _number(training[key]) for name, key in named.items() if training.get(key)}


def _size(run: Run) -> dict[str, Cell]:
    found = {"parameters": _number(hardware.parameters(run.model()))}
    path = run.folder / "model.safetensors"
    if path.is_file():
        found["bytes"] = _number(path.stat().st_size)
    return found


def _number(value: Any, error: Any = None) -> Cell:
    return Cell(
        math.nan if value is None else float(value), None if error is None else float(error)
    )


# -- notes ----------------------------------------------------------------------------------------


def notes_of(runs: Sequence[Run], names: Sequence[str], protocol: str) -> tuple[str, ...]:
    """Return sentences on scores that are missing, or were measured in different ways."""
    notes = []
    scores = [run.scores(protocol) for run in runs]
    every = dict.fromkeys(metric for each in scores for metric in each)
    if not every:
        notes.append("no scores are stored: unbraid evaluate RUN [RUN ...] measures them.")
    else:
        notes.append(
            "intervals of 95% are over the images of one training; trainings under other seeds "
            "differ by more: unbraid study summary has intervals over seeds."
        )
    for name, each in zip(names, scores, strict=True):
        missing = [metric for metric in every if metric not in each]
        if missing:
            notes.append(f"{name} has no score of {', '.join(missing)}.")
    told = {"images": _images, "settings": _settings}
    for what, facts in told.items():
        unlike = [m for m in every if len({facts(each[m]) for each in scores if m in each}) > 1]
        if unlike:
            notes.append(f"of different {what}, so not comparable: {', '.join(unlike)}.")
    if len({_held_out(run) for run in runs}) > 1:
        notes.append("held-out images differ, so their errors, KL and ELBO are not comparable.")
    if len({getattr(run.config.method, "likelihood", None) for run in runs}) > 1:
        notes.append("likelihoods differ, so reconstruction and ELBO are not comparable.")
    machines = {json.dumps(run.result.get("machine"), sort_keys=True) for run in runs}
    if len(machines) > 1:
        notes.append("trained on different machines or versions, so speeds are not comparable.")
    for name, run in zip(names, runs, strict=True):
        if note := run.result.get("data", {}).get("note"):
            notes.append(f"{name}: {note}.")
    return tuple(notes)


def _held_out(run: Run) -> str:
    """Return what tells the images of a run's own results from those of other runs."""
    split = run.result.get("data", {}).get("split", "test")
    own = split == "test"  # others are a share of the training images
    share = None if own else run.config.training.validation
    if (found := run.fingerprints.get("test" if own else "train")) is not None:
        return repr((found.images, found.shape, found.content, split, share))
    return repr((run.config.data, run.config.data_options, split, share))  # an older run


def _images(score: Mapping[str, Any]) -> str:
    data = score.get("data") or {}
    return json.dumps([data.get(key) for key in ("images", "fingerprint")])


def _settings(score: Mapping[str, Any]) -> str:
    settings = score.get("settings") or {}
    decide = {key: value for key, value in settings.items() if key not in OWN}
    return json.dumps(decide, sort_keys=True, default=str)
