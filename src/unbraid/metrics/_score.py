"""What a metric returns: a number, its standard error, and everything needed to repeat it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SINGLE = ("there is a single image, so the standard error is unknown",)


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; NaN where one is undefined."""

    value: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class Score:
    """The result of one metric.

    Args:
        metric: the metric's registered name, e.g. ``"mig"``.
        variant: which of its variants this is, e.g. ``"20 equal-width bins"``.
        value: the score; NaN where the definition gives none (``notes`` says why).
        standard_error: how far ``value`` is expected to move with other data or draws;
            ``settings["error"]`` says how it was found. NaN where unknown.
        settings: every option, the seed, the sample sizes and library versions.
        parts: further numbers of the same metric, such as DCI's completeness.
        per_factor: (F,), in the order of ``factor_names``.
        per_code: (D,).
        matrix: (D, F) of code i against factor j: mutual information, importance, accuracy ...
        factor_names: the names of the factors.
        detail: other arrays, by name.
        notes: sentences on what was unusual in the data.

    >>> Score("mig", "20 equal-width bins", 0.5, 0.01, {}).name
    'mig (20 equal-width bins)'
    """

    metric: str
    variant: str
    value: float
    standard_error: float
    settings: Mapping[str, Any]
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    per_factor: Array | None = None
    per_code: Array | None = None
    matrix: Array | None = None
    factor_names: tuple[str, ...] = ()
    detail: Mapping[str, Array] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The metric and its variant."""
        return f"{self.metric} ({self.variant})"

    def rows(self) -> list[tuple[str, float, float]]:
        """Return (label, value, standard error) of each number: one row, or one a part."""
        if not self.parts:
            return [(self.metric, self.value, self.standard_error)]
        return [
            (f"{self.metric} {part}", estimate.value, estimate.standard_error)
            for part, estimate in self.parts.items()
        ]

    def _repr_html_(self) -> str:
        from unbraid.metrics._tables import Scores

        return Scores({self.metric: self})._repr_html_()

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers; undefined numbers become None.

        >>> Score("mig", "20 equal-width bins", math.nan, 0.0, {}).to_json()["value"] is None
        True
        """
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain: dict[str, Any] = _plain({"name": self.name, **fields})
        return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def settings(
    sizes: Mapping[str, int], config: Any, seed: int, error: str, *packages: str
) -> dict[str, Any]:
    """Return all that a score depends on: options, sizes, seed, kind of error, versions."""
    return {
        **dataclasses.asdict(config),
        **sizes,
        "seed": seed,
        "error": error,
        "versions": versions(*packages),
    }


@cache
def versions(*packages: str) -> dict[str, str]:
    """Return the versions of unbraid, numpy and the given packages."""
    return {package: version(package) for package in ("unbraid", "numpy", *packages)}
