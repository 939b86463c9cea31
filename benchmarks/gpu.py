"""How quick fleets are on a GPU: seeds trained at once against one by one, and the card's limits.

``python benchmarks/gpu.py`` takes less than eight minutes on a GPU and writes
benchmarks/results/gpu.json. ``--quick`` runs the same code on any device in a minute, and writes
nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _common import write

from unbraid import methods
from unbraid.core import hardware
from unbraid.datasets import Dataset
from unbraid.training import Fleet, Loop, Progress, Recorder, TrainingConfig, new_model

CASES = [("beta-vae", "mlp", 28, 1), ("beta-vae", "conv", 32, 1), ("beta-tcvae", "conv", 64, 3)]
FLEETS = [16, 64]
STEPS, WARM = 150, 50  # steps timed, and steps before them


class Clock(Recorder):
    """Notes when each step's terms were read."""

    def __init__(self) -> None:
        self.times: dict[int, float] = {}
        self.terms: dict[int, dict[str, float]] = {}

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Note the time and the terms of a step."""
        step = len(self.times) + 1
        self.times[step], self.terms[step] = time.perf_counter(), terms


def loops(case: tuple[str, str, int, int], data: Dataset, seeds: range, steps: int) -> list[Loop]:
    """Return trainings that differ in their seed, images held once."""
    name, net, _, _ = case
    method = methods.configure(name, net=net)
    found: list[Loop] = []
    for seed in seeds:
        config = TrainingConfig(steps=steps, batch_size=64, seed=seed, precision="f32")
        held = found[0].batches if found else None
        found.append(Loop(new_model(method, data, seed), data, config, Clock(), held))
    return found


def rate(trained: list[Loop], run: Callable[[], Any], steps: int, warm: int) -> float:
    """Return images a second of all trainings together, after the steps that warm up."""
    run()
    times = trained[0].recorder.times  # type: ignore[attr-defined]
    return len(trained) * 64 * (steps - warm) / (times[steps] - times[warm])


def limits(device: torch.device, size: int, repeats: int) -> dict[str, float]:
    """Return the teraflops of a large product and the gigabytes a second of a copy."""
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    found = {}
    for name, call, amount in (
        ("teraflops f32", lambda: a @ b, 2 * size**3 / 1e12),
        ("gigabytes a second", lambda: a.copy_(b), 2 * a.nbytes / 1e9),
    ):
        call()
        wait(device)
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        wait(device)
        found[name] = amount * repeats / (time.perf_counter() - start)
    return found


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measured(case: tuple[str, str, int, int], fleets: list[int], steps: int, warm: int) -> Any:
    """Return the figures of a case: one training alone, and fleets of several sizes."""
    name, net, size, channels = case
    images = np.random.default_rng(0).integers(0, 256, (20_000, channels, size, size), np.uint8)
    data = Dataset("noise", images, None, ())
    alone = loops(case, data, range(1), steps)
    row: dict[str, Any] = {"method": name, "net": net, "shape": [channels, size, size]}
    row["one"] = rate(alone, alone[0].run, steps, warm)
    for count in fleets:
        members = loops(case, data, range(count), steps)
        row[f"fleet of {count}"] = rate(members, Fleet(members).run, steps, warm)
        row[f"gain of {count}"] = row[f"fleet of {count}"] / row["one"]
        first, other = alone[0].recorder.terms, members[0].recorder.terms  # type: ignore[attr-defined]
        row[f"difference of {count}"] = {
            str(step): abs(other[step]["loss"] / first[step]["loss"] - 1) for step in (1, 10, steps)
        }
    return row


def main() -> None:
    """Measure all cases and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, and nothing is written")
    quick = parser.parse_args().quick
    device = hardware.device("auto")
    steps, warm = (12, 2) if quick else (STEPS + WARM, WARM)
    fleets = [2] if quick else FLEETS
    cases = [measured(case, fleets, steps, warm) for case in CASES[: 1 if quick else None]]
    limit = limits(device, 512 if quick else 8192, 3 if quick else 20)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    result = {"card": card, "batch": 64, "cases": cases, "limits": limit}
    print(result)
    if not quick:
        write("gpu", result)


if __name__ == "__main__":
    main()
