"""What the benchmarks of speech share: takes as they were recorded, copies, shares in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets.speech import RATE, SPEAKERS, WORDS, recording
from unbraid.sound import analyse, canonical_of, picture_of, synthesise

Sound = NDArray[Any]
TAKES_EACH = 50  # numbers of takes of a word by a speaker


def share(right: NDArray[np.bool_] | Sequence[bool]) -> float:
    """Return how many are right, in per cent."""
    return round(100 * float(np.mean(right)), 2)


def word_of(takes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words of takes, as indices of ``WORDS``."""
    return takes // (TAKES_EACH * len(SPEAKERS))


def speaker_of(takes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the speakers of takes, as indices of ``SPEAKERS``."""
    return takes // TAKES_EACH % len(SPEAKERS)


def recorded(takes: NDArray[np.int64]) -> list[Sound]:
    """Return takes as they were recorded."""
    words, speakers = word_of(takes), speaker_of(takes)
    return [
        recording(WORDS[word], SPEAKERS[speaker], int(take % TAKES_EACH)).astype(np.float64)
        for word, speaker, take in zip(words, speakers, takes, strict=True)
    ]


def copied(samples: Sound) -> Sound:
    """Return a sound taken apart and put together, nothing changed."""
    return synthesise(analyse(samples, RATE))


def pictured(samples: Sound) -> NDArray[np.uint8]:
    """Return the voice picture of a sound."""
    return picture_of(*canonical_of(analyse(samples, RATE)))
