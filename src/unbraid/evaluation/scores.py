"""Scores of a model by every metric."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unbraid import metrics
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.evaluation.evidence import Coded, Encoding, inputs
from unbraid.methods import Method
from unbraid.metrics import Estimate, Score


@dataclass(frozen=True)
class Config:
    """The metrics, their settings and the images.

    Args:
        metrics: ``all``, or names separated by commas (``mig,dci``).
        protocol: a published set of settings: ``locatello2019``, ``chen2018``, ``hsu2023``. The
            first draws new factors, 10,000 to fit on and 5,000 to test on, if the data set can
            render them.
        data: another data set than the run's, by name or path, read at the run's image size and
            channels. The path of the run's own data if they were moved: then its held-out images
            are used.
        images: maximum number of images, drawn at random.
        samples: importance samples per image for the log-likelihood.
        seed: seed of every draw, split and predictor.
        representation: codes to measure: the posterior's ``mean``, or a code ``sampled`` from it.
    """

    metrics: str = "all"
    protocol: Literal["none", "locatello2019", "chen2018", "hsu2023"] = "none"
    data: str = ""
    images: int = 10_000
    samples: int = 100
    seed: int = 0
    representation: Literal["mean", "sampled"] = "mean"

    def __post_init__(self) -> None:
        for name, least in (("images", 1), ("samples", 1), ("seed", 0)):
            if (found := getattr(self, name)) < least:
                raise UnbraidError(f"{name} is {found}, expected {least} or more.")


def measure(
    model: Method, data: Dataset, config: Config, others: Sequence[Coded] = ()
) -> dict[str, Score]:
    """Return the scores of a model on a data set, by metric.

    Args:
        model: any method's model.
        data: images, with factors if they are known.
        config: the metrics and their settings.
        others: codes (N, D_r) of the same images by other trainings, with their categories'
            levels, for metrics that compare several.

    Raises:
        UnbraidError: an unknown metric, or one whose inputs this model or data set lacks.
    """
    encoding = encoding_of(model, data, config)
    scores = measure_alone(encoding, data, config, compared=bool(others))
    if others:
        scores |= compare([encoding.coded, *others], config)
    return {name: scores[name] for name in wanted(config)[0] if name in scores}


def encoding_of(model: Method, data: Dataset, config: Config) -> Encoding:
    """Return what encodes a data set's images as a config says."""
    return Encoding(model, data.images, config.representation == "sampled", config.seed)


def measure_alone(
    encoding: Encoding, data: Dataset, config: Config, *, compared: bool
) -> dict[str, Score]:
    """Return the scores of a model by the metrics that compare no runs.

    Args:
        encoding: of the data set's images by the model.
        data: images, with factors if they are known.
        config: the metrics and their settings.
        compared: whether the metrics that compare runs are measured elsewhere.

    Raises:
        UnbraidError: an unknown metric, or one whose inputs this model or data set lacks.
    """
    names, named = wanted(config)
    needs = {name: set(metrics.needs(registry.load("metrics", name))) for name in names}
    if compared:
        needs = {name: need for name, need in needs.items() if "runs" not in need}
    if not needs:
        return {}
    needed = set().union(*needs.values())
    groups, notes = inputs(encoding, data, needed, config.protocol, config.samples, config.seed)
    apart: dict[str, list[str]] = {}
    for name, need in needs.items():
        group = next((key for key, each in groups.items() if need <= set(each)), None)
        if group is not None:
            apart.setdefault(group, []).append(name)
        elif named:
            raise UnbraidError(_not_applicable(name, need, groups, data))
    scores: dict[str, Score] = {}
    protocol = None if config.protocol == "none" else config.protocol
    for group, members in apart.items():
        options = groups[group]
        found = metrics.evaluate(metrics=members, protocol=protocol, seed=config.seed, **options)
        scores |= noted(found, notes) if group == "codes" else found
    return scores


def check_measurable(model: Method, data: Dataset, config: Config) -> None:
    """Raise an UnbraidError unless a model's kind has what the metrics asked for by name need.

    Args:
        model: of the method and options; it may be untrained.
        data: images of the kind that is measured, with factors if they are known.
        config: the metrics and their settings.
    """
    names, named = wanted(config)
    encoding = Encoding(model, data.images[:1], config.representation == "sampled", config.seed)
    found = encoding.provided()
    if (known := data.factors) is not None and (
        np.fmax.reduce(known) > np.fmin.reduce(known)
    ).any():
        found.add("factors")
    for name in names if named else ():
        need = set(metrics.needs(registry.load("metrics", name)))
        if not need <= found | {"runs"}:
            raise UnbraidError(_not_applicable(name, need, {"codes": dict.fromkeys(found)}, data))


def comparing(config: Config) -> list[str]:
    """Return the metrics asked for that compare several runs."""
    names = wanted(config)[0]
    return [name for name in names if "runs" in metrics.needs(registry.load("metrics", name))]


def compare(codes: Sequence[Coded], config: Config) -> dict[str, Score]:
    """Return the scores that compare several runs, by metric.

    Args:
        codes: of the same images by each run, see ``Encoding.coded``.
        config: the metrics and their settings.
    """
    runs, categories, levels = zip(*codes, strict=True)
    names = comparing(config)
    if not names:
        return {}
    protocol = None if config.protocol == "none" else config.protocol
    return metrics.evaluate(
        metrics=names,
        protocol=protocol,
        seed=config.seed,
        runs=runs,
        run_categories=categories,
        run_levels=levels,
    )


def of_run(score: Score, index: int) -> Score:
    """Return a UDR whose value is that of one of the compared runs, with their mean as a part.

    The standard error is that of the median of the run's agreements with the others, as if they
    were normal; NaN for a single other run.

    Args:
        score: of all runs, as ``compare`` returns.
        index: of the run.
    """
    agreements = np.delete(score.detail["pairs"][:, index], index)
    spread = math.nan
    if len(agreements) > 1:
        spread = float(agreements.std(ddof=1) / math.sqrt(len(agreements)))
        if len(agreements) > 2:  # a median, of two the mean
            spread *= math.sqrt(math.pi / 2)
    own = Estimate(float(score.detail["per_run"][index]), spread)
    everyone = Estimate(score.value, score.standard_error)
    return dataclasses.replace(
        score,
        value=own.value,
        standard_error=own.standard_error,
        parts={"of this run": own, "mean of the runs": everyone},
    )


def wanted(config: Config) -> tuple[list[str], bool]:
    """Return the metrics to measure, and whether they were asked for by name."""
    asked = None if config.metrics == "all" else [n.strip() for n in config.metrics.split(",")]
    if asked is None and config.protocol != "none":
        asked = sorted(metrics.PROTOCOLS[config.protocol])
    names = [registry.check("metrics", name) for name in asked or registry.usable("metrics")]
    return list(dict.fromkeys(names)), asked is not None


def noted(scores: Mapping[str, Score], notes: Sequence[str]) -> dict[str, Score]:
    """Return scores with notes before their own."""
    return {
        name: dataclasses.replace(score, notes=(*notes, *score.notes))
        for name, score in scores.items()
    }


def _not_applicable(
    name: str, needed: set[str], groups: Mapping[str, Mapping[str, Any]], data: Dataset
) -> str:
    """Return the sentence for a metric whose inputs the model or the data set lacks."""
    said = f"metric {name} needs {' and '.join(sorted(needed))}, which"
    if "categories" in needed and "categories" not in groups["codes"]:
        return f"{said} this run's method lacks: it has no categorical code."
    return f"{said} {data.name} and this run do not provide."
