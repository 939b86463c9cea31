"""The closed loop: what is drawn is read, the closest to the request kept, the rest corrected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]
Images = NDArray[np.float32]
Styles = NDArray[np.int64]

BEYOND = 0.05  # of its range, that a corrected factor may go past its ends


def obeying(
    draw: Callable[[Floats, Styles], Images],
    read: Callable[[Images], Floats],
    specs: Sequence[FactorSpec],
    factors: Floats,
    styles: Styles,
    candidates: int = 1,
    correct: bool = False,
) -> Images:
    """Return images that read back as asked as far as a few tries allow, (N, C, H, W).

    Args:
        draw: factors (N, F) and styles (N,) to images; the same for the same row.
        read: images to factors (N, F).
        specs: of the factors.
        factors: what is asked.
        styles: of the first candidates; those of the others follow from them.
        candidates: images drawn for each request, of which the closest is kept. Which style that
            is depends on the request, so with more than one the same style in another request may
            be another handwriting.
        correct: draw once more with request + (request - read), and keep the closer of the two.
    """
    tried = np.stack([styles, *(_derived(styles, n) for n in range(1, candidates))])
    images = draw(np.tile(factors, (len(tried), 1)), tried.ravel())
    if candidates == 1 and not correct:
        return images
    readings = read(images)
    gaps = gap(specs, np.tile(factors, (len(tried), 1)), readings).reshape(tried.shape)
    best = gaps.argmin(0)
    rows = best * len(styles) + np.arange(len(styles))
    images, readings, gaps = images[rows], readings[rows], gaps.ravel()[rows]
    if correct and len(styles):
        chosen = tried.ravel()[rows]
        again = draw(corrected(specs, factors, readings), chosen)
        better = gap(specs, factors, read(again)) < gaps
        images = np.where(better[:, None, None, None], again, images)
    return images


def gap(specs: Sequence[FactorSpec], asked: Floats, found: Floats) -> Floats:
    """Return how far readings (N, F) are from requests (N, F), (N,): 0 to 1 a factor, summed.

    A wrong category counts as much as a whole range; half a turn, the most there is, as half.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9))
    >>> gap([spec], np.array([[0.0]]), np.array([[4.5]])).tolist()
    [0.25]
    """
    total = np.zeros(len(asked))
    for column, spec in enumerate(specs):
        if spec.kind == "categorical":
            total += np.rint(found[:, column]) != asked[:, column]
            continue
        away = np.abs(_away(spec, specs, asked, found, column))
        total += np.minimum(away / _width(spec), 1.0)
    return total


def corrected(specs: Sequence[FactorSpec], asked: Floats, found: Floats) -> Floats:
    """Return requests with the reals moved by as much as their reading missed them."""
    moved = asked.copy()
    for column, spec in enumerate(specs):
        if spec.kind == "categorical" or spec.values is not None:
            continue
        step = _away(spec, specs, asked, found, column)
        low, high = spec.range or (-np.inf, np.inf)
        spare = BEYOND * (high - low)
        moved[:, column] -= step
        if not spec.period:
            moved[:, column] = np.clip(moved[:, column], low - spare, high + spare)
    return moved


def _away(
    spec: FactorSpec, specs: Sequence[FactorSpec], asked: Floats, found: Floats, column: int
) -> Floats:
    """Return found minus asked, by the shorter way round where the factor repeats.

    It is 0 where the factor has no meaning.
    """
    away = found[:, column] - asked[:, column]
    levels = len(spec.values) if spec.values is not None else 0
    turn = float(levels) if levels and spec.period else spec.period or 0.0
    unit = turn / spec.period if spec.period else 1.0  # stored numbers in one of the factor's
    period = np.full(len(asked), turn)
    for symmetry in spec.symmetries:
        for other, each in enumerate(specs):
            if each.name == symmetry.factor and symmetry.value in (each.values or ()):
                here = asked[:, other] == (each.values or ()).index(symmetry.value)
                period[here] = symmetry.period * unit
                if not symmetry.period:
                    away[here] = 0
    repeats = period > 0
    away[repeats] -= period[repeats] * np.rint(away[repeats] / period[repeats])
    return away


def _width(spec: FactorSpec) -> float:
    if spec.values is not None:
        return float(max(len(spec.values) - (not spec.period), 1))
    low, high = spec.range or (0.0, 1.0)
    return max(high - low, 1e-9)


def _derived(styles: Styles, number: int) -> Styles:
    """Return other styles that follow from the given ones."""
    mixed = [np.random.SeedSequence((int(s) % 2**63, number)) for s in styles]
    drawn = [int(each.generate_state(1, np.uint64)[0]) % 2**63 for each in mixed]
    return np.array(drawn, np.int64)
