"""Speech: voices generated from a request, heard, and measured; and a recording edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from unbraid import methods
from unbraid.control import loading as control
from unbraid.control import recordings
from unbraid.control.controller import Controller
from unbraid.datasets.speech import RATE, recording
from unbraid.pages.commands import runnable
from unbraid.pages.html import commands, paragraph, table, text
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.voice_accuracy import accuracy_table
from unbraid.tour.exhibits.voices import (
    CHANGES,
    EDITS,
    HEAD,
    HERTZ,
    SAME,
    SENTENCE,
    SHEET,
    TAKE,
    VOICES,
    draw_voices,
    heard_rows,
    player,
    sheet,
)
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics.voices import Answer, answers, heard, is_as_asked

if TYPE_CHECKING:
    from unbraid.control.assessment.speech_judge import SpeechJudge
    from unbraid.tour.context import Tour


TITLE = "Speech: generating voices from a request"
FIGURES = ("voices",)
# pages of the documentation; tests look that they are there
PAGES = {
    "docs/speech.md": "voices and their factors",
    "docs/recordings.md": "your own recordings",
    "docs/methods/index.md": "all methods, side by side",
    "docs/metrics.md": "what each metric measures, and what it misses",
    "docs/contributing.md": "how to add a method, a data set or a metric: one file each",
}
LASTING = 400  # milliseconds of the traversal


class Strip(NamedTuple):
    """Sounds beside each other: a title for all and a name for each, and whether in an order."""

    title: str
    answers: list[Answer]
    names: Sequence[str]
    ordered: bool = False


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs: none."""
    return []


def requests_measured(tour: Tour) -> int:
    """Return of how many random requests the table is."""
    if tour.config.images:
        return 30
    return 60 if tour.config.quick else 300 if tour.config.full else 150


def write(tour: Tour) -> str:
    """Return the chapter."""
    from unbraid.control.assessment.speech_judge import SpeechJudge

    if missing := what_is_missing():
        return "".join([*_introduction(), missing, _outlook()])
    folder = control.pretrained("speech")
    controller, judge = control.open(folder), SpeechJudge.load()
    asked = Strip(
        f"“{SENTENCE}”, in {VOICES} voices",
        answers(controller, judge, [SENTENCE], VOICES),
        [f"voice {place + 1}" for place in range(VOICES)],
    )
    changed = Strip(
        "One word changed at a time",
        answers(controller, judge, [f"{each}, {SAME}" for each in CHANGES]),
        CHANGES,
    )
    pitches = Strip(
        "Pitch alone",
        answers(controller, judge, [f"seven, {hz} Hz, {LASTING} ms, {SAME}" for hz in HERTZ]),
        [f"{hz} Hz" for hz in HERTZ],
        ordered=True,
    )
    edited = Strip("A recording and edits of it", *_edited(judge))
    return "".join(
        [
            *_introduction(),
            _model(controller),
            *_asked(asked, controller),
            *_changed(changed),
            *_pitches(pitches),
            *_edits(edited),
            _spectrograms(tour, [asked, changed, pitches, edited]),
            *accuracy_table(controller, judge, requests_measured(tour)),
            _outlook(),
        ]
    )


def what_is_missing() -> str:
    """Return a paragraph that says what is missing for voices; empty if nothing is."""
    if (control.PRETRAINED.parent / "speech" / "result.json").is_file():
        return ""
    return paragraph(
        "<strong>Missing here:</strong> the pretrained model of speech, which is not in this "
        "version of the package."
    )


# -- text ------------------------------------------------------------------------------------------


def _introduction() -> list[str]:
    return [
        paragraph(
            f"Images are not the only data with factors. The article ({cite(ARTICLE)}) ends with "
            "speech: words, speaker, pitch and speed can vary independently. The promise is the "
            "same as in chapter 9, and one hears the answer."
        ),
        paragraph(
            "The data are recordings of spoken digits: ten words by six men, fifty times each "
            f"({cite('jackson2018')}). Each recording was analysed into its "
            "pitch, its spectral envelope and its noise, and synthesised again under five "
            "factors: word, pitch, duration, length of the vocal tract, and loudness. What is "
            "left, who speaks and how the word is said, is the style. No woman was recorded: a "
            "high pitch and a small vocal tract together only resemble one."
        ),
    ]


def _model(controller: Controller) -> str:
    method = methods.name_of(controller.model.config)
    return paragraph(
        f"The model that answers below comes with the package: a <code>{method}</code> "
        f"({cite('kingma2014semi')}). It draws the envelope, the contour and the noise of a word; "
        "pitch, duration, vocal tract and loudness are then set by formula. All sounds were made "
        "while this page was written. Press a picture to hear it, and again to stop it; the arrow "
        "keys go on to the next one. Pictures are spectrograms: time goes to the right, frequency "
        "up to 4,000 Hz."
    )


def _asked(strip: Strip, controller: Controller) -> list[str]:
    found = [is_as_asked(each, controller.specs) for each in strip.answers]
    met = {name: sum(each[name] for each in found) for name in found[0]}
    request = strip.answers[0].request
    assert request is not None
    speakers = len({each.speaker for each in strip.answers})
    return [
        paragraph(
            f"The request is <q>{text(SENTENCE)}</q>, understood as "
            f"{text(request.describe())}. Here are {VOICES} voices that the model drew at random:"
        ),
        player(strip.answers, strip.names, strip.title, strip.ordered),
        table(
            "What was asked for, what is measured of the sound by formula, and what the judge "
            "hears, a network that takes no part in any training",
            HEAD,
            heard_rows(strip.answers, strip.names),
        ),
        paragraph(
            f"The judge hears a seven in {met['word']} of {VOICES}. The measured pitch is low in "
            f"{met['pitch']}, the duration slow in {met['duration']}: nearer to what the word "
            "means than to the middle of the range. To the judge they sound like "
            f"{speakers} of the six speakers.",
            finding=True,
        ),
        commands(
            [f"unbraid generate '{SENTENCE}' -n {VOICES} -o seven.wav"],
            "Command that writes these voices as WAV files:",
        ),
    ]


def _changed(strip: Strip) -> list[str]:
    return [
        paragraph(
            "One word of the request is changed at a time, in the same style, with the same vocal "
            "tract and loudness:"
        ),
        player(strip.answers, strip.names, strip.title, strip.ordered),
        table(
            "One word changed at a time: asked for, measured, and heard by the judge",
            HEAD,
            heard_rows(strip.answers, strip.names),
        ),
    ]


def _pitches(strip: Strip) -> list[str]:
    return [
        paragraph(
            "A traversal: the pitch moves over the model's range in steps of four semitones, the "
            "last one shorter; all else is kept."
        ),
        player(strip.answers, strip.names, strip.title, strip.ordered),
        table(
            "The traversal: asked for, measured, and heard by the judge",
            HEAD,
            heard_rows(strip.answers, strip.names),
        ),
    ]


def _edited(judge: SpeechJudge) -> tuple[list[Answer], list[str]]:
    """Return a recording and edits of it, and their names."""
    samples = recording(*TAKE)
    made = [recordings.edit(samples, RATE, change).samples for change in EDITS]
    names = ["the recording", *EDITS]
    return heard(judge, [samples, *made], names), names


def _edits(strip: Strip) -> list[str]:
    word, speaker, _ = TAKE
    before = strip.answers[0].measures
    moved = max(
        abs(each.measures.duration - before.duration)
        for each, change in zip(strip.answers[1:], EDITS, strict=True)
        if "long" not in change
    )
    return [
        paragraph(
            f"A recording can be edited, too, whatever is said in it. This is a <q>{word}</q> by "
            f"the speaker {speaker}, which no model was trained on. Pitch, duration, vocal tract "
            "and loudness are changed by formula, without a model:"
        ),
        player(strip.answers, strip.names, strip.title, strip.ordered),
        table(
            "The recording and its edits: measured, and heard by the judge",
            [name for name in HEAD if not name.startswith("asked")],
            [
                [cell for name, cell in zip(HEAD, row, strict=True) if not name.startswith("asked")]
                for row in heard_rows(strip.answers, strip.names)
            ],
        ),
        paragraph(
            f"The recording has {before.hertz:.0f} Hz and lasts {before.duration:.0f} ms. What an "
            f"edit does not name is kept: the duration, by at most {moved:.0f} ms of difference "
            "where the end of the word is as quiet as the noise. "
            f"<code>{text(runnable('unbraid edit'))} rec.wav &quot;{EDITS[0]}&quot;</code> does "
            "this with your own recordings."
        ),
    ]


def _spectrograms(tour: Tour, strips: Sequence[Strip]) -> str:
    rows = {strip.title: strip.answers for strip in strips}
    told = "; ".join(
        f"{strip.title}: "
        + ", ".join(
            f"{name} {each.word} {each.measures.duration:.0f} ms"
            for name, each in zip(strip.names, strip.answers, strict=True)
        )
        for strip in strips
    )
    return exhibit(
        tour,
        "voices",
        [
            Picture(
                draw_voices(rows, [strip.names for strip in strips]),
                f"{len(rows)} rows of spectrograms, each with its pitch as a line. {told}.",
            )
        ],
        "The same sounds with axes in seconds and hertz; the line is the pitch.",
        Numbers(SHEET, sheet(rows)),
        grid=True,
    )


def _outlook() -> str:
    return paragraph(
        "The documentation is in the source, where <code>make docs</code> builds it: "
        + "; ".join(f"<code>{page}</code>, {text(what)}" for page, what in PAGES.items())
        + "."
    )
