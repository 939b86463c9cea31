"""Spectral envelope: the spectrum of a voice without the ripple of its harmonics.

Morise 2015, "CheapTrick, a spectral envelope estimator for high-quality speech synthesis" (Speech
Communication 67): power under a window of three periods, section 3.1; smoothed over two thirds of
the fundamental frequency, 3.2; and liftered in the cepstrum, equation 14, by

    sin(pi f0 q) / (pi f0 q) (1 - 2 q1 + 2 q1 cos(2 pi f0 q)),    q1 < 0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.sound._frames import Floats, at, windowed_power

COMPENSATION = -0.1  # q1; of -0.15 to 0, copies are then closest to their recordings
UNVOICED = 150.0  # hertz; sets the window of frames that have no fundamental
LOWEST = 1e-12  # power: -120 dB


def envelope(
    samples: Floats, rate: int, centres: NDArray[np.int64], f0: Floats, size: int
) -> Floats:
    """Return the spectral envelope in decibels, (T, size // 2 + 1).

    0 dB is the density of white noise of variance 1 within a bandwidth of 4 kHz: at 8 kHz, that of
    samples that are drawn with variance 1.

    Args:
        samples: (N,).
        rate: samples a second.
        centres: (T,) of the frames, as indices of samples.
        f0: (T,) hertz, 0 where unvoiced.
        size: of the Fourier transform, at least three periods of the lowest voice.
    """
    f0 = np.where(f0 > 0, f0, UNVOICED)
    power = windowed_power(samples, centres, 3 * rate / f0, size) + LOWEST
    width = f0 * size / rate  # in bins
    power = _with_lowest(power, width)
    level = np.log(_smooth(power, 2 / 3 * width) + LOWEST)
    cepstrum = np.fft.irfft(level, size, axis=1)[:, : size // 2 + 1]
    turn = np.arange(size // 2 + 1) * f0[:, None] / rate  # f0 q
    lifter = np.sinc(turn) * (1 - 2 * COMPENSATION + 2 * COMPENSATION * np.cos(2 * np.pi * turn))
    cepstrum = cepstrum * lifter
    cepstrum[:, 1:-1] *= 2  # the other half of an even sequence
    found = np.fft.rfft(cepstrum, size, axis=1).real * (10 / np.log(10))
    return np.asarray(np.maximum(found + 10 * np.log10(8000 / rate), -120.0))


def _with_lowest(power: Floats, width: Floats) -> Floats:
    """Return power (T, F) with that below the fundamental made up for: f0 - f added to f."""
    count = int(np.ceil(width.max())) + 1
    place = np.arange(count)
    mirrored = at(power, np.maximum(width[:, None] - place, 0))
    found = power.copy()
    found[:, :count] += np.where(place < width[:, None], mirrored, 0.0)
    return found


def _smooth(power: Floats, width: Floats) -> Floats:
    """Return the mean of power (T, F) over a width (T,) of bins around each bin."""
    margin = int(np.ceil(width.max())) + 2
    mirrored = np.pad(power, ((0, 0), (margin, margin)), mode="reflect")
    total = np.cumsum(mirrored, 1)
    # the total up to a bin counts half of that bin, so that places are those of bins' centres
    total = total - mirrored / 2
    place = margin + np.arange(power.shape[1])
    half = width[:, None] / 2
    return np.asarray((at(total, place + half) - at(total, place - half)) / width[:, None])
