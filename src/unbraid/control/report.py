"""How well a request is met: what a judge reads off 2,000 images, beside real images.

Three things are needed, because each alone is easily had. *Obeyed*: the judge reads what was asked.
*Varied*: two images of one request differ as two real ones do; one template a class is obeyed best.
*Sharp*: edges are those of real images; a judge reads a blurred mean best. And changing one factor
should leave the others alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.control._looking import DigitsReader, Look, Observed, Reader
from unbraid.control._scale import is_ordered, unit_of
from unbraid.control.judge import Judge
from unbraid.control.sources import Drawn, Rendered, Source
from unbraid.datasets.digits import Renderer
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]
Draw = Callable[[Floats, NDArray[np.int64]], Any]

# Figures are reported on the requests of the first seed; settings are chosen on the second's.
FRESH, VALIDATION = 0, 1
HIGHER = ("digit accuracy", "diversity", "digit changes")  # is better; lower is for the others
AS_REAL = ("diversity", "sharpness", "grey ratio", "leakage")  # are best where real images are


def measure(
    draw: Draw,
    judge: Judge | Reader,
    specs: Sequence[FactorSpec],
    source: Renderer | Source,
    requests: int = 2000,
    seed: int = FRESH,
    drawn: Drawn = "independent",
) -> dict[str, Any]:
    """Return how well a drawer does what it is asked, beside real images of the same requests.

    Args:
        draw: factors (N, F) and styles (N,) to images (N, C, H, W), uint8 or floats on [0, 1]. What
            the factors leave open in row n must depend on styles[n] alone.
        judge: reads the images.
        specs: the factors' specs, among them those that the judge reads.
        source: gives requests and real images of them; a renderer of ``digits`` of the same canvas
            and of handwriting no drawer has seen, or a source of any data.
        requests: how many random requests, N.
        seed: of requests and styles: ``FRESH`` for what is reported, ``VALIDATION`` for choosing
            settings.
        drawn: requests are ``independent``, each factor drawn by itself, or ``joint``, as factors
            come together in the data.

    Returns:
        ``figures``: for each name a ``value``, its ``standard_error``, the same of ``real`` images
        and its ``unit``. With FACTOR the name of each factor that is judged:

        - ``FACTOR accuracy``, of categories: share of images on which the judge reads the level
          asked for.
        - ``FACTOR``, of all others: mean absolute difference between what was asked and what the
          judge reads, in the factor's unit (for ``digits``, pixels of a 64-pixel canvas, and size
          in per cent of what was asked), modulo the symmetries of the categories asked for.
        - ``diversity``: mean squared distance of two images of one request in two styles, over the
          same for two real ones. Left out where factors leave nothing open.
        - ``sharpness``: mean squared difference of neighbouring pixels, over the same of real ones.
        - ``grey ratio``, of grey images: sum of x (1 - x) over sum of x, of all pixels x.
        - ``leakage``: mean over changed factors of ``leakage[k]``, which is the mean over the
          other factors j that are no categories of ``moves[k][j]`` over the same for real images.
        - ``FACTOR flips``, of categories: share of images whose level, as read, differs after
          another factor was changed alone.
        - ``FACTOR changes``, of categories: share of images on which, after the factor was changed
          at the same style, the judge reads the new level.

        ``leakage``: by changed factor. ``moves``: by changed factor k and other factor j, the mean
        absolute change of j as read when k alone is drawn anew at the same style, ``value`` and
        ``real``. Real is the same handwriting, or another if the digit changes; the image of that
        combination; or, where neither can be had, what two readings of the judge differ by when
        nothing has changed. ``notes``: sentences.

    Raises:
        UnbraidError: factors that the judge does not read, images of another shape, fewer than 2
            requests or a seed below 0.
    """
    if requests < 2:
        raise UnbraidError(f"requests are {requests}, expected 2 or more.")
    if seed < 0:
        raise UnbraidError(f"seed is {seed}, expected 0 or more.")
    notes: list[str] = []
    reader = DigitsReader(judge, specs) if isinstance(judge, Judge) else judge
    if isinstance(reader, DigitsReader):
        notes += reader.notes
    if isinstance(source, Renderer):
        look = Look(reader, specs, Rendered(specs, source))
    else:
        look = Look(reader, specs, source)
    source = look.source
    asked = source.requests(requests, seed, drawn)
    changed = {}
    for name, column in zip(look.scale.names, look.columns, strict=True):
        if (rows := source.changed(asked, column, seed)) is not None:
            changed[name] = rows
    styles = np.random.default_rng([seed, 2]).integers(0, 2**31, (2, requests))
    found = look.observe(lambda rows, which: draw(rows, styles[which]), asked, changed)
    if source.exact:
        real = look.observe(lambda rows, k: source.real(rows, [seed, 3, k])[0], asked, changed)
    else:
        real = look.beside(asked, changed, seed)
    notes += _open(source, real)
    told = _summary(look, found, real)
    return {"requests": requests, "seed": seed, "drawn": drawn, **told, "notes": notes}


def _open(source: Source, real: Observed) -> list[str]:
    """Say what diversity is beside, or why there is none."""
    if (source.exact and not source.repeats) or not real.distance.any():
        real.distance = np.zeros(0)
        return ["Every combination of factors has one image: diversity has no meaning."]
    if not source.repeats:
        return [
            "No two images have the same factors: diversity is beside images of the nearest ones, "
            "which differ in factors too, so less than 1 is no fault by itself."
        ]
    return []


# -- summing up -----------------------------------------------------------------------------------


def _summary(look: Look, found: Observed, real: Observed) -> dict[str, Any]:
    """Average what was seen and put it beside what was seen of real images."""
    figures: dict[str, dict[str, Any]] = {}

    def add(name: str, value: tuple[float, float], floor: float, unit: str) -> None:
        if np.isfinite([*value, floor]).all():  # a factor may be unknown in all real images
            figures[name] = {
                "value": value[0],
                "standard_error": value[1],
                "real": floor,
                "unit": unit,
            }

    specs = look.scale.specs
    categories = [spec.name for spec in specs if not is_ordered(spec)]
    for name in categories:
        right, real_right = ((1 - seen.errors[name]) * 100 for seen in (found, real))
        add(f"{name} accuracy", _mean(right), _mean(real_right)[0], "%")
    for spec in specs:
        if is_ordered(spec):
            unit = look.source.units.get(spec.name, unit_of(spec))
            add(spec.name, _mean(found.errors[spec.name]), _mean(real.errors[spec.name])[0], unit)
    if len(real.distance):
        add("diversity", _ratio(found.distance, real.distance), 1.0, "of real")
    add("sharpness", _ratio(found.edges, real.edges), 1.0, "of real")
    if found.channels == 1:
        real_grey = _ratio(real.grey, real.ink)[0]
        add("grey ratio", _ratio(found.grey, found.ink, paired=True), real_grey, "")
    leakage, error = _leakage(look, found, real)
    if leakage:
        add("leakage", (float(np.mean(list(leakage.values()))), error), 1.0, "x real")
    for name in categories:
        others = [other for other in found.moves if other != name]
        if others:
            flips, real_flips = (
                100 * np.mean([seen.moves[other][name] for other in others], axis=0)
                for seen in (found, real)
            )
            add(f"{name} flips", _mean(flips), _mean(real_flips)[0], "%")
        if name in found.obeyed:
            real_change = _mean(100 * real.obeyed[name])[0]
            add(f"{name} changes", _mean(100 * found.obeyed[name]), real_change, "%")
    moves = {
        name: {
            other: {"value": _mean(values)[0], "real": _mean(real.moves[name][other])[0]}
            for other, values in others_of.items()
            if np.isfinite([_mean(values)[0], _mean(real.moves[name][other])[0]]).all()
        }
        for name, others_of in found.moves.items()
    }
    return {"figures": figures, "leakage": leakage, "moves": moves}


def _leakage(look: Look, found: Observed, real: Observed) -> tuple[dict[str, float], float]:
    """Return each changed factor's leakage, and the standard error of their mean."""
    by_factor, shares = {}, []
    for name, moves in found.moves.items():
        ratios = []
        for spec in look.scale.specs:
            if is_ordered(spec) and spec.name in moves:
                floor = _mean(real.moves[name][spec.name])[0]
                if np.isfinite([floor, _mean(moves[spec.name])[0]]).all():
                    ratios.append(moves[spec.name] / max(floor, 1e-9))
        if ratios:
            by_factor[name] = float(np.mean([_mean(ratio)[0] for ratio in ratios]))
            # where a factor has no meaning, it moves as on average
            filled = [np.where(np.isnan(ratio), _mean(ratio)[0], ratio) for ratio in ratios]
            shares.append(np.mean(filled, axis=0))
    return by_factor, _mean(np.mean(shares, axis=0))[1] if shares else 0.0


def _mean(values: Floats) -> tuple[float, float]:
    """Return the mean of what is known and its standard error, NaN if fewer than two are."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return np.nan, np.nan
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known)))


def _ratio(above: Floats, below: Floats, paired: bool = False) -> tuple[float, float]:
    """Return the ratio of two means and its standard error, to first order."""
    top, bottom = float(above.mean()), max(float(below.mean()), 1e-12)
    ratio = top / bottom
    if paired:
        return ratio, _mean(above - ratio * below)[1] / bottom
    return ratio, float(np.hypot(_mean(above)[1], ratio * _mean(below)[1])) / bottom


def better(name: str) -> str:
    """Return which values of a figure are good: ``higher``, ``lower``, or ``as real``.

    >>> better("shape accuracy"), better("x"), better("leakage")
    ('higher', 'lower', 'as real')
    """
    if name in AS_REAL:
        return "as real"
    return "higher" if name.endswith((" accuracy", " changes")) else "lower"
