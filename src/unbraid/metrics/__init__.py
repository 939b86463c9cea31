"""Metrics: each file here is one, found by its name; ``evaluate`` runs any of them.

A metric module defines a frozen dataclass ``Config`` (its options, each with a default) and
``compute(evidence, config, seed) -> Score``. ``evidence`` holds the inputs, checked; ``NEEDS``
names those that the metric cannot do without, ``("codes", "factors")`` unless it says otherwise.
A metric is a pure function of these: same inputs, options and seed, same score. It may import
numpy, scipy, scikit-learn and LightGBM, not torch. The score gets the name of the metric's file or
entry point. Studies rank runs by it: a higher one is better, unless the module says
``LOWER_IS_BETTER = True``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from types import ModuleType
from typing import Any, Literal

from numpy.typing import ArrayLike

from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.metrics._evidence import MIN_ROWS, Encoder, Evidence
from unbraid.metrics._gather import gather
from unbraid.metrics._protocols import PROTOCOLS, SIZES
from unbraid.metrics._score import Estimate, Score
from unbraid.metrics._tables import HEADER, Scores, note_lines, score_records, table_rows

__all__ = [
    "HEADER",
    "MIN_ROWS",
    "PROTOCOLS",
    "SIZES",
    "Encoder",
    "Estimate",
    "Evidence",
    "Score",
    "Scores",
    "evaluate",
    "gather",
    "lower_is_better",
    "needs",
    "note_lines",
    "score_records",
    "table_rows",
]


def evaluate(
    codes: ArrayLike | None = None,
    factors: ArrayLike | Mapping[str, ArrayLike] | None = None,
    specs: Sequence[FactorSpec] | None = None,
    metrics: Literal["all"] | str | Sequence[str] = "all",
    protocol: str | None = None,
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    logvar: ArrayLike | None = None,
    runs: Sequence[ArrayLike] | None = None,
    images: ArrayLike | None = None,
    reconstructions: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    encoder: Encoder | None = None,
    categories: Sequence[int] = (),
    levels: Sequence[int] = (),
    run_categories: Sequence[Sequence[int]] = (),
    run_levels: Sequence[Sequence[int]] = (),
) -> Scores:
    """Score a representation with any of the metrics.

    Args:
        codes: (N, D) codes of N images; the means, where codes are distributions.
        factors: (N, F) what made each image, NaN where unknown, or a dict of named columns (N,).
            Any rows will do, no full grid is needed.
        specs: what each factor is; without them whole numbers are taken for ordered levels and
            other numbers for continuous factors.
        metrics: ``"all"`` that the given inputs allow (with a protocol: all of its metrics),
            one name or several.
        protocol: a named set of settings: ``"locatello2019"``, ``"chen2018"``, ``"hsu2023"``.
        seed: of every split, draw and predictor.
        options: options of single metrics, ``{"mig": {"bins": 40}}``, above the protocol's.
        test: (codes, factors) to test predictors on; without, a share of the rows is held out.
        logvar: (N, D) log variances of the codes' Gaussian posteriors.
        runs: codes (N, D_r) of several trainings on the same images, for UDR.
        images, reconstructions: (N, ...) in [0, 1].
        log_weights: (N, K) log importance weights in nats.
        encoder: maps factors (n, F) and a numpy Generator to codes (n, D); FactorVAE and
            BetaVAE then encode fresh factors, as published, instead of drawing rows.
        categories: how many values each categorical code has; these are the first columns of
            ``codes``, each row's category as an index. Which integer names which category
            changes no score.
        levels: how many levels each quantised code has; these are the columns after the
            categorical ones, each row's value or level. They are discrete where entropies are
            estimated, and numbers elsewhere.
        run_categories: the same for each of ``runs``, empty for one without categorical codes.
        run_levels: the levels of each run's quantised codes, empty for one without. UDR takes each
            level as a category: two trainings may have one factor's values in two orders.

    Returns:
        One Score per metric, by name, in alphabetical order: a dict, and a table in notebooks.

    Raises:
        UnbraidError: unknown metric, protocol or option, inputs that are missing or make no
            sense (words, NaN codes, other lengths, a factor with one value, too few rows).

    Arrays may be anything that holds numbers: NumPy arrays of any type and memory layout, lists,
    tensors, data frames. Rows in which a factor is unknown are left out, and a note says so.

    >>> import numpy as np
    >>> factors = np.random.default_rng(0).integers(0, 8, (2000, 2))
    >>> evaluate(codes=factors, factors=factors, metrics="mig")["mig"].value > 0.97
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise UnbraidError(f"seed is {seed!r}, but a seed is a whole number, 0 or more.")
    if isinstance(metrics, Iterable) and not isinstance(metrics, str):
        metrics = list(metrics)
    if _need_no_factors(metrics):  # which may be unknown or the same in all rows
        factors = specs = test = None
    evidence = gather(
        codes,
        factors,
        specs,
        test=test,
        logvar=logvar,
        runs=runs,
        images=images,
        reconstructions=reconstructions,
        log_weights=log_weights,
        encoder=encoder,
        categories=categories,
        levels=levels,
        run_categories=run_categories,
        run_levels=run_levels,
        as_stored=protocol is not None,
    )
    preset = _preset(protocol)
    names = _chosen(metrics, list(preset) if protocol else None, evidence)
    given = _checked_options(options)
    configs = {name: _config(name, preset, given) for name in {**given, **dict.fromkeys(names)}}
    scores = Scores()
    for name in names:
        module, config = registry.load("metrics", name), configs[name]
        _check_needs(name, module, evidence)
        inputs = evidence if "factors" in needs(module) else evidence.whole or evidence
        scores[name] = _named(module.compute(inputs, config, seed), name, module)
    return scores


def _named(found: Any, name: str, module: ModuleType) -> Score:
    """Return a metric's score by the name of its file or entry point: tables look for that one."""
    if not isinstance(found, Score):
        raise UnbraidError(
            f"metric {name} returned a value of type {type(found).__name__}, expected a Score: "
            f"have compute of {module.__name__} return one of unbraid.metrics.Score."
        )
    return found if found.metric == name else dataclasses.replace(found, metric=name)


def _checked_options(options: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of metrics by the metrics' names."""
    if not isinstance(options or {}, Mapping):
        raise UnbraidError(
            f"options is {options!r}, expected a dict for each metric, as in "
            "{'mig': {'bins': 40}}: write it so."
        )
    for name, given in (options or {}).items():
        registry.check("metrics", name)
        if not isinstance(given, Mapping):
            raise UnbraidError(
                f"the options of metric {name} are {given!r}, expected a dict of their names and "
                f"values: write {{'{name}': {{OPTION: {given!r}}}}}."
            )
    return options or {}


def _config(name: str, preset: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """Return the options of a metric: its own, those of the protocol, those given."""
    merged = {**preset.get(name, {}), **given.get(name, {})}
    return registry.build(registry.load("metrics", name).Config, merged, f"metric {name}")


def lower_is_better(module: ModuleType) -> bool:
    """Return whether lower values of a metric are better, as its module says."""
    return bool(getattr(module, "LOWER_IS_BETTER", False))


def needs(module: ModuleType) -> tuple[str, ...]:
    """Return the inputs that a metric module cannot do without."""
    return getattr(module, "NEEDS", ("codes", "factors"))


def _need_no_factors(metrics: str | Sequence[str]) -> bool:
    """Whether metrics are named of which none needs factors."""
    names = metrics if isinstance(metrics, list) else [metrics]
    known = [name for name in names if name in registry.names("metrics")]
    return known == names and not any(
        "factors" in needs(registry.load("metrics", name)) for name in names
    )


def _preset(protocol: str | None) -> Mapping[str, Mapping[str, Any]]:
    if protocol is None:
        return {}
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        raise UnbraidError(
            f"unknown protocol '{protocol}'{did_you_mean(protocol, PROTOCOLS)}: "
            f"known are {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[protocol]


def _chosen(
    metrics: str | Sequence[str], preset: list[str] | None, evidence: Evidence
) -> list[str]:
    everything = isinstance(metrics, str) and metrics == "all"
    if everything and preset is not None:
        return sorted(preset)
    if not isinstance(metrics, Iterable):
        raise UnbraidError(
            f"metrics is {metrics!r}, expected 'all', the name of a metric or several: leave it "
            "out for all."
        )
    if not everything:
        asked = [metrics] if isinstance(metrics, str) else metrics
        return sorted({registry.check("metrics", name) for name in asked})
    possible = [
        name
        for name in registry.usable("metrics")
        if all(evidence.has(need) for need in needs(registry.load("metrics", name)))
    ]
    if not possible:
        raise UnbraidError(
            "there is nothing to measure: give codes and factors, or other inputs of evaluate."
        )
    return possible


def _check_needs(name: str, module: ModuleType, evidence: Evidence) -> None:
    missing = [need for need in needs(module) if not evidence.has(need)]
    if missing:
        raise UnbraidError(
            f"metric {name} needs {' and '.join(needs(module))}, but {' and '.join(missing)} "
            "were not given."
        )
