"""Words of synthesisers: what judge, analysis, edits and model make of voices they never heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from _pitch_checks import OCTAVE, WAYS, beside, errors_of, pitches
from _spoken import Sound, copied, pictured, share
from _synthesisers import VOICES, WHISPERED, Program, Voice, flat, say
from numpy.typing import NDArray

from unbraid import control
from unbraid.control import build_request
from unbraid.control.assessment.speech_judge import SpeechJudge
from unbraid.control.loading import pretrained
from unbraid.datasets.speech import RATE, WORDS
from unbraid.sound import Measures, edit, measure
from unbraid.sound.editing import PITCH

Change = Callable[[Measures], dict[str, float]]

# Within what an edit reaches, where a voice is very high or low.
CHANGES: dict[str, Change] = {
    "4 semitones higher": lambda own: {"pitch": min(own.pitch + 4, PITCH[1])},
    "4 semitones lower": lambda own: {"pitch": max(own.pitch - 4, PITCH[0])},
    "0.8 times as long": lambda own: {"duration": 0.8 * own.duration},
    "1.3 times as long": lambda own: {"duration": 1.3 * own.duration},
    "6 dB quieter": lambda own: {"loudness": own.loudness - 6},
}
REDRAWN = "slower, 4 semitones lower"  # what the model is asked to change
# Of flite; ``rms`` says all words at its own pitch, whatever is asked for.
FLAT_VOICES, HERTZ = ("kal", "kal16", "awb", "slt"), (90.0, 130.0, 180.0, 240.0)


def unheard(programs: dict[str, Program]) -> dict[str, Any]:
    """Return what is made of the words: by row of voices, by edit, and by the pitch asked for."""
    judge, controller = SpeechJudge.load(), control.open(pretrained("speech"))
    rows: dict[str, list[Voice]] = {}
    for voice in VOICES:
        if voice.program in programs:
            rows.setdefault(voice.row, []).append(voice)
    sounds = {
        row: [say(programs[voice.program], voice, word) for voice in members for word in WORDS]
        for row, members in rows.items()
    }
    voices = {}
    for row, said in sounds.items():
        voices[row] = heard(judge, controller, said)
        print(row, voices[row], flush=True)
    spoken = [each for row, said in sounds.items() if row != WHISPERED for each in said]
    found: dict[str, Any] = {
        "programs": {name: program.version for name, program in programs.items()},
        "voices": voices,
        "edits": edits(judge, controller, spoken),
        "redrawn": REDRAWN,
    }
    if "flite" in programs:
        found["asked pitch"] = asked_pitch(programs["flite"])
    return found


def words_of(sounds: list[Sound]) -> NDArray[np.int64]:
    """Return the words of sounds of which each voice says all in order."""
    return np.arange(len(sounds)) % len(WORDS)


def heard(judge: SpeechJudge, controller: Any, sounds: list[Sound]) -> dict[str, Any]:
    """Return how often words are heard as made, copied and redrawn, and read by the model."""
    word, images = words_of(sounds), np.array([pictured(each) for each in sounds])
    plain, read = judge.hear(sounds), pitches(sounds)
    right = plain.word == word
    tract = plain.tract.reshape(-1, len(WORDS))
    pitch, known = read["unbraid"], beside(read)
    change = build_request(controller.specs, clip=True, text=REDRAWN, relative=True)
    copies = judge.hear([copied(each) for each in sounds])
    return {
        "words": len(sounds),
        "hertz": None if np.isnan(pitch).all() else round(100 * 2 ** (np.nanmedian(pitch) / 12)),
        "no pitch": int(np.isnan(pitch).sum()),
        "octave off": int((np.abs(pitch - known) > OCTAVE).sum()),
        "others disagree": int(np.isnan(known).sum()),
        "as made": share(right),
        "analysed and synthesised": share(copies.word == word),
        "as a picture": share(judge.hear_pictures(images).word == word),
        "read by the model": share(controller.read(images)[:, 0] == word),
        "redrawn": share(judge.hear_pictures(controller.edit(images, change)).word == word),
        "sure if right": _mean(plain.sure[right]),
        "sure if wrong": _mean(plain.sure[~right]),
        "tract": round(float(tract.mean()), 1),
        "tract spread": round(float(tract.std(1, ddof=1).mean()), 1),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return round(float(values.mean()), 3) if len(values) else None


def edits(judge: SpeechJudge, controller: Any, sounds: list[Sound]) -> dict[str, Any]:
    """Return how exactly edits of voiced words are met, and how often the word is still heard."""
    own = [measure(each, RATE) for each in sounds]
    kept = np.flatnonzero([not np.isnan(each.pitch) for each in own])
    word = words_of(sounds)[kept]
    before = judge.hear([sounds[row] for row in kept]).word == word
    read = controller.read(np.array([pictured(sounds[row]) for row in kept]))[:, 0] == word
    found: dict[str, Any] = {
        "nothing": {"words": len(kept), "judge": share(before), "model": share(read)}
    }
    for name, change in CHANGES.items():
        changes = [change(own[row]) for row in kept]
        made = [edit(sounds[row], RATE, **each) for row, each in zip(kept, changes, strict=True)]
        asked = np.array(
            [
                [each.get(what, getattr(own[row], what)) for what in _MEASURED]
                for row, each in zip(kept, changes, strict=True)
            ]
        )
        after = judge.hear(made)
        got = np.array([[getattr(each, what) for what in _MEASURED] for each in after.measures])
        again = controller.read(np.array([pictured(each) for each in made]))[:, 0] == word
        duration = 100 * np.abs(got[:, 1] / asked[:, 1] - 1)
        found[name] = {
            "words": len(kept),
            "pitch": errors_of(got[:, 0] - asked[:, 0]),
            "duration median": round(float(np.median(duration)), 2),
            "duration mean": round(float(duration.mean()), 2),
            "loudness mean": round(float(np.abs(got[:, 2] - asked[:, 2]).mean()), 3),
            "judge": share(after.word == word),
            "model": share(again),
        }
        print(name, found[name], flush=True)
    return found


_MEASURED = ("pitch", "duration", "loudness")


def asked_pitch(program: Program) -> dict[str, Any]:
    """Return the errors of pitch where flite was asked for one pitch throughout, by voice."""
    rows: dict[str, Any] = {}
    for name in FLAT_VOICES:
        said = [(say(program, flat(name, hz), word), hz) for hz in HERTZ for word in WORDS]
        rows[name] = {
            way: errors_of(np.array([12 * np.log2(of(each) / hz) for each, hz in said]))
            for way, of in WAYS.items()
        }
        print(name, rows[name], flush=True)
    return {"hertz": list(HERTZ), "words": len(HERTZ) * len(WORDS), "voices": rows}
