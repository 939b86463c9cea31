"""Speech: how well voices that are drawn on request are what was asked for.

``python benchmarks/speech_control.py`` trains the rows' runs under runs/speech, asks each for
random requests as ``unbraid control`` does, and writes benchmarks/results/speech_control.json, row
by row and seed by seed. What is there is kept unless ``--again`` is given, and a training that was
stopped goes on. The column of real voices is the floor: renderings of takes that no model has seen.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _common import RESULTS, load, machine

from unbraid.control.assessment.run_report import Config, assess
from unbraid.core.files import read_json, write_json
from unbraid.runs import Run

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs/speech"
RESULT = RESULTS / "speech_control.json"
REQUESTS = 500

# What is aimed at with all labels and with 300; at least for those in HIGHER, at most for others.
HIGHER = ("word accuracy", "diversity", "variance over time")
TARGETS = {
    "all": {
        "word accuracy": 98.0,
        "pitch": 0.15,
        "duration": 3.0,
        "tract": 3.2,
        "loudness": 0.2,
        "diversity": 0.75,
        "leakage": 1.3,
        "variance over time": 0.90,
    },
    "300": {
        "word accuracy": 93.0,
        "pitch": 0.3,
        "duration": 4.5,
        "tract": 4.5,
        "loudness": 0.5,
        "diversity": 0.65,
        "leakage": 2.0,
        "variance over time": 0.85,
    },
}


@dataclass(frozen=True)
class Row:
    """What is trained, and how often."""

    method: str
    options: str
    labels: str
    seeds: tuple[int, ...] = (0,)


VOICES = "--data speech --style-dim 32 --beta 1.0"
ROWS = {
    "conditional-vae-all": Row("conditional-vae", f"{VOICES} --epochs 12", "all", (0, 1, 2)),
    "conditional-vae-quick": Row(
        "conditional-vae",
        f"{VOICES} --steps 1500 --batch-size 32 --reader-share 0.25 --validation 0.02",
        "all",
    ),
    "conditional-vae-300": Row("conditional-vae", f"{VOICES} --epochs 12 --labels 300", "300"),
    "beta-vae-100": Row("beta-vae", "--data speech --epochs 10", "100, to steer by"),
}


def trained(row: Row, folder: Path, seed: int) -> tuple[str, float]:
    """Train a run to its end, unless it is; return the command and the seconds that it took."""
    command = f"train {row.method} {row.options} --seed {seed}"
    told = f"unbraid {command}"
    if folder.is_dir() and Run(folder).finished:
        return told, float(Run(folder).result["training"]["seconds"])
    resumed = ["--resume"] if folder.is_dir() else []
    start = time.perf_counter()
    words = [sys.executable, "-m", "unbraid", *shlex.split(command), "--out", str(folder)]
    subprocess.run([*words, *resumed], check=True)
    return told, time.perf_counter() - start


def missed(figures: dict[str, Any], labels: str) -> dict[str, list[float]]:
    """Return the figures that miss their targets: what was measured, and what was aimed at."""
    found = {}
    for name, aim in TARGETS.get(labels, {}).items():
        value = figures[name]["value"]
        if value < aim if name in HIGHER else value > aim:
            found[name] = [round(value, 3), aim]
    return found


def main() -> None:
    """Train and measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--again", action="store_true", help="measure again")
    given = parser.parse_args()
    result: dict[str, Any] = read_json(RESULT) if RESULT.is_file() else {"rows": {}}
    for name in given.rows:
        row = ROWS[name]
        for seed in given.seeds or row.seeds:
            told = result["rows"].setdefault(name, {"labels": row.labels, "seeds": {}})
            if str(seed) in told["seeds"] and not given.again:
                continue
            folder = RUNS / f"{name}-seed-{seed}"
            command, seconds = trained(row, folder, seed)
            report = assess(folder, Config(requests=given.requests))
            told["seeds"][str(seed)] = {
                "command": command,
                "training seconds": round(seconds),
                "load": load(),
                "report": report,
                "missed": missed(report["figures"], row.labels),
            }
            write_json(RESULT, result | {"machine": machine()})
            print(name, seed, told["seeds"][str(seed)]["missed"], flush=True)


if __name__ == "__main__":
    main()
