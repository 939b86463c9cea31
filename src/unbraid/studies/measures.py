"""What a study measures: its tables ``[[metrics]]`` as options of ``unbraid evaluate``."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from unbraid import metrics
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.studies.spec import Measure

# Raised when what metrics are given of a run changes: 2, codes drawn independently for each model
# and image, and levels of a circle that begin again; 3, bins of reals many of which are equal to
# the least, and of a part of a circle
INPUTS = 3


def wanted_by(measure: Measure) -> dict[str, dict[str, Any]]:
    """Return what is measured of each run, by a key that tells it from any other measurement."""
    names = measure.metrics
    asked = names.split(",") if isinstance(names, str) else names
    if not isinstance(asked, list) or not all(isinstance(name, str) for name in asked):
        raise UnbraidError(f"metrics are {names!r}, expected 'all' or a list of names.")
    if not asked:
        raise UnbraidError(
            "metrics of [[metrics]] are [], expected at least one name: name some, or leave the "
            "table out to measure nothing."
        )
    asked = [name.strip() for name in asked]
    if measure.protocol != "none" and measure.protocol not in metrics.PROTOCOLS:
        raise UnbraidError(
            f"unknown protocol '{measure.protocol}'"
            f"{did_you_mean(measure.protocol, metrics.PROTOCOLS)}: known are "
            f"{', '.join(metrics.PROTOCOLS)}."
        )
    if asked == ["all"] and measure.protocol != "none":
        asked = sorted(metrics.PROTOCOLS[measure.protocol])
    found = {}
    for name in asked:
        if name != "all":
            registry.check("metrics", name)
        version = " ".join(["1", *_newer()]) if name == "all" else _version(name)
        told = {**dataclasses.asdict(measure), "metrics": name}
        key = " ".join(f"{value}" for value in told.values() if value != "mean")
        found[f"{key} v{version}.{INPUTS}"] = told
    return found


def _version(metric: str) -> str:
    """Return the version of a metric and, of another package's, the hash of its code."""
    number = getattr(registry.load("metrics", metric), "SEMANTICS", 1)
    return "-".join(filter(None, [str(int(number)), registry.source_hash("metrics", metric)]))


def _newer() -> list[str]:
    """Return the metrics that have had a correction or are another package's, with versions."""
    versions = {name: _version(name) for name in registry.usable("metrics")}
    return [f"{name}-{version}" for name, version in versions.items() if version != "1"]


def check_apart(asked: list[dict[str, Any]]) -> None:
    """Raise an UnbraidError for measurements whose rows in the table would be the same."""
    for first, second in itertools.combinations(asked, 2):
        differ = [name for name in first if first[name] != second[name]]
        if differ and {*differ} <= {"seed", "samples"}:
            raise UnbraidError(
                f"{first['metrics']} is measured twice with another {' and '.join(differ)}, which "
                "the table does not tell apart: leave out one of them, or give it other images."
            )


def compares(metric: str) -> bool:
    """Whether a metric compares several runs."""
    return metric != "all" and "runs" in metrics.needs(registry.load("metrics", metric))
