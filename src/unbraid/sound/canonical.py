"""The canonical frame: a voice without its pitch, duration, vocal tract and loudness.

Time is normalised, frequency is in mel and that of an average vocal tract, pitch is relative to the
recording's own. What is left is the word and the way it is said. ``FrameFactors`` hold the rest, so
that both together are a voice again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unbraid.core.signals import Axis
from unbraid.sound._frames import Floats, along, at, filled, weighted_median
from unbraid.sound.measures import (
    REFERENCE,
    ends,
    level_curve,
    loudness_of,
    pitch_of,
    step_for,
    voice_levels,
)
from unbraid.sound.noise import EDGES
from unbraid.sound.pitch import folded
from unbraid.sound.vocoder import HOP, Voice, fft_size

BANDS, FRAMES = 64, 64
FIRST, LAST = 6, 57  # frames at which the word starts and ends
LOWEST, HIGHEST = 40.0, 3960.0  # hertz, of the centres of the bands
# Decibels of the loudest frame, on both sides of the -30 dB that are a word's ends: the least of
# its first and last two frames, and the most of those beyond.
EDGE, OUTSIDE = -24.0, -40.0
SILENCE = -110.0  # decibels, of an envelope
UNVOICED = 0.98  # share of noise in all bands above which a frame has no pitch
STEEPEST = 6.0  # semitones that a contour goes from the median at most
BACKGROUND = 10.0  # percentile over time of the power at each frequency that is no one's voice
REMOVED = 13.0  # decibels that noise of the background is lowered at most


@dataclass(frozen=True)
class Canonical:
    """A voice in the canonical frame.

    Args:
        envelope: (B, T) decibels in B mel bands; the loudest frame has a level of 0 dBFS.
        contour: (T,) semitones from the pitch, also where unvoiced.
        noise: (3, T) share of noise below 1 kHz, to 2 kHz and above; 1 where unvoiced.
    """

    envelope: Floats
    contour: Floats
    noise: Floats


@dataclass(frozen=True)
class FrameFactors:
    """What the canonical frame leaves out of a voice.

    Args:
        pitch: semitones from 100 Hz.
        duration: milliseconds between the moments 30 dB below the loudest.
        tract: per cent of an average vocal tract.
        loudness: dBFS, of the louder half of that time.
    """

    pitch: float = 0.0
    duration: float = 400.0
    tract: float = 100.0
    loudness: float = -25.0


def band_hertz(bands: int = BANDS) -> Floats:
    """Return the centres of mel bands in hertz, (bands,).

    >>> band_hertz(3).round()
    array([  40., 1157., 3960.])
    """
    return Axis("frequency", "Hz", (LOWEST, HIGHEST), "mel").values(bands)


def band_of(hertz: Floats, bands: int = BANDS) -> Floats:
    """Return the fractional band of frequencies, the inverse of ``band_hertz``."""
    low, high = np.log1p(LOWEST / 700), np.log1p(HIGHEST / 700)
    return np.asarray((np.log1p(np.asarray(hertz) / 700) - low) / (high - low) * (bands - 1))


def band_levels(envelope: Floats) -> Floats:
    """Return the level of frames in dBFS, (..., T), of an envelope in mel bands, (..., B, T)."""
    centres = band_hertz(envelope.shape[-2])
    edges = np.concatenate([[0.0], (centres[1:] + centres[:-1]) / 2, [4000.0]])
    power = np.einsum("b,...bt->...t", np.diff(edges) / 4000, 10 ** (envelope / 10))
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def with_clear_ends(envelope: Floats) -> Floats:
    """Return envelopes (..., B, T) whose word starts and ends at its frames beyond doubt.

    Its first and last two frames are lifted to 24 dB below the loudest, those beyond lowered to 40:
    where a voice is nearly as loud before or after its ends, their place would hang on chance.
    """
    levels = band_levels(envelope)
    away = levels - levels.max(-1, keepdims=True)
    gain = np.zeros_like(away)
    for edge in (FIRST, FIRST + 1, LAST - 1, LAST):
        gain[..., edge] = np.maximum(EDGE - away[..., edge], 0)
    for beyond in (slice(0, FIRST), slice(LAST + 1, None)):
        gain[..., beyond] = np.minimum(OUTSIDE - away[..., beyond], 0)
    return np.asarray(envelope + gain[..., None, :])


def canonical_of(voice: Voice, tract: float = 100.0) -> tuple[Canonical, FrameFactors]:
    """Return a voice in the canonical frame, and its factors.

    What is heard at all times, noise of the background, is subtracted from the envelope.

    Args:
        voice: as analysed, at any rate.
        tract: per cent of an average vocal tract that is the speaker's.

    >>> from unbraid.sound import analyse
    >>> tone = np.zeros(8000)
    >>> tone[2000:6000] = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000)) / 9
    >>> frame, factors = canonical_of(analyse(tone, 8000))
    >>> frame.envelope.shape, frame.noise.shape, round(factors.duration, -2)
    ((64, 64), (3, 64), 500.0)
    """
    step = voice.hop / voice.rate
    curve = level_curve(voice_levels(voice), step)
    start, stop = ends(curve)
    place = start + (np.arange(FRAMES) - FIRST) * (stop - start) / (LAST - FIRST)
    bins = band_hertz() * 100 / tract * (voice.envelope.shape[1] - 1) / (voice.rate / 2)
    clean = _without_background(voice)
    envelope = along(at(clean, np.broadcast_to(bins, (len(voice), BANDS))), place / step).T
    outside = (place < 0) | (place > (len(voice) - 1) * step)
    envelope[:, outside] = SILENCE
    top = band_levels(envelope).max()
    envelope = with_clear_ends(envelope)
    f0 = folded(voice.f0, voice.power)
    pitch = pitch_of(f0, voice.power)
    height = 12 * np.log2(along(filled(f0), place / step) / REFERENCE)
    base = 0.0 if np.isnan(pitch) else pitch
    contour = np.clip(height - base, -STEEPEST, STEEPEST)
    noise = np.where(voice.voiced[:, None], voice.noise, 1.0)
    frame = Canonical(envelope - top, contour, along(noise, place / step).T)
    # the duration that a rendering has whose time runs as the recording's
    levels = band_levels(with_clear_ends(with_tract(frame.envelope, tract)))
    heard = level_curve(levels, (stop - start) / (LAST - FIRST))
    first, last = ends(heard)
    own = FrameFactors(base, 1000 * float(last - first), tract, float(loudness_of(curve)))
    return frame, own


def _without_background(voice: Voice) -> Floats:
    """Return a voice's envelope less what is there at all times, (T, F), in decibels."""
    power = 10 ** (voice.envelope / 10)
    left = power - np.percentile(power, BACKGROUND, axis=0)
    return np.asarray(10 * np.log10(np.maximum(left, power * 10 ** (-REMOVED / 10))))


def centred(contour: Floats, levels: Floats, noise: Floats) -> Floats:
    """Return contours (..., T) less their median, weighted by the power of voiced frames.

    What has been moved, warped or drawn has another median than it had.

    Args:
        contour: (..., T) semitones.
        levels: (..., T) of the frames, dBFS.
        noise: (..., 3, T) shares.
    """
    power = np.where(noise.min(-2) < UNVOICED, 10 ** (levels / 10), 0.0)
    median = weighted_median(contour, power)
    return np.asarray(contour - np.where(power.any(-1), median, 0.0)[..., None])


def with_tract(envelope: Floats, tract: float | Floats) -> Floats:
    """Return envelopes (..., B, T) of an average vocal tract as those of another, per cent (...).

    Formants are at their frequencies divided by its length.

    >>> peak = np.eye(64)[:, 40:41]
    >>> [int(with_tract(peak, tract).argmax()) for tract in (85.0, 100.0, 118.0)]
    [44, 40, 36]
    """
    bands = envelope.shape[-2]
    row = band_of(band_hertz(bands) * np.asarray(tract)[..., None] / 100, bands)
    return mixed(envelope, np.clip(row, 0, bands - 1), -2)


def in_bands(envelope: Floats, bands: int) -> Floats:
    """Return envelopes (..., B, T) in another number of bands, (..., bands, T)."""
    count = envelope.shape[-2]
    if count == bands:
        return envelope
    row = np.linspace(0, count - 1, bands)
    return mixed(envelope, row, -2)


def mixed(values: Floats, places: Floats, axis: int) -> Floats:
    """Return values (..., B, T) at fractional places (..., K) of an axis, -2 or -1, linearly."""
    places = np.broadcast_to(places, (*values.shape[:-2], places.shape[-1]))
    low = np.minimum(places.astype(np.int64), values.shape[axis] - 2)
    part, index = (np.expand_dims(each, -1 if axis == -2 else -2) for each in (places - low, low))
    below = np.take_along_axis(values, index, axis)
    return np.asarray(below + part * (np.take_along_axis(values, index + 1, axis) - below))


def voice_of(frame: Canonical, factors: FrameFactors, rate: int = 8000) -> Voice:
    """Return the voice of a canonical frame under given factors, at 8,000 samples a second or more.

    Its measured pitch, duration and loudness are those of the factors, the loudness up to what
    ``at_loudness`` corrects.

    >>> plain = Canonical(np.full((64, 64), -9.0), np.zeros(64), np.zeros((3, 64)))
    >>> voice_of(plain, FrameFactors(pitch=12.0)).f0[30]
    np.float64(200.0)
    """
    warped = with_clear_ends(with_tract(frame.envelope, factors.tract))
    levels = band_levels(warped)
    step = float(step_for(levels, factors.duration / 1000))
    hop = round(rate * HOP)
    count = int((frame.envelope.shape[1] - 1) * step * rate / hop) + 1
    place = np.arange(count) * hop / rate / step
    bins = fft_size(rate) // 2 + 1
    bands = band_of(np.linspace(0, rate / 2, bins), len(warped))
    envelope = at(along(warped.T, place), np.broadcast_to(bands, (count, bins)))
    gain = factors.loudness - float(loudness_of(level_curve(levels, step)))
    noise = along(frame.noise.T, place)
    height = along(frame.contour, place)
    height = factors.pitch + centred(height, along(levels, place), noise.T)
    voiced = noise.min(1) < UNVOICED
    f0 = np.where(voiced, REFERENCE * 2 ** (height / 12), 0.0)
    return Voice(f0, envelope + gain, noise, rate, hop)


def noise_at_bands(noise: Floats, bands: int = BANDS) -> Floats:
    """Return the share of noise at mel bands (..., bands, T), linear in hertz, of (..., 3, T)."""
    centres = np.convolve(EDGES, [0.5, 0.5], "valid")
    place = np.interp(band_hertz(bands), centres, np.arange(len(centres)))
    low = np.minimum(place.astype(np.int64), len(centres) - 2)
    part = (place - low)[:, None]
    return np.asarray(noise[..., low, :] * (1 - part) + noise[..., low + 1, :] * part)


def noise_in_bands(noise: Floats) -> Floats:
    """Return the share of noise (..., 3, T) of what it is at mel bands (..., B, T)."""
    centres = np.convolve(EDGES, [0.5, 0.5], "valid")
    place = band_of(centres, noise.shape[-2])
    low = np.minimum(place.astype(np.int64), noise.shape[-2] - 2)
    part = (place - low)[:, None]
    return np.asarray(noise[..., low, :] * (1 - part) + noise[..., low + 1, :] * part)
