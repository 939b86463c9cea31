"""Recordings: files of sound read as one channel at one rate, and WAV files written.

WAV is read with scipy. FLAC, OGG, MP3, and WAV that is compressed, need soundfile, which the extra
``audio`` installs.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand, readable
from unbraid.core.recordings._decoding import decode
from unbraid.core.recordings._source import CLIPPED, OFFSET, UNREAD, Source
from unbraid.core.recordings._writing import check_wav, is_own, wav_bytes, write

__all__ = [
    "CLIPPED",
    "LONGEST",
    "OFFSET",
    "OWN_RATES",
    "SUFFIXES",
    "UNREAD",
    "Recording",
    "Source",
    "check_wav",
    "is_own",
    "is_sound",
    "read",
    "resampled",
    "wav_bytes",
    "write",
]

SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    *(".aif", ".aiff", ".au", ".caf", ".w64"),
)
LONGEST = 60.0  # seconds of a recording, unless the caller says
OWN_RATES = (8_000, 48_000)  # that are kept if no other is asked for
SILENT = 1e-4  # peak below which a recording is silent: three steps of 16 bits
LOUDEST = 4.0  # peak of floats on [-1, 1], above which they are in some other unit
CANCELLED = 0.1  # of the loudest channel's level, below which the average has lost the sound
_ZEROS = 64  # of the resampling filter on either side of its middle


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
    frames, found = decode(path, longest)
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


def is_sound(path: str | Path) -> bool:
    """Whether a path names a recording, by its suffix.

    >>> is_sound("a.WAV"), is_sound("a.png")
    (True, False)
    """
    return Path(path).suffix.lower() in {*SUFFIXES, *UNREAD}


def _mixed(frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Return the average of channels (T, C), or the loudest one if they cancel each other."""
    if frames.shape[1] == 1:
        return frames[:, 0], False
    mixed = frames.mean(1)
    levels = frames.std(0)
    if mixed.std() >= CANCELLED * levels.max():
        return mixed, False
    return frames[:, int(levels.argmax())], True
