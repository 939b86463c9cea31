"""Voices in the page: rows of sounds to play, spectrograms with axes, tables of what is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unbraid import spectrograms
from unbraid.core.recordings import wav_bytes
from unbraid.datasets.speech import RATE, WORDS
from unbraid.figures import new_figure, styled
from unbraid.pages import html
from unbraid.sound.measures import REFERENCE
from unbraid.sound.pitch import folded, track
from unbraid.tour.formatting import number
from unbraid.tour.statistics.voices import Answer, cut

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SENTENCE = "low slow seven"
VOICES = 6
SAME = "tract 100%, -20 dBFS"  # of the requests that are compared with each other
CHANGES = ("low slow seven", "high slow seven", "low fast seven", "low slow three")
HERTZ = (80, 100, 126, 159, 200, 252, 280)  # four semitones apart, to the end of the range
TAKE = ("three", "jackson", 2)  # of the test split, which no model and no judge has heard
EDITS = ("an octave higher", "1.5 times as long", "small voice")

SECONDS = 0.9  # that a picture shows
# Of a picture, which is a button: the figure has more of both.
LOOK = {"colours": 32, "reduced": 2}
HEAD = (
    "sound",
    "asked: word",
    "heard: word",
    "asked: pitch, Hz",
    "measured: pitch, Hz",
    "asked: duration, ms",
    "measured: duration, ms",
    "measured: loudness, dBFS",
    "heard: tract, %",
)


def player(answers: Sequence[Answer], names: Sequence[str], title: str, ordered: bool) -> str:
    """Return a row of sounds as HTML: a press on a picture plays its sound.

    Args:
        answers: the sounds.
        names: of each; the caption below its picture.
        title: of the row.
        ordered: whether they can be played one after the other.
    """
    sounds = [cut(each.samples) for each in answers]
    top = spectrograms.top_of(sounds, RATE)
    parts = []
    for samples, name, each in zip(sounds, names, answers, strict=True):
        shown = spectrograms.png(samples, RATE, top=top, seconds=SECONDS, **LOOK)
        told = (
            f"{name}: heard by the judge as {each.word}, "
            f"{hertz(each)} Hz, {each.measures.duration:.0f} ms"
        )
        wav = wav_bytes(samples, RATE)
        parts.append(html.sound(shown.data, wav, told, name, shown.width, shown.height))
    return html.sounds(parts, title, ordered)


def hertz(answer: Answer) -> str:
    """Return the measured pitch of a sound in hertz, as text."""
    found = answer.measures.hertz
    return "no" if np.isnan(found) else f"{found:.0f}"


def heard_rows(answers: Sequence[Answer], names: Sequence[str]) -> list[list[str]]:
    """Return a row for each sound: what was asked for beside what is measured and heard."""
    return [_row(each, name) for each, name in zip(answers, names, strict=True)]


def _row(answer: Answer, name: str) -> list[str]:
    asked = answer.request.values if answer.request else {}
    word = WORDS[int(asked["word"])] if "word" in asked else "any"
    pitch = f"{REFERENCE * 2 ** (asked['pitch'] / 12):.0f}" if "pitch" in asked else "any"
    duration = f"{asked['duration']:.0f}" if "duration" in asked else "any"
    found = answer.measures
    return [
        name,
        word,
        answer.word,
        pitch,
        hertz(answer),
        duration,
        f"{found.duration:.0f}",
        number(found.loudness),
        f"{answer.tract:.0f}",
    ]


def sheet(rows: Mapping[str, Sequence[Answer]]) -> list[list[Any]]:
    """Return rows of a CSV file: the sounds of the figure, and what is measured and heard."""
    found: list[list[Any]] = []
    for row, answers in rows.items():
        for place, each in enumerate(answers):
            asked = each.request.values if each.request else {}
            found.append(
                [
                    row,
                    place + 1,
                    each.asked,
                    *(asked.get(name, "") for name in ("pitch", "duration")),
                    each.word,
                    round(each.sure, 3),
                    round(each.measures.pitch, 3),
                    round(each.measures.duration, 1),
                    round(each.measures.loudness, 2),
                    round(each.tract, 1),
                ]
            )
    return found


SHEET = (
    "row",
    "place",
    "sound",
    "asked pitch, semitones from 100 Hz",
    "asked duration, ms",
    "heard word",
    "probability of the word",
    "pitch, semitones from 100 Hz",
    "duration, ms",
    "loudness, dBFS",
    "tract, %",
)


@styled
def draw_voices(rows: Mapping[str, Sequence[Answer]], names: Sequence[Sequence[str]]) -> Figure:
    """Draw a row of spectrograms for each entry, with axes in seconds and hertz and the pitch."""
    sounds = {row: [cut(each.samples) for each in answers] for row, answers in rows.items()}
    top = spectrograms.top_of([each for row in sounds.values() for each in row], RATE)
    places = max(map(len, sounds.values()))
    figure = new_figure(8.0, 1.35 * len(sounds) + 0.3, layout="constrained")
    axes = figure.subplots(len(sounds), 1, squeeze=False)[:, 0]
    for ax, (row, each), labels in zip(axes, sounds.items(), names, strict=True):
        spectrograms.draw_row(
            ax,
            each,
            RATE,
            top=top,
            seconds=SECONDS,
            places=places,
            contours=[_contour(samples) for samples in each],
            labels=labels,
        )
        for shown in ax.images:  # at the size of the page no more can be seen
            small = Image.fromarray(np.asarray(shown.get_array())).reduce(LOOK["reduced"])
            shown.set_data(np.asarray(small.quantize(128).convert("RGB")))
        ax.set_ylabel("Hz", fontsize=7)
        ax.set_title(row, loc="left", fontsize=8, pad=14)
    ends = f"{number(top - spectrograms.SPAN, 0)} to {number(top, 0)}"
    axes[-1].set_xlabel(f"seconds; line: pitch; colour: {ends} dBFS", loc="left")
    return figure


def _contour(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the fundamental frequency every 10 ms, 0 where unvoiced."""
    times = np.arange(len(samples) // (RATE // 100), dtype=np.float64) / 100
    return folded(track(samples.astype(np.float64), RATE, times))
