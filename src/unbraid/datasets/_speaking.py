"""Recordings rendered under factors: the renderer behind the ``speech`` data set."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets._recordings import SPEAKERS, WORDS
from unbraid.datasets._recordings import TAKES as TAKES_EACH
from unbraid.datasets._voices import factors_of, load_voices
from unbraid.sound import Canonical, at_loudness, lasting, paint, voice_of
from unbraid.sound.pictures import RATE, SIGNAL
from unbraid.sound.tract import QUIET

CONTINUOUS = ("pitch", "duration", "tract", "loudness")  # the factors' columns after the word
TAKES = {"train": (5, 30), "judge": (30, 50), "test": (0, 5)}
_CHUNK = 128  # images painted at once

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Renderer:
    """Draws spoken digits under any factors, and makes their sound.

    Args:
        takes: (start, stop) of the takes of each word by each speaker that are used.
        words: what the indices in the factors' first column mean.
        speakers: whose takes are used; what the indices in a sixth column mean, if there is one.

    >>> renderer = Renderer((0, 5), words=("seven",))
    >>> request = np.array([[0, -4.0, 700, 118, -20]])  # a low, slow seven of a large voice
    >>> take = renderer.choose(request, seed=0)
    >>> renderer.draw(request, take).shape, renderer.sound(request[0], take[0]).dtype
    ((1, 3, 64, 64), dtype('float32'))
    """

    def __init__(
        self,
        takes: tuple[int, int] = TAKES["test"],
        words: tuple[str, ...] = WORDS,
        speakers: tuple[str, ...] = SPEAKERS,
    ) -> None:
        self.words, self.speakers = words, speakers
        self.voices = load_voices(takes, [WORDS.index(word) for word in words])
        speaker = self.voices.number // TAKES_EACH % len(SPEAKERS)
        word = self.voices.number // (TAKES_EACH * len(SPEAKERS))
        ours = np.isin(speaker, [SPEAKERS.index(name) for name in speakers])
        # rows of the voices by word and speaker
        self._rows = [
            [
                np.flatnonzero((word == WORDS.index(w)) & (speaker == SPEAKERS.index(s)))
                for s in speakers
            ]
            for w in words
        ]
        for w, rows in zip(words, self._rows, strict=True):
            if not sum(map(len, rows)):
                raise UnbraidError(
                    f"speech: takes {takes[0]} to {takes[1] - 1} have no voiced '{w}' by "
                    f"{', '.join(speakers)}: widen takes=(start, stop) or leave the word out."
                )
        self._ours = np.flatnonzero(ours)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return SIGNAL.shape

    @property
    def sources(self) -> Ints:
        """Numbers of the takes there are, ascending."""
        return np.asarray(self.voices.number[self._ours])

    def templates(self) -> Floats:
        """Return the mean envelope of each word over speakers and takes, decibels (W, 64, 64).

        ``unbraid.sound.tract_against`` measures vocal tracts against it.
        """
        envelope = np.maximum(self.voices.envelope, QUIET)
        rows = [np.concatenate(each) for each in self._rows]
        return np.stack([envelope[each].mean(0, dtype=np.float64) for each in rows])

    def draw(self, factors: Floats, style: Ints) -> NDArray[np.uint8]:
        """Paint voice pictures, uint8 (N, 3, 64, 64).

        Args:
            factors: (N, 5) or more, as in the data set; the word is the style's own.
            style: (N,) numbers of takes.

        Raises:
            UnbraidError: a style that is not among the renderer's.
        """
        factors, rows = np.asarray(factors, np.float64), self._find(style)
        found = np.empty((len(rows), *self.image_shape), np.uint8)
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            voices = self.voices
            found[part] = paint(
                voices.envelope[rows[part]].astype(np.float64),
                voices.contour[rows[part]].astype(np.float64),
                voices.noise[rows[part]].astype(np.float64),
                factors[part, 1:5],
            )
        return found

    def sound(self, factors: Floats, style: int, seed: int = 0) -> NDArray[np.float32]:
        """Return the sound of a take under factors (5,), float32 (T,) at 8,000 samples a second."""
        (row,) = self._find(np.array([style]))
        voices = self.voices
        frame = Canonical(
            *(
                np.asarray(part[row], np.float64)
                for part in (voices.envelope, voices.contour, voices.noise)
            )
        )
        asked = factors_of(np.asarray(factors)[1:5])
        found = lasting(voice_of(frame, asked, RATE), asked.duration, seed)
        return at_loudness(found, RATE, asked.loudness)

    def fits(self, factors: Floats, style: Ints) -> NDArray[np.bool_]:
        """Return that every take can be rendered under any factors, (N,)."""
        return np.ones(len(style), bool)

    def choose(self, factors: Floats, seed: int | list[int] = 0) -> Ints:
        """Choose at random a take (N,) of each row's word, and of its speaker if that is a factor.

        Raises:
            UnbraidError: words or speakers that are not among the renderer's, or have no take.
        """
        factors = np.asarray(factors, np.float64)
        part = np.random.default_rng(seed).random(len(factors))
        word = self._index(factors[:, 0], "word", self.words)
        speaker: Any = np.full(len(factors), -1)
        if factors.shape[1] > 5:
            speaker = self._index(factors[:, 5], "speaker", self.speakers)
        chosen = np.zeros(len(factors), np.int64)
        for pair in sorted(set(zip(word.tolist(), speaker.tolist(), strict=True))):
            mine = np.flatnonzero((word == pair[0]) & (speaker == pair[1]))
            rows = self._rows[pair[0]]
            among = np.sort(np.concatenate(rows)) if pair[1] < 0 else rows[pair[1]]
            if not len(among):
                raise UnbraidError(
                    f"speech: {self.speakers[pair[1]]} has no voiced '{self.words[pair[0]]}' in "
                    "these takes: widen takes=(start, stop)."
                )
            chosen[mine] = among[(part[mine] * len(among)).astype(np.int64)]
        return np.asarray(self.voices.number[chosen])

    def _find(self, style: Ints) -> Ints:
        """Return the rows of the voices that are these takes, (N,)."""
        numbers = self.voices.number
        rows = np.minimum(np.searchsorted(numbers, style), len(numbers) - 1)
        for missing in np.asarray(style)[numbers[rows] != style][:1]:
            raise UnbraidError(
                f"speech: style {missing} is not among the {len(numbers):,} takes of the renderer: "
                "take those that choose() returns."
            )
        return rows

    @staticmethod
    def _index(column: Floats, name: str, known: tuple[str, ...]) -> Ints:
        index = column.astype(np.int64)
        if len(index) and not 0 <= index.min() <= index.max() < len(known):
            raise UnbraidError(
                f"speech: indices of the {name} go from {index.min()} to {index.max()}, expected 0 "
                f"to {len(known) - 1}."
            )
        return index
