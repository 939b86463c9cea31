"""The judge of ``speech``: hears the sound of voice pictures, measures it and recognises the word.

Pitch, duration and loudness are measured by formula (``unbraid.sound.measure``). Word, vocal tract
and speaker are read by a network from the mel spectrogram *of the sound*. It was trained on
renderings of takes 30 to 49 only, which no other model is trained on, and shares no code with the
methods. **No model is trained on its output.** ``benchmarks/speech_judge.py`` trains it and
measures its errors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import read_json
from unbraid.core.store import read_tensors
from unbraid.datasets.speech import LIMITS, RATE, SPEAKERS, WORDS
from unbraid.sound import Measures, measure, sound_of
from unbraid.sound.canonical import band_hertz
from unbraid.sound.measures import ends, level_curve_of_samples
from unbraid.sound.pictures import COLUMN, SIZE, START

Floats = NDArray[np.float64]

MEASURED = ("pitch", "duration", "loudness")  # by formula
TAKES = (30, 50)  # of each word by each speaker that it was trained on
FOLDER = Path(__file__).parents[2] / "pretrained/speech_judge"
UNVOICED = -12.0  # semitones that the pitch of a sound is said to have in which nothing is voiced

WINDOW, FFT = 256, 512  # samples
RANGE = 60.0  # decibels below the loudest band that a spectrogram shows

# What the network reads.
SPECS = (
    FactorSpec("word", "categorical", values=WORDS),
    FactorSpec("tract", "continuous", range=LIMITS["tract"], unit="per cent"),
    FactorSpec("speaker", "categorical", values=SPEAKERS),
)


class Heard(NamedTuple):
    """What the judge makes of sounds.

    Args:
        measures: of each sound.
        word: (N,) indices of ``WORDS``.
        tract: (N,) per cent.
        speaker: (N,) indices of ``SPEAKERS``.
        sure: (N,) probability of the word.
    """

    measures: list[Measures]
    word: NDArray[np.int64]
    tract: Floats
    speaker: NDArray[np.int64]
    sure: Floats


def log_mel(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the mel spectrogram of a sound at 8 kHz, uint8 (1, 64, 64), relative to its loudest.

    Bands as those of voice pictures, columns 16 ms apart; the sound starts 80 ms after the first.
    """
    floats = np.asarray(samples, np.float64)
    start = float(ends(level_curve_of_samples(floats, RATE))[0])
    padded = np.pad(floats, round(RATE * SIZE * COLUMN))
    first = start - START + SIZE * COLUMN
    centres = np.rint((first + np.arange(SIZE) * COLUMN) * RATE).astype(np.int64)
    centres = np.minimum(centres, len(padded) - WINDOW)
    window = np.hanning(WINDOW + 1)
    pieces = padded[(centres - WINDOW // 2)[:, None] + np.arange(WINDOW + 1)]
    pieces = pieces - ((pieces @ window) / window.sum())[:, None]
    power = np.abs(np.fft.rfft(pieces * window, FFT, axis=1)) ** 2 @ _bands()
    level = 10 * np.log10(np.maximum(power, 1e-12))
    share = np.clip((level - level.max()) / RANGE + 1, 0, 1)
    return np.asarray(np.rint(share.T[None] * 255), np.uint8)


@cache
def _bands() -> Floats:
    """Return triangular bands of a power spectrum, each of unit sum, (FFT // 2 + 1, 64)."""
    centres = band_hertz()
    edges = np.concatenate([[0.0], centres, [RATE / 2]])
    hertz = np.linspace(0, RATE / 2, FFT // 2 + 1)[:, None]
    rise = (hertz - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], RATE / FFT)
    fall = (edges[2:] - hertz) / np.maximum(edges[2:] - edges[1:-1], RATE / FFT)
    weight = np.maximum(np.minimum(rise, fall), 0)
    return np.asarray(weight / np.maximum(weight.sum(0), 1e-9))


class SpeechJudge:
    """Hears sounds: word, pitch, duration, tract, loudness and speaker.

    Args:
        network: reads word, tract and speaker of mel spectrograms.

    >>> from unbraid.datasets.speech import Renderer
    >>> renderer, asked = Renderer((0, 5)), np.array([[7, -4.0, 700, 110, -20]])
    >>> heard = SpeechJudge.load().hear([renderer.sound(asked[0], renderer.choose(asked)[0])])
    >>> WORDS[heard.word[0]], round(heard.measures[0].loudness)
    ('seven', -20)
    """

    def __init__(self, network: LearnedJudge) -> None:
        self.network = network

    @classmethod
    def load(cls) -> SpeechJudge:
        """Return the judge that is installed with the package.

        Raises:
            UnbraidError: its weights are missing or damaged.
        """
        return _shipped()

    def hear(self, sounds: Sequence[NDArray[Any]]) -> Heard:
        """Return what sounds at 8,000 samples a second are heard as.

        Args:
            sounds: N arrays of samples (T,).
        """
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(_heard, sounds))
        return self._read(found)

    def hear_pictures(self, images: Any) -> Heard:
        """Return what the sounds of voice pictures (N, 3, 64, 64) are heard as."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda image: _heard(sound_of(image)), np.asarray(images)))
        return self._read(found)

    def _read(self, found: Sequence[tuple[Measures, NDArray[np.uint8]]]) -> Heard:
        pictures = np.array([each for _, each in found], np.uint8).reshape(-1, 1, SIZE, SIZE)
        read, sure = self.network.read(pictures), self.network.confidence(pictures, "word")
        word, tract, speaker = read.T
        return Heard(
            [each for each, _ in found],
            word.astype(np.int64),
            tract,
            speaker.astype(np.int64),
            sure,
        )

    @property
    def known_errors(self) -> dict[str, Any]:
        """Its errors on renderings of the test split's takes."""
        found: dict[str, Any] = read_json(FOLDER / "result.json")
        return found


def _heard(samples: NDArray[Any]) -> tuple[Measures, NDArray[np.uint8]]:
    if not np.abs(samples - samples.mean()).max() > 1e-5:  # nothing is to be heard
        return Measures(UNVOICED, 0.0, -120.0), np.zeros((1, SIZE, SIZE), np.uint8)
    return measure(samples, RATE), log_mel(samples)


class SpeechReader:
    """The judge of ``speech`` as a reader of voice pictures, words as the levels of given specs.

    Args:
        judge: of sounds.
        specs: of the factors, including those that the judge reads.
    """

    def __init__(self, judge: SpeechJudge, specs: Sequence[FactorSpec]) -> None:
        self.judge = judge
        by_name = {spec.name: spec for spec in specs}
        self.names = tuple(
            spec.name for spec in specs if spec.name in (*MEASURED, "word", "tract", "speaker")
        )
        self._levels = {
            name: _levels(by_name[name], known)
            for name, known in (("word", WORDS), ("speaker", SPEAKERS))
            if name in by_name
        }

    def read(self, images: Any) -> Floats:
        """Return the factors that are heard in voice pictures, (N, F), categories as indices.

        The pitch of a sound without any voice is that of ``UNVOICED``, far from all requests.
        """
        heard = self.judge.hear_pictures(images)
        found = {"tract": heard.tract}
        for name in MEASURED:
            values = np.array([getattr(each, name) for each in heard.measures], np.float64)
            found[name] = np.where(np.isnan(values), UNVOICED, values)
        for name, levels in self._levels.items():
            found[name] = levels[getattr(heard, name)]
        return np.column_stack([found[name] for name in self.names]).reshape(-1, len(self.names))


def _levels(spec: FactorSpec, known: tuple[str, ...]) -> Floats:
    """Return the level of each known category in a spec, -1 where it is none, (K,)."""
    values = list(spec.values or ())
    return np.array([values.index(name) if name in values else -1.0 for name in known])


@cache
def _shipped() -> SpeechJudge:
    path = FOLDER / "model.safetensors"
    try:
        tensors, _ = read_tensors(path)  # stored in float16
        ranges = tensors.pop("ranges").double().numpy()
        network = LearnedJudge(SPECS, (1, SIZE, SIZE), ranges)
        network.net.load_state_dict({name: each.float() for name, each in tensors.items()}, False)
    except (UnbraidError, LookupError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UnbraidError(
            f"the weights of the judge of speech {path} cannot be read ({reason}): install unbraid "
            "again, or train it with benchmarks/speech_judge.py."
        ) from error
    network.net.eval()
    return SpeechJudge(network)
