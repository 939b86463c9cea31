"""A folder of recordings as a data set, and a local copy of AudioMNIST."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from tests.sound.voices import voice
from unbraid import sound
from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import write
from unbraid.datasets import Dataset, load_dataset, resolve

HERTZ = (100, 130, 170, 220)


def saved(path: Path, samples: np.ndarray[Any, Any], rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, samples)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty voices in two class folders, and a table."""
    root = tmp_path_factory.mktemp("data") / "voices"
    lines = ["file;vowel;speaker;pitch_given"]
    for number in range(20):
        hertz = HERTZ[number % 4]
        name = f"{'high' if hertz > 150 else 'low'}/{number:02}.wav"
        sounded = voice(hertz, 0.25 + 0.02 * number, level=0.05 + 0.01 * number)
        silence = np.zeros(1600)
        saved(root / name, np.concatenate([silence, sounded, silence]).astype(np.float32))
        lines.append(f"{name};{'ai'[number % 2]};{('', 'anna', 'ben')[number % 3]};{hertz}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def test_they_are_voice_pictures_with_the_factors_of_table_and_folders(folder: Path) -> None:
    assert resolve(str(folder)) == ("recordings", {"path": str(folder)})
    data = load_dataset(str(folder), full=True)
    assert (data.name, data.image_shape, data.signal) == ("voices", (3, 64, 64), sound.SIGNAL)
    assert data.factor_names == ("vowel", "speaker", "pitch_given", "label")
    assert data.factor("label").tolist() == [0] * 10 + [1] * 10
    assert np.isnan(data.factor("speaker")).sum() == 7
    assert len(data.notes) == 1
    assert re.fullmatch(
        r"20 recordings: silence before and after cut off; all made [\d.]+ dB quieter\.",
        data.notes[0],
    )


def test_measured_factors_are_those_of_the_sounds(folder: Path) -> None:
    data = load_dataset(str(folder), full=True, measured=True)
    assert data.factor_names[-3:] == ("pitch", "duration", "loudness")
    assert [spec.unit for spec in data.specs[-3:]] == [
        "semitones from 100 Hz",
        "milliseconds",
        "dBFS",
    ]
    number = np.array([int(name) for name in sorted(f"{n:02}" for n in range(20))])
    order = [*number[np.isin(number % 4, (2, 3))], *number[np.isin(number % 4, (0, 1))]]
    hertz = 100 * 2 ** (data.factor("pitch") / 12)
    np.testing.assert_allclose(hertz, [HERTZ[n % 4] for n in order], rtol=0.02)
    expected = 1000 * (0.25 + 0.02 * np.array(order))
    np.testing.assert_allclose(data.factor("duration"), expected, atol=25)
    level = 20 * np.log10(0.05 + 0.01 * np.array(order))  # one gain for all: differences stay
    away = data.factor("loudness") - level
    assert np.ptp(away) < 1.0
    assert np.median(data.factor("loudness")) == pytest.approx(-25, abs=0.7)
    train, test = (
        load_dataset(str(folder), split=half, measured=True) for half in ("train", "test")
    )
    assert (len(train), len(test)) == (18, 2)
    assert train.specs == test.specs


def test_what_was_done_is_told_once(tmp_path: Path) -> None:
    root = tmp_path / "set"
    both = np.stack([voice(120, 0.3, 22_050)] * 2, 1).astype(np.float32)
    saved(root / "stereo.wav", both, 22_050)
    saved(root / "opposed.wav", both * np.array([1, -1], np.float32), 22_050)
    saved(root / "offset.wav", (voice(120, 0.3) + 0.1).astype(np.float32))
    saved(root / "long.wav", voice(120, 2.0).astype(np.float32))
    saved(root / "quiet.wav", (voice(120, 0.3) * 0.001).astype(np.float32))
    saved(root / "clipped.wav", np.clip(9 * voice(120, 0.3), -1, 1).astype(np.float32))
    (note,) = load_dataset(str(root), full=True).notes
    assert note.startswith(
        "6 recordings: 8,000 to 22,050 Hz converted to 8,000; 1 of several channels averaged; 1 "
        "whose channels cancel each other reduced to the loudest one; 2 freed of an offset; 1 "
        "longer than 0.9 s cut to the part with the most energy; 1 clipped in more than 1% of "
        "their samples; silence before and after cut off; all made "
    )
    assert "2 brought into -50 to -10 dBFS" in note


def test_the_same_sound_is_the_same_picture_whatever_its_file(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    samples = voice(150, 0.4)
    saved(tmp_path / "a.wav", (samples * 32767).astype(np.int16))
    soundfile.write(tmp_path / "b.flac", samples, 8000)
    one, other = load_dataset(str(tmp_path), full=True).images[:].astype(int)
    assert np.abs(one - other)[0].mean() < 1


def test_what_cannot_be_read_is_named_and_may_be_left_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        saved(tmp_path / f"{name}.wav", voice(120, 0.3).astype(np.float32))
    (tmp_path / "text.wav").write_text("no sound at all")
    saved(tmp_path / "silent.wav", np.zeros(800, np.int16))
    (tmp_path / "phone.m4a").touch()
    with (
        pytest.warns(UserWarning, match=r"1 recording in formats that are not supported \(1 .m4a"),
        pytest.raises(
            UnbraidError,
            match=r"silent\.wav cannot be read as a recording \(is silent: .*\), nor can 1 more of "
            r"4 files: replace or delete it, or leave such files out with skip_broken=True",
        ),
    ):
        load_dataset(str(tmp_path), full=True)
    with pytest.warns(UserWarning, match="left out 2 of 4 files"):
        data = load_dataset(str(tmp_path), full=True, skip_broken=True)
    assert len(data) == 2
    with pytest.raises(UnbraidError, match="single recording, expected a folder of recordings"):
        load_dataset(str(tmp_path / "a.wav"))


def test_a_decoder_that_is_installed_later_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile = pytest.importorskip("soundfile")
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    for hertz in (120, 150):
        saved(root / f"{hertz}.wav", voice(hertz, 0.4).astype(np.float32))
    soundfile.write(root / "high.flac", voice(300, 0.4), 8000)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "soundfile", None)
        with pytest.warns(UserWarning, match="left out 1 of 3 files: .*needs the package"):
            assert len(load_dataset(str(root), full=True, skip_broken=True)) == 2
    data = load_dataset(str(root), full=True, measured=True)
    hertz = 100 * 2 ** (data.factor("pitch") / 12)
    np.testing.assert_allclose(hertz, [120, 150, 300], rtol=0.02)
    assert data.notes[0].startswith("3 recordings: ")


def test_a_folder_of_links_to_recordings_is_one_of_recordings(tmp_path: Path) -> None:
    for name in ("low", "high"):
        saved(tmp_path / "store" / name / "a.wav", voice(120, 0.3).astype(np.float32))
    root = tmp_path / "set"
    root.mkdir()
    for name in ("low", "high"):
        (root / name).symlink_to(tmp_path / "store" / name)
    (root / "circle").symlink_to(root)
    assert resolve(str(root))[0] == "recordings"
    with pytest.warns(UserWarning, match="1 link to folders that are read already"):
        assert load_dataset(str(root), full=True).specs[0].values == ("high", "low")


def test_no_recordings_and_too_few(tmp_path: Path) -> None:
    with pytest.raises(
        UnbraidError, match=r"found no recordings in .*expected some in .wav, .flac"
    ):
        load_dataset("recordings", path=str(tmp_path))
    with pytest.raises(UnbraidError, match="folder that holds the recordings"):
        load_dataset("recordings", path=str(tmp_path / "missing"))
    saved(tmp_path / "a.wav", voice(120, 0.3).astype(np.float32))
    with pytest.raises(UnbraidError, match="1 recordings are too few to hold"):
        load_dataset(str(tmp_path), split="test")
    (tmp_path / "labels.csv").write_text("file,word\nb,7\n")
    with pytest.raises(UnbraidError, match=r"names a recording in .*the recordings are a\.wav"):
        load_dataset(str(tmp_path), full=True)


def test_pictures_beside_recordings_and_files_of_unbraid_are_no_data(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        saved(tmp_path / f"{name}.wav", voice(120, 0.3).astype(np.float32))
    (tmp_path / "cover.jpg").touch()
    write(tmp_path / "edited.wav", voice(240, 0.3), 8000)
    data = load_dataset(str(tmp_path), full=True)
    assert len(data) == 3
    assert "written by unbraid (edited.wav), 1 other file (1 .jpg)" in data.notes[0]
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    assert resolve(str(tmp_path))[0] == "folder"


def test_other_pictures_of_sound_are_not_measured(folder: Path) -> None:
    data = load_dataset(str(folder), full=True)
    narrow = sound.SIGNAL.sound((3, 64, 64), sound.SIGNAL.axes, sound.SIGNAL.channels, "viridis")
    with pytest.raises(UnbraidError, match="found other pictures of sound"):
        Dataset("x", data.images, signal=narrow).measured()


def test_splits_of_audiomnist_agree_in_categories_and_levels(tmp_path: Path) -> None:
    speakers = [f"{number:02}" for number in range(1, 7)]
    for place, speaker in enumerate(speakers):
        for take in (0, 1, 5, 6):
            samples = voice(110 + 20 * place, 0.3, level=0.05 if take < 5 else 0.2)
            path = tmp_path / "data" / speaker / f"{take % 2}_{speaker}_{take}.wav"
            saved(path, samples.astype(np.float32))
    halves = [
        load_dataset("audiomnist", split=half, path=str(tmp_path), n=4, measured=True)
        for half in ("train", "test")
    ]
    for data in halves:
        assert len(data) == 4
        assert data.specs[1].values == tuple(speakers)
        spoken = 110 + 20 * data.factor("speaker")
        np.testing.assert_allclose(100 * 2 ** (data.factor("pitch") / 12), spoken, rtol=0.02)
    train, test = (np.median(data.factor("loudness")) for data in halves)
    assert train - test == pytest.approx(20 * np.log10(4), abs=1)
    both = load_dataset("audiomnist", path=str(tmp_path), full=True)
    assert len(both) == 24
    assert len(load_dataset("audiomnist", split="test", path=str(tmp_path), full=True, n=5)) == 5


def test_audiomnist(tmp_path: Path) -> None:
    root = tmp_path / "AudioMNIST"
    about = {
        "01": {"gender": "male", "age": "30", "accent": "German"},
        "02": {"gender": "female", "age": "1234", "accent": "French"},
    }
    for speaker in about:
        for word in range(2):
            for take in (0, 5, 6):
                path = root / "data" / speaker / f"{word}_{speaker}_{take}.wav"
                hertz = 110 if speaker == "01" else 210
                samples = voice(hertz, 0.3 + 0.01 * take, 48_000)
                saved(path, (samples * 32767).astype(np.int16), 48_000)
    (root / "data" / "audioMNIST_meta.txt").write_text(json.dumps(about))
    train = load_dataset("audiomnist", path=str(root))
    assert len(train) == 8
    assert train.factor_names[:3] == ("word", "speaker", "gender")
    assert train.factor("word").tolist() == [0, 0, 1, 1] * 2
    assert train.specs[1].values == ("01", "02")
    assert np.isnan(train.factor("age")).sum() == 4  # 1234 is no age
    assert "48,000 Hz converted to 8,000" in train.notes[0]
    test = load_dataset("audiomnist", split="test", path=str(root / "data"), measured=True)
    hertz = 100 * 2 ** (test.factor("pitch") / 12)
    np.testing.assert_allclose(hertz, [110, 110, 210, 210], rtol=0.02)
    assert len(load_dataset("audiomnist", path=str(root), n=3)) == 3
    for options, sentence in (
        ({}, "read from a copy on this machine: get it from https://github.com/soerenab"),
        ({"path": str(tmp_path / "missing")}, "holds no recordings of AudioMNIST"),
        ({"path": str(root), "n": -1}, "n is -1"),
    ):
        with pytest.raises(UnbraidError, match=re.escape(sentence)):
            load_dataset("audiomnist", **options)
