"""Speech: how well the vocoder copies, and how exactly the factors are read back from the sound.

Writes benchmarks/results/speech.json; run as ``python benchmarks/speech.py``, or with ``--rows
copies``, ``floor`` or ``edits`` for a part: the others stay as they were measured. PESQ and STOI
need the packages ``pesq`` and ``pystoi``, the rows of WORLD need ``pyworld-prebuilt``; without them
these columns and rows are left out. All recordings are takes 0 to 4, the test split.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple
from importlib.util import find_spec
from typing import Any

import numpy as np
from _common import RESULTS, load, write
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.signal import correlate, resample_poly

from unbraid.datasets import load_dataset
from unbraid.datasets.speech import RATE, TAKES, Renderer, Speech
from unbraid.sound import (
    Measures,
    Voice,
    analyse,
    canonical_of,
    edit,
    measure,
    measure_picture,
    picture_of,
    sound_of,
    synthesise,
    tract_against,
    voice_of,
)

Samples = NDArray[np.float64]
Copy = Callable[[Samples], Samples]
COPIES, RENDERINGS, EDITS = 150, 400, 100
SHORTEST = 0.45  # seconds of a take that STOI is measured on
ROWS = ("copies", "floor", "edits")


# -- copies: a recording taken apart and put together, nothing changed ----------------------------


def plain(samples: Samples) -> Samples:
    """Return a copy by the vocoder."""
    return synthesise(analyse(samples, RATE)).astype(np.float64)


def canonical(samples: Samples) -> Samples:
    """Return a copy through the canonical frame: 64 bands by 64 moments of normalised time."""
    return synthesise(voice_of(*canonical_of(analyse(samples, RATE)))).astype(np.float64)


def picture(samples: Samples) -> Samples:
    """Return a copy through a voice picture, 256 levels and columns of 16 ms."""
    return sound_of(picture_of(*canonical_of(analyse(samples, RATE)))).astype(np.float64)


def world(rate: int) -> Copy:
    """Return what copies by WORLD at so many samples a second."""

    def copy(samples: Samples) -> Samples:
        import pyworld

        given = np.ascontiguousarray(resample_poly(samples, rate, RATE))
        f0, times = pyworld.harvest(given, rate, 60, 500)
        envelope = pyworld.cheaptrick(given, f0, times, rate)
        share = pyworld.d4c(given, f0, times, rate)
        return resample_poly(pyworld.synthesize(f0, envelope, share, rate), RATE, rate)

    return copy


def aligned(copy: Samples, samples: Samples) -> Samples:
    """Return a copy moved to where it is most like the recording, of its length."""
    energy = [np.convolve(part**2, np.ones(80) / 80, "same") for part in (samples, copy)]
    shift = int(correlate(energy[0], energy[1], "full").argmax()) - len(copy) + 1
    moved = np.zeros(len(samples))
    start, stop = max(shift, 0), min(shift + len(copy), len(samples))
    moved[start:stop] = copy[start - shift : stop - shift]
    return moved


def cepstral_distortion(one: Voice, other: Voice) -> float:
    """Return the mel-cepstral distortion of 13 coefficients in decibels, over loud frames."""
    count = min(len(one), len(other))
    loud = one.power[:count] > one.power.max() / 1000
    bins = np.linspace(0, np.log1p(4000 / 700), 40)
    place = np.expm1(bins) * 700 / 4000 * (one.envelope.shape[1] - 1)
    cepstra = [
        dct(each.envelope[:count][loud][:, np.rint(place).astype(int)], norm="ortho")[:, 1:14]
        for each in (one, other)
    ]
    # 10 / ln 10 sqrt(2 sum d^2) of c in ln |H| = sum c_m cos(m w); orthonormal coefficients of
    # decibels are 20 / ln 10 sqrt(40 / 2) times those
    return float(np.sqrt(((cepstra[0] - cepstra[1]) ** 2).sum(1) / 40).mean())


def copies(recordings: list[Samples]) -> list[dict[str, Any]]:
    """Return a row for each way to copy a recording."""
    ways: dict[str, Copy] = {"vocoder": plain, "canonical frame": canonical, "picture": picture}
    if find_spec("pyworld"):
        ways |= {"WORLD at 8 kHz": world(8000), "WORLD through 16 kHz": world(16_000)}
    rows = []
    for name, way in ways.items():
        figures: dict[str, list[float]] = {}
        start, seconds = time.process_time(), 0.0
        made = []
        for samples in recordings:
            made.append(way(samples))
            seconds += len(samples) / RATE
        pace = seconds / (time.process_time() - start)
        for samples, copy in zip(recordings, made, strict=True):
            for figure, value in compared(samples, aligned(copy, samples)).items():
                figures.setdefault(figure, []).append(value)
        row: dict[str, Any] = {"copy": name, "times real time": round(pace, 1)}
        row |= {figure: [round(float(np.mean(v)), 4), len(v)] for figure, v in figures.items()}
        rows.append(row)
        print(row, flush=True)
    return rows


def compared(samples: Samples, copy: Samples) -> dict[str, float]:
    """Return the figures of a copy."""
    one, other = analyse(samples, RATE), analyse(copy, RATE)
    count = min(len(one), len(other))
    f0, again = one.f0[:count], other.f0[:count]
    both = (f0 > 0) & (again > 0)
    found = {
        "mcd": cepstral_distortion(one, other),
        "voicing": 100 * float(((f0 > 0) != (again > 0)).mean()),
    }
    if both.any():
        away = np.abs(12 * np.log2(again[both] / f0[both]))
        found |= {"f0": float(np.median(away)), "f0 beyond": 100 * float((away > 1).mean())}
    loud = samples * 0.3 / np.abs(samples).max(), copy * 0.3 / np.abs(copy).max()
    if find_spec("pesq"):
        from pesq import PesqError, pesq

        score = pesq(RATE, *loud, "nb", on_error=PesqError.RETURN_VALUES)
        if score > 0:  # it refuses the shortest
            found["pesq"] = float(score)
    if find_spec("pystoi") and len(samples) > SHORTEST * RATE:
        from pystoi import stoi

        with warnings.catch_warnings(action="error"), suppress(RuntimeWarning):
            found["stoi"] = float(stoi(*loud, RATE))  # warns where too little of it is loud
    return found


# -- floor: what a rendering was asked for, and what is read of it --------------------------------


def errors(found: list[Measures], asked: NDArray[np.float64]) -> dict[str, float]:
    """Return errors of what was measured, of asked pitch, duration and loudness (N, 3)."""
    read = np.array([astuple(each) for each in found])
    pitch = np.abs(read[:, 0] - asked[:, 0])
    known = ~np.isnan(pitch)
    duration = 100 * np.abs(read[:, 1] / asked[:, 1] - 1)
    return {
        "pitch median": round(float(np.median(pitch[known])), 4),
        "pitch mean": round(float(pitch[known].mean()), 4),
        "pitch beyond": round(100 * float((pitch > 1).mean()), 2),
        "pitch unread": round(100 * float((~known).mean()), 2),
        "duration median": round(float(np.median(duration)), 3),
        "duration mean": round(float(duration.mean()), 3),
        "loudness mean": round(float(np.abs(read[:, 2] - asked[:, 2]).mean()), 4),
        "loudness most": round(float(np.abs(read[:, 2] - asked[:, 2]).max()), 4),
    }


def floor(data: Speech) -> dict[str, Any]:
    """Return read-back errors of renderings of the test split, all factors random."""
    assert data.factors is not None
    factors = data.factors[:RENDERINGS]
    asked = factors[:, [1, 2, 4]]
    sounds = [data.sound(row) for row in range(RENDERINGS)]
    images = data.images[np.arange(RENDERINGS)]
    middle = [(a + b) / 2 for a, b in (data.specs[at].range for at in (1, 2, 4))]
    constant = [Measures(*middle)] * RENDERINGS
    found = {
        "sound": errors([measure(sound, RATE) for sound in sounds], asked),
        "picture": errors([measure_picture(image) for image in images], asked),
        "sound of the picture": errors([measure(sound_of(image), RATE) for image in images], asked),
        "chance": errors(constant, asked),
    }
    templates = Renderer(TAKES["train"]).templates()
    words = factors[:, 0].astype(int)
    for name, made in (("sound", sounds), ("sound of the picture", map(sound_of, images))):
        read = [
            tract_against(canonical_of(analyse(sound, RATE))[0].envelope, templates[word])
            for sound, word in zip(made, words, strict=True)
        ]
        away = np.abs(np.array(read) / factors[:, 3] - 1) * 100
        found[name] |= {
            "tract median": round(float(np.median(away)), 3),
            "tract mean": round(float(away.mean()), 3),
        }
    away = np.abs(np.mean(data.specs[3].range) / factors[:, 3] - 1) * 100
    found["chance"] |= {
        "tract median": round(float(np.median(away)), 3),
        "tract mean": round(float(away.mean()), 3),
    }
    print(found, flush=True)
    return {"renderings": RENDERINGS, "read": found}


# -- edits: recordings as they are, brought to random pitch, duration, tract and loudness ---------


def edits(recordings: list[Samples]) -> dict[str, Any]:
    """Return read-back errors of edits, all four at once and each alone, and their time."""
    rng = np.random.default_rng(1)
    ranges = {"pitch": (-4, 18), "tract": (85, 118), "loudness": (-35, -15)}
    names = ("pitch", "duration", "tract", "loudness")
    rows: dict[str, Any] = {}
    for kind in ("all", *names):
        found, asked, spent = [], [], []
        for samples in recordings[: EDITS if kind == "all" else EDITS // 2]:
            own = measure(samples, RATE)
            limits = ranges | {"duration": (0.6 * own.duration, 1.7 * own.duration)}
            wanted = {
                name: float(rng.uniform(*limits[name]))
                for name in names
                if kind in ("all", name) and not (name == "pitch" and np.isnan(own.pitch))
            }
            start = time.process_time()
            made = edit(samples, RATE, **wanted)
            spent.append(time.process_time() - start)
            found.append(measure(made, RATE))
            told = dict(zip(("pitch", "duration", "loudness"), astuple(own), strict=True)) | wanted
            asked.append([told["pitch"], told["duration"], told["loudness"]])
        rows[kind] = errors(found, np.array(asked)) | {
            "milliseconds": round(1000 * float(np.median(spent)), 1)
        }
        print(kind, rows[kind], flush=True)
    return {"recordings": len(recordings[:EDITS]), "read": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    asked = parser.parse_args().rows
    path = RESULTS / "speech.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    result = {name: part for name, part in result.items() if name not in ("command", "machine")}
    result["load_before"] = load()
    data = load_dataset("speech", "test", n=max(RENDERINGS, COPIES, EDITS), stream=True)
    assert isinstance(data, Speech)
    takes = np.random.default_rng(0).permutation(np.unique(data.style))
    rows = [int(np.flatnonzero(data.style == take)[0]) for take in takes]
    recordings = [data.recording(row).astype(np.float64) for row in rows[: max(COPIES, EDITS)]]
    rows_of = {
        "copies": lambda: copies(recordings[:COPIES]),
        "floor": lambda: floor(data),
        "edits": lambda: edits(recordings),
    }
    del sys.argv[1:]  # the command of all rows, whichever are measured now
    for name in asked:
        result[name] = rows_of[name]()
        write("speech", result)


if __name__ == "__main__":
    main()
