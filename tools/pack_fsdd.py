"""Pack the Free Spoken Digit Dataset into the file the package embeds; print its size and SHA-256.

Usage: python tools/pack_fsdd.py RECORDINGS

RECORDINGS is a folder or a .zip with the 3,000 published files DIGIT_SPEAKER_TAKE.wav, 16-bit at
8 kHz. Each is scaled to its peak and coded as 8-bit mu-law. The length of each speaker's vocal
tract, to which the factor ``tract`` is relative, is estimated from the takes and stored with them.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from unbraid.core.files import atomic
from unbraid.datasets import _recordings as fsdd
from unbraid.sound import analyse, canonical_of, tract_against
from unbraid.sound.canonical import FIRST, LAST, with_tract
from unbraid.sound.tract import QUIET


def main(source: Path) -> None:
    """Write the packed file, and check that it gives every code back."""
    parts, lengths, peaks = [], [], []
    for samples in read(source):
        peak = int(np.abs(samples.astype(np.int64)).max())
        parts.append(fsdd.encode(samples / peak))
        lengths.append(len(samples))
        peaks.append(peak)
    codes = np.concatenate(parts)
    print(
        "estimating the speakers' vocal tracts, which takes a minute", file=sys.stderr, flush=True
    )
    tracts = estimated_tracts(fsdd.Recordings(codes, starts(lengths), np.array(peaks), np.ones(6)))
    members = {
        "codes": (codes, zipfile.ZIP_LZMA),
        "lengths": (np.array(lengths, np.uint16), zipfile.ZIP_DEFLATED),
        "peaks": (np.array(peaks, np.uint16), zipfile.ZIP_DEFLATED),
        "tracts": (tracts, zipfile.ZIP_STORED),
    }
    with atomic(fsdd.PACKED) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, (array, compression) in members.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # without a date
            entry.compress_type = compression
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    packed = fsdd.PACKED.read_bytes()
    print(f"{fsdd.PACKED}: {len(packed):,} bytes, SHA-256 {hashlib.sha256(packed).hexdigest()}")
    print(dict(zip(fsdd.SPEAKERS, tracts.tolist(), strict=True)))
    np.testing.assert_array_equal(fsdd.unpack(packed).codes, codes)


def starts(lengths: list[int]) -> NDArray[np.int64]:
    """Return where each take begins."""
    return np.concatenate([[0], np.cumsum(lengths)])


def read(source: Path) -> list[NDArray[np.int16]]:
    """Return the samples of all takes in the order of their numbers."""
    open_file: Callable[[str], bytes]
    if source.is_dir():
        open_file = lambda name: (source / name).read_bytes()  # noqa: E731
    else:
        archive = zipfile.ZipFile(source)
        inside = {Path(name).name: name for name in archive.namelist()}
        open_file = lambda name: archive.read(inside[name])  # noqa: E731
    found = []
    for word in range(len(fsdd.WORDS)):
        for speaker in fsdd.SPEAKERS:
            for take in range(fsdd.TAKES):
                name = f"{word}_{speaker}_{take}.wav"
                rate, samples = wavfile.read(io.BytesIO(open_file(name)))
                if rate != fsdd.RATE or samples.dtype != np.int16 or samples.ndim != 1:
                    sys.exit(f"{name} is not 16-bit mono at {fsdd.RATE} Hz")
                found.append(samples)
    return found


def estimated_tracts(recordings: fsdd.Recordings) -> NDArray[np.float64]:
    """Return the length of each speaker's vocal tract, per cent of their geometric mean, (6,).

    It is measured from a speaker's mean envelope of each word against that of the other five, who
    are brought to an average length before; all in turn, some rounds.
    """
    means = np.zeros((len(fsdd.SPEAKERS), len(fsdd.WORDS), 64, 64))
    for word in range(len(fsdd.WORDS)):
        for speaker in range(len(fsdd.SPEAKERS)):
            for take in range(5, fsdd.TAKES):
                samples = recordings.take(fsdd.number(word, speaker, take))
                frame, _ = canonical_of(analyse(samples, fsdd.RATE))
                means[speaker, word] += np.maximum(frame.envelope, QUIET) / (fsdd.TAKES - 5)
    # within the words, one after the other
    said = np.concatenate(list(means.transpose(1, 0, 2, 3)[..., FIRST : LAST + 1]), axis=-1)
    lengths = np.full(len(fsdd.SPEAKERS), 100.0)
    for _ in range(6):
        for speaker in range(len(fsdd.SPEAKERS)):
            average = with_tract(said, 100 * 100 / lengths)
            others = np.delete(average, speaker, axis=0).mean(0)
            lengths[speaker] = tract_against(said[speaker], others)
        lengths *= 100 / np.exp(np.log(lengths).mean())
    return np.round(lengths, 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
