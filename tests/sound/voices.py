"""A voice whose every part is known: what the tests of sound take apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FORMANTS = ((500.0, 80.0), (1500.0, 120.0), (2500.0, 160.0))  # centre and width in hertz


def density(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power density of a vowel, 1 for white noise of variance 1 within 4 kHz."""
    peaks = sum(1 / (1 + ((hertz - centre) / width) ** 2) for centre, width in FORMANTS)
    return np.asarray(1e-2 * peaks + 1e-5)


def vowel(
    f0: float | NDArray[np.float64], seconds: float = 0.6, rate: int = 8000, seed: int = 0
) -> NDArray[np.float64]:
    """Return harmonics of f0 hertz, a number or one a sample, with the vowel's density, (N,)."""
    count = round(seconds * rate)
    f0 = np.broadcast_to(np.asarray(f0, np.float64), count)
    turns = np.cumsum(f0) / rate
    start = np.random.default_rng(seed).random(200)
    found = np.zeros(count)
    for k in range(1, int(min(rate / 2, 4000) / f0.min()) + 1):
        heard = k * f0 < min(rate / 2, 4000) - 20
        amplitude = np.sqrt(2 * density(k * f0) / 4000 * f0) * heard
        found += amplitude * np.cos(2 * np.pi * (k * turns + start[k]))
    return found


def in_silence(samples: NDArray[np.float64], rate: int = 8000) -> NDArray[np.float64]:
    """Return samples with a fifth of a second of silence before and after."""
    return np.pad(samples, rate // 5)
