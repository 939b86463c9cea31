"""Recordings: files of sound read as one channel at one rate, and WAV files written.

WAV is read with scipy. FLAC, OGG, MP3, and WAV that is compressed, need soundfile, which the extra
``audio`` installs.
"""

from __future__ import annotations

import importlib
import io
import math
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand, readable

SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    *(".aif", ".aiff", ".au", ".caf", ".w64"),
)
# Suffixes of recordings that cannot be read, which messages name.
UNREAD = frozenset((".m4a", ".aac", ".wma", ".amr", ".3gp", ".ra", ".mka", ".weba", ".ape", ".wv"))
LONGEST = 60.0  # seconds of a recording, unless the caller says
RATES = (4_000, 768_000)  # samples a second
OWN_RATES = (8_000, 48_000)  # that are kept if no other is asked for
CHANNELS = 8  # at most, which are averaged
SILENT = 1e-4  # peak below which a recording is silent: three steps of 16 bits
CLIPPED = 0.01  # share of samples at full scale from which on a recording counts as clipped
OFFSET = 0.002  # of full scale, from which on an offset is told
LOUDEST = 4.0  # peak of floats on [-1, 1], above which they are in some other unit
CANCELLED = 0.1  # of the loudest channel's level, below which the average has lost the sound
_STREAMED = 0x7FFF_F000  # bytes that writers put into a header before they know how many there are
_MAGIC = (b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff", b"riff")  # read by soundfile
# a chunk of information that names the software, by which a folder knows what is no data
_BY_US = b"LIST" + struct.pack("<I", 20) + b"INFOISFT" + struct.pack("<I", 8) + b"unbraid\0"
_ZEROS = 64  # of the resampling filter on either side of its middle


class Source(NamedTuple):
    """What a file of sound was before it was read.

    Args:
        rate: samples a second.
        channels: how many.
        seconds: its length.
        clipped: the share of samples at full scale.
        offset: the mean of its samples, which is subtracted.
        cancelled: its channels cancel each other, so that the loudest was taken alone.
    """

    rate: int
    channels: int
    seconds: float
    clipped: float = 0.0
    offset: float = 0.0
    cancelled: bool = False

    def told(self, rate: int) -> str:
        """Return what was done to it, as a text; empty if it is used as it was.

        >>> Source(96_000, 2, 0.5).told(48_000)
        '2 channels averaged; 96,000 Hz converted to 48,000'
        """
        parts = []
        if self.cancelled:
            parts.append(f"the loudest of {self.channels} channels, which cancel each other")
        elif self.channels > 1:
            parts.append(f"{self.channels} channels averaged")
        if self.rate != rate:
            parts.append(f"{self.rate:,} Hz converted to {rate:,}")
        if abs(self.offset) >= OFFSET:
            parts.append("an offset removed")
        if self.clipped > CLIPPED:
            parts.append(f"{self.clipped:.0%} of its samples are clipped, which is heard")
        return "; ".join(parts)


class Recording(NamedTuple):
    """A recording as it is used.

    Args:
        samples: (T,) float32, one channel, full scale is 1.
        rate: samples a second.
        source: what the file was.
    """

    samples: NDArray[np.float32]
    rate: int
    source: Source


def read(path: str | Path, rate: int | None = None, longest: float = LONGEST) -> Recording:
    """Read a file of sound as one channel, without its offset.

    Up to 8 channels are averaged; if they cancel each other, the loudest is taken. Another rate is
    converted by a polyphase filter, which passes 91% of the band and is 80 dB down at its end.

    Args:
        path: WAV (8 to 64 bits, integers or floats), or with soundfile FLAC, OGG, MP3 and others.
        rate: samples a second that are returned; the file's own if not given, within 8 to 48 kHz.
        longest: seconds that it may last; checked before it is decoded.

    Raises:
        UnbraidError: no such file, no sound file, one that is broken, truncated, empty, silent, too
            long, not finite, or that needs soundfile where it is not installed.

    >>> read("speech.flac", 8000).samples.dtype  # doctest: +SKIP
    dtype('float32')
    """
    path = expand(path)
    frames, found = _frames(path, longest)
    name = readable(str(path))
    if not len(frames):
        raise UnbraidError(f"{name} holds 0 samples: expected a recording; record it again.")
    broken = int((~np.isfinite(frames)).sum())
    if broken:
        raise UnbraidError(
            f"{name} holds NaN or infinity in {broken:,} of its {frames.size:,} samples: "
            "expected finite numbers; export it again."
        )
    peak = float(np.abs(frames).max())
    if peak > LOUDEST:
        raise UnbraidError(
            f"{name} holds samples up to {peak:,.0f}, expected floats on -1 to 1: divide them by "
            "full scale, or save them as 16-bit integers."
        )
    clipped = float((np.abs(frames) >= 1 - 2**-15).mean())
    mixed, cancelled = _mixed(frames)
    offset = float(mixed.mean())
    mixed = mixed - offset
    if float(np.abs(mixed).max()) < SILENT:
        raise UnbraidError(
            f"{name} is silent: none of its {len(mixed):,} samples is above "
            f"{20 * math.log10(SILENT):.0f} dB of full scale; check the microphone and record it "
            "again."
        )
    rate = rate or min(max(found.rate, OWN_RATES[0]), OWN_RATES[1])
    samples = resampled(mixed, found.rate, rate).astype(np.float32)
    source = found._replace(clipped=clipped, offset=offset, cancelled=cancelled)
    return Recording(samples, rate, source)


def resampled(samples: NDArray[Any], rate: int, wanted: int) -> NDArray[np.float64]:
    """Return samples (T,) at another rate, by a polyphase filter with a Kaiser window.

    The same samples give the same result wherever it is run: there is one converter.

    >>> resampled(np.ones(441), 44_100, 8_000).shape
    (80,)
    """
    if rate == wanted:
        return np.asarray(samples, np.float64)
    from scipy.signal import firwin, resample_poly

    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    most = max(up, down)
    # 80 dB down at the end of the band: a transition of 9% of it (Kaiser 1974)
    taps = firwin(2 * _ZEROS * most + 1, 0.955 / most, window=("kaiser", 8.0))
    return np.asarray(resample_poly(np.asarray(samples, np.float64), up, down, window=taps))


def check_wav(path: Path) -> None:
    """Raise an UnbraidError unless a path ends in .wav."""
    if path.suffix.lower() != ".wav":
        raise UnbraidError(
            f"cannot write '{path}': the path of a sound ends in .wav, found "
            f"'{path.suffix or 'no suffix'}'."
        )


def wav_bytes(samples: NDArray[Any], rate: int) -> bytes:
    """Return samples (T,), full scale 1, as the bytes of a WAV file of 16 bits; clipped beyond.

    >>> len(wav_bytes(np.zeros(8), 8000))
    88
    """
    from scipy.io import wavfile

    file = io.BytesIO()
    steps = np.rint(np.clip(np.asarray(samples, np.float64), -1, 1) * 32767).astype(np.int16)
    wavfile.write(file, rate, steps)
    data = file.getvalue() + _BY_US
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def is_own(path: Path) -> bool:
    """Whether a file is a WAV file that unbraid wrote, by its last chunk."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_BY_US), io.SEEK_END)
            return file.read() == _BY_US
    except OSError:  # shorter, or unreadable, which reading reports
        return False


def write(path: str | Path, samples: NDArray[Any], rate: int) -> None:
    """Write samples (T,), full scale 1, as a WAV file of 16 bits, whole or not at all.

    Raises:
        UnbraidError: a path that does not end in .wav, or cannot be written.
    """
    path = expand(path)
    check_wav(path)
    with atomic(path) as temporary:
        temporary.write_bytes(wav_bytes(samples, rate))


def is_sound(path: str | Path) -> bool:
    """Whether a path names a recording, by its suffix.

    >>> is_sound("a.WAV"), is_sound("a.png")
    (True, False)
    """
    return Path(path).suffix.lower() in {*SUFFIXES, *UNREAD}


# -- files ----------------------------------------------------------------------------------------


def _frames(path: Path, longest: float) -> tuple[NDArray[np.float64], Source]:
    """Return the frames of a file, (T, channels), and what it is."""
    name = readable(str(path))
    if path.is_dir():
        raise UnbraidError(f"{name} is a folder, expected a recording such as rec.wav.")
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise UnbraidError(f"{name} is not a file, expected a recording such as rec.wav.")
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
        raise UnbraidError(f"cannot read {name}: {error.strerror or error}.") from error
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
        "WAV, FLAC, OGG or MP3 file."
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
            f"{size // form.block:,} samples that its header promises; copy or record it again."
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


def _mixed(frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Return the average of channels (T, C), or the loudest one if they cancel each other."""
    if frames.shape[1] == 1:
        return frames[:, 0], False
    mixed = frames.mean(1)
    levels = frames.std(0)
    if mixed.std() >= CANCELLED * levels.max():
        return mixed, False
    return frames[:, int(levels.argmax())], True
