"""Edits of any recording: its pitch, duration, vocal tract and loudness changed, the rest kept.

No model and no recogniser is involved: the recording is analysed, changed by formula and put
together again, whoever speaks and whatever is said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.sound._frames import Floats, at
from unbraid.sound.measures import (
    check_voiced,
    ends,
    level_curve_of_samples,
    loudness_of,
    measure,
    step_for,
    voice_levels,
)
from unbraid.sound.vocoder import Voice, analyse, checked, synthesise

# What an edit may ask for: the fundamental stays within what can be tracked, words remain words.
PITCH = (-9.0, 24.0)  # semitones from 100 Hz: 59 to 400 Hz
STRETCH = (0.25, 4.0)  # of the duration
TRACT = (70.0, 140.0)  # per cent of the recording's own vocal tract
LOUDNESS = (-60.0, -6.0)  # dBFS
ROUND = 0.8  # magnitude from which peaks are rounded off


def edit(
    samples: ArrayLike,
    rate: int,
    *,
    pitch: float | None = None,
    duration: float | None = None,
    tract: float | None = None,
    loudness: float | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return a recording with given pitch, duration, vocal tract and loudness, float32 (M,).

    What is None stays as it was measured. A change of loudness alone leaves the samples as they
    are, but for their scale.

    Args:
        samples: (N,) of one channel: reals in -1..1, or integers in the range of their type.
        rate: samples a second, also of what is returned.
        pitch: semitones from 100 Hz.
        duration: milliseconds.
        tract: per cent of the speaker's own vocal tract: 85 sounds smaller, 118 larger.
        loudness: dBFS.
        seed: draws the noise of the voice.

    Raises:
        UnbraidError: no recording, see ``vocoder.checked``, or values out of range.

    >>> rate = 8000
    >>> tone = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / rate)) / 9
    >>> higher = edit(tone, rate, pitch=12.0)
    >>> round(measure(higher, rate).hertz)
    200
    """
    own = measure(samples, rate)
    for name, value, limits, unit in (
        ("pitch", pitch, PITCH, "semitones from 100 Hz"),
        ("tract", tract, TRACT, "per cent"),
        ("loudness", loudness, LOUDNESS, "dBFS"),
    ):
        _check(name, value, limits, unit)
    _check("duration", duration, tuple(own.duration * end for end in STRETCH), "milliseconds")
    wanted = own.loudness if loudness is None else loudness
    if pitch is None and duration is None and tract is None:
        return at_loudness(checked(samples, rate), rate, wanted)
    voice = analyse(samples, rate)
    semitones = 0.0
    if pitch is not None:
        check_voiced(own)
        semitones = pitch - own.pitch
    moved = change(voice, semitones, tract=1.0 if tract is None else tract / 100)
    if duration is None:
        found = synthesise(moved, seed)
    else:
        step = float(step_for(voice_levels(moved), duration / 1000))
        found = lasting(moved, duration, seed, step * rate / voice.hop)
    return at_loudness(found, rate, wanted)


def lasting(
    voice: Voice, duration: float, seed: int = 0, stretch: float = 1.0
) -> NDArray[np.float32]:
    """Return the samples of a voice drawn out until they are measured to last so long, float32.

    Args:
        voice: as analysed or drawn.
        duration: milliseconds.
        seed: draws the noise of the voice.
        stretch: of its time, from which it is tried.

    >>> from unbraid.sound import analyse
    >>> tone = np.zeros(8000)
    >>> tone[2000:6000] = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000)) / 9
    >>> round(measure(lasting(analyse(tone, 8000), 700.0), 8000).duration, -1)
    700.0
    """
    best, nearest = np.zeros(0, np.float32), np.inf
    for _ in range(4):
        found = synthesise(change(voice, stretch=stretch), seed)
        start, stop = ends(level_curve_of_samples(found.astype(np.float64), voice.rate))
        ratio = float(duration / 1000 / (stop - start))
        if abs(np.log(ratio)) < nearest:
            best, nearest = found, abs(np.log(ratio))
        if nearest < 0.005:
            break
        # a quiet end may be heard or not: no single step goes far
        stretch *= np.clip(ratio, 0.85, 1.15)
    return best


def change(voice: Voice, semitones: float = 0.0, stretch: float = 1.0, tract: float = 1.0) -> Voice:
    """Return a voice that is higher, slower and of a longer vocal tract than it was.

    Args:
        voice: as analysed.
        semitones: higher.
        stretch: of its time.
        tract: of the length of its vocal tract: formants are at their frequencies divided by it.

    >>> from unbraid.sound import analyse
    >>> tone = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000))
    >>> len(change(analyse(tone, 8000), stretch=2.0))
    200
    """
    found = voice
    if stretch != 1.0:
        count = max(round(len(voice) * stretch), 2)
        found = voice.at(np.arange(count) / stretch)
    bins = np.arange(found.envelope.shape[1]) * tract
    levels = found.envelope
    if tract != 1.0:
        levels = at(levels, np.broadcast_to(bins, levels.shape))
    return replace(found, f0=found.f0 * 2 ** (semitones / 12), envelope=levels)


def at_loudness(samples: ArrayLike, rate: int, loudness: float) -> NDArray[np.float32]:
    """Return samples (N,) scaled to a loudness in dBFS, float32 in -1..1.

    Peaks beyond 0.8 are rounded off, so that none exceeds 1; where a loudness cannot be reached
    that way, as that of a sine at 0 dBFS, it is lower.

    >>> quiet = at_loudness(np.sin(np.arange(4000)), 8000, -30.0)
    >>> round(measure(quiet, 8000).loudness, 2)
    -30.0
    """
    floats: Floats = np.asarray(samples, np.float64)
    gain, found = 0.0, floats
    for _ in range(12):
        own = float(loudness_of(level_curve_of_samples(found, rate)))
        if abs(loudness - own) < 0.005:
            break
        gain = min(gain + loudness - own, gain + 60)
        found = _limited(floats * 10 ** (gain / 20))
    return found.astype(np.float32)


def _limited(samples: Floats) -> Floats:
    """Return samples whose magnitudes beyond ROUND bend towards 1."""
    over = np.maximum(np.abs(samples) - ROUND, 0)
    bent = ROUND + (1 - ROUND) * np.tanh(over / (1 - ROUND))
    return np.where(over > 0, np.sign(samples) * bent, samples)


def _check(name: str, value: float | None, limits: tuple[float, ...], unit: str) -> None:
    if value is not None and not limits[0] <= value <= limits[1]:
        raise UnbraidError(
            f"the {name} asked for is {value:g}, expected {limits[0]:.4g} to {limits[1]:.4g} "
            f"{unit}: ask for one in that range."
        )
