"""Fundamental frequency: peaks of the normalised autocorrelation, the best path by Viterbi.

Boersma 1993, "Accurate Short-Term Analysis of the Fundamental Frequency and the Harmonics-to-Noise
Ratio of a Sampled Sound" (Proc. Inst. Phonetic Sciences 17). The autocorrelation r_x of a windowed
frame is divided by that of its window, equation 9, ``r(tau) = r_x(tau) / r_w(tau)``; a peak at tau
is as strong as equation 24 says, and the path pays for jumps as in equation 27. Of a high voice two
periods often fit a frame better than one, and the path is an octave too low: whether odd harmonics
are there is then told by all frames together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.sound._frames import Floats, frames, weighted_median

FLOOR, CEILING = 60.0, 500.0  # hertz
RATE = 8000  # hertz; what is tracked at, as no voice's fundamental needs more
CANDIDATES = 6  # peaks a frame
OCTAVE_COST = 0.01  # favours the higher of two equal peaks
VOICING = 0.45  # strength a peak must have to be voiced
SILENCE = 0.03  # share of the recording's peak below which a frame is silent
JUMP, SWITCH = 0.35, 0.14  # cost of an octave's jump, and of a change of voicing, in 10 ms
ODD = 0.06  # loss of r at half a period, of a run, below which that is the period
RAISED = 420.0  # hertz that a run is raised to at most, as no voice here is higher
LONG = 0.12  # seconds of a run that is long enough to tell
FOLD = 7.0  # semitones off the median beyond which a run is taken for another octave
_APART = 0.5  # octaves between frames of different runs
_FINER = 4  # lags a sample, by the interpolation of a band-limited autocorrelation


def track(samples: Floats, rate: int, times: Floats) -> Floats:
    """Return the fundamental frequency in hertz at times (T,) in seconds; 0 where unvoiced, (T,).

    Args:
        samples: (N,).
        rate: samples a second.
        times: (T,), equally spaced.

    >>> tone = np.sin(2 * np.pi * 220 * np.arange(4000) / 8000)
    >>> track(tone, 8000, np.array([0.2, 0.25, 0.3])).round(1).tolist()
    [220.0, 220.0, 220.0]
    """
    if rate != RATE:
        from scipy.signal import resample_poly  # slow to import, and of no use to images

        divisor = int(np.gcd(rate, RATE))
        samples = resample_poly(samples, RATE // divisor, rate // divisor)
    centres = np.rint(times * RATE).astype(np.int64)
    curve, energy, quiet = _correlations(samples, centres)
    lags, strengths = _candidates(curve)
    f0 = np.where(lags > 0, RATE / np.maximum(lags, 1e-9), 0.0)
    hop = float(times[1] - times[0]) if len(times) > 1 else 0.01
    return _raised(_best_path(f0, strengths, quiet, 0.01 / hop), curve, energy, LONG / hop)


def _correlations(samples: Floats, centres: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return r at lags of 1 / _FINER samples, (T, L), energies and strengths of silence, (T,)."""
    length = round(3 * RATE / FLOOR)
    size = 1 << (2 * length - 1).bit_length()
    pieces = frames(samples, centres, length)
    pieces = pieces - pieces.mean(1, keepdims=True)
    window = np.hanning(length + 2)[1:-1]
    peak = np.abs(pieces).max(1) / max(np.abs(samples - samples.mean()).max(), 1e-12)
    count = int(RATE / FLOOR * _FINER) + 3
    own = _autocorrelation(window[None], size)[0, :count]
    found = _autocorrelation(pieces * window, size)[:, :count]
    energy = np.maximum(found[:, :1], 1e-20)  # of silence, there is no correlation
    quiet = VOICING + np.maximum(0, 2 - peak * (1 + VOICING) / SILENCE)
    return found / energy / (own / own[0]), energy[:, 0], quiet


def _candidates(curve: Floats) -> tuple[Floats, Floats]:
    """Return lags in samples and strengths of the peaks of curves (T, L), (T, CANDIDATES)."""
    first = max(int(RATE / CEILING * _FINER), 1)
    left, middle, right = curve[:, first - 1 : -2], curve[:, first:-1], curve[:, first + 1 :]
    top = (middle > left) & (middle >= right) & (middle > 0.5 * VOICING)
    bend = np.where(top & (left - 2 * middle + right < 0), left - 2 * middle + right, -1.0)
    shift = 0.5 * (left - right) / bend
    lag = (first + np.arange(middle.shape[1]) + np.where(top, shift, 0.0)) / _FINER
    height = middle - 0.25 * (left - right) * shift
    height = np.where(height > 1, 1 / np.maximum(height, 1e-9), height)  # Boersma's footnote
    strength = np.where(top, height - OCTAVE_COST * np.log2(FLOOR * lag / RATE), -np.inf)
    best = np.argpartition(-strength, CANDIDATES, axis=1)[:, :CANDIDATES]
    strengths = np.take_along_axis(strength, best, 1)
    return np.where(np.isfinite(strengths), np.take_along_axis(lag, best, 1), 0.0), strengths


def _autocorrelation(pieces: Floats, size: int) -> Floats:
    """Return autocorrelations at lags of 1 / _FINER samples, (T, ...)."""
    spectra = np.fft.rfft(pieces, size, axis=1)
    power = spectra.real**2 + spectra.imag**2
    return np.asarray(np.fft.irfft(power, size * _FINER, axis=1))


def _best_path(f0: Floats, strengths: Floats, quiet: Floats, pace: float) -> Floats:
    """Return the frequencies (T,) of the path of the greatest strength less its costs."""
    count = len(f0)
    states = np.column_stack([f0, np.zeros(count)])  # the last is unvoiced
    score = np.column_stack([strengths, quiet])
    height = np.where(states > 0, np.log2(np.maximum(states, 1.0)), np.nan)
    back = np.zeros(states.shape, np.int64)
    total = score[0]
    for t in range(1, count):
        jump = np.abs(height[t - 1][:, None] - height[t][None, :])
        cost = pace * np.where(np.isnan(jump), SWITCH, JUMP * jump)
        cost[-1, -1] = 0.0
        reached = total[:, None] - cost
        back[t] = reached.argmax(0)
        total = reached.max(0) + score[t]
    path = np.zeros(count, np.int64)
    path[-1] = int(total.argmax())
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return np.asarray(states[np.arange(count), path])


def _raised(f0: Floats, curve: Floats, energy: Floats, least: float) -> Floats:
    """Return a path (T,) whose runs are an octave higher where they repeat after half a period.

    What repeats after a period repeats after two, so that noise decides between the two in a single
    frame. Over a run, half the period of a voice is told by the lack of odd harmonics: there r is
    lower by twice their share of the power.

    Args:
        f0: hertz, 0 where unvoiced.
        curve: (T, L) r at lags of 1 / _FINER samples.
        energy: (T,) of the frames, which weights them.
        least: frames of a run, fewer of which tell too little.
    """
    found = f0.copy()
    height = np.log2(np.maximum(f0, 1.0))
    starts = np.flatnonzero(np.abs(np.diff(height)) > _APART) + 1
    for run in np.split(np.arange(len(f0)), starts):
        if len(run) < least or f0[run[0]] <= 0 or np.median(f0[run]) > RAISED / 2:
            continue
        lag = RATE / f0[run] * _FINER
        loss = _near(curve[run], lag) - _near(curve[run], lag / 2)
        if np.average(loss, weights=energy[run]) < ODD:
            found[run] *= 2
    return found


def _near(curve: Floats, lag: Floats) -> Floats:
    """Return the largest value of curves (T, L) within two places of a fractional one (T,)."""
    middle = np.clip(np.rint(lag).astype(np.int64), 2, curve.shape[1] - 3)
    around = middle[:, None] + np.arange(-2, 3)
    return np.asarray(np.take_along_axis(curve, around, 1).max(1))


def folded(f0: Floats, power: Floats | None = None) -> Floats:
    """Return a contour (T,) whose runs more than 7 semitones off are folded back by octaves.

    Off the recording's median, weighted by power. A run has no gap and no jump beyond half an
    octave, and is folded as a whole: a voice may fall by more than 7 semitones, but an octave at
    once is an error. A median of five frames then removes single outliers. Zeros, unvoiced frames,
    stay.

    Args:
        f0: (T,) hertz.
        power: (T,) of the frames; all are alike if not given.

    >>> folded(np.array([100.0, 101, 202, 202, 101, 100, 0])).round().tolist()
    [100.0, 101.0, 101.0, 101.0, 101.0, 100.0, 0.0]
    >>> folded(np.linspace(180, 90, 7)).round().tolist()
    [180.0, 165.0, 150.0, 135.0, 120.0, 105.0, 90.0]
    """
    voiced = np.flatnonzero(f0 > 0)
    if len(voiced) < 2:
        return f0
    height = 12 * np.log2(f0[voiced])
    weight = np.ones(len(voiced)) if power is None else power[voiced]
    middle = weighted_median(height, weight)
    apart = (np.diff(voiced) > 1) | (np.abs(np.diff(height)) > 12 * _APART)
    for run in np.split(np.arange(len(voiced)), np.flatnonzero(apart) + 1):
        away = np.median(height[run]) - middle
        height[run] -= 12 * np.sign(away) * np.ceil(max(abs(away) - FOLD, 0) / 12)
    from scipy.ndimage import median_filter

    found = np.zeros_like(f0)
    found[voiced] = 2 ** (median_filter(height, 5, mode="nearest") / 12)
    return found
