"""Voices on request: written, measured, and drawn by the model that has the words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from unbraid.control import api, voices
from unbraid.control.language.parser import parse
from unbraid.control.native import Native
from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import read
from unbraid.datasets.digits import Config as Digits
from unbraid.datasets.digits import factor_specs as digit_specs
from unbraid.datasets.speech import Config, factor_specs
from unbraid.methods import build, configure
from unbraid.sound import measure

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


def test_a_given_model_is_the_one_that_is_asked(controller: Native) -> None:
    found = api.asked("low slow seven", controller)
    assert found.controller is controller
    assert {"word", "pitch", "duration"} == set(found.request.values)
    with pytest.raises(UnbraidError, match="tilted"):
        api.asked("seven, tilted left", controller)
