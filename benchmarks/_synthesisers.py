"""Voices that nothing here was trained on: espeak-ng and flite, run as separate programs.

They are found on PATH, or in a folder into which their Debian packages were unpacked with
``dpkg -x``. espeak-ng is a formant synthesiser; flite's ``kal`` joins diphones of a man's voice,
``awb``, ``rms`` (men) and ``slt`` (a woman) are statistical models of real voices.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.core.recordings import read
from unbraid.datasets.speech import RATE
from unbraid.sound import at_loudness

NAMES = ("flite", "espeak-ng")
LOUDNESS = -25.0  # dBFS that all are brought to
FLAT = 0.1  # hertz, of the spread of a contour that is asked to be flat


class Program(NamedTuple):
    """A synthesiser that can be run."""

    name: str
    path: str
    environment: dict[str, str]
    version: str


class Voice(NamedTuple):
    """A voice of a synthesiser, and the row of the table that it counts in."""

    program: str
    row: str
    options: tuple[str, ...]


def _espeak(row: str, *names: str, pitch: int = 50) -> list[Voice]:
    options = [("-v", name, "-p", str(pitch)) for name in names]
    return [Voice("espeak-ng", row, each) for each in options]


MEN = [f"en-us+m{number}" for number in range(1, 8)]
WOMEN = [f"en-us+f{number}" for number in range(1, 6)]
WHISPERED = "espeak-ng, whispering"  # has no pitch
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029")
VOICES = [
    *(Voice("flite", f"flite {name}", ("-voice", name)) for name in ("kal", "kal16")),
    *(Voice("flite", f"flite {name}", ("-voice", name)) for name in ("awb", "rms", "slt")),
    *_espeak("espeak-ng, accents", *ACCENTS),
    *_espeak("espeak-ng, low", *ACCENTS, pitch=20),
    *_espeak("espeak-ng, high", *ACCENTS, pitch=80),
    *_espeak("espeak-ng, m variants", *MEN),
    *_espeak("espeak-ng, f variants", *WOMEN),
    *_espeak("espeak-ng, croaking", "en-us+croak"),
    *_espeak(WHISPERED, "en-us+whisper"),
]


def flat(name: str, hertz: float) -> Voice:
    """Return a voice of flite that is asked for one pitch throughout."""
    mean, spread = f"int_f0_target_mean={hertz:g}", f"int_f0_target_stddev={FLAT:g}"
    return Voice("flite", f"flite {name}", ("-voice", name, "--setf", mean, "--setf", spread))


def find(folder: Path | None) -> dict[str, Program]:
    """Return the programs that there are, in a folder or on PATH, by name."""
    found = {}
    for name in NAMES:
        path = shutil.which(name)
        environment = dict(os.environ)
        if folder is not None:
            path = next((str(each) for each in folder.rglob(f"bin/{name}")), None)
            libraries = sorted({str(each.parent) for each in folder.rglob("*.so*")})
            environment["LD_LIBRARY_PATH"] = ":".join(libraries)
            for data in folder.rglob("espeak-ng-data"):
                environment["ESPEAK_DATA_PATH"] = str(data.parent)
        if path is not None:
            found[name] = Program(name, path, environment, _version(path, environment))
    return found


def _version(path: str, environment: dict[str, str]) -> str:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, env=environment)
    found = re.search(r"\d+\.\d+", told.stdout + told.stderr)
    return found.group() if found else ""


def say(program: Program, voice: Voice, word: str) -> NDArray[np.float64]:
    """Return a word in a voice, resampled to 8 kHz and brought to one loudness, (T,)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "word.wav")
        text = ["-t", word, "-o"] if program.name == "flite" else ["-w"]
        words = [*voice.options, *text, str(path)]
        words += [word] if program.name == "espeak-ng" else []
        subprocess.run(
            [program.path, *words], check=True, capture_output=True, env=program.environment
        )
        samples = read(path, RATE).samples
    return at_loudness(samples, RATE, LOUDNESS).astype(np.float64)
