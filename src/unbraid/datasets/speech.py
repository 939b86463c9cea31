"""Spoken digits drawn with known word, pitch, duration, vocal tract and loudness.

Real recordings, analysed and synthesised again with factors that we set. Images are voice
pictures, (3, 64, 64), that can be heard; see ``unbraid.sound``. Each factor is defined absolutely,
so that it can be measured from the sound: pitch in semitones from 100 Hz, duration in milliseconds,
loudness in decibels of full scale; the vocal tract is in per cent of an average one. Takes of the
train split, of judges and of the test split never mix.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.datasets import SPLITS
from unbraid.datasets._cache import cached
from unbraid.datasets._factors import grid_of, sample_factors
from unbraid.datasets._recordings import RATE, SHA256, SPEAKERS, WORDS, number, recordings
from unbraid.datasets._recordings import TAKES as TAKES_EACH
from unbraid.datasets._rendered import (
    Correlations,
    Distributions,
    Drawn,
    Range,
    Rendered,
    check_counts,
    check_range,
    is_pair,
    read_correlations,
    read_distributions,
    whole,
    with_style,
)
from unbraid.datasets._speaking import CONTINUOUS, TAKES, Renderer
from unbraid.datasets._voices import VERSION
from unbraid.sound import SIGNAL

__all__ = [
    "RATE",
    "SPEAKERS",
    "TAKES",
    "WORDS",
    "Config",
    "Renderer",
    "Speech",
    "factor_specs",
    "load",
    "recording",
]

UNITS = {
    "pitch": "semitones from 100 Hz",
    "duration": "milliseconds",
    "tract": "per cent",
    "loudness": "dBFS",
}
# What can be rendered and read; beyond it words are lost, see docs/speech.md.
LIMITS = {
    "pitch": (-9.0, 24.0),
    "duration": (150.0, 850.0),
    "tract": (75.0, 130.0),
    "loudness": (-50.0, -10.0),
}
_DEFAULT_COUNT = {"train": 20_000, "test": 5_000}
_VERSION = 1  # of all that shapes the images beside the voices


@dataclass(frozen=True)
class Config:
    """Options of the spoken digits; ranges as (low, high).

    Args:
        n: how many images; 20,000 of the train and 5,000 of the test split by default.
        seed: draws factors and recordings.
        words: which words there are, zero to nine.
        speakers: whose recordings are used.
        pitch: energy-weighted median of the fundamental frequency, in semitones from 100 Hz.
        duration: milliseconds between the moments 30 dB below the loudest.
        tract: length of the vocal tract, per cent of an average one; shorter sounds smaller.
        loudness: level of the louder half of that time, in decibels of full scale.
        correlations: (factor, factor, rho) for each pair that is not independent, by a Gaussian
            copula.
        distributions: (factor, ``"normal"``) for each continuous factor that is not ``"uniform"``.
        grid: levels of each continuous factor; every combination once instead of ``n`` draws.
        takes: (start, stop) of the takes 5 to 49 that the train split uses; judges take (30, 50).
            The test split has takes 0 to 4.
        speaker_factor: add ``speaker`` as a categorical factor after the others.
        style_factor: add ``style``, the number of the take, as a last, categorical factor.
        stream: draw images whenever they are asked for, instead of once into the cache.
    """

    n: int | None = None
    seed: int = 0
    words: tuple[str, ...] = WORDS
    speakers: tuple[str, ...] = SPEAKERS
    pitch: Range = (-4.0, 18.0)
    duration: Range = (250.0, 800.0)
    tract: Range = (85.0, 118.0)
    loudness: Range = (-35.0, -15.0)
    correlations: Correlations = ()
    distributions: Distributions = ()
    grid: int | None = None
    takes: tuple[int, int] = TAKES["train"]
    speaker_factor: bool = False
    style_factor: bool = False
    stream: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Speech(Rendered):
    """A Dataset that also knows which recording each image is of, can be heard, and can draw more.

    ``style`` are numbers of takes, ``(word * 6 + speaker) * 50 + take``; see ``Rendered``.
    """

    rate: ClassVar[int] = RATE  # samples a second
    bound: ClassVar[tuple[str, ...]] = ("word", "speaker")

    @property
    def speaker(self) -> NDArray[np.int64]:
        """Who spoke the recording of each image, (N,), as an index of ``SPEAKERS``."""
        return self.style // TAKES_EACH % len(SPEAKERS)

    def sound(self, row: int) -> NDArray[np.float32]:
        """Return the sound of an image, float32 (T,) at 8,000 samples a second.

        It is made from the recording and the factors, without the image's 256 levels.
        """
        assert self.renderer is not None
        assert self.factors is not None
        factors = np.asarray(self.factors, np.float64)[row]
        samples: NDArray[np.float32] = self.renderer.sound(factors, int(self.style[row]))
        return samples

    def recording(self, row: int) -> NDArray[np.float32]:
        """Return the recording that an image is of, as it was made, float32 (T,) at 8 kHz."""
        return recordings().take(int(self.style[row]))


def load(config: Config, split: str) -> Speech:
    """Load spoken digits: images uint8 (N, 3, 64, 64), factors float64 (N, 5).

    The columns are word (an index), pitch, duration, tract and loudness.

    Raises:
        UnbraidError: words, speakers, takes or ranges that are not there, unknown factors,
            impossible correlations.

    >>> data = load(Config(n=20, words=("two", "seven"), stream=True), "test")
    >>> data.images[:5].shape, data.factor_names
    ((5, 3, 64, 64), ('word', 'pitch', 'duration', 'tract', 'loudness'))
    """
    _check(config)
    specs = factor_specs(config)
    entropy = [config.seed, SPLITS.index(split)]
    sampler = None
    if config.grid is None:
        count = _DEFAULT_COUNT[split] if config.n is None else config.n
        sampler = partial(_sampled, specs, config, entropy)
        factors = sampler(count, [0])
    else:
        factors = grid_of(specs, config.grid)
    takes = config.takes if split == "train" else TAKES["test"]
    renderer = Renderer(takes, config.words, config.speakers)
    style = renderer.choose(factors, [*entropy, 1])
    images: Any = Drawn(renderer, factors, style)
    if not config.stream:
        images = cached(f"speech-images-{_key(config, split)}", lambda: whole(images, "speech"))
    names = tuple(spec.name for spec in specs)
    if config.style_factor:
        specs, factors = with_style(specs, factors, renderer.sources, style)
    data = Speech("speech", images, factors, specs, split, signal=SIGNAL, style=style)
    return replace(data, renderer=renderer, sampler=sampler, names=names)


def recording(word: str, speaker: str, take: int) -> NDArray[np.float32]:
    """Return a recording as it was made, float32 (T,) at 8,000 samples a second.

    Args:
        word: of ``WORDS``.
        speaker: of ``SPEAKERS``.
        take: 0 to 49.

    Raises:
        UnbraidError: there is no such recording.

    >>> recording("seven", "jackson", 0).shape
    (3457,)
    """
    for what, given, known in (("word", word, WORDS), ("speaker", speaker, SPEAKERS)):
        if given not in known:
            raise UnbraidError(
                f"speech: there is no {what} '{given}'{did_you_mean(given, known)}: they are "
                f"{', '.join(known)}."
            )
    if not 0 <= take < TAKES_EACH:
        raise UnbraidError(f"speech: take is {take}, expected 0 to {TAKES_EACH - 1}.")
    return recordings().take(number(WORDS.index(word), SPEAKERS.index(speaker), take))


def _sampled(
    specs: tuple[FactorSpec, ...], config: Config, entropy: list[int], count: int, seed: list[int]
) -> NDArray[np.float64]:
    """Draw factors as a config says, (count, F)."""
    correlations = read_correlations(config.correlations, "speech", '("pitch", "tract", -0.8)')
    distributions = read_distributions(config.distributions, "speech", '("pitch", "normal")')
    return sample_factors(specs, count, [*entropy, *seed], correlations, distributions)


def factor_specs(config: Config) -> tuple[FactorSpec, ...]:
    """Return the specs of word, pitch, duration, tract and loudness, and speaker if it is one."""
    continuous = (
        FactorSpec(name, "continuous", range=getattr(config, name), unit=UNITS[name])
        for name in CONTINUOUS
    )
    specs = (FactorSpec("word", "categorical", values=tuple(config.words)), *continuous)
    if config.speaker_factor:
        specs = (*specs, FactorSpec("speaker", "categorical", values=tuple(config.speakers)))
    return specs


def _check(config: Config) -> None:
    """Refuse what cannot be rendered, in one sentence."""
    check_counts(config, "speech")
    for name, given, known in (
        ("words", config.words, WORDS),
        ("speakers", config.speakers, SPEAKERS),
    ):
        if not given or not set(given) <= set(known) or len(set(given)) < len(given):
            raise UnbraidError(
                f"speech: {name} are {given}, expected some of {', '.join(known)}, each once."
            )
    for name, (lowest, highest) in LIMITS.items():
        check_range(name, getattr(config, name), "speech")
        low, high = getattr(config, name)
        if low < lowest or high > highest:
            raise UnbraidError(
                f"speech: {name} goes from {low:g} to {high:g} {UNITS[name]}, expected a range "
                f"within {lowest:g} to {highest:g}, in which words remain intelligible."
            )
    start, stop = config.takes if is_pair(config.takes) else (0, 0)
    if not 5 <= start < stop <= 50:
        raise UnbraidError(
            f"speech: takes are {config.takes}, expected (start, stop) within 5 to 50: takes 0 to "
            "4 are the test split's."
        )


def _key(config: Config, split: str) -> str:
    facts = (_VERSION, VERSION, SHA256, split, replace(config, style_factor=False))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
