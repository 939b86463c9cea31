"""Voice pictures: a voice as an image (3, 64, 64) and back, for models that see images.

Rows are mel bands, the lowest first; columns are moments 16 ms apart, and a word starts 80 ms
after the first. Channels are the envelope in decibels, the pitch in semitones, the same in all rows
and carried on where unvoiced, and the share of noise, 1 where unvoiced. Any such image, drawn or of
a real voice, can be heard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.signals import Axis, Channel, Signal
from unbraid.sound._frames import Floats, along, at
from unbraid.sound.canonical import (
    FIRST,
    FRAMES,
    HIGHEST,
    LAST,
    LOWEST,
    UNVOICED,
    Canonical,
    FrameFactors,
    band_levels,
    band_of,
    centred,
    in_bands,
    mixed,
    noise_at_bands,
    noise_in_bands,
    with_clear_ends,
    with_tract,
)
from unbraid.sound.editing import at_loudness, lasting
from unbraid.sound.measures import (
    REFERENCE,
    SPAN,
    Measures,
    ends,
    level_curve,
    loudness_of,
    pitch_of,
    step_for,
)
from unbraid.sound.vocoder import HOP, Voice, fft_size

SIZE = 64
COLUMN = 0.016  # seconds
START = 0.080  # seconds from the first column to the start of the word
LEVELS = (-85.0, 5.0)  # decibels that 0 and 255 stand for
PITCHES = (-12.0, 28.0)  # semitones from 100 Hz: 50 to 504 Hz
RATE = 8000  # samples a second of what is heard

SIGNAL = Signal.sound(
    (3, SIZE, SIZE),
    (
        Axis("frequency", "Hz", (LOWEST, HIGHEST), "mel"),
        Axis("time", "s", (0.0, COLUMN * (SIZE - 1))),
    ),
    (
        Channel("envelope", "dB", LEVELS),
        Channel("pitch", "semitones from 100 Hz", PITCHES),
        Channel("noise", "", (0.0, 1.0)),
    ),
)
# Rows round pitch up or down in these proportions, so that their mean is finer than a level.
_DITHER = (np.argsort(np.random.default_rng(0).permutation(SIZE)) + 0.5) / SIZE


def paint(envelope: Floats, contour: Floats, noise: Floats, factors: Floats) -> NDArray[np.uint8]:
    """Return voice pictures, uint8 (N, 3, 64, 64), of canonical frames under factors.

    Args:
        envelope: (N, B, T) decibels in mel bands.
        contour: (N, T) semitones.
        noise: (N, 3, T) shares.
        factors: (N, 4) pitch, duration, tract and loudness, as in ``FrameFactors``.
    """
    pitch, duration, tract, loudness = np.asarray(factors, np.float64).T
    warped = with_clear_ends(with_tract(envelope, tract))
    step = step_for(band_levels(warped), duration / 1000)
    last = envelope.shape[-1] - 1
    place = FIRST + (np.arange(SIZE) * COLUMN - START) / step[:, None]  # (N, 64)
    silent = (place < 0) | (place > last)
    place = np.clip(place, 0, last)
    painted = in_bands(mixed(warped, place, -1), SIZE)
    painted = np.where(silent[:, None], LEVELS[0] - 60.0, painted)
    levels = band_levels(painted)
    gain = loudness - loudness_of(level_curve(levels, COLUMN))
    share = np.where(silent[:, None], 1.0, noise_at_bands(mixed(noise, place, -1)))
    height = centred(mixed(contour[:, None], place, -1)[:, 0], levels, share)
    height += pitch[:, None]
    found = np.empty((len(envelope), 3, SIZE, SIZE), np.uint8)
    found[:, 0] = _grey(painted + gain[:, None, None], LEVELS)
    found[:, 1] = _grey(height[:, None], PITCHES, _DITHER[:, None])
    found[:, 2] = _grey(share, (0.0, 1.0))
    return found


def _grey(values: Floats, limits: tuple[float, float], dither: Floats | float = 0.5) -> Floats:
    """Return values as levels 0 to 255 of a range, rounded down after adding ``dither``."""
    low, high = limits
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + dither).clip(0, 255)


def picture_of(frame: Canonical, factors: FrameFactors) -> NDArray[np.uint8]:
    """Return the voice picture (3, 64, 64) of a canonical frame under factors.

    >>> plain = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.zeros((3, 64)))
    >>> picture_of(plain, FrameFactors()).shape
    (3, 64, 64)
    """
    given = np.array([[factors.pitch, factors.duration, factors.tract, factors.loudness]])
    (found,) = paint(frame.envelope[None], frame.contour[None], frame.noise[None], given)
    return np.asarray(found)


def _physical(image: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return an image's envelope (64, 64) in dB, pitch (64,) in semitones and noise (64, 64)."""
    array = np.asarray(image)
    if array.shape != SIGNAL.shape:
        raise UnbraidError(f"a voice picture has the shape {array.shape}, expected {SIGNAL.shape}.")
    if array.dtype != np.uint8:  # a model's
        array = np.clip(array, 0, 1)
    envelope, pitch, noise = SIGNAL.to_physical(array)
    return envelope, pitch.mean(0), noise


def voice_of_picture(image: ArrayLike) -> Voice:
    """Return the voice of a picture, uint8 or reals in 0..1 (3, 64, 64), at 8 kHz.

    Raises:
        UnbraidError: another shape.
    """
    envelope, pitch, noise = _physical(image)
    hop = round(RATE * HOP)
    place = np.arange(int((SIZE - 1) * COLUMN * RATE / hop) + 1) * hop / RATE / COLUMN
    bins = fft_size(RATE) // 2 + 1
    bands = np.broadcast_to(band_of(np.linspace(0, RATE / 2, bins)), (len(place), bins))
    share = at(along(noise.T, place), bands)
    voiced = share.min(1) < UNVOICED
    f0 = np.where(voiced, REFERENCE * 2 ** (along(pitch, place) / 12), 0.0)
    return Voice(f0, at(along(envelope.T, place), bands), share, RATE, hop)


def sound_of(image: ArrayLike, seed: int = 0) -> NDArray[np.float32]:
    """Return the sound of a voice picture, float32 (N,) at 8,000 samples a second.

    Its duration and its loudness are those that ``measure_picture`` reads.

    >>> plain = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.zeros((3, 64)))
    >>> sound_of(picture_of(plain, FrameFactors())).dtype
    dtype('float32')
    """
    asked = measure_picture(image)
    found = lasting(voice_of_picture(image), asked.duration, seed)
    return at_loudness(found, RATE, asked.loudness)


def measure_picture(image: ArrayLike) -> Measures:
    """Return the pitch, duration and loudness of a voice picture, without making its sound.

    >>> plain = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.zeros((3, 64)))
    >>> found = measure_picture(picture_of(plain, FrameFactors(pitch=7.0, loudness=-30.0)))
    >>> round(found.pitch, 1), round(found.loudness)
    (7.0, -30)
    """
    envelope, pitch, noise = _physical(image)
    levels = band_levels(envelope)
    curve = level_curve(levels, COLUMN)
    start, stop = ends(curve)
    voiced = noise.min(0) < UNVOICED
    f0 = np.where(voiced, REFERENCE * 2 ** (pitch / 12), 0.0)
    return Measures(
        pitch_of(f0, 10 ** (levels / 10)), 1000 * float(stop - start), float(loudness_of(curve))
    )


def variance_over_time(images: ArrayLike) -> Floats:
    """Return how much the envelope of voice pictures (N, 3, 64, 64) changes within the word, (N,).

    The variance over time of each band's level, its mean over bands, in square decibels: low where
    a voice is muffled.

    >>> plain = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.zeros((3, 64)))
    >>> bool(variance_over_time(picture_of(plain, FrameFactors())[None])[0] < 5)
    True
    """
    array = np.asarray(images)
    envelope = SIGNAL.to_physical(array)[:, 0]
    start, stop = ends(level_curve(band_levels(envelope), COLUMN))
    start, stop = start + SPAN / 2, stop - SPAN / 2  # levels spread so far beyond the word
    place = np.arange(SIZE) * COLUMN
    within = (place >= start[:, None]) & (place <= stop[:, None])
    weight = within / np.maximum(within.sum(1, keepdims=True), 1)
    mean = np.einsum("nbt,nt->nb", envelope, weight)
    away = (envelope - mean[:, :, None]) ** 2
    return np.asarray(np.einsum("nbt,nt->nb", away, weight).mean(1))


def canonical_of_picture(image: ArrayLike) -> tuple[Canonical, FrameFactors]:
    """Return the canonical frame of a voice picture and its factors, the vocal tract as 100%."""
    envelope, pitch, noise = _physical(image)
    found = measure_picture(image)
    levels = band_levels(envelope)
    start, stop = ends(level_curve(levels, COLUMN))
    place = start + (np.arange(FRAMES) - FIRST) * (stop - start) / (LAST - FIRST)
    columns = place / COLUMN
    base = 0.0 if np.isnan(found.pitch) else found.pitch
    frame = Canonical(
        along(envelope.T, columns).T - levels.max(),
        along(pitch, columns) - base,
        noise_in_bands(along(noise.T, columns).T),
    )
    return frame, FrameFactors(base, found.duration, 100.0, found.loudness)
