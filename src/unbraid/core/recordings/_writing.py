"""WAV files of 16 bits, marked as written by unbraid."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand

# a chunk of information that names the software, by which a folder knows what is no data
_BY_US = b"LIST" + struct.pack("<I", 20) + b"INFOISFT" + struct.pack("<I", 8) + b"unbraid\0"


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
