"""Judges in the cache folder: trained once for each data set, and reported by ``unbraid judge``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unbraid.control.assessment.judge_data import JudgeData, LabelledImages, judge_data
from unbraid.control.assessment.judge_training import Config, OnProgress, train_judge
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.control.assessment.progress_bar import ProgressBar
from unbraid.control.assessment.units import as_text
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.core.files import cache_folder, read_json, write_json
from unbraid.core.store import read_tensors, write_tensors
from unbraid.datasets import resolve

VERSION = 2  # part of the cache key; increase it if training or errors of judges change


@dataclass(frozen=True)
class Options(Config):
    """Options of ``unbraid judge``.

    Args:
        validation: share of the train split that the assessed runs hold out.

    >>> Options().validation
    0.1
    """

    validation: float = 0.1


def cached_judge(
    data: JudgeData, config: Config, on_progress: OnProgress | None = None
) -> LearnedJudge:
    """Return the judge trained on a data set's images for the judge, from the cache if possible.

    Its ``errors`` are those on ``data.test``; ``facts`` holds the numbers of images.

    Raises:
        UnbraidError: images smaller than 16 pixels.
    """
    columns = list(data.columns)
    specs = [data.dataset.specs[column] for column in columns]
    train, test = data.train, data.test
    identity = (VERSION, asdict(config), specs_to_json(specs), train.digest(), test.digest())
    key = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()[:16]
    folder = None
    with suppress(RuntimeError):  # there is no home folder
        folder = cache_folder() / "judges" / key
        if (found := _load(folder, specs, train)) is not None:
            return found
    judge = train_judge(specs, train.images, train.factors[:, columns], config, on_progress)
    values = judge.heads.units.values(test.factors[:, columns])
    judge.errors = judge.errors_on(test.images, values)
    judge.facts = {
        "data": data.dataset.name,
        "learnt_from": len(train),
        "measured_on": len(test),
        "parameters": sum(weight.numel() for weight in judge.net.parameters()),
    }
    if folder is not None:
        with suppress(UnbraidError):  # if the cache is read-only, it is trained again next time
            _save(folder, judge)
    return judge


def _save(folder: Path, judge: LearnedJudge) -> None:
    tensors = {f"net.{name}": value for name, value in judge.net.state_dict().items()}
    tensors["spread"] = torch.from_numpy(judge.heads.ranges)
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})
    write_json(folder / "judge.json", {"errors": judge.errors, **judge.facts})


def _load(folder: Path, specs: Sequence[FactorSpec], images: LabelledImages) -> LearnedJudge | None:
    """Return the judge stored in a folder, None if it is missing or damaged."""
    if not (folder / "judge.json").is_file():
        return None
    _, channels, height, width = images.images.shape
    try:
        found = read_json(folder / "judge.json")
        tensors, _ = read_tensors(folder / "model.safetensors")
        ranges = tensors.pop("spread").numpy().astype(np.float64)
        judge = LearnedJudge(specs, (channels, height, width), ranges)
        judge.net.load_state_dict({k.removeprefix("net."): v for k, v in tensors.items()})
        judge.errors = found.pop("errors")
    except (UnbraidError, LookupError, RuntimeError, AttributeError):
        return None
    judge.facts = found
    judge.net.eval()
    return judge


def for_data(
    name: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    validation: float = 0.1,
    config: Config | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[LearnedJudge, JudgeData]:
    """Return the judge of a data set, and the images for it that runs are not trained on.

    Args:
        name: of the data set, or a path of images.
        options: of the data set.
        validation: share of the train split that runs on it hold out.
        config: options of the judge.
        on_progress: called after each training step.

    Raises:
        UnbraidError: data that cannot be read or has no factors, or too few images.

    >>> judge, data = for_data("mnist")  # doctest: +SKIP
    """
    kind, implied = resolve(os.fspath(name))
    data = judge_data(kind, {**implied, **(options or {})}, validation)
    return cached_judge(data, config or Config(), on_progress), data


def judge_report(name: str, options: Mapping[str, Any], given: Options) -> dict[str, Any]:
    """Return the report of ``unbraid judge``: errors by factor, numbers of images, notes."""
    config = Config(*(getattr(given, each.name) for each in fields(Config)))
    with ProgressBar(f"training a judge of {name}") as bar:
        judge, data = for_data(name, options, given.validation, config, bar)
    return {**judge.facts, "errors": judge.errors, "notes": [*data.notes, *judge.notes]}


def table_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (factor, error, error of the best constant answer, unit) as text.

    >>> table_rows({"errors": {"digit": {"value": 98.5, "unit": "%", "chance": 11.3}}})
    [('digit', '98.50', '11.30', '% accuracy')]
    """
    return [
        (
            name,
            *as_text(error["value"], error["chance"]),
            error["unit"].replace("%", "% accuracy"),
        )
        for name, error in report["errors"].items()
    ]
