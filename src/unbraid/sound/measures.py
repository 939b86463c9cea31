"""What is measured of a sound by formula: its pitch, its duration and its loudness.

Each is defined absolutely, so that it can be read from any recording: *pitch* is the median of the
fundamental frequency over voiced frames, weighted by their energy; *duration* the time between the
first and the last moment 30 dB below the loudest; *loudness* the level of the louder half of the
time between them. A level is the mean square under a triangle of 25 ms, in which the single periods
of a voice do not show; the same formulas take samples and pictures of voices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unbraid.core.errors import UnbraidError
from unbraid.sound._frames import Floats, weighted_median
from unbraid.sound.pitch import folded, track
from unbraid.sound.vocoder import HOP, Voice, checked

REFERENCE = 100.0  # hertz; that many semitones above it are a pitch
BELOW = 30.0  # decibels below the loudest moment where a word starts and ends
ABOVE_NOISE = 6.0  # decibels, if the recording's own noise is louder than that
NOISE_PERCENTILES = (2.0, 20.0)  # of the levels: between them, no one speaks
STEADY = 4.0  # decibels that these differ by at most where noise is heard
SPAN = 0.025  # seconds of the triangle under which a level is; two periods of the lowest voice
STEP = 0.001  # seconds between the moments of a curve
SILENT = -120.0  # dBFS


@dataclass(frozen=True)
class Measures:
    """What was measured of a recording.

    Args:
        pitch: semitones from 100 Hz, NaN where no frame is voiced.
        duration: milliseconds.
        loudness: decibels of full scale (dBFS): 0 is the level of samples that are all 1 or -1.
    """

    pitch: float
    duration: float
    loudness: float

    @property
    def hertz(self) -> float:
        """The pitch as a frequency."""
        return float(REFERENCE * 2 ** (self.pitch / 12))


def measure(samples: ArrayLike, rate: int) -> Measures:
    """Return the pitch, the duration and the loudness of a recording.

    Args:
        samples: (N,) of one channel: reals in -1..1, or integers in the range of their type.
        rate: samples a second.

    Raises:
        UnbraidError: see ``vocoder.checked``.

    >>> rate, tone = 8000, np.zeros(8000)
    >>> tone[2000:6000] = 0.1 * np.sin(2 * np.pi * 200 * np.arange(4000) / 8000)
    >>> found = measure(tone, rate)
    >>> round(found.hertz), round(found.loudness, 1)
    (200, -23.0)
    """
    floats = checked(samples, rate)
    curve = level_curve_of_samples(floats, rate)
    hop = round(rate * HOP)
    times = np.arange(-(-len(floats) // hop)) * hop / rate
    f0 = track(floats, rate, times)
    power = 10 ** (np.interp(times, np.arange(len(curve)) * STEP, curve) / 10)
    start, stop = ends(curve)
    return Measures(
        pitch_of(folded(f0, power), power), 1000 * float(stop - start), float(loudness_of(curve))
    )


def pitch_of(f0: Floats, power: Floats) -> float:
    """Return the median of f0 (T,) weighted by power (T,), in semitones from 100 Hz.

    Zeros of f0 are unvoiced and left out; NaN where all are.

    >>> round(pitch_of(np.array([200.0, 200, 100, 0]), np.array([5.0, 5, 1, 9])), 3)
    12.0
    """
    voiced = f0 > 0
    if not voiced.any():
        return float("nan")
    if voiced.sum() == 1:
        return float(12 * np.log2(f0[voiced][0] / REFERENCE))
    height = 12 * np.log2(f0[voiced] / REFERENCE)
    return float(weighted_median(height, power[voiced]))


def level_curve_of_samples(samples: Floats, rate: int) -> Floats:
    """Return the level around each millisecond of samples (N,), in dBFS."""
    width = round(SPAN / 2 * rate) | 1
    power = _spread(np.pad(samples**2, width), width)
    places = width + np.arange(int(len(samples) / rate / STEP) + 1) * STEP * rate
    return _level(np.interp(places, np.arange(len(power)), power))


def level_curve(levels: Floats, step: float | Floats) -> Floats:
    """Return the level around each millisecond, (..., M), of levels of moments (..., T) in dBFS.

    Args:
        levels: silence is before the first and after the last.
        step: seconds between moments, a number or one a curve, (...).
    """
    count = levels.shape[-1]
    step = np.asarray(step, np.float64)[..., None]
    places = np.arange(int((count - 1) * step.max() / STEP) + 1) * STEP / step
    places = np.broadcast_to(places, (*levels.shape[:-1], places.shape[-1]))
    low = np.minimum(places.astype(np.int64), count - 2)
    below = np.take_along_axis(levels, low, -1)
    part = np.minimum(places - low, 1)  # beyond the last moment it would overflow
    fine = below + part * (np.take_along_axis(levels, low + 1, -1) - below)
    power = np.where(places <= count - 1, 10 ** (fine / 10), 0.0)
    return _level(_spread(power, round(SPAN / 2 / STEP) | 1))


def _spread(power: Floats, width: int) -> Floats:
    """Return means of power (..., M) under a triangle: twice under a box of an odd width."""
    pad = [(0, 0)] * (power.ndim - 1) + [(width // 2 + 1, width // 2)]
    for _ in range(2):
        total = np.cumsum(np.pad(power, pad), -1)
        power = (total[..., width:] - total[..., :-width]) / width
    return power


def _level(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (SILENT / 10))))


def threshold_of(curve: Floats) -> Floats:
    """Return the level at which a sound starts and ends, (...), of curves (..., M).

    A recording has noise where a fifth of it is of nearly one level, the lowest.
    """
    lowest, noise = np.percentile(curve, NOISE_PERCENTILES, axis=-1)
    top = curve.max(-1)
    steady = noise - lowest < STEADY
    limit = np.where(steady, np.maximum(top - BELOW, noise + ABOVE_NOISE), top - BELOW)
    return np.asarray(np.minimum(limit, top - ABOVE_NOISE))


def ends(curve: Floats) -> tuple[Floats, Floats]:
    """Return when sounds start and end in seconds, (...), of curves (..., M).

    30 dB below the loudest moment, or 6 dB above the noise where that is louder; between moments
    linearly.

    >>> curve = np.full(500, -90.0)
    >>> curve[100:401] = -20
    >>> [round(float(end), 3) for end in ends(curve)]
    [0.1, 0.4]
    """
    limit = threshold_of(curve)[..., None]
    start = _crossing(curve, limit)
    stop = curve.shape[-1] - 1 - _crossing(curve[..., ::-1], limit)
    return start * STEP, stop * STEP


def _crossing(curve: Floats, limit: Floats) -> Floats:
    """Return the fractional place at which curves (..., M) first reach their limits (..., 1)."""
    first = (curve >= limit).argmax(-1)[..., None]
    after = np.take_along_axis(curve, first, -1)
    rise = after - np.take_along_axis(curve, np.maximum(first - 1, 0), -1)
    part = np.where(first > 0, (after - limit) / np.maximum(rise, 1e-12), 0.0)
    return np.asarray((first - np.minimum(part, 1.0))[..., 0])


def loudness_of(curve: Floats) -> Floats:
    """Return the level of the louder half of sounds between their ends, in dBFS, (...)."""
    start, stop = (np.rint(end / STEP)[..., None] for end in ends(curve))
    moment = np.arange(curve.shape[-1])
    within = (moment >= start) & (moment <= stop)
    power = np.sort(np.where(within, 10 ** (curve / 10), 0.0), -1)[..., ::-1]
    count = within.sum(-1, keepdims=True)
    half = count - count // 2
    total = np.take_along_axis(np.cumsum(power, -1), half - 1, -1)
    return _level((total / half)[..., 0])


def voice_levels(voice: Voice) -> Floats:
    """Return the level of each frame of a voice in dBFS, (T,)."""
    return _level(voice.power)


def step_for(levels: Floats, duration: float | Floats) -> Floats:
    """Return the seconds between frames (...) at which sounds last so long.

    A level is of 25 ms, so that what is measured grows a little less than in proportion: the step
    is found by trying.

    Args:
        levels: (..., T) of frames, dBFS.
        duration: seconds, (...).
    """
    step = np.asarray(duration, np.float64) / levels.shape[-1]
    for _ in range(5):
        start, stop = ends(level_curve(levels, step))
        step = np.asarray(step * np.clip(duration / np.maximum(stop - start, STEP), 0.5, 2.0))
    return np.asarray(step)


def check_voiced(measures: Measures) -> None:
    """Raise an UnbraidError for a recording without a pitch."""
    if np.isnan(measures.pitch):
        raise UnbraidError(
            "the recording has no pitch that could be changed, as nothing in it is voiced: leave "
            "the pitch as it is."
        )
