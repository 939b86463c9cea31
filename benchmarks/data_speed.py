"""Training speed by data set: drawn digits and sprites against an array already in memory.

    python benchmarks/data_speed.py

One beta-TCVAE, one network, one batch size at 64 by 64 and at 32 by 32; only where the images come
from differs. Rounds are interleaved, so that a busy moment hits every contender alike. Writes
benchmarks/results/data_speed.json.
"""

from __future__ import annotations

import statistics
from itertools import islice

import numpy as np
from _common import load, write

from unbraid import configure, load_dataset
from unbraid.datasets import Dataset
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

STEPS, ROUNDS = 40, 5


def contenders() -> dict[str, Dataset]:
    rng = np.random.default_rng(0)
    arrays = {
        f"array {size}x{size}": Dataset(
            "array", rng.integers(0, 256, (20_000, 1, size, size), dtype=np.uint8)
        )
        for size in (32, 64)
    }
    return {
        "array 32x32": arrays["array 32x32"],
        "digits 32x32": load_dataset("digits", canvas=32),
        "array 64x64": arrays["array 64x64"],
        "digits 64x64": load_dataset("digits"),
        "digits 64x64, drawn live": load_dataset("digits", stream=True),
        "dsprites 64x64": load_dataset("dsprites", original=False),
    }


def loops() -> dict[str, Loop]:
    config, training = configure("beta-tcvae"), TrainingConfig(batch_size=64, validation=0.0)
    return {
        name: Loop(new_model(config, data, 0), data, training, Recorder())
        for name, data in contenders().items()
    }


def measure(loop: Loop) -> float:
    """Return images a second over some steps; taking the batch is part of a step."""
    before = loop.progress.seconds
    for rows in islice(loop.epoch_batches(), STEPS):
        loop.step(rows)
    return STEPS * loop.config.batch_size / (loop.progress.seconds - before)


def main() -> None:
    before = load()
    found: dict[str, list[float]] = {}
    running = loops()
    for loop in running.values():
        measure(loop)  # the first steps warm up
    for _ in range(ROUNDS):
        for name, loop in running.items():
            found.setdefault(name, []).append(measure(loop))
    speeds = {
        name: {
            "images_per_second": round(statistics.median(values)),
            "lowest": round(min(values)),
            "highest": round(max(values)),
        }
        for name, values in found.items()
    }
    for name, speed in speeds.items():
        print(f"{name:28}{speed['images_per_second']:>8,} images/s")
    write(
        "data_speed",
        {
            "method": "beta-tcvae",
            "net": "conv",
            "batch": 64,
            "steps": STEPS,
            "rounds": ROUNDS,
            "seed": 0,
            "load_before": before,
            "speed": speeds,
        },
    )


if __name__ == "__main__":
    main()
