"""The samples of a file of sound: WAV by scipy, all else by soundfile, checked before decoding."""

from __future__ import annotations

import importlib
import io
import math
import struct
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.files import readable
from unbraid.core.recordings._source import CHANNELS, RATES, UNREAD, Source

_STREAMED = 0x7FFF_F000  # bytes that writers put into a header before they know how many there are
_MAGIC = (b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff", b"riff")  # read by soundfile


def decode(path: Path, longest: float) -> tuple[NDArray[np.float64], Source]:
    """Return the frames of a file, (T, channels), and what it is."""
    name = readable(str(path))
    if path.is_dir():
        raise UnbraidError(
            f"{name} is a folder, expected a recording: name a file such as rec.wav."
        )
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise UnbraidError(f"{name} is not a file, expected a recording: name one such as rec.wav.")
    try:
        with path.open("rb") as file:
            start = file.read(12)
            if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:] == b"WAVE":
                found = _wav(file, path, start[:4], longest)
                if found is not None:
                    return found
                return _by_soundfile(path, longest, "a WAV file that is compressed")
    except FileNotFoundError as error:
        raise UnbraidError(f"{name} does not exist: give a recording such as rec.wav.") from error
    except OSError as error:
        raise UnbraidError(
            f"cannot read {name}: {error.strerror or error}, expected a recording; check its "
            "permissions, or copy it again."
        ) from error
    if start[:4] in _MAGIC or start[:3] in _MAGIC or _starts_mpeg(start):
        return _by_soundfile(path, longest, f"a {path.suffix[1:].upper() or 'sound'} file")
    if not start:
        raise UnbraidError(f"{name} is empty (0 bytes): expected a recording; record it again.")
    if path.suffix.lower() in UNREAD:
        raise UnbraidError(
            f"{name} is in a format that cannot be read: convert it to WAV, FLAC, OGG or MP3."
        )
    raise UnbraidError(
        f"{name} is no recording: it starts with {start.decode('latin-1').strip()!a}, expected a "
        "WAV, FLAC, OGG or MP3 file; convert it to one, or record it again."
    )


def _starts_mpeg(start: bytes) -> bool:
    return len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0


class _Format(NamedTuple):
    """The chunk ``fmt `` of a WAV file; ``block`` is the bytes of a frame."""

    raw: bytes
    channels: int
    rate: int
    block: int


def _wav(
    file: IO[bytes], path: Path, magic: bytes, longest: float
) -> tuple[NDArray[np.float64], Source] | None:
    """Return the frames of a WAV file and what it is; None if scipy does not know its encoding."""
    from scipy.io import wavfile

    name = readable(str(path))
    order = ">" if magic == b"RIFX" else "<"
    form, size = _chunks(file, name, order)
    there = path.stat().st_size - file.tell()
    if size >= _STREAMED:
        size = there
    found = Source(form.rate, form.channels, size / form.block / max(form.rate, 1))
    _check(found, name, longest)
    if size > there:
        raise UnbraidError(
            f"{name} is truncated: it holds {there // form.block:,} of the "
            f"{size // form.block:,} samples that its header declares; copy or record it again."
        )
    data = file.read(size - size % form.block)
    # what is not sound has been left out, so that nothing else of the file is trusted
    chunks = b"".join(
        kind + struct.pack(f"{order}I", len(held)) + held + b"\0" * (len(held) % 2)
        for kind, held in ((b"fmt ", form.raw), (b"data", data))
    )
    head = (b"RIFX" if order == ">" else b"RIFF") + struct.pack(f"{order}I", 4 + len(chunks))
    try:
        _, frames = wavfile.read(io.BytesIO(head + b"WAVE" + chunks))
        frames = frames.reshape(-1, form.channels)
    except (ValueError, TypeError) as error:  # the second: numbers of so many bytes there are not
        if "Unknown wave file format" in str(error):
            return None
        raise _broken(name, str(error)) from error
    if frames.dtype.kind == "u":
        return (frames - 128.0) / 128.0, found
    if frames.dtype.kind == "i":
        return frames / float(2 ** (8 * frames.dtype.itemsize - 1)), found
    return frames.astype(np.float64), found


def _chunks(file: IO[bytes], name: str, order: str) -> tuple[_Format, int]:
    """Read up to the samples of a WAV file; return its format and the bytes they are said to be."""
    form = None
    while len(head := file.read(8)) == 8:
        kind, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        if kind == b"data" and form is not None:
            return form, size
        if kind == b"fmt ":
            raw = file.read(min(size, 64))
            if len(raw) < 16:
                break
            _, channels, rate, _, block, _ = struct.unpack(f"{order}HHIIHH", raw[:16])
            if not channels or not block or block < channels:
                raise _broken(name, f"{channels} channels in {block} bytes")
            form = _Format(raw, channels, rate, block)
            size -= len(raw)
        file.seek(size + size % 2, io.SEEK_CUR)
    what = "no samples" if form else "no format of its samples"
    raise UnbraidError(
        f"{name} is truncated or broken: its WAV header is followed by {what}; copy or record it "
        "again."
    )


def _check(found: Source, name: str, longest: float) -> None:
    """Refuse a rate, number of channels or length before anything is decoded."""
    if not RATES[0] <= found.rate <= RATES[1]:
        raise UnbraidError(
            f"{name} has {found.rate:,} samples a second, expected {RATES[0]:,} to {RATES[1]:,}: "
            "record it at 8,000 or more."
        )
    if found.channels > CHANNELS:
        raise UnbraidError(
            f"{name} has {found.channels} channels, expected 1 to {CHANNELS}, which are averaged: "
            "save the one to use."
        )
    if found.seconds > longest:
        raise UnbraidError(
            f"{name} lasts {found.seconds:,.1f} s, expected at most {longest:g} s: cut it into "
            "shorter ones."
        )


def _broken(name: str, why: str) -> UnbraidError:
    return UnbraidError(f"{name} is a broken WAV file ({why}): copy or record it again.")


def _by_soundfile(path: Path, longest: float, what: str) -> tuple[NDArray[np.float64], Source]:
    """Return the frames of a file by libsndfile, and what it is."""
    name = readable(str(path))
    try:
        soundfile = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:  # the second: libsndfile itself is missing
        raise UnbraidError(
            f"{name} is {what}, which needs the package soundfile: install it with pip install "
            "'unbraid[audio]', or convert it to WAV of 16 bits."
        ) from error
    try:
        with soundfile.SoundFile(str(path)) as file:
            seconds = file.frames / max(file.samplerate, 1)
            found = Source(file.samplerate, file.channels, seconds)
            _check(found, name, longest)
            most = math.ceil((longest + 1) * file.samplerate)  # whatever the header says
            frames = file.read(most, dtype="float64", always_2d=True)
    except (RuntimeError, ValueError, TypeError) as error:  # LibsndfileError is a RuntimeError
        reason = str(error).removeprefix(f"Error opening {str(path)!r}: ").rstrip(". ")
        raise UnbraidError(
            f"cannot read {name} as sound ({reason}): copy it again, or convert it to WAV."
        ) from error
    return frames, found._replace(seconds=len(frames) / found.rate)
