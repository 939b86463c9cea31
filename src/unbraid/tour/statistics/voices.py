"""Requests for voices: the sounds that answer them, and what is measured and heard of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import quantile_test

from unbraid.control import voices
from unbraid.control.assessment.random_requests import draw_requests
from unbraid.control.assessment.run_report import draw_function
from unbraid.control.assessment.speech_judge import SpeechJudge, SpeechReader
from unbraid.control.assessment.units import FactorUnits
from unbraid.control.controller import Controller
from unbraid.control.language.parser import parse
from unbraid.control.language.request import Request
from unbraid.core.factors import FactorSpec
from unbraid.datasets.speech import RATE, SPEAKERS, WORDS
from unbraid.sound import Measures
from unbraid.sound.measures import ends, level_curve_of_samples

BEFORE = 0.2  # seconds kept before and after a sound's ends, as its noise is measured there
ROOM = 0.5  # of the way from a word's place in a range to the middle: nearer to it than to that
Figures = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Answer:
    """A sound, and what is measured and heard of it.

    Args:
        asked: the request as it was given, or what the sound is.
        samples: (T,) at 8,000 samples a second.
        measures: by formula.
        word: that the judge hears.
        sure: the judge's probability of the word.
        tract: per cent, as the judge hears it.
        speaker: who of the recorded speakers it sounds most like to the judge.
        request: as it was understood; None of a recording.
    """

    asked: str
    samples: NDArray[np.float32]
    measures: Measures
    word: str
    sure: float
    tract: float
    speaker: str
    request: Request | None = None


def heard(
    judge: SpeechJudge,
    sounds: Sequence[NDArray[np.float32]],
    asked: Sequence[str],
    requests: Sequence[Request | None] = (),
) -> list[Answer]:
    """Return sounds at 8,000 samples a second with what is measured and heard of them."""
    found = judge.hear(sounds)
    return [
        Answer(
            asked[row],
            samples,
            found.measures[row],
            WORDS[found.word[row]],
            float(found.sure[row]),
            float(found.tract[row]),
            SPEAKERS[found.speaker[row]],
            requests[row] if requests else None,
        )
        for row, samples in enumerate(sounds)
    ]


def answers(
    controller: Controller, judge: SpeechJudge, texts: Sequence[str], n: int = 1, seed: int = 0
) -> list[Answer]:
    """Return n voices for each request; those of one place are in the same style."""
    requests = [parse(text, controller.specs) for text in texts]
    sounds = [voices.speak(controller, request, n, seed) for request in requests]
    repeated = [request for request in requests for _ in range(n)]
    asked = [text for text in texts for _ in range(n)]
    return heard(judge, [each for row in sounds for each in row], asked, repeated)


def cut(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a sound without the silence before and after it."""
    start, stop = ends(level_curve_of_samples(samples.astype(np.float64), RATE))
    first = max(int((float(start) - BEFORE) * RATE), 0)
    return samples[first : int((float(stop) + BEFORE) * RATE) + 1]


def is_as_asked(answer: Answer, specs: Sequence[FactorSpec]) -> dict[str, bool]:
    """Return whether a sound is what was asked for, by factor of the request.

    The word is the one that the judge hears. A measured pitch is low, or a duration slow, where it
    is nearer to the place of that word in the model's range than to the middle of the range, or
    beyond it; the same holds for loudness and tract.
    """
    assert answer.request is not None
    found = {}
    for spec in specs:
        if spec.name not in answer.request.values:
            continue
        wanted = answer.request.values[spec.name]
        if spec.values is not None:
            found[spec.name] = answer.word == spec.values[int(wanted)]
            continue
        assert spec.range is not None
        own = answer.tract if spec.name == "tract" else getattr(answer.measures, spec.name)
        away = wanted - sum(spec.range) / 2
        found[spec.name] = bool((wanted - own) * np.sign(away) < ROOM * abs(away))
    return found


def accuracy(controller: Controller, judge: SpeechJudge, requests: int, seed: int = 0) -> Figures:
    """Return how random requests are met: value and standard error by figure.

    The figures are those of ``control.assessment.report.measure`` that need one voice a request.
    """
    specs = controller.specs
    rows = draw_requests(specs, requests, seed)
    styles = np.random.default_rng([seed, 2]).integers(0, 2**31, requests)
    images = draw_function(controller, correct=True)(rows, styles)
    read = SpeechReader(judge, specs).read(images)
    names = [spec.name for spec in specs]
    off = dict(zip(names, np.abs(FactorUnits(specs).difference(read, rows)).T, strict=True))
    asked = dict(zip(names, rows.T, strict=True))
    low, high = quantile_test(off["pitch"], p=0.5).confidence_interval(0.68)
    return {
        "word accuracy": _mean(100 * (1 - off["word"])),
        "pitch": (float(np.median(off["pitch"])), float(high - low) / 2),
        "pitch beyond 1": _mean(np.where(off["pitch"] > 1, 100.0, 0.0)),
        "duration": _mean(100 * off["duration"] / asked["duration"]),
        "tract": _mean(100 * off["tract"] / asked["tract"]),
        "loudness": _mean(off["loudness"]),
    }


def _mean(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


# What is aimed at: at least for those in HIGHER, at most for others.
AIMS: Mapping[str, float] = {
    "word accuracy": 98.0,
    "pitch": 0.15,
    "duration": 3.0,
    "tract": 3.2,
    "loudness": 0.2,
    "diversity": 0.75,
    "leakage": 1.3,
    "variance over time": 0.9,
}
HIGHER = ("word accuracy", "diversity", "variance over time")
# What the judge's own errors on recordings are called in its result.
FLOORS = {
    "word accuracy": "word accuracy (%)",
    "pitch": "pitch, median (semitones)",
    "pitch beyond 1": "pitch, beyond a semitone (%)",
    "duration": "duration (%)",
    "tract": "tract (%)",
    "loudness": "loudness (dB)",
}


def missed(figures: Mapping[str, float]) -> list[str]:
    """Return the names of figures that miss what is aimed at."""
    return [
        name
        for name, value in figures.items()
        if name in AIMS and (value < AIMS[name] if name in HIGHER else value > AIMS[name])
    ]


def floors(judge: SpeechJudge) -> tuple[dict[str, float], int]:
    """Return the judge's own errors by figure, and on how many renderings of recordings."""
    known: dict[str, Any] = judge.known_errors
    errors = known["errors"]["test split"]
    return {name: float(errors[told]) for name, told in FLOORS.items()}, int(known["sounds"])
