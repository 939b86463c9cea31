"""Voices on request: how often the pretrained model's voices are what the words ask for.

``python benchmarks/speech_requests.py`` asks for each word low or high and slow or fast, such as
``a low slow seven``, in six voices each, as ``unbraid generate -n 6`` draws them, and writes
benchmarks/results/speech_requests.json. A voice is as asked for if the judge hears the word, and
the measured pitch and duration are nearer to the place of the asked word in the model's range than
to the middle of the range, or beyond it.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from _common import machine, write

from unbraid import control
from unbraid.control.assessment.speech_judge import SpeechJudge
from unbraid.control.loading import pretrained
from unbraid.datasets.speech import WORDS
from unbraid.tour.statistics.voices import Answer, answers, is_as_asked

VOICES, SEED = 6, 0
SENTENCE = "a low slow seven"
PITCHES, DURATIONS = ("low", "high"), ("slow", "fast")


def told(answer: Answer, met: dict[str, bool]) -> dict[str, Any]:
    """Return a voice as the result keeps it."""
    return {
        "word": answer.word,
        "sure": round(answer.sure, 3),
        "hertz": round(answer.measures.hertz, 1),
        "duration": round(answer.measures.duration, 1),
        "loudness": round(answer.measures.loudness, 1),
        "tract": round(answer.tract, 1),
        "speaker": answer.speaker,
        "met": all(met.values()),
    }


def main() -> None:
    """Ask, hear and write."""
    torch.set_num_threads(1)
    controller, judge = control.open(pretrained("speech")), SpeechJudge.load()
    specs = controller.specs
    example = answers(controller, judge, [SENTENCE], VOICES, SEED)
    request = example[0].request
    assert request is not None
    rows: dict[str, dict[str, int]] = {}
    for pitch, duration in itertools.product(PITCHES, DURATIONS):
        found = answers(
            controller, judge, [f"a {pitch} {duration} {word}" for word in WORDS], VOICES, SEED
        )
        met = [is_as_asked(each, specs) for each in found]
        rows[f"{pitch} {duration}"] = {
            "voices": len(met),
            **{name: sum(each[name] for each in met) for name in met[0]},
            "all": sum(all(each.values()) for each in met),
        }
        print(pitch, duration, rows[f"{pitch} {duration}"], flush=True)
    result = {
        "seed": SEED,
        "request": SENTENCE,
        "understood": request.describe(),
        "voices": [told(each, is_as_asked(each, specs)) for each in example],
        "rows": rows,
        "words": len(WORDS),
        "each": VOICES,
        "machine": machine(),
    }
    write("speech_requests", result)


if __name__ == "__main__":
    main()
