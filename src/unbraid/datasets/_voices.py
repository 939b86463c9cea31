"""The takes of the spoken digits in the canonical frame, analysed once and kept in the cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets._cache import cached
from unbraid.datasets._recordings import RATE, SHA256, SPEAKERS, TAKES, WORDS, number, recordings
from unbraid.sound import FrameFactors, analyse, canonical_of
from unbraid.sound.canonical import BANDS, FRAMES

VERSION = 2  # of all that shapes the cached array
# Takes that are analysed together: the test split's, those that models are trained on, and those
# for judges.
BLOCKS = ((0, 5), (5, 30), (30, 50))
_PER_SECOND = 60  # takes analysed on one core
_RECORD = np.dtype(
    [
        ("envelope", "f4", (BANDS, FRAMES)),
        ("contour", "f4", (FRAMES,)),
        ("noise", "f4", (3, FRAMES)),
        ("own", "f8", (4,)),
        ("number", "i8"),
    ]
)


@dataclass(frozen=True)
class Voices:
    """Takes in the canonical frame; see ``unbraid.sound.Canonical``.

    Args:
        envelope: (G, 64, 64).
        contour: (G, 64).
        noise: (G, 3, 64).
        own: (G, 4) pitch, duration, tract and loudness of the recordings.
        number: (G,) of the takes, ascending.
    """

    envelope: NDArray[np.float32]
    contour: NDArray[np.float32]
    noise: NDArray[np.float32]
    own: NDArray[np.float64]
    number: NDArray[np.int64]


def load_voices(takes: tuple[int, int], words: Sequence[int] = range(len(WORDS))) -> Voices:
    """Return the takes start to stop - 1 of words by each speaker, prepared once and cached.

    The few in which nothing is voiced are left out, as they have no pitch.
    """
    start, stop = takes
    blocks = [block for block in BLOCKS if start < block[1] and block[0] < stop]
    say = _once(sum(last - first for first, last in blocks) * len(words) * len(SPEAKERS))
    records = np.concatenate(
        [
            cached(_key(block, word), partial(_prepare, block, word, say))
            for block in blocks
            for word in words
        ]
    )
    take = records["number"] % TAKES
    records = records[(take >= start) & (take < stop)]
    records = records[np.argsort(records["number"])]
    return Voices(*(records[name] for name in ("envelope", "contour", "noise", "own", "number")))


def _key(block: tuple[int, int], word: int) -> str:
    return f"speech-voices-{WORDS[word]}-{block[0]}-{block[1]}-{SHA256[:12]}-v{VERSION}"


def _once(count: int) -> Callable[[], None]:
    """Return what says, when it is first called, that recordings are analysed, as it takes time."""
    said: list[bool] = []

    def say() -> None:
        if not said:
            print(
                f"analysing {count:,} recordings of spoken digits, once: about "
                f"{max(count // _PER_SECOND, 1)} seconds",
                file=sys.stderr,
                flush=True,
            )
        said.append(True)

    return say


def _prepare(block: tuple[int, int], word: int, say: Callable[[], None]) -> NDArray[Any]:
    """Analyse a block of takes of a word."""
    say()
    numbers = [
        number(word, speaker, take) for speaker in range(len(SPEAKERS)) for take in range(*block)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        records = np.array(list(pool.map(prepare_take, numbers)), _RECORD)
    return np.asarray(records[~np.isnan(records["own"][:, 0])])


def prepare_take(take: int) -> tuple[Any, ...]:
    """Return the record of a take; its own pitch is NaN if nothing in it is voiced."""
    packed = recordings()
    tract = float(packed.tracts[take // TAKES % len(SPEAKERS)])
    voice = analyse(packed.take(take), RATE)
    frame, own = canonical_of(voice, tract)
    pitch = own.pitch if voice.voiced.any() else float("nan")
    facts = (pitch, own.duration, own.tract, own.loudness)
    return frame.envelope, frame.contour, frame.noise, facts, take


def factors_of(row: NDArray[np.float64]) -> FrameFactors:
    """Return pitch, duration, tract and loudness (4,) as ``FrameFactors``."""
    pitch, duration, tract, loudness = (float(value) for value in row)
    return FrameFactors(pitch, duration, tract, loudness)
