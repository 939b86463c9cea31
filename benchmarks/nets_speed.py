"""Time of a training step by network: each kind that ``--net`` takes, at 28 and at 64 pixels.

    python benchmarks/nets_speed.py

One VAE, batches of 64, one thread, images of one channel in memory. Times are the process's own on
a core, so that other load on the machine counts little; rounds are interleaved, and the best is
taken. Writes benchmarks/results/nets_speed.json.
"""

from __future__ import annotations

import time
from itertools import islice

import numpy as np
import torch
from _common import load, write

from unbraid import configure
from unbraid.core import hardware
from unbraid.datasets import Dataset
from unbraid.nn import nets
from unbraid.training import Loop, Recorder, TrainingConfig, new_model

STEPS, ROUNDS, BATCH = 4, 4, 64
SIZES = (28, 64)


def loop_of(net: nets.Net, size: int) -> Loop:
    rng = np.random.default_rng(0)
    data = Dataset("array", rng.integers(0, 256, (2000, 1, size, size), dtype=np.uint8))
    training = TrainingConfig(batch_size=BATCH, validation=0.0)
    return Loop(new_model(configure("vae", net=net), data, 0), data, training, Recorder())


def milliseconds(loop: Loop) -> float:
    """Return those of a step, of the process's own time."""
    start = time.process_time()
    for rows in islice(loop.epoch_batches(), STEPS):
        loop.step(rows)
    return (time.process_time() - start) / STEPS * 1000


def main() -> None:
    before = load()
    torch.set_num_threads(1)
    loops = {(net, size): loop_of(net, size) for net in nets.KINDS for size in SIZES}
    times = {case: [milliseconds(loop) for _ in range(2)][1:] for case, loop in loops.items()}
    for _ in range(ROUNDS - 1):
        for case, loop in loops.items():
            times[case].append(milliseconds(loop))
    found = {
        net: {
            "parameters": {str(s): hardware.parameters(loops[net, s].model) for s in SIZES},
            "milliseconds": {str(s): round(min(times[net, s]), 2) for s in SIZES},
        }
        for net in nets.KINDS
    }
    for net, told in found.items():
        print(f"{net:10} {told}")
    write("nets_speed", {"load_before": before, "batch": BATCH, "steps": STEPS, "nets": found})


if __name__ == "__main__":
    main()
