"""Scores of a model by every metric."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unbraid import metrics
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.subsets import some_rows
from unbraid.datasets import Dataset
from unbraid.evaluation import factor_draws
from unbraid.evaluation.evidence import Coded, Encoding, inputs
from unbraid.methods import Method
from unbraid.metrics import Estimate, Score

Needs = Mapping[str, set[str]]  # of each metric
LEAST_OTHERS = 5  # runs, of whose agreements with one an error is told
APART = {"images", "reconstructions", "log_weights"}  # inputs that are no rows of codes
# Is told of a failure, and of the metrics that were measured together; it may raise.
Failed = Callable[[Sequence[str], Exception], None]


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
    encoding: Encoding,
    data: Dataset,
    config: Config,
    *,
    compared: bool,
    failed: Failed | None = None,
) -> dict[str, Score]:
    """Return the scores of a model by the metrics that compare no runs.

    Args:
        encoding: of the data set's images by the model.
        data: images, with factors if they are known.
        config: the metrics and their settings.
        compared: whether the metrics that compare runs are measured elsewhere.
        failed: if it is given, a failure ends nothing: it is told of the failure, and several
            metrics that were measured together are then measured one by one.

    Raises:
        UnbraidError: an unknown metric, or one whose inputs this model or data set lacks.
    """
    names, named = wanted(config)
    needs = {name: set(metrics.needs(registry.load("metrics", name))) for name in names}
    if compared:
        needs = {name: need for name, need in needs.items() if "runs" not in need}
    scores: dict[str, Score] = {}
    parts: list[Needs] = [needs]
    while parts:
        part = parts.pop(0)
        try:
            scores |= _measured(encoding, data, config, part, named, lenient=failed is None)
        except Exception as error:
            if failed is None:
                raise
            failed(list(part), error)
            if len(part) > 1:
                parts = [{name: need} for name, need in part.items()]
    return scores


def _measured(
    encoding: Encoding,
    data: Dataset,
    config: Config,
    needs: Needs,
    named: bool,
    lenient: bool,
) -> dict[str, Score]:
    """Return the scores of metrics, given with what each needs.

    Args:
        encoding: of the data set's images by the model.
        data: images, with factors if they are known.
        config: the settings of metrics.
        needs: of each metric to measure.
        named: whether they were asked for by name: one that cannot be measured is then an error.
        lenient: warn if labels do not allow metrics that were not, instead of an error.
    """
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
        # labels may be too few to measure anything, which is nothing to the other metrics
        for of_labels in (False, True):
            some = [name for name in members if ("factors" in needs[name]) == of_labels]
            if not some:
                continue
            options = groups[group]
            if of_labels and lenient and not named:
                labels = ("codes", "factors", "specs", "test")
                try:
                    metrics.gather(**{each: options[each] for each in labels if each in options})
                except UnbraidError as error:
                    warnings.warn(f"not measured: {', '.join(some)}: {error}", stacklevel=2)
                    continue
            found = metrics.evaluate(metrics=some, protocol=protocol, seed=config.seed, **options)
            scores |= noted(found, notes) if group == "codes" else found
    return scores


def check_measurable(model: Method, data: Dataset, config: Config) -> None:
    """Raise an UnbraidError unless metrics have what they need of a model's kind and of data.

    Those that are asked for by name have to be possible, and all that are need enough images.

    Args:
        model: of the method and options; it may be untrained.
        data: the images that are measured, with factors if they are known.
        config: the metrics and their settings.
    """
    names, named = wanted(config)
    encoding = Encoding(model, data.images[:1], config.representation == "sampled", config.seed)
    found = encoding.provided()
    if (known := data.factors) is not None and (
        np.fmax.reduce(known) > np.fmin.reduce(known)
    ).any():
        found.add("factors")
    for name in names:
        need = set(metrics.needs(registry.load("metrics", name)))
        if need <= found | {"runs"}:
            _check_rows(name, need, data, config)
        elif named:
            raise UnbraidError(_not_applicable(name, need, {"codes": dict.fromkeys(found)}, data))


def _check_rows(name: str, need: set[str], data: Dataset, config: Config) -> None:
    """Raise an UnbraidError if a metric of codes would get too few of them to measure anything."""
    published = metrics.SIZES.get(config.protocol)
    if need <= APART or (published and factor_draws.can_draw(data)):
        return
    limit = sum(published) if published else config.images
    if limit < metrics.MIN_ROWS:
        raise UnbraidError(
            f"images is {limit}, but metric {name} needs at least {metrics.MIN_ROWS}: measure it "
            "on more, or leave it out."
        )
    rows = some_rows(len(data), limit, config.seed)
    count, told = len(rows), "images to measure on"
    if published:
        count, told = round(count * published[0] / sum(published)), "images to fit on"
    elif "factors" in need and data.factors is not None:
        factors = data.factors[rows]
        vary = np.fmax.reduce(factors) > np.fmin.reduce(factors)
        known = ~np.isnan(factors[:, vary]).any(axis=1)
        if not known.all():
            count, told = int(known.sum()), f"{told} whose factors are all known"
    if count < metrics.MIN_ROWS:
        raise UnbraidError(
            f"{data.name} has {count} {told}, but metric {name} needs at least "
            f"{metrics.MIN_ROWS}: hold out more images, or leave the metric out."
        )


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
    were normal; NaN for fewer than ``LEAST_OTHERS`` other runs, of which it would say too little.

    Args:
        score: of all runs, as ``compare`` returns.
        index: of the run.
    """
    agreements = np.delete(score.detail["pairs"][:, index], index)
    spread = math.nan
    if len(agreements) >= LEAST_OTHERS:
        spread = float(agreements.std(ddof=1) / math.sqrt(len(agreements) * 2 / math.pi))
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
