"""Two trainings of one thread each beside each other, against one of two threads after another.

``python benchmarks/side_by_side.py`` trains models of the tour both ways, for a few epochs, and
writes benchmarks/results/side_by_side.json: the images a second of both trainings together. The
tour trains as this comes out.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import load, write

from unbraid.tour import Config
from unbraid.tour.plan import PLAIN, Job, plan

# a training of each kind that the tour has, and epochs that take some seconds
KINDS = {"vae-2d-0": 3, "beta-vae-b4-0": 3, "beta-tcvae-b4-0": 3, "infogan-0": 1, f"{PLAIN}-0": 1}
TURNS = 3


def start(job: Job, threads: int, seed: int, out: Path) -> subprocess.Popen[bytes]:
    """Start a training as the tour's, but for its threads and seed."""
    words = shlex.split(job.command)
    options = ["--threads", str(threads), "--seed", str(seed), "--out", str(out)]
    script = Path(sys.executable).with_name("unbraid")
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [str(script), *words[1:], *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def speed(out: Path) -> float:
    """Return a finished training's images a second."""
    found = json.loads((out / "result.json").read_text(encoding="utf-8"))
    return float(found["training"]["images_per_second"])


def together(job: Job) -> float:
    """Return the images a second of two trainings of one thread, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        outs = [Path(folder) / str(seed) for seed in range(2)]
        for process in [start(job, 1, seed, out) for seed, out in enumerate(outs)]:
            if process.wait():
                raise SystemExit(f"{job.name} failed")
        return sum(map(speed, outs))


def alone(job: Job) -> float:
    """Return the images a second of one training of two threads."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "0"
        if start(job, 2, 0, out).wait():
            raise SystemExit(f"{job.name} failed")
        return speed(out)


def main() -> None:
    """Train both ways, in turns."""
    before = load()
    jobs = plan(Config())
    found: dict[str, Any] = {}
    for name, epochs in KINDS.items():
        job = jobs[name]
        training = dataclasses.replace(job.config.training, epochs=epochs)
        job = dataclasses.replace(job, config=dataclasses.replace(job.config, training=training))
        pairs = [(together(job), alone(job)) for _ in range(TURNS)]
        ratios = [one / other for one, other in pairs]
        found[name.removesuffix("-0")] = {
            "side by side": round(max(one for one, _ in pairs)),
            "one of two threads": round(max(other for _, other in pairs)),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }
        print(name, found[name.removesuffix("-0")], file=sys.stderr)
    write("side_by_side", {"load_before": before, "turns": TURNS, "speed": found})


if __name__ == "__main__":
    main()
