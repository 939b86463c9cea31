"""The vocoder: analysis of a recording into pitch, envelope and noise, and its synthesis.

Harmonics and noise are mixed in each band, as in McCree and Barnwell 1995, "A Mixed Excitation LPC
Vocoder Model for Low Bit Rate Speech Coding" (IEEE Trans. Speech and Audio Processing 3). With S
the power density of the envelope per hertz and n the share of noise, harmonic k of f0 is

    sqrt(2 S(k f0) f0 (1 - n)) cos(2 pi k integral f0 dt + phase(k f0))

with the envelope's minimum phase, from its folded cepstrum (Oppenheim and Schafer, "Discrete-Time
Signal Processing", section 13.4); the noise has the density S n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.sound._frames import Floats, along, at, filled
from unbraid.sound.envelope import envelope
from unbraid.sound.noise import EDGES, noise_share
from unbraid.sound.pitch import FLOOR, track

HOP = 0.005  # seconds between frames
LOWEST_RATE, HIGHEST_RATE = 8000, 48_000  # samples a second
SHORTEST, LONGEST = 0.05, 60.0  # seconds
RUMBLE = 40.0  # hertz about which noise starts
_BLOCK = 8000  # samples made at once


@dataclass(frozen=True)
class Voice:
    """What a recording consists of, frame by frame.

    Args:
        f0: (T,) fundamental frequency in hertz, 0 where unvoiced.
        envelope: (T, F) decibels at F frequencies from 0 to half the rate; 0 dB is the density of
            white noise of variance 1 within 4 kHz.
        noise: (T, 3) share of noise in the power below 1 kHz, to 2 kHz and above, 0 to 1; or
            (T, F), at the frequencies of the envelope.
        rate: samples a second.
        hop: samples between frames; the first frame is at the first sample.
    """

    f0: Floats
    envelope: Floats
    noise: Floats
    rate: int
    hop: int

    def __len__(self) -> int:
        return len(self.f0)

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Which frames have a fundamental frequency, (T,)."""
        return np.asarray(self.f0 > 0)

    @property
    def power(self) -> Floats:
        """Mean square of the samples of each frame, (T,)."""
        return np.asarray(self.spectra.mean(1))

    @property
    def spectra(self) -> Floats:
        """The envelope as a power, (T, F), 1 for white noise of variance 1."""
        return np.asarray(10 ** (self.envelope / 10) * (self.rate / 8000))

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self) * self.hop / self.rate

    def at(self, places: Floats) -> Voice:
        """Return the voice of frames at fractional places (K,) between its own."""
        nearest = np.clip(np.rint(places).astype(np.int64), 0, len(self) - 1)
        f0 = np.where(self.voiced[nearest], along(filled(self.f0), places), 0.0)
        return replace(
            self, f0=f0, envelope=along(self.envelope, places), noise=along(self.noise, places)
        )


def checked(samples: ArrayLike, rate: int) -> Floats:
    """Return samples as float64, (N,), in -1..1; integers are scaled by the range of their type.

    Raises:
        UnbraidError: none, several channels, NaN, a rate below 8 or above 48 kHz, less than 50 ms
            or more than a minute, or silence alone.
    """
    array = np.asarray(samples)
    if array.ndim != 1 or not array.size:
        raise UnbraidError(
            f"a recording has the shape {array.shape}, expected samples of one channel, (N,): take "
            "the mean of several channels."
        )
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UnbraidError(
            f"a recording has {rate:,} samples a second, expected {LOWEST_RATE:,} to "
            f"{HIGHEST_RATE:,}: resample it."
        )
    if not SHORTEST * rate <= array.size <= LONGEST * rate:
        raise UnbraidError(
            f"a recording lasts {array.size / rate:.3g} seconds, expected {SHORTEST:g} to "
            f"{LONGEST:g}: take a part of that length."
        )
    if array.dtype.kind == "u":
        middle = (np.iinfo(array.dtype).max + 1) / 2
        floats = array.astype(np.float64) / middle - 1
    elif array.dtype.kind == "i":
        floats = array.astype(np.float64) / (np.iinfo(array.dtype).max + 1.0)
    elif array.dtype.kind == "f":
        floats = array.astype(np.float64)
    else:
        raise UnbraidError(f"samples have the type {array.dtype}, expected numbers.")
    if not np.isfinite(floats).all():
        raise UnbraidError(
            "a recording has samples that are NaN or infinite, expected -1 to 1: replace them."
        )
    # the offset is where it is silent; the mean is also of a short sound's lowest frequencies
    floats = np.asarray(floats - np.median(floats))
    if np.abs(floats).max() < 1e-5:
        raise UnbraidError("a recording is silent throughout, expected a voice: record it again.")
    return floats


def fft_size(rate: int) -> int:
    """Return the size of the Fourier transform of envelopes: three periods of the lowest voice."""
    return 1 << int(np.ceil(3 * rate / FLOOR) - 1).bit_length()


def analyse(samples: ArrayLike, rate: int) -> Voice:
    """Take a recording apart, see ``Voice``.

    Args:
        samples: (N,) of one channel: reals in -1..1, or integers in the range of their type.
        rate: samples a second, 8,000 to 48,000.

    Raises:
        UnbraidError: see ``checked``.

    >>> voice = analyse(np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000)), 8000)
    >>> float(np.median(voice.f0[voice.voiced]).round()), voice.envelope.shape
    (150.0, (100, 257))
    """
    floats = checked(samples, rate)
    hop = round(rate * HOP)
    centres = np.arange(-(-len(floats) // hop)) * hop
    f0 = track(floats, rate, centres / rate)
    levels = envelope(floats, rate, centres, f0, fft_size(rate))
    return Voice(f0, levels, noise_share(floats, rate, centres, f0), rate, hop)


def synthesise(voice: Voice, seed: int = 0) -> NDArray[np.float32]:
    """Make the samples of a voice, float32 (T * hop,); the seed draws its noise.

    >>> tone = np.sign(np.sin(2 * np.pi * 150 * np.arange(4000) / 8000))
    >>> synthesise(analyse(tone, 8000)).shape
    (4000,)
    """
    count = len(voice) * voice.hop
    share = _noise_at_bins(voice)
    noisy = _noise(voice, share, count, seed)
    if voice.voiced.any():
        noisy = noisy + _harmonics(voice, share, count)
    return noisy.astype(np.float32)


def _noise_at_bins(voice: Voice) -> Floats:
    """Return the share of noise at the envelope's frequencies, (T, F), linear between bands."""
    if voice.noise.shape[1] == voice.envelope.shape[1]:
        return np.where(voice.voiced[:, None], voice.noise, 1.0)
    centres = np.convolve(EDGES, [0.5, 0.5], "valid")
    hertz = np.linspace(0, voice.rate / 2, voice.envelope.shape[1])
    place = np.interp(hertz, centres, np.arange(len(centres)))
    found = at(voice.noise, np.broadcast_to(place, voice.envelope.shape))
    return np.where(voice.voiced[:, None], found, 1.0)


def _minimum_phase(levels: Floats) -> Floats:
    """Return the phase of the minimum-phase filter with levels (T, F) in decibels, (T, F)."""
    size = 2 * (levels.shape[1] - 1)
    cepstrum = np.fft.irfft(levels * (np.log(10) / 20), size, axis=1)
    cepstrum[:, 1 : size // 2] *= 2
    cepstrum[:, size // 2 + 1 :] = 0
    return np.asarray(np.fft.rfft(cepstrum, size, axis=1).imag)


def _harmonics(voice: Voice, share: Floats, count: int) -> Floats:
    """Return the sum of harmonics, (count,)."""
    f0 = filled(voice.f0)
    per_bin = (voice.envelope.shape[1] - 1) / (voice.rate / 2)
    number = np.arange(1, int(voice.rate / 2 / f0.min()) + 1)
    hertz = f0[:, None] * number  # (T, K)
    power = voice.spectra * (1 - share)
    # a sinusoid of amplitude A has the power A^2 / 2 of a band f0 wide
    amplitude = np.sqrt(4 * at(power, hertz * per_bin) * f0[:, None] / voice.rate)
    amplitude *= np.clip((voice.rate / 2 - hertz) / 100 + 0.5, 0, 1)  # none above half the rate
    phase = at(_minimum_phase(voice.envelope), hertz * per_bin)
    within = np.arange(count) / voice.hop
    turns = np.cumsum(along(f0, within)) / voice.rate
    found = np.empty(count)
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        angle = (2 * np.pi * turns[part, None] * number + along(phase, within[part])).astype(
            np.float32
        )
        found[part] = (along(amplitude, within[part]) * np.cos(angle)).sum(1)
    return found


def _noise(voice: Voice, share: Floats, count: int, seed: int) -> Floats:
    """Return noise with the spectra of the voice, (count,), overlapped and added."""
    length = 4 * voice.hop
    size = 2 * (voice.envelope.shape[1] - 1)
    window = np.sqrt(np.hanning(length + 1)[:-1])
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(count + 2 * length)
    starts = np.arange(-2, len(voice) + 2) * voice.hop  # of frames around each place
    held = np.clip(np.arange(-2, len(voice) + 2), 0, len(voice) - 1)
    pieces = white[(starts + length // 2)[:, None] + np.arange(length)] * window
    heard = np.clip(np.linspace(0, voice.rate / 2, share.shape[1]) / RUMBLE - 0.5, 0, 1)
    level = (np.sqrt(voice.spectra * share) * heard)[held]
    shaped = np.fft.irfft(np.fft.rfft(pieces, size, axis=1) * level, size, axis=1)
    # a zero-phase filter rings before and after: the frame's own span is kept
    shaped = shaped[:, :length] * window
    found = np.zeros(count + 2 * length)
    for offset in range(4):
        rows = shaped[offset::4]
        begin = offset * voice.hop
        found[begin : begin + rows.size] += rows.reshape(-1)
    return found[length : length + count] / 2  # of four windows, whose squares add to 2
