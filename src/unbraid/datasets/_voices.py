"""The takes of the spoken digits in the canonical frame, analysed once and kept in the cache."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets._cache import cached
from unbraid.datasets._recordings import RATE, SHA256, SPEAKERS, WORDS, number, recordings
from unbraid.sound import FrameFactors, analyse, canonical_of
from unbraid.sound.canonical import BANDS, FRAMES

VERSION = 1  # of all that shapes the cached array
# Takes of each word by each speaker, analysed together: the test split's, those that models are
# trained on, and those for judges.
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


def load_voices(takes: tuple[int, int]) -> Voices:
    """Return the takes start to stop - 1 of each word by each speaker.

    The few in which nothing is voiced are left out, as they have no pitch.
    """
    start, stop = takes
    records = np.concatenate(
        [
            cached(_key(block), partial(_prepare, block))
            for block in BLOCKS
            if start < block[1] and block[0] < stop
        ]
    )
    take = records["number"] % 50
    records = records[(take >= start) & (take < stop)]
    records = records[np.argsort(records["number"])]
    return Voices(*(records[name] for name in ("envelope", "contour", "noise", "own", "number")))


def _key(block: tuple[int, int]) -> str:
    return f"speech-voices-{block[0]}-{block[1]}-{SHA256[:12]}-v{VERSION}"


def _prepare(block: tuple[int, int]) -> NDArray[Any]:
    """Analyse a block of takes, with a message, as it takes some seconds."""
    numbers = [
        number(word, speaker, take)
        for word in range(len(WORDS))
        for speaker in range(len(SPEAKERS))
        for take in range(*block)
    ]
    print(
        f"analysing {len(numbers):,} recordings of spoken digits (takes {block[0]} to "
        f"{block[1] - 1}), once: about {len(numbers) // _PER_SECOND} seconds",
        file=sys.stderr,
        flush=True,
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        records = np.array(list(pool.map(prepare_take, numbers)), _RECORD)
    return np.asarray(records[~np.isnan(records["own"][:, 0])])


def prepare_take(take: int) -> tuple[Any, ...]:
    """Return the record of a take; its own pitch is NaN if nothing in it is voiced."""
    packed = recordings()
    tract = float(packed.tracts[take // 50 % len(SPEAKERS)])
    voice = analyse(packed.take(take), RATE)
    frame, own = canonical_of(voice, tract)
    pitch = own.pitch if voice.voiced.any() else float("nan")
    facts = (pitch, own.duration, own.tract, own.loudness)
    return frame.envelope, frame.contour, frame.noise, facts, take


def factors_of(row: NDArray[np.float64]) -> FrameFactors:
    """Return pitch, duration, tract and loudness (4,) as ``FrameFactors``."""
    pitch, duration, tract, loudness = (float(value) for value in row)
    return FrameFactors(pitch, duration, tract, loudness)
