"""How accurately random requests for voices are met: the table, and the aims that are missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unbraid.control import loading as control
from unbraid.pages.html import paragraph, table
from unbraid.tour.formatting import number
from unbraid.tour.statistics.voices import AIMS, HIGHER, accuracy, floors, missed

if TYPE_CHECKING:
    from unbraid.control.assessment.speech_judge import SpeechJudge
    from unbraid.control.controller import Controller

FIGURE_NAMES = {
    "word accuracy": "word, % right",
    "pitch": "pitch, median error, semitones",
    "pitch beyond 1": "pitch beyond a semitone, %",
    "duration": "duration, error, %",
    "tract": "vocal tract, error, %",
    "loudness": "loudness, error, dB",
    "diversity": "diversity, of real",
    "leakage": "leakage, of real",
    "variance over time": "variance over time, of real",
}


def accuracy_table(controller: Controller, judge: SpeechJudge, count: int) -> list[str]:
    """Return the table of random requests beside what is aimed at, and sentences on it."""
    found = accuracy(controller, judge, count)
    floor, sounds = floors(judge)
    made = published()
    lines = [
        [
            FIGURE_NAMES[name],
            _aim(name),
            number(floor[name], 2) if name in floor else "1",
            _with_error(found[name]) if name in found else "not measured here",
            number(made[name], 2) if name in made else "unknown",
        ]
        for name in FIGURE_NAMES
    ]
    # over more requests where there is a choice
    short = missed({name: value for name, (value, _) in found.items()} | made)
    return [
        table(
            f"Control accuracy over {count:,} random requests, heard by the judge; ± is the "
            "standard error over requests",
            ["measure", "aim", f"{sounds:,} real voices", "model, here", "model, when it was made"],
            lines,
        ),
        paragraph(_told(count, found, floor, short), finding=True),
        paragraph(
            "Real voices are recordings that no model has heard, rendered under random factors: "
            "what is read wrong there is the judge's own error. A pitch that is read wrong is read "
            "wrong by an octave, hence the median and the share. Diversity is the difference of "
            "two voices of one request, leakage the change of other factors when one is changed, "
            "and variance over time how much the spectrum moves within a word, each relative to "
            "real voices. They need many more sounds, and were measured when the model was made."
        ),
    ]


def published() -> dict[str, float]:
    """Return the figures that come with the pretrained model, by name."""
    from unbraid.runs import Run

    figures: Mapping[str, Any] = Run(control.pretrained("speech")).result.get("control", {})
    return {name: float(each["value"]) for name, each in figures.items()}


def _told(
    count: int,
    found: Mapping[str, tuple[float, float]],
    floor: Mapping[str, float],
    short: Sequence[str],
) -> str:
    sentence = (
        f"Of {count:,} random requests, the judge hears the requested word in "
        f"{_with_error(found['word accuracy'], 1)}% (real voices: "
        f"{number(floor['word accuracy'], 1)}%), the pitch is off by "
        f"{number(found['pitch'][0], 2)} semitones in the median, and the duration by "
        f"{number(found['duration'][0], 1)}%. A random word is right in 10%."
    )
    aims = f"Aims missed: {', '.join(short)}." if short else "All aims are met."
    return f"{sentence} {aims}"


def _aim(name: str) -> str:
    if name not in AIMS:
        return "none"
    return f"{'at least' if name in HIGHER else 'at most'} {AIMS[name]:g}"


def _with_error(figure: tuple[float, float], digits: int = 2) -> str:
    return f"{number(figure[0], digits)} ± {number(figure[1], digits)}"
