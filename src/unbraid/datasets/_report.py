"""The report on a data set, in lines of text: factors, rare levels and confounded factors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.datasets._association import associations

FEW = 20  # images that a level needs to be measured
_SHOWN = 10  # levels listed before the rest is left out
SAME = 0.98  # association from which two factors cannot be separated


def report_of(dataset: Dataset, threshold: float = 0.5) -> list[str]:
    """Return lines on images, factors, unknown labels, rare levels and confounded factors.

    Args:
        dataset: any data set.
        threshold: pairs with an association above it are named.

    >>> factors = {"shape": ["disc", "ring"] * 30, "grey": [0.5, 0.7] * 30}
    >>> data = Dataset.from_arrays(np.zeros((60, 8, 8)), factors, name="discs")
    >>> print("\\n".join(report_of(data)))
    discs, train: 60 images of 8 x 8, grey
      shape: categorical, disc (30), ring (30)
      grey: continuous, 0.5 to 0.7
    confounded: shape and grey (1.00): one follows from the other, so they cannot be separated.
    """
    channels, height, width = dataset.image_shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    what = _count(len(dataset))
    if dataset.signal.kind == "sound":
        what = f"{what.replace('image', 'sound')} as pictures"
        kind = ", ".join(channel.name for channel in dataset.signal.channels)
    lines = [f"{dataset.name}, {dataset.split}: {what} of {width} x {height}, {kind}"]
    if dataset.groups is not None:
        sizes = np.unique(dataset.groups, return_counts=True)[1]
        span = str(sizes.min()) + (f" to {sizes.max()}" if sizes.max() > sizes.min() else "")
        lines.append(f"  {len(sizes):,} groups of {span} images")
    if dataset.factors is None:
        return [*lines, "  no factors are known"]
    lines += [f"  {_of_factor(dataset, spec)}" for spec in dataset.specs]
    return [*lines, *_rare(dataset), *_confounded(dataset, threshold)]


def facts_of(dataset: Dataset) -> dict[str, Any]:
    """Return what ``report_of`` tells as plain values, and the association of every two factors.

    Args:
        dataset: any data set.

    >>> data = Dataset.from_arrays(np.zeros((60, 8, 8)), {"shape": ["disc", "ring"] * 30})
    >>> facts_of(data)["factors"][0]["counts"]
    {'disc': 30, 'ring': 30}
    """
    found = {
        "name": dataset.name,
        "split": dataset.split,
        "images": len(dataset),
        **({} if dataset.groups is None else {"groups": len(np.unique(dataset.groups))}),
        "shape": list(dataset.image_shape),
        "factors": [_facts_of_factor(dataset, spec) for spec in dataset.specs],
        "associations": [],
    }
    if dataset.factors is not None:
        found["associations"] = [
            {"factors": [one, other], "association": value}
            for value, one, other in _associated(dataset)
        ]
    return found


def _facts_of_factor(dataset: Dataset, spec: FactorSpec) -> dict[str, Any]:
    column = dataset.factor(spec.name)
    known = column[~np.isnan(column)]
    found: dict[str, Any] = {
        "name": spec.name,
        "kind": spec.kind,
        "unit": spec.unit,
        "period": spec.period,
        "known": len(known),
        "unknown": len(column) - len(known),
    }
    if spec.values is None:
        ends = (float(known.min()), float(known.max())) if len(known) else (None, None)
        return found | dict(zip(("lowest", "highest"), ends, strict=True))
    counts = np.bincount(known.astype(np.int64), minlength=len(spec.values))
    return found | {"counts": dict(zip(map(str, spec.values), counts.tolist(), strict=True))}


def _of_factor(dataset: Dataset, spec: FactorSpec) -> str:
    column = dataset.factor(spec.name)
    known = column[~np.isnan(column)]
    unit = f" {spec.unit}" if spec.unit else ""
    parts: list[str] = [spec.kind]
    if not len(known):
        parts.append("unknown for all")
        return f"{spec.name}: {', '.join(parts)}"
    if spec.values is None:
        parts.append(f"{known.min():.4g} to {known.max():.4g}{unit}")
        if spec.period:
            parts.append(f"period {spec.period:g}")
    elif spec.kind == "categorical" or len(spec.values) <= _SHOWN:
        counts = np.bincount(known.astype(np.int64), minlength=len(spec.values))
        order = (
            np.argsort(-counts, kind="stable")
            if len(spec.values) > _SHOWN
            else np.arange(len(counts))
        )
        listed = [
            f"{_said(spec.values[level])} ({counts[level]:,})" for level in order[:_SHOWN].tolist()
        ]
        more = len(spec.values) - len(listed)
        parts.append(", ".join(listed) + (f" and {more:,} more values" if more else "") + unit)
    else:
        levels = len(np.unique(known))
        first, last = _said(spec.values[0]), _said(spec.values[-1])
        parts.append(f"{levels:,} levels from {first} to {last}{unit}")
    if missing := len(column) - len(known):
        parts.append(f"unknown for {missing:,} ({missing / len(column):.0%})")
    return f"{spec.name}: {', '.join(parts)}"


def _said(value: str | float) -> str:
    """Return a level as text: a real without the digits that are rounding."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rare(dataset: Dataset) -> Iterator[str]:
    """Yield a line on the levels of categories that have few images."""
    for spec in dataset.specs:
        if spec.kind != "categorical" or spec.values is None:
            continue
        column = dataset.factor(spec.name)
        known = column[~np.isnan(column)].astype(np.int64)
        counts = np.bincount(known, minlength=len(spec.values))
        rare = np.flatnonzero(counts < FEW)
        if len(rare):
            named = ", ".join(
                f"{_said(spec.values[level])} ({counts[level]})" for level in rare[:3].tolist()
            )
            more = ", ..." if len(rare) > 3 else ""
            yield (
                f"too few images: {len(rare):,} of the {len(spec.values):,} values of {spec.name} "
                f"have fewer than {FEW} ({named}{more})"
            )


def _confounded(dataset: Dataset, threshold: float) -> Iterator[str]:
    """Yield a line on factors that go together."""
    pairs = [pair for pair in _associated(dataset) if pair[0] > threshold]
    pairs.sort(reverse=True)
    for value, one, other in pairs:
        if value >= SAME:
            yield (
                f"confounded: {one} and {other} ({value:.2f}): one follows from the other, so they "
                "cannot be separated."
            )
    rest = [f"{one} and {other} ({value:.2f})" for value, one, other in pairs if value < SAME]
    if rest:
        more = f" and {len(rest) - 5} more pairs" if len(rest) > 5 else ""
        yield (
            f"confounded: {', '.join(rest[:5])}{more} go together in this data, and no method can "
            "separate what the data never separate."
        )


def _associated(dataset: Dataset) -> list[tuple[float, str, str]]:
    """Return the association of each two factors, and their names."""
    assert dataset.factors is not None
    found = associations(dataset.factors, dataset.specs)
    names = dataset.factor_names
    return [
        (float(found[i, j]), names[i], names[j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]


def _count(images: int) -> str:
    return f"{images:,} image{'' if images == 1 else 's'}"
