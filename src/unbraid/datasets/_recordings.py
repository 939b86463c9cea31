"""The Free Spoken Digit Dataset inside the package: 3,000 takes as 8-bit mu-law."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets._embedded import read_embedded

PACKED = Path(__file__).parent / "data" / "fsdd.npz"
# Of PACKED's bytes; tools/pack_fsdd.py prints it.
SHA256 = "26118369548ce8db2c637535ac00cf84c28afb7b20e905b061705a6a8d577f48"
RATE = 8000  # samples a second
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES = 50  # of each word by each speaker
MU = 255.0
_LEVELS = 127  # on each side of 0, which is a level itself


class Recordings(NamedTuple):
    """The takes; take t of word w by speaker s is number ``(w * 6 + s) * 50 + t``.

    Args:
        codes: mu-law codes of all samples, uint8.
        starts: (3,001,) where each take begins in them.
        peaks: (3,000,) the largest magnitude of each take, of 32,768.
        tracts: (6,) length of each speaker's vocal tract, per cent of their geometric mean.
    """

    codes: NDArray[np.uint8]
    starts: NDArray[np.int64]
    peaks: NDArray[np.int64]
    tracts: NDArray[np.float64]

    def take(self, number: int) -> NDArray[np.float32]:
        """Return the samples of a take, -1 to 1, as loud as it was recorded."""
        codes = self.codes[self.starts[number] : self.starts[number + 1]]
        return decode(codes) * np.float32(self.peaks[number] / 32768)


def encode(samples: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return mu-law codes of samples in -1..1: equation 1 of ITU-T G.711's law, 255 levels.

    >>> encode(np.array([-1.0, 0.0, 0.01, 1.0])).tolist()
    [1, 128, 157, 255]
    """
    size = np.log1p(MU * np.abs(samples)) / np.log1p(MU)
    return np.asarray(np.rint(np.sign(samples) * size * _LEVELS) + 128, np.uint8)


def decode(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return samples in -1..1 of mu-law codes, float32.

    >>> decode(np.array([1, 128, 255], np.uint8)).tolist()
    [-1.0, 0.0, 1.0]
    """
    return _table()[codes]


@cache
def _table() -> NDArray[np.float32]:
    level = (np.arange(256) - 128) / _LEVELS
    size = np.expm1(np.abs(level) * np.log1p(MU)) / MU
    return np.asarray(np.sign(level) * size, np.float32)


def number(word: int, speaker: int, take: int) -> int:
    """Return the number of a take.

    >>> number(9, 5, 49)
    2999
    """
    return (word * len(SPEAKERS) + speaker) * TAKES + take


@cache
def recordings() -> Recordings:
    """Return the embedded recordings.

    Raises:
        UnbraidError: the file is missing, or its bytes do not have the known SHA-256.
    """
    return unpack(read_embedded(PACKED, SHA256, "recordings"))


def unpack(packed: bytes) -> Recordings:
    """Return the recordings in the packed file's bytes."""
    with np.load(io.BytesIO(packed)) as archive:
        starts = np.concatenate([[0], np.cumsum(archive["lengths"], dtype=np.int64)])
        peaks, tracts = archive["peaks"].astype(np.int64), archive["tracts"]
        return Recordings(archive["codes"], starts, peaks, tracts)
