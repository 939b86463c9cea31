"""Sounds of these pages: made by the pretrained model when the docs are built, and put into them.

``write_all(generated)`` writes a Markdown file for each group of sounds, which a page includes:
players with the sound in them as a WAV, and a table of what was asked for, measured and heard.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from _notebooks import raw

from unbraid import control
from unbraid.control import recordings
from unbraid.control.assessment.speech_judge import SpeechJudge
from unbraid.control.loading import pretrained
from unbraid.datasets.speech import RATE, recording
from unbraid.tour.exhibits.voices import (
    CHANGES,
    EDITS,
    HEAD,
    HERTZ,
    SAME,
    SENTENCE,
    TAKE,
    VOICES,
    heard_rows,
    player,
)
from unbraid.tour.statistics.voices import Answer, answers, heard

STYLE = """<style>
.sounds { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; }
.sounds .sound { margin: 0; }
.sounds img { width: 100%; height: auto; display: block; border-radius: 4px; }
.sounds audio { width: 100%; height: 2.2rem; margin-top: .3rem; }
.sounds figcaption { font-size: .875rem; }
</style>"""


def voices() -> str:
    """Return players of six voices of a request, and of requests that differ in a word."""
    controller, judge = control.open(pretrained("speech")), SpeechJudge.load()
    six = answers(controller, judge, [SENTENCE], VOICES)
    texts = [f"{each}, {SAME}" for each in CHANGES]
    texts += [f"seven, {hertz} Hz, 400 ms, {SAME}" for hertz in HERTZ[::2]]
    changed = answers(controller, judge, texts)
    names = [*CHANGES, *(f"seven, {hertz} Hz, 400 ms" for hertz in HERTZ[::2])]
    parts = [
        raw(STYLE),
        f"`{SENTENCE}`, in {VOICES} voices:",
        shown(six, [f"voice {place + 1}" for place in range(len(six))], SENTENCE),
        f"Requests in one style, all with `{SAME}`:",
        shown(changed, names, "one word changed at a time"),
    ]
    return "\n\n".join(parts)


def edits() -> str:
    """Return players of a recording and of edits of it."""
    samples = recording(*TAKE)
    made = [recordings.edit(samples, RATE, change).samples for change in EDITS]
    names = ["the recording", *EDITS]
    found = heard(SpeechJudge.load(), [samples, *made], names)
    word, speaker, take = TAKE
    told = f"The word `{word}`, take {take} by the speaker {speaker}, and three edits of it:"
    return "\n\n".join([raw(STYLE), told, shown(found, names, "a recording and edits of it")])


def shown(found: list[Answer], names: list[str], title: str) -> str:
    """Return players, and a table of what was asked for where it was."""
    kept = [
        place
        for place, head in enumerate(HEAD)
        if not head.startswith("asked") or found[0].request is not None
    ]
    rows = [HEAD, ["---", *["--:"] * (len(HEAD) - 1)], *heard_rows(found, names)]
    lines = ["| " + " | ".join(row[place] for place in kept) + " |" for row in rows]
    return f"{raw(player(found, names, escape(title), False))}\n\n" + "\n".join(lines)


SOUNDS: dict[str, Callable[[], str]] = {"speech_examples": voices, "speech_edits": edits}


def write_all(generated: Path) -> None:
    """Write each group of sounds as NAME.md."""
    generated.mkdir(exist_ok=True)
    for name, made in SOUNDS.items():
        page, text = generated / f"{name}.md", made() + "\n"
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
