"""Voices on request: written, measured, and drawn by the model that has the words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from unbraid import cli
from unbraid.control import api, voices
from unbraid.control.assessment.speech_judge import SpeechJudge, log_mel
from unbraid.control.language.parser import parse
from unbraid.control.native import Native
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.recordings import read
from unbraid.core.signals import Signal
from unbraid.datasets.digits import Config as Digits
from unbraid.datasets.digits import factor_specs as digit_specs
from unbraid.datasets.speech import WORDS, Config, factor_specs
from unbraid.methods import build, configure
from unbraid.sound import SIGNAL, measure

SPECS = factor_specs(Config())


@pytest.fixture(scope="module")
def controller() -> Native:
    """A model that has learned nothing: what is put on by formula is there all the same."""
    torch.manual_seed(0)
    return Native(build(configure("conditional-vae"), (3, 64, 64), SPECS))


def options(out: Path | None, **given: Any) -> Any:
    return SimpleNamespace(**{"out": out, "n": None, "seed": 0, "candidates": 1} | given)


@pytest.mark.filterwarnings("ignore:the model")
def test_voices_are_written_and_measured(controller: Native, tmp_path: Path) -> None:
    request = parse("quiet slow seven", SPECS)
    given = options(tmp_path / "seven.wav", n=2, correct=False)
    told, *measured, first, second = voices.generate(controller, request, given)
    assert {"seven", "(slow)"} <= set(told.replace(",", " ").replace(";", " ").split())
    assert [line.split(":")[0] for line in measured] == [
        "measured of seven-1",
        "measured of seven-2",
    ]
    assert [first, second] == [str(tmp_path / f"seven-{row}.wav") for row in (1, 2)]
    found = read(first)
    own = measure(found.samples, found.rate)
    assert own.loudness == pytest.approx(request.values["loudness"], abs=0.3)
    assert own.duration == pytest.approx(request.values["duration"], rel=0.1)
    assert f"duration {own.duration:.0f} ms" in measured[0]


@pytest.mark.filterwarnings("ignore:the model")
def test_one_voice_is_written_under_the_path_itself(controller: Native, tmp_path: Path) -> None:
    out = tmp_path / "seven.png"
    given = options(out, correct=False)
    assert list(voices.generate(controller, parse("seven", SPECS), given))[-1] == str(out)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_other_files_are_refused_before_anything_is_drawn(controller: Native) -> None:
    given = options(Path("seven.mp3"), correct=False)
    with pytest.raises(UnbraidError, match=r"written as \.wav, or as a spectrogram in \.png"):
        list(voices.generate(controller, parse("seven", SPECS), given))


def test_only_voice_pictures_have_a_voice(controller: Native) -> None:
    assert voices.has_voice(controller)
    digits = build(configure("conditional-vae"), (1, 32, 32), digit_specs(Digits()))
    assert not voices.has_voice(Native(digits))
    birds = (FactorSpec("species", "categorical", values=("wren", "robin")),)
    songs = Native(build(configure("conditional-vae"), SIGNAL.shape, birds))  # of own recordings
    runs: Any = (SimpleNamespace(signal=s) for s in (SIGNAL, Signal.image(SIGNAL.shape)))
    assert [voices.has_voice(songs, run) for run in (*runs, None)] == [True, False, False]


def test_a_given_model_is_the_one_that_is_asked(controller: Native) -> None:
    found = api.asked("low slow seven", controller)
    assert found.controller is controller
    assert {"word", "pitch", "duration"} == set(found.request.values)
    with pytest.raises(UnbraidError, match="tilted"):
        api.asked("seven, tilted left", controller)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files that the command writes with the pretrained model: a request in six voices."""
    out = tmp_path_factory.mktemp("six") / "a.wav"
    assert cli.main(["generate", "a low slow seven", "-n", "6", "-o", str(out)]) == 0
    return [out.with_name(f"a-{row}.wav") for row in range(1, 7)]


def test_a_low_slow_seven_is_one_to_the_judge_in_six_voices(six: list[Path]) -> None:
    sounds = [read(path) for path in six]
    assert {found.rate for found in sounds} == {8000}
    heard = SpeechJudge.load().hear([found.samples for found in sounds])
    assert [WORDS[word] for word in heard.word] == ["seven"] * 6
    for own in heard.measures:
        assert own.hertz == pytest.approx(93, rel=0.03)  # low
        assert own.duration == pytest.approx(731, rel=0.03)  # slow
    assert len(set(heard.speaker.tolist())) >= 3  # to the judge, they are several people
    near = [np.abs(log_mel(a.samples) - log_mel(b.samples)) for a, b in pairwise(sounds)]
    assert min(float(each.mean()) for each in near) > 5  # of 255: no two are alike


def test_the_first_voice_is_the_same_however_many_there_are(six: list[Path]) -> None:
    found = api.asked("a low slow seven", kinds=("speech",))
    (alone,) = voices.speak(*found)
    # a batch of another size is rounded otherwise, on some machines by more than a bit of the file
    np.testing.assert_allclose(alone, read(six[0]).samples, atol=8 / 32768)
