"""Files of sound: what they hold, at what level, and one sentence for each that cannot be read."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from unbraid.core import recordings
from unbraid.core.errors import UnbraidError
from unbraid.core.recordings import read, resampled, wav_bytes, write

RATE = 8000


def tone(seconds: float = 0.25, hertz: float = 440.0, rate: int = RATE) -> np.ndarray[Any, Any]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def saved(path: Path, samples: np.ndarray[Any, Any], rate: int = RATE) -> Path:
    wavfile.write(path, rate, samples)
    return path


def packed(path: Path, raw: bytes, bits: int, code: int = 1, channels: int = 1) -> Path:
    """A WAV file of any encoding, with chunks that are not sound before and after."""
    block = bits // 8 * channels
    form = struct.pack("<HHIIHH", code, channels, RATE, RATE * block, block, bits)
    chunks = [(b"junk", b"123"), (b"fmt ", form), (b"data", raw), (b"bext", b"about")]
    body = b"".join(k + struct.pack("<I", len(v)) + v + b"\0" * (len(v) % 2) for k, v in chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    return path


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(UnbraidError) as caught:
        read(path, RATE, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 64])
def test_integers_of_any_width_are_the_same_sound(tmp_path: Path, bits: int) -> None:
    whole = np.rint(tone() * 2 ** (bits - 1)).astype(np.int64)
    raw = (
        (whole + 128).astype(np.uint8).tobytes()
        if bits == 8
        else b"".join(int(each).to_bytes(bits // 8, "little", signed=True) for each in whole)
    )
    found = read(packed(tmp_path / "a.wav", raw, bits), RATE)
    np.testing.assert_allclose(found.samples, tone() - tone().mean(), atol=2.0 ** (1 - bits) + 1e-6)
    assert (found.source.rate, found.source.channels, found.source.seconds) == (RATE, 1, 0.25)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floats(tmp_path: Path, kind: str) -> None:
    found = read(saved(tmp_path / "a.wav", tone().astype(kind)), RATE)
    assert found.samples.dtype == np.float32
    np.testing.assert_allclose(found.samples, tone() - tone().mean(), atol=1e-6)


def test_big_endian_and_a_header_of_unknown_length(tmp_path: Path) -> None:
    whole = np.rint(tone() * 32767).astype(np.int16)
    path = saved(tmp_path / "little.wav", whole)
    little = path.read_bytes()
    swapped = (
        b"RIFX"
        + struct.pack(">I", 36 + whole.nbytes)
        + b"WAVEfmt "
        + struct.pack(">IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    )
    swapped += b"data" + struct.pack(">I", whole.nbytes) + whole.astype(">i2").tobytes()
    (tmp_path / "big.wav").write_bytes(swapped)
    # what ffmpeg and arecord write into a pipe
    at = little.index(b"data") + 4
    for name, promised in (("pipe.wav", 0xFFFFFFFF), ("sox.wav", 0x7FFFF024)):
        (tmp_path / name).write_bytes(little[:at] + struct.pack("<I", promised) + little[at + 4 :])
    expected = read(path, RATE).samples
    for name in ("big.wav", "pipe.wav", "sox.wav"):
        np.testing.assert_array_equal(read(tmp_path / name, RATE).samples, expected)


def test_channels_are_averaged_unless_they_cancel_each_other(tmp_path: Path) -> None:
    three = np.stack([tone(), 0 * tone(), tone()], 1).astype(np.float32)
    found = read(saved(tmp_path / "three.wav", three), RATE)
    np.testing.assert_allclose(found.samples, tone() * 2 / 3, atol=1e-3)
    assert (found.source.channels, found.source.cancelled) == (3, False)
    opposed = np.stack([tone(), -tone()], 1).astype(np.float32)
    found = read(saved(tmp_path / "opposed.wav", opposed), RATE)
    assert found.source.cancelled
    np.testing.assert_allclose(found.samples, tone() - tone().mean(), atol=1e-6)


def test_offset_and_clipping_are_told(tmp_path: Path) -> None:
    loud = np.clip(4 * tone(), -1, 1)
    whole = np.rint(loud * 32767).astype(np.int16)
    found = read(saved(tmp_path / "loud.wav", whole), RATE)
    assert found.source.clipped == pytest.approx(float((np.abs(loud) >= 1).mean()), abs=0.01)
    found = read(saved(tmp_path / "offset.wav", (tone() + 0.2).astype(np.float32)), RATE)
    assert found.source.offset == pytest.approx(0.2, abs=1e-3)
    assert abs(float(found.samples.mean())) < 1e-6


@pytest.mark.parametrize("rate", [96_000, 48_000, 44_100, 22_050, 11_025, 4_000])
def test_any_rate_becomes_the_one_asked_for(tmp_path: Path, rate: int) -> None:
    samples = tone(1.0, 1000, rate).astype(np.float32)
    found = read(saved(tmp_path / "a.wav", samples, rate), RATE).samples
    assert len(found) == RATE
    np.testing.assert_allclose(found[1000:-1000], tone(1.0, 1000)[1000:-1000], atol=1e-3)


def test_what_is_above_the_band_does_not_fold_into_it() -> None:
    for hertz, rate in ((4400, 44_100), (5000, 48_000), (30_000, 96_000)):
        left = resampled(tone(1.0, hertz, rate), rate, RATE)[1000:-1000]
        assert 20 * np.log10(left.std() / tone().std()) < -75
    kept = resampled(tone(1.0, 3600, 44_100), 44_100, RATE)[1000:-1000]
    assert 20 * np.log10(kept.std() / tone().std()) == pytest.approx(0, abs=0.1)


def test_written_files_are_read_back_to_a_step_of_sixteen_bits(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "a.wav", tone(), RATE)
    rate, whole = wavfile.read(tmp_path / "deep" / "a.wav")
    assert (rate, whole.dtype) == (RATE, np.int16)
    np.testing.assert_allclose(whole / 32767, tone(), atol=1 / 32767)
    assert wav_bytes(np.array([2.0, -2.0]), RATE)[44:48] == struct.pack("<hh", 32767, -32767)
    before = (tmp_path / "deep" / "a.wav").read_bytes()
    with pytest.raises(UnbraidError, match=r"ends in .wav, found '.mp3'"):
        write(tmp_path / "a.mp3", tone(), RATE)
    with pytest.raises(UnbraidError, match="a part of that path is a file"):
        write(tmp_path / "deep" / "a.wav" / "b.wav", tone(), RATE)
    assert (tmp_path / "deep" / "a.wav").read_bytes() == before
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["a.wav"]


def test_what_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    a = tmp_path / "a.wav"
    assert "does not exist" in refused(a)
    assert "is a folder" in refused(tmp_path)
    a.write_bytes(b"")
    assert "is empty (0 bytes)" in refused(a)
    a.write_text("hello world, this is text")
    assert "is no recording: it starts with 'hello world,'" in refused(a)
    assert "holds 0 samples" in refused(saved(a, np.zeros(0, np.int16)))
    assert "is silent: none of its 800 samples" in refused(saved(a, np.full(800, 77, np.int16)))
    broken = tone().astype(np.float32)
    broken[3:5] = np.nan, np.inf
    assert "holds NaN or infinity in 2 of its 2,000 samples" in refused(saved(a, broken))
    assert "samples up to 16,384, expected floats on -1 to 1" in refused(
        saved(a, (tone() * 32768).astype(np.float32))
    )
    assert "has 9 channels, expected 1 to 8" in refused(saved(a, np.ones((80, 9), np.int16)))
    assert "has 2,000 samples a second" in refused(saved(a, np.ones(80, np.int16), 2000))
    other = tmp_path / "a.m4a"
    other.write_bytes(b"\0\0\0\x20ftypM4A ")
    assert "convert it to WAV, FLAC, OGG or MP3" in refused(other)


def test_a_long_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = tmp_path / "minutes.wav"
    head = wav_bytes(np.zeros(0), RATE)[:40]
    size = 600 * RATE * 2
    with minutes.open("wb") as file:  # a file with a hole, which takes no room
        file.write(head + struct.pack("<I", size))
        file.truncate(44 + size)
    monkeypatch.setattr(wavfile, "read", lambda *_: pytest.fail("it was read"))
    assert "lasts 600.0 s, expected at most 60 s" in refused(minutes)
    assert "expected at most 3 s" in refused(minutes, longest=3)


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.wav", np.rint(tone() * 32767).astype(np.int16)).read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[:3044])
    assert "is truncated: it holds 1,500 of the 2,000 samples" in refused(cut)
    for end in (1, 11, 12, 20, 30, 40, 43):
        cut.write_bytes(whole[:end])
        refused(cut)
    generator = np.random.default_rng(0)
    for _ in range(200):  # damage to the header: read or refused, and nothing else
        changed = bytearray(whole[:200])
        for at in generator.integers(0, 44, 3):
            changed[at] = generator.integers(256)
        cut.write_bytes(bytes(changed))
        with contextlib.suppress(UnbraidError):
            read(cut, RATE)


def test_other_formats_name_the_extra_where_soundfile_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str, *rest: Any) -> Any:
        if name == "soundfile":
            raise ImportError(name)
        return builtins.__import__(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    flac = tmp_path / "a.flac"
    flac.write_bytes(b"fLaC" + b"\0" * 40)
    assert "a FLAC file, which needs the package soundfile: install it with pip install " in (
        refused(flac)
    )
    assert "'unbraid[audio]'" in refused(flac)
    law = packed(tmp_path / "law.wav", b"\x80\x90" * 400, 8, code=7)  # mu-law
    assert "a WAV file that is compressed, which needs the package soundfile" in refused(law)


def test_flac_ogg_mp3_and_compressed_wav(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    sound = tone(0.5, 300, 16_000)
    kinds = [("a.flac", None), ("a.ogg", None), ("a.mp3", None), ("a.wav", "ULAW")]
    for name, kind in kinds:
        path = tmp_path / name
        soundfile.write(path, np.stack([sound, sound], 1), 16_000, subtype=kind)
        found = read(path, RATE)
        assert (found.source.rate, found.source.channels) == (16_000, 2)
        assert found.source.seconds == pytest.approx(0.5, abs=0.1)  # MP3 pads
        assert found.samples.std() == pytest.approx(sound.std(), rel=0.15)
        spectrum = np.abs(np.fft.rfft(found.samples))
        assert np.argmax(spectrum) * RATE / len(found.samples) == pytest.approx(300, abs=3)
        assert "lasts 0.5 s, expected at most 0.1 s" in refused(path, longest=0.1)
        path.write_bytes(path.read_bytes()[:60])
        refused(path)
    assert recordings.is_sound("x.FLAC")
