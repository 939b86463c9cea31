"""How exactly edits of recordings do what they are asked for and keep the rest, and how quickly.

Writes benchmarks/results/recordings.json; run as ``python benchmarks/recordings.py``.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time

import numpy as np
from _common import load, write

from unbraid.control import recordings
from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset

COUNT = 100  # recordings, of the takes that nothing was tuned on
RATE = 8000
EDITS = (
    *("same voice", "an octave up", "5 semitones lower", "160 Hz", "twice as long", "30% faster"),
    *("6 dB louder", "tract 88%", "a woman, 10% slower"),
)


def figures(pairs: list[tuple[recordings.Edited, tuple[float, float, float]]]) -> dict[str, float]:
    """Return the errors of pitch, duration and loudness, with what each should have been."""
    got = np.array([(e.after.pitch, e.after.duration, e.after.loudness) for e, _ in pairs])
    wanted = np.array([each for _, each in pairs])
    away = np.abs(got - wanted)
    pitch = away[:, 0]
    return {
        "pitch": round(float(np.nanmedian(pitch)), 3),
        "beyond": round(float((~(pitch <= 1)).mean()), 3),  # also where none is read
        "unread": round(float(np.isnan(pitch).mean()), 3),
        "duration": round(float(np.median(away[:, 1] / wanted[:, 1])), 4),
        "duration_mean": round(float((away[:, 1] / wanted[:, 1]).mean()), 4),
        "loudness": round(float(away[:, 2].mean()), 3),
    }


def wanted(found: recordings.Edited) -> tuple[float, float, float]:
    """Return the pitch, duration and loudness that an edit was asked for or should keep."""
    values = []
    for name in ("pitch", "duration", "loudness"):
        scale, offset = found.request.steps.get(name, (1.0, 0.0))
        own = getattr(found.before, name)
        values.append(found.request.values.get(name, own * scale + offset))
    return values[0], values[1], values[2]


def main() -> None:
    """Measure and write."""
    data = load_dataset("speech", split="test", n=2000, stream=True)
    rows = np.unique(data.style, return_index=True)[1]
    rows = np.random.default_rng(0).choice(rows, COUNT, replace=False)
    before, results = load(), []
    for text in EDITS:
        pairs, seconds, refused, spoken = [], [], 0, 0.0
        for row in rows:
            samples = data.recording(int(row))
            start = time.process_time()
            try:
                found = recordings.edit(samples, RATE, text)
            except UnbraidError:
                refused += 1
                continue
            seconds.append(time.process_time() - start)
            spoken += len(samples) / RATE
            pairs.append((found, wanted(found)))
        result = {
            "edit": text,
            "recordings": len(pairs),
            "refused": refused,
            **figures(pairs),
            "core_milliseconds": round(1000 * float(np.median(seconds))),
            "realtime": round(spoken / sum(seconds), 1),
        }
        print(result)
        results.append(result)
    write("recordings", {"load_before": before, "edits": results})


if __name__ == "__main__":
    main()
