"""Band aperiodicity: the share of noise in the power of a voice, in bands of frequency.

With h the power of what repeats after a period T and n that of noise, the autocorrelation of their
sum at T is h, so that the noise's share is ``1 - r(T)`` with the normalised autocorrelation r of
Boersma 1993, section 4, here of each band: the sum over the band's bins of the power spectrum times
``cos(2 pi f T)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.sound._frames import Floats, windowed_power

EDGES = (0.0, 1000.0, 2000.0, 4000.0)  # hertz; the last band goes on to the highest frequency
PERIODS = 3  # of a window
SMOOTH = 5  # frames of the median over time


def noise_share(samples: Floats, rate: int, centres: NDArray[np.int64], f0: Floats) -> Floats:
    """Return the share of noise in each band, (T, 3), 0 to 1; 1 where unvoiced.

    Args:
        samples: (N,).
        rate: samples a second.
        centres: (T,) of the frames, as indices of samples.
        f0: (T,) hertz, 0 where unvoiced.
    """
    voiced = f0 > 0
    found = np.ones((len(f0), len(EDGES) - 1))
    if not voiced.any():
        return found
    own, centre = f0[voiced], centres[voiced]
    spans = PERIODS * rate / own
    size = 1 << int(np.ceil(spans.max() * (1 + 1 / PERIODS))).bit_length()
    power = windowed_power(samples, centre, spans, size)
    hertz = np.arange(power.shape[1]) * rate / size
    band = (np.searchsorted(EDGES[1:-1], hertz, side="right")[:, None] == np.arange(3)) * 1.0
    repeats = np.cos(2 * np.pi * hertz / own[:, None])
    share = 1 / PERIODS  # a period's share of the window; Boersma 1993, equation 8:
    window = (1 - share) * (2 + np.cos(2 * np.pi * share)) / 3 + np.sin(2 * np.pi * share) / (
        2 * np.pi
    )
    periodic = (power * repeats) @ band / np.maximum(power @ band, 1e-12) / window
    from scipy.ndimage import median_filter  # slow to import, and of no use to images

    found[voiced] = median_filter(1 - np.clip(periodic, 0, 1), (SMOOTH, 1), mode="nearest")
    return found
