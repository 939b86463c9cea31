"""Summary of observations: means, standard errors, and the same figures of real images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.observations import Observations, Observer
from unbraid.control.assessment.units import has_order, unit_of

Floats = NDArray[np.float64]
Figures = dict[str, dict[str, Any]]

HIGHER = ("digit accuracy", "diversity", "digit changes")  # figures for which higher is better
AS_REAL = (
    "diversity",
    "sharpness",
    "variance over time",
    "grey ratio",
    "leakage",
)  # best if equal to real images


def summarise(observer: Observer, found: Observations, real: Observations) -> dict[str, Any]:
    """Return ``figures``, ``leakage`` and ``moves`` of a report, see ``report.measure``."""
    figures: Figures = {}
    leakage, leakage_error = _leakage(observer, found, real)
    _add_errors(figures, observer, found, real)
    _add_appearance(figures, found, real)
    if leakage:
        value = float(np.mean(list(leakage.values())))
        _add(figures, "leakage", (value, leakage_error), 1.0, "x real")
    _add_flips(figures, observer, found, real)
    return {"figures": figures, "leakage": leakage, "moves": _moves(found, real)}


def _add(figures: Figures, name: str, value: tuple[float, float], real: float, unit: str) -> None:
    """Add a figure, unless it is undefined because a factor is unknown in all real images."""
    if np.isfinite([*value, real]).all():
        figures[name] = {
            "value": value[0],
            "standard_error": value[1],
            "real": real,
            "unit": unit,
        }


def _add_errors(
    figures: Figures, observer: Observer, found: Observations, real: Observations
) -> None:
    """Add the accuracy of each categorical factor, then the error of each other factor."""
    same = real.same
    for spec in observer.units.specs:
        if not has_order(spec):
            correct, real_correct = ((1 - each.errors[spec.name]) * 100 for each in (found, real))
            _add(
                figures, f"{spec.name} accuracy", _mean(correct, same), _mean(real_correct)[0], "%"
            )
    for spec in observer.units.specs:
        if has_order(spec):
            unit = observer.source.units.get(spec.name, unit_of(spec))
            one, floor = found.errors[spec.name], real.errors[spec.name]
            figure = f"{spec.name} error" if spec.name in AS_REAL else spec.name
            if spec.name in observer.source.capped:
                most = observer.source.capped[spec.name]
                _add(figures, figure, _median(one), _median(floor)[0], unit)
                beyond, usual = (np.where(each > most, 100.0, 0.0) for each in (one, floor))
                name = f"{spec.name} beyond {most:g}"
                _add(figures, name, _mean(beyond, same), _mean(usual)[0], "%")
            else:
                _add(figures, figure, _mean(one, same), _mean(floor)[0], unit)


def _add_appearance(figures: Figures, found: Observations, real: Observations) -> None:
    """Add the figures that need no judge: diversity, sharpness, variance and grey ratio."""
    same = real.same
    if len(real.distance):
        _add(figures, "diversity", _ratio(found.distance, real.distance, same), 1.0, "of real")
    _add(figures, "sharpness", _ratio(found.edges, real.edges, same), 1.0, "of real")
    if len(real.motion):
        _add(figures, "variance over time", _ratio(found.motion, real.motion, same), 1.0, "of real")
    if found.channels == 1:
        real_grey = _ratio(real.grey, real.ink, same)[0]
        _add(figures, "grey ratio", _ratio(found.grey, found.ink, same), real_grey, "")


def _add_flips(
    figures: Figures, observer: Observer, found: Observations, real: Observations
) -> None:
    """Add how often each category changes with another factor, and when it is requested to."""
    same = real.same
    for name in [spec.name for spec in observer.units.specs if not has_order(spec)]:
        others = [other for other in found.moves if other != name]
        if others:
            flips, real_flips = (
                100 * _mean_of_known([each.moves[other][name] for other in others])
                for each in (found, real)
            )
            _add(figures, f"{name} flips", _mean(flips, same), _mean(real_flips)[0], "%")
        if name in found.changes:
            real_change = _mean(100 * real.changes[name])[0]
            change = _mean(100 * found.changes[name], same)
            _add(figures, f"{name} changes", change, real_change, "%")


def _moves(found: Observations, real: Observations) -> dict[str, dict[str, dict[str, float]]]:
    """Return by changed factor the mean change of each other factor, where it is defined."""
    moves: dict[str, dict[str, dict[str, float]]] = {}
    for name, by_factor in found.moves.items():
        moves[name] = {}
        for other, values in by_factor.items():
            value, floor = _mean(values)[0], _mean(real.moves[name][other])[0]
            if np.isfinite([value, floor]).all():
                moves[name][other] = {"value": value, "real": floor}
    return moves


def _leakage(
    observer: Observer, found: Observations, real: Observations
) -> tuple[dict[str, float], float]:
    """Return the leakage of each changed factor, and the standard error of their mean."""
    by_factor, terms = {}, []
    for name, moves in found.moves.items():
        ratios = []
        for spec in observer.units.specs:
            if has_order(spec) and spec.name in moves:
                floor = _mean(real.moves[name][spec.name])[0]
                if np.isfinite([floor, _mean(moves[spec.name])[0]]).all():
                    ratios.append(moves[spec.name] / max(floor, 1e-9))
        if ratios:
            by_factor[name] = float(np.mean([_mean(ratio)[0] for ratio in ratios]))
            terms.append(np.mean([_spread_over_all(ratio) for ratio in ratios], axis=0))
    return by_factor, _mean(np.mean(terms, axis=0), real.same)[1] if terms else 0.0


def _spread_over_all(values: Floats) -> Floats:
    """Return values of all requests whose mean has the error of those that are not NaN.

    Where a value is NaN, it is their average; the others are as much farther from it as they are
    fewer.
    """
    known = ~np.isnan(values)
    if known.all():
        return values
    mean = values[known].mean()
    spread: Floats = np.where(known, mean + (values - mean) * (len(values) / known.sum()), mean)
    return spread


def _mean_of_known(values: list[Floats]) -> Floats:
    """Return the mean of several values of each request, NaN where none is known."""
    array = np.array(values)
    known = ~np.isnan(array)
    counts = known.sum(0)
    found = np.full(len(counts), np.nan)
    np.divide(np.where(known, array, 0.0).sum(0), counts, out=found, where=counts > 0)
    return found


def _mean(values: Floats, same: NDArray[np.int64] | None = None) -> tuple[float, float]:
    """Return mean and standard error of values that are not NaN; NaN if there are fewer than 2.

    Where few real images, or groups of them, answer many requests, these are no independent draws.
    With s_g the sum of the deviations of the n values whose image is g, of G images, the error is
    ``sqrt(G / (G - 1) sum_g s_g^2) / n``: the usual one where no image comes twice.

    Args:
        values: (N,).
        same: equal numbers for those of the same real image or group, (N,); each its own if not
            given.
    """
    known = ~np.isnan(values)
    if known.sum() < 2:
        return np.nan, np.nan
    count, mean = int(known.sum()), float(values[known].mean())
    _, image = np.unique(np.arange(len(values)) if same is None else same, return_inverse=True)
    sums = np.bincount(image[known], values[known] - mean)
    images = len(np.unique(image[known]))
    if images < 2:  # nothing is known of other images
        return mean, float(values[known].std(ddof=1) / np.sqrt(count))
    return mean, float(np.sqrt(images / (images - 1) * np.square(sums).sum()) / count)


def _median(values: Floats) -> tuple[float, float]:
    """Return median and standard error of values that are not NaN; NaN if there are fewer than 2.

    The error is half the distance of the two values between which it lies with probability 0.68.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return np.nan, np.nan
    off = 0.5 / np.sqrt(len(known))
    low, middle, high = np.quantile(known, [0.5 - off, 0.5, 0.5 + off])
    return float(middle), float((high - low) / 2)


def _ratio(above: Floats, below: Floats, same: NDArray[np.int64]) -> tuple[float, float]:
    """Return the ratio of two means over the same requests, and its standard error to first order.

    A drawn image and the real one have factors in common, so that both have strong edges or none.
    """
    top, bottom = float(above.mean()), max(float(below.mean()), 1e-12)
    ratio = top / bottom
    return ratio, _mean(above - ratio * below, same)[1] / bottom


def better(name: str) -> str:
    """Return which values of a figure are best: ``higher``, ``lower``, or ``as real``.

    >>> better("shape accuracy"), better("x"), better("leakage")
    ('higher', 'lower', 'as real')
    """
    if name in AS_REAL:
        return "as real"
    return "higher" if name.endswith((" accuracy", " changes")) else "lower"
