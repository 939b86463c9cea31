"""Made voices for tests: all harmonics of a pitch through three formants."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import lfilter

FORMANTS = ((650.0, 80.0), (1100.0, 100.0), (2500.0, 140.0))  # hertz, and their bandwidths


def voice(
    hertz: float, seconds: float, rate: int = 8000, level: float = 0.1
) -> np.ndarray[Any, Any]:
    """Return samples (N,) of a vowel of a steady pitch, their RMS about ``level``."""
    times = np.arange(round(seconds * rate)) / rate
    # harmonics up to half the rate: pulses at whole samples would repeat after several periods
    number = np.arange(1, int(rate / 2 / hertz))
    made = np.cos(2 * np.pi * hertz * times[:, None] * number).sum(1)
    for centre, width in FORMANTS:
        radius = np.exp(-np.pi * width / rate)
        made = lfilter(
            [1.0], [1.0, -2 * radius * np.cos(2 * np.pi * centre / rate), radius**2], made
        )
    made = made - made.mean()
    edge = np.minimum(1, np.minimum(times, times[::-1]) / 0.01)
    return level * edge * made / made.std()
