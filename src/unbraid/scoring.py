"""Every metric of a trained run: ``unbraid evaluate RUN``."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from unbraid import metrics, registry
from unbraid.datasets import Dataset
from unbraid.errors import UnbraidError
from unbraid.evidence import (
    Coded,
    as_factors,
    chosen_rows,
    coded,
    inputs,
    log_weights,
    subject,
    varying,
)
from unbraid.methods import Method, needs_of
from unbraid.metrics import Estimate, Score
from unbraid.runs import Run, trained_on

__all__ = ["Config", "NotStored", "as_factors", "chosen_rows", "evaluate", "log_weights", "measure"]
__all__ += ["note_lines", "of_first_run", "table_rows", "varying", "with_scores"]


@dataclass(frozen=True)
class Config:
    """What to measure, and on what.

    Args:
        metrics: ``all``, or names with commas between them (``mig,dci``).
        protocol: a published set of settings: ``locatello2019``, ``chen2018``, ``hsu2023``. The
            first draws factors anew, 10,000 to fit on and 5,000 to test on, where the data can.
        data: another data set than the run's own, by name or path, read at the size and with the
            channels of the run's; images the run did not train on are used of its own, also if
            they have moved to this path.
        images: at most so many are encoded, drawn at random.
        samples: importance samples an image for the log-likelihood.
        seed: of every draw, split and predictor.
        json: print the scores as JSON instead of a table.
    """

    metrics: str = "all"
    protocol: Literal["none", "locatello2019", "chen2018", "hsu2023"] = "none"
    data: str = ""
    images: int = 10_000
    samples: int = 100
    seed: int = 0
    json: bool = False


def measure(
    model: Method, data: Dataset, config: Config, others: Sequence[Coded] = ()
) -> dict[str, Score]:
    """Return the scores of a model on a data set, by metric.

    Args:
        model: any method's model.
        data: images, with factors where there are some.
        config: what to measure.
        others: codes (N, D_r) of the images by other trainings, with their categories' levels, for
            the metrics that compare several.

    Raises:
        UnbraidError: an unknown metric, or one whose inputs this model or data cannot give.
    """
    wanted, named = _wanted(config)
    needs = {name: set(metrics.needs(registry.load("metrics", name))) for name in wanted}
    needed = set().union(*needs.values())
    groups, notes = inputs(model, data, needed, config.protocol, config.samples, config.seed)
    if others:
        runs = [coded(model, data.images), *others]
        codes, categories = zip(*runs, strict=True)
        groups["runs"] = {"runs": codes, "run_categories": categories}
    apart: dict[str, list[str]] = {}
    for name, need in needs.items():
        group = next((key for key, each in groups.items() if need <= set(each)), None)
        if group is not None:
            apart.setdefault(group, []).append(name)
        elif named:
            raise UnbraidError(_not_applicable(name, need, groups, data))
    scores: dict[str, Score] = {}
    protocol = None if config.protocol == "none" else config.protocol
    for group, names in apart.items():
        options = groups[group]
        found = metrics.evaluate(metrics=names, protocol=protocol, seed=config.seed, **options)
        scores |= _noted(found, notes) if group == "codes" else found
    return {name: scores[name] for name in wanted if name in scores}


def _wanted(config: Config) -> tuple[list[str], bool]:
    """Return the metrics to measure, and whether each of them was asked for."""
    asked = None if config.metrics == "all" else [n.strip() for n in config.metrics.split(",")]
    if asked is None and config.protocol != "none":
        asked = sorted(metrics.PROTOCOLS[config.protocol])
    names = [registry.check("metrics", name) for name in asked or registry.names("metrics")]
    return list(dict.fromkeys(names)), asked is not None


def _noted(scores: Mapping[str, Score], notes: Sequence[str]) -> dict[str, Score]:
    """Return scores with notes before their own."""
    return {
        name: dataclasses.replace(score, notes=(*notes, *score.notes))
        for name, score in scores.items()
    }


def _not_applicable(
    name: str, needed: set[str], groups: Mapping[str, Mapping[str, Any]], data: Dataset
) -> str:
    """Say why a metric that was asked for cannot be had."""
    said = f"metric {name} needs {' and '.join(sorted(needed))}, which"
    if "categories" in needed and "categories" not in groups["codes"]:
        return f"{said} this run's method does not give: it has no categorical code."
    return f"{said} {data.name} and this run do not give together."


def of_first_run(score: Score) -> Score:
    """Return a UDR whose value is that of the first of the compared runs, beside their mean.

    The error is the spread of the run's agreement with each of the others; one other tells none.
    """
    agreements = np.delete(score.detail["pairs"][:, 0], 0)
    spread = math.nan
    if len(agreements) > 1:
        spread = float(agreements.std(ddof=1) / math.sqrt(len(agreements)))
    own = Estimate(float(score.detail["per_run"][0]), spread)
    everyone = Estimate(score.value, score.standard_error)
    return dataclasses.replace(
        score,
        value=own.value,
        standard_error=own.standard_error,
        parts={"of this run": own, "mean of the runs": everyone},
    )


class NotStored(UnbraidError):
    """Scores that were measured could not be written; they are in ``scores``, by run folder."""

    def __init__(self, sentence: str, scores: dict[str, dict[str, Score]]) -> None:
        super().__init__(sentence)
        self.scores = scores


def evaluate(names: Sequence[str], config: Config) -> dict[str, dict[str, Score]]:
    """Measure runs, write each one's scores into its result.json and return them by folder.

    Args:
        names: run folders; several are also compared with each other (UDR).
        config: what to measure.

    Raises:
        UnbraidError: a folder that is not a finished run, or a metric that cannot be had.
        NotStored: a result.json cannot be written; all runs have been measured.
    """
    runs = [Run(name) for name in names]
    for run in runs:
        if not run.finished:
            raise UnbraidError(f"{run.folder} is not finished: train it to its end, with --resume.")
    compared = len(runs) > 1 and "udr" in _wanted(config)[0]
    found: dict[str, dict[str, Score]] = {}
    failed: list[str] = []
    seen = ""
    for index, run in enumerate(runs):
        if (key := _data_of(run)) != seen:
            seen, data = key, subject(run, config.data, config.protocol, config.images, config.seed)
            # of all runs, one model in memory at a time
            codes = [coded(each.model(), data.images) for each in runs] if compared else []
        others = [each for other, each in enumerate(codes) if other != index]
        scores = measure(run.model(), data, config, others)
        if "udr" in scores:
            scores["udr"] = of_first_run(scores["udr"])
        note = trained_on(data)
        scores = found[str(run.folder)] = _noted(scores, list(note.values()))
        about = {"name": data.name, "split": data.split, "images": len(data), **note}
        try:
            run.record(partial(with_scores, scores=scores, data=about))
        except UnbraidError as error:
            failed.append(f"the scores of {run.folder} were not stored: {error}")
    if failed:
        raise NotStored(" ".join(failed), found)
    return found


def _data_of(run: Run) -> str:
    """Return what decides the images a run is measured on, and whether they are its own."""
    config = run.config
    facts = [config.data, config.data_options, config.training.validation, run.image_shape]
    # the data of each are checked, and their labels for methods that learn from them
    facts += [run.json.get("fingerprint"), bool(needs_of(config.method))]
    return json.dumps(facts, default=str)


def with_scores(
    result: Mapping[str, Any], scores: Mapping[str, Score], data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a run's result with scores beside others that are there, each with its images.

    Args:
        result: what result.json holds.
        scores: by metric.
        data: what they were measured on.
    """
    stored = {name: {**score.to_json(), "data": data} for name, score in scores.items()}
    measured = {**result.get("metrics", {}), **stored}
    return {**result, "metrics": measured, "metrics_data": data}


def table_rows(scores: Mapping[str, Score]) -> list[tuple[str, str, str, str]]:
    """Return (metric, value, standard error, variant) of each number, as text."""
    return [
        (label, _text(value), _text(error), score.variant)
        for score in scores.values()
        for label, value, error in score.rows()
    ]


def _text(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"


def note_lines(scores: Mapping[str, Score]) -> list[str]:
    """Return the notes of scores as lines: first those that all share, then each one's own."""
    each = [score.notes for score in scores.values()]
    shared = set(each[0]).intersection(*each) if len(each) > 1 else set()
    lines = [note for note in each[0] if note in shared] if each else []
    return lines + [
        f"{score.metric}: {note}"
        for score in scores.values()
        for note in score.notes
        if note not in shared
    ]
