"""The option ``measured`` of every data set: factors measured from its images."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._morphology import BLOCK, Measures, measure

VERSION = 1  # of all that shapes the numbers
SHARE = 0.9  # of the images that must have a meaning for a factor
THIN = 6.0  # ratio of length to thickness above which shapes are lines
LONG = 1.2  # ratio of the axes above which a shape has a direction
SOUNDS = (("pitch", "semitones from 100 Hz"), ("duration", "milliseconds"), ("loudness", "dBFS"))
TAILS = (
    0.5,
    99.5,
)  # percentiles that are the ends of a factor's range, so that outliers do not set it


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of every data set.

    Args:
        measured: add factors that are measured from the images: place, size, slant or direction,
            thickness and length of lines, elongation, brightness and hue, where they are defined;
            of recordings, pitch, duration and loudness.
        correlated: pairs of factors, such as ``shape:scale,posX:posY``, that are correlated in the
            train split; the test split stays as it is.
        correlated_width: how closely: standard deviation of the ridge, where factors go from 0 to
            1; published are 0.04 to 0.7.
    """

    measured: bool = False
    correlated: str = ""
    correlated_width: float = 0.1


class Found(NamedTuple):
    """A factor that may be measured.

    Args:
        name, unit: of the factor.
        values: (N,), NaN where it has no meaning.
        spread: standard deviation that it must have to be one.
        period: of a circle.
    """

    name: str
    values: NDArray[np.float64]
    spread: float
    unit: str = ""
    period: float | None = None


def with_measured(dataset: Dataset, reference: Dataset | None = None) -> Dataset:
    """Return the data set with factors measured from its images after those it has.

    Args:
        dataset: any.
        reference: decides which factors there are and their ranges; the data set itself if not
            given. It is the train split, so that both splits have the same factors.
    """
    if dataset.signal.kind == "sound":
        return with_measured_sound(dataset, reference)
    own = _measures(dataset)
    decides = own if reference is None or reference is dataset else _measures(reference)
    chosen = _chosen(decides)
    found = {each.name: each.values for each in measured_factors(own, *_kinds(decides))}
    new, taken = [], set(dataset.factor_names)
    for spec in chosen:
        if spec.name not in taken:
            new.append(spec)
    if not new:
        return replace(dataset, notes=(*dataset.notes, _measured_note(dataset, new, decides)))
    columns = np.stack([found[spec.name] for spec in new], 1)
    if dataset.factors is not None:
        columns = np.column_stack([dataset.factors.astype(np.float64), columns])
    return replace(
        dataset,
        factors=columns,
        specs=(*dataset.specs, *new),
        notes=(*dataset.notes, _measured_note(dataset, new, decides)),
    )


def with_measured_sound(dataset: Dataset, reference: Dataset | None) -> Dataset:
    """Return a data set of voice pictures with pitch, duration and loudness after its factors.

    Raises:
        UnbraidError: other pictures of sound, of which nothing is measured.
    """
    from unbraid.sound import SIGNAL, measure_picture

    if dataset.signal != SIGNAL:
        raise UnbraidError(
            f"{dataset.name}: factors are measured from images and from voice pictures, found "
            "other pictures of sound: leave out measured, or give factors of your own."
        )

    def measures(data: Dataset) -> NDArray[np.float64]:
        found = [measure_picture(image) for image in data.images[:]]
        return np.array([(each.pitch, each.duration, each.loudness) for each in found])

    own = measures(dataset)
    decides = own if reference is None or reference is dataset else measures(reference)
    pairs = zip(SOUNDS, decides.T, own.T, strict=True)
    new = [
        (_spec(Found(name, wide, 0, unit), "sound"), column)
        for (name, unit), wide, column in pairs
        if name not in dataset.factor_names and not np.isnan(wide).all()
    ]
    names = ", ".join(spec.name for spec, _ in new) or "nothing"
    notes = (*dataset.notes, f"measured of the sounds of {dataset.name}: {names}.")
    if not new:
        return replace(dataset, notes=notes)
    columns = np.column_stack([column for _, column in new])
    if dataset.factors is not None:
        columns = np.column_stack([dataset.factors.astype(np.float64), columns])
    specs = (*dataset.specs, *(spec for spec, _ in new))
    return replace(dataset, factors=columns, specs=specs, notes=notes)


def _measured_note(dataset: Dataset, new: list[FactorSpec], measures: Measures) -> str:
    """Return a sentence on what is measured and what is not."""
    there = [spec.name for spec in new]
    said = f"measured of the images of {dataset.name}: {', '.join(there) or 'nothing'}"
    left = [
        f"{name} ({reason})"
        for name, reason in _reasons_left_out(measures).items()
        if reason and name not in there and name not in dataset.factor_names
    ]
    left += [f"{name} (a factor already)" for name in dataset.factor_names if name in _GEOMETRY]
    return said + (f"; not {', '.join(left)}." if left else ".")


def remeasured(
    images: ArrayLike, specs: Sequence[FactorSpec], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return factors of images with those that can be measured replaced by their measurements.

    Args:
        images: (N, C, H, W), uint8 or floats on [0, 1].
        specs: of the factors.
        known: the factors as known otherwise, (N, F); kept where they cannot be measured.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9), measured="shapes")
    >>> bar = np.zeros((1, 1, 28, 28))
    >>> bar[0, 0, 6:22, 20:22] = 1
    >>> remeasured(bar, [spec], np.zeros((1, 1))).tolist()
    [[7.0]]
    """
    kind = next((spec.measured for spec in specs if spec.measured), "")
    if not kind or not len(known):
        return known
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8:
        pixels = np.rint(255 * pixels.astype(np.float32).clip(0, 1)).astype(np.uint8)
    if kind == "sound":
        from unbraid.sound import measure_picture

        heard = [measure_picture(pixel) for pixel in pixels]
        found = {name: np.array([getattr(each, name) for each in heard]) for name, _ in SOUNDS}
    else:
        factors = measured_factors(measure(pixels), kind != "image", kind == "lines")
        found = {each.name: each.values for each in factors}
    result = known.copy()
    for column, spec in enumerate(specs):
        if spec.measured and spec.name in found:
            values = found[spec.name]
            result[:, column] = np.where(np.isnan(values), known[:, column], values)
    return result


# -- which ----------------------------------------------------------------------------------------

_OF_LINES = ("slant", "thickness", "length")
_GEOMETRY = ("x", "y", "size", "slant", "angle", "thickness", "length", "elongation")


def _kinds(measures: Measures) -> tuple[bool, bool]:
    """Return whether there are objects on a plain background, and whether they are lines."""
    plain = bool(np.mean(measures.plain > 0) >= SHARE)
    with np.errstate(invalid="ignore", divide="ignore"):
        slender = measures.length / measures.thickness
    return plain, plain and bool(np.nanmedian(slender) >= THIN) if len(slender) else False


def measured_factors(measures: Measures, plain: bool, lines: bool) -> Iterator[Found]:
    """Yield the factors that images of a kind can have, with their values.

    Args:
        measures: of the images, as ``measure`` returns them.
        plain: whether there are objects on a background of one shade.
        lines: whether these objects are lines, such as digits.

    >>> from unbraid.datasets import measure
    >>> bar = np.zeros((1, 1, 28, 28), np.uint8)
    >>> bar[0, 0, 6:22, 16:18] = 255
    >>> [factor.name for factor in measured_factors(measure(bar), plain=True, lines=False)]
    ['x', 'y', 'size', 'angle', 'elongation', 'brightness', 'hue']
    """
    m = measures
    if not plain:
        yield Found("brightness", m.overall, 2.5, "grey levels")
        yield Found("hue", m.tint, 5, "degrees", 360.0)
        return
    yield Found("x", m.x, 0.5, "pixels right")
    yield Found("y", m.y, 0.5, "pixels up")
    if lines:
        # of the line, without the pen's width and what its two ends add to the length
        narrow = np.sqrt(np.maximum(m.spread**2 - m.thickness**2, 0))
        size = narrow / (1 + math.pi / 4 * m.thickness / np.maximum(m.length, m.thickness))
        yield Found("size", size, 0.5, "pixels")
        yield Found("slant", m.slant, 2, "degrees counter-clockwise")
        yield Found("thickness", m.thickness, 0.1, "pixels")
        yield Found("length", m.length, 1, "pixels")
    else:
        yield Found("size", m.spread, 0.5, "pixels")
        axis = np.where(m.elongation >= LONG, m.axis, np.nan)
        yield Found("angle", axis, 5, "degrees counter-clockwise", 180.0)
    yield Found("elongation", m.elongation, 0.05)
    yield Found("brightness", m.peak if lines else m.brightness, 5, "grey levels")
    yield Found("hue", m.hue, 5, "degrees", 360.0)


def _chosen(measures: Measures) -> list[FactorSpec]:
    """Return the specs of the factors that are defined and vary."""
    left = _reasons_left_out(measures)
    plain, lines = _kinds(measures)
    kind = "lines" if lines else "shapes" if plain else "image"
    return [
        _spec(found, kind)
        for found in measured_factors(measures, plain, lines)
        if found.name not in left
    ]


def _spec(found: Found, kind: str) -> FactorSpec:
    if found.period is not None:
        low = 0.0 if found.period == 360 else -found.period / 2
        ends = (low, low + found.period)
        return FactorSpec(
            found.name, "periodic", None, ends, found.unit, found.period, measured=kind
        )
    low, high = (round(end, 2) for end in np.nanpercentile(found.values, TAILS).tolist())
    return FactorSpec(found.name, "continuous", None, (low, high), found.unit, measured=kind)


def _reasons_left_out(measures: Measures) -> dict[str, str]:
    """Return why factors are left out, by name."""
    plain, lines = _kinds(measures)
    found: dict[str, str] = {}
    for each in measured_factors(measures, plain, lines):
        known = each.values[~np.isnan(each.values)]
        if not len(known):  # the hue of grey images
            found[each.name] = ""
        elif len(known) < SHARE / 2 * len(each.values):
            found[each.name] = "undefined for most"
        elif _deviation(known, each.period) < each.spread:
            found[each.name] = "the same in all"
    if not plain:
        found |= dict.fromkeys(_GEOMETRY, "there is no plain background")
    elif not lines:
        found |= dict.fromkeys(_OF_LINES, "the shapes are not lines")
    return found


def _deviation(values: NDArray[np.float64], period: float | None) -> float:
    """Return the standard deviation, round a circle if there is a period."""
    if period is None:
        return float(values.std())
    mean = abs(np.exp(2j * np.pi * values / period).mean())
    return float(np.sqrt(-2 * np.log(max(mean, 1e-12))) * period / (2 * np.pi))


# -- cache ----------------------------------------------------------------------------------------


def _measures(dataset: Dataset) -> Measures:
    """Return what is measured of a data set's images, from the cache if it was before."""
    key = hashlib.sha256(repr((VERSION, dataset.images.shape)).encode())
    drawn = not isinstance(dataset.images, np.ndarray)
    rows = np.arange(len(dataset))
    if drawn:  # on access: the key is of their factors and of a sample of images
        key.update(np.ascontiguousarray(dataset.factors).tobytes())
        rows = np.random.default_rng(0).choice(len(dataset), min(64, len(dataset)), replace=False)
    for at in range(0, len(rows), 4096):
        key.update(np.ascontiguousarray(dataset.images[rows[at : at + 4096]]).tobytes())

    def build() -> NDArray[np.float64]:
        blocks = [
            np.stack(measure(np.asarray(dataset.images[at : min(at + BLOCK, len(dataset))])))
            for at in range(0, len(dataset), BLOCK)
        ]
        return np.concatenate(blocks, 1)

    stored = cached(f"measured-{key.hexdigest()[:24]}", build)
    return Measures(*np.array(stored))
