"""How quick training is on a GPU: a step recorded once, fleets of seeds, and the card's limits.

``python benchmarks/gpu.py`` takes a few minutes on a GPU and writes benchmarks/results/gpu.json.
``--quick`` runs the same code on any device in a minute, and writes nothing. Each case is trained
one kernel at a time (``eager``), with the step recorded (``captured``), as fleets of seeds, and,
for comparison, by a plain loop and by pythae where it is installed: the peer that
benchmarks/train_speed.py found the fastest. One case is also trained by 16 processes at once, which
share the GPU as its settings have it (``CUDA_MPS_PIPE_DIRECTORY`` set: the processes' kernels run
side by side).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
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
FLEETS = [[16, 64], [16, 64], [16]]
SIDE_BY_SIDE = 1  # the case that processes train at once
PROCESSES = 16
STEPS, WARM = 150, 50  # steps in all, and those before the timed ones
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


def loops(
    case: Case, data: Dataset, seeds: int, steps: int, first: int = 0, **options: Any
) -> list[Loop]:
    """Return trainings that differ in their seed, images held once."""
    method = methods.configure(case.method, net=case.net, beta=4.0)
    found: list[Loop] = []
    for seed in range(first, first + seeds):
        config = TrainingConfig(
            **{"precision": "f32", "validation": 0.0, **options},
            steps=steps,
            batch_size=case.batch,
            seed=seed,
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
        ("captured bf16", {"precision": "bf16"}),
    ):
        (loop,) = alone[name] = loops(case, data, 1, steps, **options)
        row[name] = rate([loop], loop.run, steps, warm)
    row["captured: difference"] = differences(alone["eager"][0], alone["captured"][0])
    row["not captured"] = alone["captured"][0].refused
    again = loops(case, data, 1, steps)
    rate(again, again[0].run, steps, warm)
    row["captured again: difference"] = differences(alone["captured"][0], again[0])
    members = loops(case, data, fleets[0], steps, precision="bf16")
    row[f"fleet of {fleets[0]} bf16"] = rate(members, Fleet(members).run, steps, warm)
    for count in fleets:
        members = loops(case, data, count, steps)
        row[f"fleet of {count}"] = rate(members, Fleet(members).run, steps, warm)
        apart = [differences(alone["eager"][0], members[0])]
        for seed in {1, count - 1}:  # others, too: the first might be mixed up with none
            (single,) = loops(case, data, 1, steps, seed, capture=False)
            single.run()
            apart.append(differences(single, members[seed]))
        row[f"fleet of {count}: difference"] = {
            step: max(each[step] for each in apart) for step in apart[0]
        }
    return row


def peers(case: Case, images: int) -> dict[str, Any]:
    """Return the images a second of a plain loop and of pythae on the same device."""
    device = hardware.device("auto").type
    pixels = np.random.default_rng(0).integers(0, 256, (images, *case.shape), np.uint8)
    found: dict[str, Any] = {}
    for name, make in (("plain loop", bare), ("pythae", pythae)):
        try:
            quiet = io.StringIO()
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                train: Train = make(case, pixels, device=device)
                train()
                ends = train()
        except ImportError as error:
            found[f"{name}: missing"] = str(error)
            continue
        found[name] = round(case.batch * (len(ends) - 2) / (ends[-1] - ends[1]))
    return found


class Together(Clock):
    """Waits for the other processes once it is warm."""

    def __init__(self, barrier: Any, warm: int) -> None:
        super().__init__()
        self.barrier, self.warm = barrier, warm

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Note the step."""
        super().step(progress, terms, images_per_second)
        if len(self.times) == self.warm:
            self.barrier.wait(120)
            self.times[self.warm] = time.perf_counter()


def one_of_many(case: Case, barrier: Any, steps: int, warm: int, found: Any) -> None:
    """Train in a process of its own, and put the images a second into a queue."""
    torch.set_num_threads(1)
    images = np.random.default_rng(0).integers(0, 256, (20_000, *case.shape), np.uint8)
    (loop,) = loops(case, Dataset("noise", images, None, ()), 1, steps, precision="auto")
    loop.recorder = Together(barrier, warm)
    found.put(rate([loop], loop.run, steps, warm))


def side_by_side(case: Case, processes: int, steps: int, warm: int) -> dict[str, Any]:
    """Return the images a second of processes that train at once, together."""
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(processes), context.Queue()
    arguments = (case, barrier, steps, warm, found)
    started = [context.Process(target=one_of_many, args=arguments) for _ in range(processes)]
    for process in started:
        process.start()
    rates = [found.get(timeout=180) for _ in started]
    for process in started:
        process.join()
    shared = "CUDA_MPS_PIPE_DIRECTORY" in os.environ
    return {"processes": processes, "together": sum(rates), "multi-process service": shared}


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
    cases = []
    for case, fleets in zip(CASES, [[2]] if quick else FLEETS, strict=not quick):
        begun = time.perf_counter()
        cases.append(measured(case, fleets, steps, warm) | peers(case, 64 * steps))
        print(cases[-1], f"{time.perf_counter() - begun:.0f} s", flush=True)
    limit = limits(device, 512 if quick else 8192, 3 if quick else 20)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    many = (2, steps, warm) if quick else (PROCESSES, 20 * STEPS, WARM)
    together = side_by_side(CASES[0 if quick else SIDE_BY_SIDE], *many)
    print(limit, together)
    if not quick:
        found = {"cases": cases, "side by side": together, "limits": limit}
        write("gpu", {"card": card, "batch": 64, "steps": steps, **found})


if __name__ == "__main__":
    main()
