"""Pitch of a word by other means than those of ``unbraid.sound``, to check it.

The cepstrum (Noll 1967, "Cepstrum Pitch Determination", JASA 41) takes the period of the log
spectrum's ripple, where the package takes peaks of the autocorrelation; Harvest (Morise 2017) finds
the fundamental itself by band-pass filters, and needs the package ``pyworld-prebuilt``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from _spoken import TAKES_EACH, recorded, share, speaker_of
from numpy.typing import NDArray

from unbraid.datasets.speech import RATE, SPEAKERS, TAKES, WORDS
from unbraid.sound import analyse, measure
from unbraid.sound.measures import pitch_of

Floats = NDArray[np.float64]

FLOOR, CEILING = 55.0, 300.0  # hertz
LENGTH, SIZE = 0.05, 4096  # seconds of a frame, and size of its transform
STEP = 0.005  # seconds between frames
TOP = 3400.0  # hertz up to which the ripple is looked at
CLEAR = 5.0  # deviations by which the peak of a cepstrum stands out where there is a voice
LOUD = 15.0  # decibels below the loudest frame
AGREED = 2.0  # semitones within which two other ways agree
OCTAVE = 7.0  # semitones beyond which a pitch is taken for another octave's


def cepstral(samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the frequency in hertz, how clear it is, and the level in dB of each frame, (T,)."""
    length = round(LENGTH * RATE)
    padded = np.pad(samples, length // 2)
    starts = np.arange(0, len(samples), round(STEP * RATE))
    pieces = padded[starts[:, None] + np.arange(length)]
    pieces = (pieces - pieces.mean(1, keepdims=True)) * np.hanning(length)
    power = np.abs(np.fft.rfft(pieces, SIZE, axis=1)) ** 2
    level = 10 * np.log10(power.mean(1) + 1e-12)
    bins = slice(1, int(TOP / RATE * SIZE))
    ripple = np.log(power[:, bins] + 1e-3 * power.max(1, keepdims=True) + 1e-12)
    ripple = (ripple - ripple.mean(1, keepdims=True)) * np.hanning(ripple.shape[1])
    finer = 8  # quefrencies a sample
    count = round(SIZE * finer / 2)
    cepstrum = np.abs(np.fft.rfft(ripple, count * 2, axis=1))
    # a bin of the ripple is RATE / SIZE hertz: place k is a period of k / (2 count) / that
    seconds = np.arange(cepstrum.shape[1]) / (2 * count) / (RATE / SIZE)
    inside = (seconds >= 1 / CEILING) & (seconds <= 1 / FLOOR)
    noise = np.median(cepstrum[:, inside], 1)
    peak = (cepstrum[:, 1:-1] > cepstrum[:, :-2]) & (cepstrum[:, 1:-1] >= cepstrum[:, 2:])
    cepstrum[:, 1:-1] *= peak
    part, periods = cepstrum[:, inside], seconds[inside]
    best = part.argmax(1)
    clear = part[np.arange(len(part)), best] / np.maximum(noise, 1e-12)
    return 1 / periods[best], clear, level


def cepstral_pitch(samples: Floats) -> float:
    """Return the median frequency of a word's loud and clearly voiced frames, hertz, or NaN."""
    hertz, clear, level = cepstral(samples)
    return _middle(np.where(clear > CLEAR, hertz, 0.0), level)


def harvest_pitch(samples: Floats) -> float:
    """Return the median frequency of a word's loud frames by Harvest, hertz, or NaN."""
    import pyworld

    f0, _ = pyworld.harvest(np.ascontiguousarray(samples), RATE, FLOOR, CEILING)
    return _middle(f0, cepstral(samples)[2])


def _middle(f0: Floats, level: Floats) -> float:
    """Return the median of f0 over loud frames, weighted by their energy, hertz, or NaN."""
    count = min(len(f0), len(level))
    f0 = np.where(level[:count] > level.max() - LOUD, f0[:count], 0.0)
    return float(100 * 2 ** (pitch_of(f0, 10 ** (level[:count] / 10)) / 12))


def unbraid_pitch(samples: Floats) -> float:
    """Return the pitch as the package measures it, hertz, or NaN."""
    return measure(samples, RATE).hertz


WAYS: dict[str, Callable[[Floats], float]] = {
    "unbraid": unbraid_pitch,
    "cepstrum": cepstral_pitch,
    **({"Harvest": harvest_pitch} if find_spec("pyworld") else {}),
}


def errors_of(away: Floats) -> dict[str, float | None]:
    """Return the errors of pitch of differences in semitones (N,), NaN where none was read."""
    off = np.abs(away[~np.isnan(away)])
    return {
        "median": round(float(np.median(off)), 3) if len(off) else None,
        "beyond": share(off > 1) if len(off) else None,
        "octave": share(off > OCTAVE) if len(off) else None,
        "unread": share(np.isnan(away)),
    }


def pitches(sounds: Sequence[Floats]) -> dict[str, Floats]:
    """Return the pitch of sounds in semitones from 100 Hz, by each way, (N,)."""
    return {
        way: 12 * np.log2(np.array([of(each) for each in sounds]) / 100) for way, of in WAYS.items()
    }


def beside(read: dict[str, Floats]) -> Floats:
    """Return the pitch of the other ways where two agree, (N,), else NaN."""
    others = [values for way, values in read.items() if way != "unbraid"]
    if len(others) < 2:
        return np.full_like(read["unbraid"], np.nan)
    return np.where(np.ptp(others, 0) < AGREED, np.mean(others, 0), np.nan)


def pitch() -> dict[str, Any]:
    """Return how often the tracker disagrees with other means on recordings of the test split."""
    numbers = np.arange(len(WORDS) * len(SPEAKERS) * TAKES_EACH)
    takes = numbers[numbers % TAKES_EACH < TAKES["test"][1]]
    sounds, speakers = recorded(takes), speaker_of(takes)
    read = pitches(sounds)
    own, middle = read["unbraid"], beside(read)
    away = own - middle
    usual = np.array([np.nanmedian(own[speakers == each]) for each in speakers])
    kinds = {
        "an octave low": away < -OCTAVE,
        "an octave high": away > OCTAVE,
        "off by a semitone or more, not by an octave": (np.abs(away) > 1)
        & (np.abs(away) <= OCTAVE),
        "not voiced at all": np.isnan(own),
        "far from the speaker's median": np.abs(own - usual) > OCTAVE,
        "others disagree": np.isnan(middle),
    }
    frames = [unvoiced_frames(each) for each in sounds]
    rows = {
        name: {
            **{kind: int(found[speakers == row].sum()) for kind, found in kinds.items()},
            "takes": int((speakers == row).sum()),
            "unvoiced though clear": _part(frames, speakers == row),
        }
        for row, name in enumerate(SPEAKERS)
    }
    print(rows, flush=True)
    wrong = np.flatnonzero(kinds["an octave low"] | kinds["an octave high"] | np.isnan(own))
    return {
        "ways": list(WAYS),
        "speakers": rows,
        "takes": [
            {"take": int(takes[row])}
            | {way: _or_none(float(values[row])) for way, values in read.items()}
            for row in wrong
        ],
    }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 1)


def unvoiced_frames(samples: Floats) -> tuple[int, int]:
    """Return how many loud frames have no pitch though the cepstrum is clear, and all loud ones."""
    f0 = analyse(samples, RATE).f0
    _, clear, level = cepstral(samples)
    count = min(len(f0), len(level))
    loud = level[:count] > level.max() - LOUD
    return int((loud & (f0[:count] == 0) & (clear[:count] > CLEAR)).sum()), int(loud.sum())


def _part(frames: list[tuple[int, int]], rows: NDArray[np.bool_]) -> float:
    some, all_loud = np.array(frames)[rows].sum(0)
    return round(100 * float(some / all_loud), 2)
