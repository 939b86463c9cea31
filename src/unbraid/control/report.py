"""How well a request is met: what the judge reads off 2,000 images, beside real renderings.

Three things are needed, because each alone is easily had. *Obeyed*: the judge reads what was asked.
*Varied*: two images of one request differ as two writers do; a template a digit is obeyed best.
*Sharp*: ink is black or white; a judge reads a blurred mean of all writers best. And changing one
factor should leave the others alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control.judge import FACTORS, HALF, MIDDLE, Judge
from unbraid.datasets.digits import Renderer
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]
Draw = Callable[[Floats, NDArray[np.int64]], Any]

# Figures are reported on the requests of the first seed; settings are chosen on the second's.
FRESH, VALIDATION = 0, 1
CONTINUOUS = FACTORS[1:]
UNITS = {"digit accuracy": "%", "angle": "degrees", "x": "px", "y": "px", "size": "%"}
UNITS |= {"thickness": "px", "diversity": "of real", "grey ratio": "", "leakage": "x real"}
UNITS |= {"digit flips": "%", "digit changes": "%"}
HIGHER = ("digit accuracy", "diversity", "digit changes")  # is better; lower is for the others

_READ_MARGIN = 1.15  # half-widths of the default ranges up to which the judge saw factors


def measure(
    draw: Draw,
    judge: Judge,
    specs: Sequence[FactorSpec],
    renderer: Renderer,
    requests: int = 2000,
    seed: int = FRESH,
) -> dict[str, Any]:
    """Return how well a drawer does what it is asked, beside real renderings of the same requests.

    Args:
        draw: factors (N, F) and styles (N,) to images (N, 1, H, W), uint8 or floats on [0, 1]. Row
            n's handwriting must depend on styles[n] alone.
        judge: reads the images.
        specs: the factors' specs, among them those of ``digits``; requests are uniform over their
            ranges and levels.
        renderer: draws the real images, of the same canvas, of handwriting no drawer has seen.
        requests: how many random requests, N.
        seed: of requests and styles: ``FRESH`` for what is reported, ``VALIDATION`` for choosing
            settings.

    Returns:
        ``figures``: for each name a ``value``, its ``standard_error``, the same of the ``real``
        renderings and its ``unit``:

        - ``digit accuracy``: share of images on which the judge reads the digit asked for.
        - ``angle``, ``x``, ``y``, ``size``, ``thickness``: mean absolute difference between what
          was asked and what the judge reads; lengths in pixels of a 64-pixel canvas, size in per
          cent of what was asked, angle modulo the symmetry of the digit asked for.
        - ``diversity``: mean squared distance of two images of one request in two styles, over the
          same for two real writers.
        - ``grey ratio``: sum of x (1 - x) over sum of x, of all pixels x.
        - ``leakage``: mean over changed factors of ``leakage[k]``, which is the mean over the
          other continuous factors j of ``moves[k][j]`` over the same for real renderings.
        - ``digit flips``: share of images whose digit, as read, differs after another factor was
          changed alone.
        - ``digit changes``: share of images on which, after the digit was changed at the same
          style, the judge reads the new one.

        ``leakage``: by changed factor. ``moves``: by changed factor k and other factor j, the mean
        absolute change of j as read when k alone is drawn anew at the same style, ``value`` and
        ``real``; a real digit that changes is another handwriting. ``notes``: sentences.

    Raises:
        UnbraidError: factors that are not those of ``digits``, images of another shape, fewer than
            2 requests or a seed below 0.
    """
    if requests < 2:
        raise UnbraidError(f"requests are {requests}, expected 2 or more.")
    if seed < 0:
        raise UnbraidError(f"seed is {seed}, expected 0 or more.")
    columns = _columns(specs)
    asked = draw_requests(specs, requests, seed)
    changed = {}
    for name, column in zip(FACTORS, columns, strict=True):
        if (rows := changed_alone(asked, column, specs[column], seed)) is not None:
            changed[name] = rows
    styles = np.random.default_rng([seed, 2]).integers(0, 2**31, (2, requests))

    def real(factors: Floats, which: int) -> Any:
        rows = factors[:, columns]  # the same handwriting for the same digit, as far as it fits
        return renderer.draw(rows, renderer.choose(rows, [seed, 3, which]))

    scale = _Scale(specs, columns)
    found = _observe(lambda rows, which: draw(rows, styles[which]), judge, scale, asked, changed)
    floor = _observe(real, judge, scale, asked, changed)
    return {"requests": requests, "seed": seed, **_summary(found, floor), "notes": _notes(scale)}


def draw_requests(specs: Sequence[FactorSpec], count: int, seed: int) -> Floats:
    """Return random requests, factor rows (count, F), uniform over ranges and levels.

    >>> rows = draw_requests([FactorSpec("x", "continuous", range=(2, 3))], 100, seed=0)
    >>> rows.shape, bool(rows.min() >= 2 and rows.max() <= 3)
    ((100, 1), True)
    """
    rng = np.random.default_rng([seed, 0])
    return np.column_stack([_uniform(spec, count, rng) for spec in specs])


def changed_alone(asked: Floats, column: int, spec: FactorSpec, seed: int) -> Floats | None:
    """Return the requests with one factor drawn anew; None where it has a single value.

    Levels change to another level.
    """
    rng = np.random.default_rng([seed, 1, column])
    rows = asked.copy()
    if spec.values is not None:
        levels = len(spec.values)
        if levels < 2:
            return None
        rows[:, column] = (rows[:, column] + rng.integers(1, levels, len(rows))) % levels
        return rows
    assert spec.range is not None
    rows[:, column] = _uniform(spec, len(rows), rng)
    return rows if spec.range[0] < spec.range[1] else None


def _uniform(spec: FactorSpec, count: int, rng: np.random.Generator) -> Floats:
    if spec.values is not None:
        return rng.integers(0, len(spec.values), count).astype(np.float64)
    assert spec.range is not None
    return rng.uniform(*spec.range, count)


def _columns(specs: Sequence[FactorSpec]) -> list[int]:
    """Return which columns hold the judge's factors, in its order."""
    names = [spec.name for spec in specs]
    if missing := [name for name in FACTORS if name not in names]:
        raise UnbraidError(
            f"the factors are {', '.join(names) or 'unknown'}, without {missing[0]}: the judge "
            f"reads {', '.join(FACTORS)}, the factors of 'digits', and can measure no others."
        )
    return [names.index(name) for name in FACTORS]


# -- looking --------------------------------------------------------------------------------------


class _Scale:
    """Compares factors as the judge reads them with others, by the specs' own rules."""

    def __init__(self, specs: Sequence[FactorSpec], columns: Sequence[int]) -> None:
        self.columns = list(columns)
        self.specs = dict(zip(FACTORS, (specs[column] for column in columns), strict=True))
        values = self.specs["digit"].values or ()
        self.digits = np.array([int(value) for value in values])

    def values(self, rows: Floats) -> Floats:
        """Return requests (N, F) as the judge would read them, (N, 6): digits, not indices."""
        part = rows[:, self.columns].copy()
        part[:, 0] = self.digits[part[:, 0].astype(np.int64)]
        return part

    def apart(self, one: Floats, other: Floats) -> Floats:
        """Return the absolute differences of two readings (N, 6), the digit's 0 or 1.

        A factor that repeats at the digit of either differs by no more than half its period.
        """
        miss = np.abs(one - other)
        miss[:, 0] = miss[:, 0] != 0
        for column, name in enumerate(CONTINUOUS, start=1):
            for digit in self.digits:
                period = self.specs[name].period_given("digit", int(digit))
                if period:
                    here = (one[:, 0] == digit) | (other[:, 0] == digit)
                    turned = miss[here, column] % period
                    miss[here, column] = np.minimum(turned, period - turned)
        return miss


@dataclass
class _Observed:
    """What was seen of one drawer, before anything is averaged: arrays of N."""

    errors: dict[str, Floats] = field(default_factory=dict)  # by factor, of the digit 0 or 1
    distance: Floats = field(default_factory=lambda: np.zeros(0))  # squared, of two styles
    grey: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x (1 - x)
    ink: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x
    moves: dict[str, dict[str, Floats]] = field(default_factory=dict)
    obeyed_digit: Floats | None = None


def _observe(
    draw: Callable[[Floats, int], Any],
    judge: Judge,
    scale: _Scale,
    asked: Floats,
    changed: dict[str, Floats],
) -> _Observed:
    """Draw all that is asked for and read it; ``draw`` takes factors and which style, 0 or 1."""
    first = _pixels(draw(asked, 0), len(asked))
    found = _Observed()
    found.distance = np.square(first - _pixels(draw(asked, 1), len(asked))).sum((1, 2, 3))
    found.grey, found.ink = (first * (1 - first)).sum((1, 2, 3)), first.sum((1, 2, 3))
    before, wanted = judge.read(first), scale.values(asked)
    # The symmetry is that of the digit asked for, whatever was read.
    seen = before.copy()
    seen[:, 0] = wanted[:, 0]
    found.errors = dict(zip(FACTORS, scale.apart(seen, wanted).T, strict=True))
    found.errors["digit"] = (before[:, 0] != wanted[:, 0]).astype(np.float64)
    found.errors["size"] = 100 * found.errors["size"] / wanted[:, 1]
    for name, rows in changed.items():
        after = judge.read(_pixels(draw(rows, 0), len(rows)))
        moved = dict(zip(FACTORS, scale.apart(before, after).T, strict=True))
        found.moves[name] = {other: moved[other] for other in FACTORS if other != name}
        if name == "digit":
            found.obeyed_digit = (after[:, 0] == scale.values(rows)[:, 0]).astype(np.float64)
    return found


def _pixels(images: Any, count: int) -> NDArray[np.float32]:
    """Return images as float32 on [0, 1], (N, 1, H, W)."""
    array = np.asarray(images)
    if array.ndim != 4 or len(array) != count:
        raise UnbraidError(
            f"the drawer returned images of shape {array.shape}, expected ({count}, 1, H, W)."
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    return np.clip(array.astype(np.float32), 0, 1)


# -- summing up -----------------------------------------------------------------------------------


def _summary(found: _Observed, real: _Observed) -> dict[str, Any]:
    """Average what was seen and put it beside what was seen of real renderings."""
    figures: dict[str, dict[str, Any]] = {}

    def add(name: str, value: tuple[float, float], floor: float) -> None:
        figures[name] = {
            "value": value[0],
            "standard_error": value[1],
            "real": floor,
            "unit": UNITS[name],
        }

    right, right_of_real = ((1 - seen.errors["digit"]) * 100 for seen in (found, real))
    add("digit accuracy", _mean(right), _mean(right_of_real)[0])
    for name in ("angle", "x", "y", "size", "thickness"):
        add(name, _mean(found.errors[name]), _mean(real.errors[name])[0])
    add("diversity", _ratio(found.distance, real.distance), 1.0)
    add("grey ratio", _ratio(found.grey, found.ink, paired=True), _ratio(real.grey, real.ink)[0])
    leakage, error = _leakage(found, real)
    if leakage:
        add("leakage", (float(np.mean(list(leakage.values()))), error), 1.0)
    others = [name for name in found.moves if name != "digit"]
    if others:
        flips, flips_of_real = (
            100 * np.mean([seen.moves[name]["digit"] for name in others], axis=0)
            for seen in (found, real)
        )
        add("digit flips", _mean(flips), _mean(flips_of_real)[0])
    if found.obeyed_digit is not None and real.obeyed_digit is not None:
        real_change = _mean(100 * real.obeyed_digit)[0]
        add("digit changes", _mean(100 * found.obeyed_digit), real_change)
    moves = {
        name: {
            other: {"value": float(values.mean()), "real": float(real.moves[name][other].mean())}
            for other, values in others_of.items()
        }
        for name, others_of in found.moves.items()
    }
    return {"figures": figures, "leakage": leakage, "moves": moves}


def _leakage(found: _Observed, real: _Observed) -> tuple[dict[str, float], float]:
    """Return each changed factor's leakage, and the standard error of their mean."""
    by_factor, shares = {}, []
    for name, moves in found.moves.items():
        ratios = []
        for other in CONTINUOUS:
            if other in moves:
                floor = max(float(real.moves[name][other].mean()), 1e-9)
                ratios.append(moves[other] / floor)
        by_factor[name] = float(np.mean(ratios))
        shares.append(np.mean(ratios, axis=0))
    return by_factor, _mean(np.mean(shares, axis=0))[1] if shares else 0.0


def _mean(values: Floats) -> tuple[float, float]:
    """Return a mean and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _ratio(above: Floats, below: Floats, paired: bool = False) -> tuple[float, float]:
    """Return the ratio of two means and its standard error, to first order."""
    top, bottom = float(above.mean()), max(float(below.mean()), 1e-12)
    ratio = top / bottom
    if paired:
        return ratio, _mean(above - ratio * below)[1] / bottom
    return ratio, float(np.hypot(_mean(above)[1], ratio * _mean(below)[1])) / bottom


def _notes(scale: _Scale) -> list[str]:
    """Say which ranges go beyond what the judge was trained to read."""
    notes = []
    for name, middle, half in zip(CONTINUOUS, MIDDLE, HALF, strict=True):
        low, high = scale.specs[name].range or (middle, middle)
        if max(high - middle, middle - low) > _READ_MARGIN * half:
            notes.append(
                f"{name} goes from {low:g} to {high:g}, beyond the {middle - half:g} to "
                f"{middle + half:g} that the judge knows: read its error beside that on real "
                "renderings."
            )
    return notes
