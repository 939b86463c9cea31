"""Edits of recordings: what is asked for is measured of the result, and the rest is kept."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from tests.sound.voices import voice
from unbraid import cli, sound
from unbraid.control import recordings
from unbraid.core.errors import UnbraidError

RATE = 8000
LOW = voice(120, 0.4)


def test_each_factor_moves_alone() -> None:
    before = sound.measure(LOW, RATE)
    asked = {
        "an octave up": (before.hertz * 2, before.duration, before.loudness),
        "220 Hz": (220, before.duration, before.loudness),
        "twice as long": (before.hertz, 2 * before.duration, before.loudness),
        "20% slower": (before.hertz, 1.25 * before.duration, before.loudness),
        "6 dB quieter": (before.hertz, before.duration, before.loudness - 6),
        "tract 90%": (before.hertz, before.duration, before.loudness),
        "a woman, slow": (210, (0.5 + 0.875 * 1.5) * before.duration, before.loudness),
    }
    for text, (hertz, duration, loudness) in asked.items():
        after = recordings.edit(LOW, RATE, text).after
        assert after.hertz == pytest.approx(hertz, rel=0.015), text
        assert after.duration == pytest.approx(duration, rel=0.06), text
        assert after.loudness == pytest.approx(loudness, abs=0.3), text


def test_a_longer_vocal_tract_lowers_the_formants() -> None:
    def centre(samples: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float((power * np.arange(len(power))).sum() / power.sum() / len(power))

    own = recordings.edit(LOW, RATE, "same voice").samples
    for percent in (90, 112):
        made = recordings.edit(LOW, RATE, tract=percent).samples
        assert centre(made) / centre(own) == pytest.approx(100 / percent, rel=0.06)


def test_a_swap_takes_what_is_measured_of_the_other() -> None:
    other = voice(200, 0.6, 16_000, level=0.03)
    found = recordings.swap(LOW, RATE, other, 16_000, "pitch, duration,loudness")
    wanted = sound.measure(other, 16_000)
    assert found.after.hertz == pytest.approx(wanted.hertz, rel=0.015)
    assert found.after.duration == pytest.approx(wanted.duration, rel=0.06)
    assert found.after.loudness == pytest.approx(wanted.loudness, abs=0.3)
    only = recordings.swap(LOW, RATE, other, 16_000, ["pitch"]).after
    assert only.duration == pytest.approx(found.before.duration, rel=0.06)


def test_out_of_range_names_the_range() -> None:
    own = sound.measure(LOW, RATE).duration
    for text, sentence in {
        "two octaves up": "pitch would be 480 Hz, from 120 Hz, and an edit reaches 60 Hz to 400 Hz",
        "500 Hz": "pitch 500 Hz is out of this edit's range, 80 to 280 Hz",
        "3 times as long": f"an edit reaches {own / 2 - 0.5:.0f} ms to {own * 2 + 0.5:.0f} ms",
        "tract 70%": "tract 70% is out of this edit's range, 85 to 118%",
        "60 dB quieter": "an edit reaches -60.0 dBFS to -6.0 dBFS",
        "bigger seven": "'seven' does not name a factor: write FACTOR=NUMBER, where this edit",
    }.items():
        with pytest.raises(UnbraidError) as caught:
            recordings.edit(LOW, RATE, text)
        assert sentence in str(caught.value)
    clipped = recordings.edit(LOW, RATE, "60 dB quieter", clip=True)
    assert clipped.after.loudness == pytest.approx(-60, abs=0.3)
    hiss = 0.1 * np.random.default_rng(0).standard_normal(4000)
    with pytest.raises(UnbraidError, match="has no pitch that could be changed"):
        recordings.edit(hiss, RATE, "higher")
    assert math.isnan(recordings.edit(hiss, RATE, "slower").after.pitch)
    for names, sentence in {
        "": "no factor to swap is given",
        "tract": "tract cannot be swapped",
        "pich": r"unknown factor 'pich' \(did you mean 'pitch'\?\)",
    }.items():
        with pytest.raises(UnbraidError, match=sentence):
            recordings.swap(LOW, RATE, LOW, RATE, names)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    wavfile.write("a.wav", RATE, (LOW * 32767).astype(np.int16))
    both = np.stack([voice(200, 0.3, 16_000)] * 2, 1).astype(np.float32)
    wavfile.write("b.wav", 16_000, both)
    (tmp_path / "text.wav").write_text("hello")
    return tmp_path


def test_the_commands(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["edit", "b.wav", "5 semitones lower, same voice", "--compare", "c.png"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "b.wav: 2 channels averaged"
    assert told[1] == (
        "pitch -5 semitones from its current value; duration, tract and loudness are kept"
    )
    assert told[2].startswith("before: pitch 200 Hz, duration ")
    assert told[3].startswith("after: pitch 150 Hz, duration ")
    assert told[4:] == ["edited.wav", "c.png"]
    rate, samples = wavfile.read("edited.wav")
    assert (rate, samples.dtype, samples.ndim) == (16_000, np.int16, 1)
    with Image.open("c.png") as shown:
        assert shown.width > 600
    assert cli.main(["swap", "a.wav", "b.wav", "pitch", "-o", "d.wav"]) == 0
    assert sound.measure(wavfile.read("d.wav")[1], RATE).hertz == pytest.approx(200, rel=0.02)


def test_refused_commands_write_nothing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in files.iterdir())
    for args, sentence in {
        ("edit", "a.wav", "louder", "-o", "a.png"): "ends in .wav, found '.png'",
        ("edit", "a.wav", "louder", "--compare", "c.wav"): "ends in .png, found '.wav'",
        ("edit", "a.wav", "louder", "--model", "x"): "edited without a model",
        ("edit", "a.wav", "louder", "--no-correct"): "and --no-correct",
        ("edit", "a.wav", " "): "no change is given: write one, such as 'higher'",
        ("edit", "a.wav", "redder"): "unknown word 'redder'",
        ("edit", "text.wav", "higher"): "text.wav is no recording: it starts with",
        ("edit", "none.wav", "higher"): "none.wav does not exist",
        ("swap", "a.wav", "b.png", "pitch"): "b.png is no recording, but the other one is",
    }.items():
        assert cli.main([*args]) == 2
        assert sentence in capsys.readouterr().err
    assert sorted(path.name for path in files.iterdir()) == before
