"""How quick training is on a GPU: a step recorded once, fleets of seeds, and the card's limits.

``python benchmarks/gpu.py`` takes a few minutes on a GPU and writes benchmarks/results/gpu.json.
``--quick`` runs the same code on any device in a minute, and writes nothing. Each case is trained
one kernel at a time (``eager``), with the step recorded (``captured``), as fleets of 16 and 64
seeds, and, for comparison, by a plain loop and by pythae where it is installed: the peer that
benchmarks/train_speed.py found the fastest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _common import write
from _contenders import Case, Train, bare, pythae

from unbraid import methods
from unbraid.core import hardware
from unbraid.datasets import Dataset
from unbraid.training import Fleet, Loop, Progress, Recorder, TrainingConfig, new_model

CASES = [
    Case("beta-vae", "mlp", 28, 64),
    Case("beta-vae", "conv", 32, 64),
    Case("beta-tcvae", "conv", 64, 64),
]
FLEETS = [16, 64]
STEPS, WARM = 200, 50  # steps in all, and those before the timed ones
IMAGES = 64 * STEPS  # an epoch of the plain loop and of pythae
AT = (1, 10, 100)  # steps whose losses are compared


class Clock(Recorder):
    """Notes when each step's terms were read, and the loss."""

    def __init__(self) -> None:
        self.times: dict[int, float] = {}
        self.losses: dict[int, float] = {}

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Note the time and the loss of a step."""
        step = len(self.times) + 1
        self.times[step], self.losses[step] = time.perf_counter(), terms["loss"]


def loops(case: Case, data: Dataset, seeds: int, steps: int, **options: Any) -> list[Loop]:
    """Return trainings that differ in their seed, images held once."""
    method = methods.configure(case.method, net=case.net, beta=4.0)
    found: list[Loop] = []
    for seed in range(seeds):
        config = TrainingConfig(
            **{"precision": "f32", **options}, steps=steps, batch_size=case.batch, seed=seed
        )
        held = found[0].batches if found else None
        found.append(Loop(new_model(method, data, seed), data, config, Clock(), held))
    return found


def rate(trained: list[Loop], run: Callable[[], Any], steps: int, warm: int) -> float:
    """Return images a second of all trainings together, after the steps that warm up."""
    run()
    times = trained[0].recorder.times  # type: ignore[attr-defined]
    return round(len(trained) * 64 * (steps - warm) / (times[steps] - times[warm]))


def differences(one: Loop, other: Loop) -> dict[str, float]:
    """Return how far the losses of two trainings are apart, relative to them, at some steps."""
    first, second = (each.recorder.losses for each in (one, other))  # type: ignore[attr-defined]
    return {str(step): abs(second[step] / first[step] - 1) for step in AT if step in first}


def measured(case: Case, fleets: list[int], steps: int, warm: int) -> dict[str, Any]:
    """Return the figures of a case: one training alone, and fleets of several sizes."""
    images = np.random.default_rng(0).integers(0, 256, (20_000, *case.shape), np.uint8)
    data = Dataset("noise", images, None, ())
    row: dict[str, Any] = {"method": case.method, "net": case.net, "size": case.size}
    alone = {}
    for name, options in (
        ("eager", {"capture": False}),
        ("captured", {}),
        ("eager bf16", {"capture": False, "precision": "bf16"}),
        ("captured bf16", {"precision": "bf16"}),
    ):
        (loop,) = alone[name] = loops(case, data, 1, steps, **options)
        row[name] = rate([loop], loop.run, steps, warm)
    row["captured: difference"] = differences(alone["eager"][0], alone["captured"][0])
    row["not captured"] = alone["captured"][0].device.type == "cuda" and (
        alone["captured"][0].captured is None
    )
    again = loops(case, data, 1, steps)
    rate(again, again[0].run, steps, warm)
    row["captured again: difference"] = differences(alone["captured"][0], again[0])
    for count in fleets:
        members = loops(case, data, count, steps)
        row[f"fleet of {count}"] = rate(members, Fleet(members).run, steps, warm)
        row[f"fleet of {count}: difference"] = differences(alone["eager"][0], members[0])
    return row


def peers(case: Case, images: int) -> dict[str, Any]:
    """Return the images a second of a plain loop and of pythae on the same device."""
    device = hardware.device("auto").type
    pixels = np.random.default_rng(0).integers(0, 256, (images, *case.shape), np.uint8)
    found: dict[str, Any] = {}
    for name, make in (("plain loop", bare), ("pythae", pythae)):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                train: Train = make(case, pixels, device=device)
                train()
                ends = train()
        except ImportError as error:
            found[f"{name}: missing"] = str(error)
            continue
        found[name] = round(case.batch * (len(ends) - 2) / (ends[-1] - ends[1]))
    return found


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
        found[name] = round(amount * repeats / (time.perf_counter() - start), 1)
    return found


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Measure all cases and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, and nothing is written")
    quick = parser.parse_args().quick
    device = hardware.device("auto")
    steps, warm = (12, 2) if quick else (STEPS, WARM)
    fleets = [2] if quick else FLEETS
    cases = []
    for case in CASES[: 1 if quick else None]:
        begun = time.perf_counter()
        cases.append(measured(case, fleets, steps, warm) | peers(case, 64 * steps))
        print(cases[-1], f"{time.perf_counter() - begun:.0f} s", flush=True)
    limit = limits(device, 512 if quick else 8192, 3 if quick else 20)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    print(limit)
    if not quick:
        write("gpu", {"card": card, "batch": 64, "steps": steps, "cases": cases, "limits": limit})


if __name__ == "__main__":
    main()
