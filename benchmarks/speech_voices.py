"""Speech beyond what was trained on: other voices, another recogniser, speakers left out, styles.

Writes benchmarks/results/speech_voices.json; run as ``python benchmarks/speech_voices.py``, or with
``--rows unheard``, ``recogniser``, ``left-out``, ``style`` or ``pitch`` for a part: the others stay
as they were measured. Speakers that were left out already are kept, unless ``--again`` is given.

``unheard`` needs espeak-ng and flite, on PATH or in the folder ``--programs`` into which their
Debian packages were unpacked (``apt-get download``, ``dpkg -x``). ``recogniser`` needs the package
``pocketsphinx``. Where these are missing, the rows are left out, which is printed. The figures of
Harvest need ``pyworld-prebuilt``. About half an hour of one core.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, load, write
from _pitch_checks import pitch
from _recogniser import Recogniser
from _spoken import Sound, copied, recorded, share, speaker_of, word_of
from _styles import style
from _synthesisers import VOICES, Program, find, say
from _unheard import CHANGES, Change, unheard, words_of
from numpy.typing import NDArray
from speech_judge import drawn, spectrograms

from unbraid import control
from unbraid.control.assessment.judge_training import Config, train_judge
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.control.assessment.random_requests import draw_requests
from unbraid.control.assessment.run_report import draw_function
from unbraid.control.assessment.speech_judge import SPECS, SpeechJudge, log_mel
from unbraid.control.loading import pretrained
from unbraid.core import hardware
from unbraid.datasets.speech import RATE, SPEAKERS, WORDS, Renderer
from unbraid.sound import edit, measure, sound_of

Labelled = tuple[list[Sound], NDArray[np.int64]]

ROWS = ("unheard", "recogniser", "left-out", "style", "pitch")
LOAD = load()
REQUESTS, EDITED, SEED = 300, 150, 0
RENDERINGS, PASSES = 5_000, 14  # as the judge of the package was trained
TRACTS: dict[str, Change] = {
    "tract 90%": lambda own: {"tract": 90.0},
    "tract 112%": lambda own: {"tract": 112.0},
}

# -- recogniser ------------------------------------------------------------------------------------


def recogniser(programs: dict[str, Program]) -> dict[str, Any]:
    """Return how often another recogniser hears the word, and the package's judge beside it."""
    ear, judge = Recogniser(), SpeechJudge.load()
    renderer = Renderer((0, 5))
    numbers = renderer.voices.number
    takes, words, speakers = recorded(numbers), word_of(numbers), speaker_of(numbers)
    rows, by_speaker, by_word = {}, {}, {}
    for name, (sounds, word) in sets_of(renderer, takes, programs).items():
        its, ours = ear.hear(sounds) == word, judge.hear(sounds).word == word
        rows[name] = {"sounds": len(sounds), "recogniser": share(its), "judge": share(ours)}
        if name == "recordings":
            by_speaker = {s: share(its[speakers == i]) for i, s in enumerate(SPEAKERS)}
            by_word = {w: share(its[words == i]) for i, w in enumerate(WORDS)}
        print(name, rows[name], flush=True)
    return {"name": ear.name, "rows": rows, "speakers": by_speaker, "words": by_word}


def sets_of(
    renderer: Renderer, takes: list[Sound], programs: dict[str, Program]
) -> dict[str, Labelled]:
    """Return sounds and their words: takes, takes rendered and edited, drawn and other voices."""
    numbers = renderer.voices.number
    word = word_of(numbers)
    own = np.column_stack([word, renderer.voices.own])
    sets: dict[str, Labelled] = {
        "recordings": (takes, word),
        "recordings, analysed and synthesised": ([copied(each) for each in takes], word),
        "recordings, rendered at their own factors": (
            [renderer.sound(own[row], int(take), row) for row, take in enumerate(numbers)],
            word,
        ),
        **asked_at_random(renderer),
    }
    some = np.sort(np.random.default_rng(SEED).permutation(len(takes))[:EDITED])
    for name, change in (CHANGES | TRACTS).items():
        made = [edit(takes[row], RATE, **change(measure(takes[row], RATE))) for row in some]
        sets[f"recordings, {name}"] = (made, word[some])
    for name, program in programs.items():
        voices = [voice for voice in VOICES if voice.program == name]
        said = [say(program, voice, each) for voice in voices for each in WORDS]
        sets[name] = (said, words_of(said))
    return sets


def asked_at_random(renderer: Renderer) -> dict[str, Labelled]:
    """Return takes rendered, and voices drawn by the model, under the same random factors."""
    controller = control.open(pretrained("speech"))
    factors = draw_requests(controller.specs, REQUESTS, SEED)
    takes = renderer.choose(factors, [SEED, 1])
    real = [renderer.sound(factors[row], int(takes[row]), row) for row in range(REQUESTS)]
    styles = np.random.default_rng([SEED, 2]).integers(0, 2**31, REQUESTS)
    images = draw_function(controller, correct=True)(factors, styles)
    voices = [sound_of(image, row) for row, image in enumerate(images)]
    words = factors[:, 0].astype(np.int64)
    return {
        "recordings, rendered at random factors": (real, words),
        "drawn by the model at the same factors": (voices, words),
    }


# -- left out: a judge that has not heard the speaker ---------------------------------------------


def left_out(found: dict[str, Any]) -> None:
    """Measure and store, speaker by speaker, what a judge hears who was trained on the others.

    Args:
        found: speakers that are measured already.
    """
    images, labels = spectrograms(RENDERINGS, 0)
    package = SpeechJudge.load().network
    found = {"passes": PASSES, "speakers": dict(found)}
    for index, name in enumerate(SPEAKERS):
        if name in found["speakers"]:
            continue
        others = labels[:, 2] != index
        config = Config(passes=PASSES, seed=SEED, device="cpu")
        network = train_judge(SPECS, images[others], labels[others], config)
        renderer = Renderer((0, 5), speakers=(name,))
        sounds, factors, _ = drawn(renderer, REQUESTS, [SEED, 2_000_000 + index], margin=False)
        takes = renderer.sources
        parts = {
            "renderings": (sounds, factors[:, 0].astype(np.int64)),
            "recordings": (recorded(takes), word_of(takes)),
        }
        found["speakers"][name] = {"trained on": int(others.sum())} | {
            part: {
                "sounds": len(heard),
                "left out": read(network, heard, words),
                "package": read(package, heard, words),
            }
            for part, (heard, words) in parts.items()
        }
        print(name, found["speakers"][name], flush=True)
        store("left-out", found)


def read(network: LearnedJudge, sounds: list[Sound], words: NDArray[np.int64]) -> float:
    """Return how many words a network reads, in per cent."""
    return share(network.read(np.array([log_mel(each) for each in sounds]))[:, 0] == words)


def stored() -> dict[str, Any]:
    """Return what was measured before, by row."""
    path = RESULTS / "speech_voices.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return {name: part for name, part in result.items() if name not in ("command", "machine")}


def store(name: str, part: dict[str, Any]) -> None:
    """Write a row; the others stay as they are."""
    write("speech_voices", stored() | {"load_before": LOAD, name: part})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--programs", type=Path, help="folder of unpacked Debian packages")
    parser.add_argument("--again", action="store_true", help="leave all speakers out once more")
    given = parser.parse_args()
    torch.set_num_threads(1)
    hardware.keep_freed_memory()
    programs = find(given.programs)
    del sys.argv[1:]  # the command of all rows, whichever are measured now
    rows: dict[str, Callable[[], dict[str, Any]]] = {
        "unheard": lambda: unheard(programs),
        "recogniser": lambda: recogniser(programs),
        "style": style,
        "pitch": pitch,
    }
    for name in given.rows:
        if name == "unheard" and not programs:
            print("unheard is left out: neither espeak-ng nor flite is on PATH or in --programs")
        elif name == "recogniser" and find_spec("pocketsphinx") is None:
            print("recogniser is left out: the package pocketsphinx is not installed")
        elif name == "left-out":
            left_out({} if given.again else stored().get("left-out", {}).get("speakers", {}))
        else:
            store(name, rows[name]())


if __name__ == "__main__":
    main()
