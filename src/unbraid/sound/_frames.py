"""What the analyses share: overlapping frames of a recording, their spectra, and interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def frames(samples: Floats, centres: NDArray[np.int64], length: int) -> Floats:
    """Return pieces (T, length) of samples (N,) around their centres (T,), zeros beyond the ends.

    The sample at a centre is the one at index ``length // 2`` of its piece.
    """
    half = length // 2
    padded = np.pad(samples, (half, length))
    found: Floats = padded[centres[:, None] + np.arange(length)]
    return found


def windowed_power(samples: Floats, centres: NDArray[np.int64], spans: Floats, size: int) -> Floats:
    """Return power spectra (T, size // 2 + 1) under Hann windows of different lengths.

    Each window has unit energy, so that white noise of variance 1 has an expected power of 1.

    Args:
        samples: (N,).
        centres: (T,) of the windows, as indices of samples.
        spans: (T,) lengths of the windows in samples, at most ``size``.
        size: of the Fourier transform.
    """
    length = int(np.ceil(spans.max())) | 1
    place = (np.arange(length) - length // 2) / spans[:, None]  # -0.5 to 0.5 within a window
    window = np.where(np.abs(place) < 0.5, 0.5 + 0.5 * np.cos(2 * np.pi * place), 0.0)
    pieces = frames(samples, centres, length)
    # of a window's mean: else the lowest bands hold the offset of the recording
    pieces = pieces - ((pieces * window).sum(1) / window.sum(1))[:, None]
    window /= np.sqrt((window**2).sum(1))[:, None]
    spectra = np.fft.rfft(pieces * window, size, axis=1)
    return np.asarray(spectra.real**2 + spectra.imag**2)


def at(values: Floats, places: Floats) -> Floats:
    """Return rows of values (T, F) at fractional columns (T, K), linearly interpolated, (T, K)."""
    places = np.clip(places, 0, values.shape[1] - 1)
    low = np.minimum(places.astype(np.int64), values.shape[1] - 2)
    part = places - low
    below = np.take_along_axis(values, low, 1)
    above = np.take_along_axis(values, low + 1, 1)
    return np.asarray(below + part * (above - below))


def along(values: Floats, places: Floats) -> Floats:
    """Return values (T, ...) at fractional rows (K,), linearly interpolated, (K, ...)."""
    places = np.clip(places, 0, len(values) - 1)
    low = np.minimum(places.astype(np.int64), max(len(values) - 2, 0))
    high = np.minimum(low + 1, len(values) - 1)
    part = (places - low).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values[low] + part * (values[high] - values[low]))


def filled(f0: Floats) -> Floats:
    """Return a contour (T,) with its zeros, unvoiced frames, filled in: log-linearly, held beyond.

    All 100 where no frame is voiced.
    """
    voiced = np.flatnonzero(f0 > 0)
    if not len(voiced):
        return np.full(len(f0), 100.0)
    return np.asarray(np.exp(np.interp(np.arange(len(f0)), voiced, np.log(f0[voiced]))))


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return where half of the weights (..., T) is reached, between two values linearly, (...)."""
    order = np.argsort(values, -1)
    ordered, weight = (np.take_along_axis(each, order, -1) for each in (values, weights))
    total = np.cumsum(weight, -1)
    reached = total - weight / 2 - total[..., -1:] / 2
    after = np.maximum((reached >= 0).argmax(-1), 1)[..., None]
    low, high = (np.take_along_axis(reached, at, -1) for at in (after - 1, after))
    part = np.clip(-low / np.maximum(high - low, 1e-300), 0, 1)
    below, above = (np.take_along_axis(ordered, at, -1) for at in (after - 1, after))
    return np.asarray((below + part * (above - below))[..., 0])
