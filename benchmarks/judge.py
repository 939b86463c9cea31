"""Train the judge of generated digits and measure how well it reads.

``python benchmarks/judge.py`` trains it on renderings of handwriting that nothing else is trained
on, measures it on the test split's, and writes src/unbraid/pretrained/judge and
benchmarks/results/judge.json. About twelve minutes of one core.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _common import CPU, RESULTS, machine

from unbraid.control.assessment.judge import (
    FACTORS,
    FOLDER,
    GLYPHS,
    HALF,
    MIDDLE,
    Judge,
    Net,
    to_input,
)
from unbraid.core import hardware
from unbraid.core.files import write_json
from unbraid.core.store import write_tensors
from unbraid.datasets.digits import Config, Renderer, factor_specs

EPOCH = 20_000  # renderings, none of which comes twice
BATCH = 128
LR, WARM_UP, DECAY = 2e-3, 500, 0.02
# A little wider than the default ranges, so that what lies just outside is read as such.
RANGES = {"size": (23, 41), "x": (-10, 10), "y": (-10, 10), "angle": (-50, 50)}
RANGES |= {"thickness": (1.8, 5.8)}
TESTED = 10_000


def draw_factors(ranges: dict[str, tuple[float, float]], count: int, seed: list[int]) -> np.ndarray:
    """Draw factors (count, 6) uniformly."""
    rng = np.random.default_rng(seed)
    digit = rng.integers(0, 10, count)
    columns = [rng.uniform(*ranges[name], count) for name in FACTORS[1:]]
    factors = np.column_stack([digit, *columns])
    room = 32 - factors[:, 1] / 2 - factors[:, 5] / 2  # a digit that leaves the canvas fits nowhere
    factors[:, 2:4] = factors[:, 2:4].clip(-room[:, None], room[:, None])
    return factors


def epoch(
    renderers: list[Renderer], seed: int, number: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw an epoch: images at 32, a quarter of them averaged down from 64, digits and factors."""
    factors = draw_factors(RANGES, EPOCH, [seed, number, 0])
    style = renderers[0].choose(factors, [seed, number, 1])
    cut = EPOCH // 4
    large = renderers[1].draw(factors[:cut], style[:cut])
    small = renderers[0].draw(factors[cut:], style[cut:])
    images = torch.cat([to_input(large), to_input(small)])
    order = torch.from_numpy(np.random.default_rng([seed, number, 2]).permutation(EPOCH))
    targets = (factors[:, 1:] - MIDDLE) / HALF
    return (
        images[order],
        torch.from_numpy(factors[:, 0]).long()[order],
        torch.from_numpy(targets).float()[order],
    )


def train(seed: int, epochs: int) -> Net:
    """Train the network on fresh renderings each epoch."""
    renderers = [Renderer("train", canvas, GLYPHS) for canvas in (32, 64)]
    torch.manual_seed(seed)
    net = hardware.place(Net(), CPU).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=LR, weight_decay=DECAY, fused=True)
    precision = hardware.precision("auto", CPU)
    steps, step, start = epochs * (EPOCH // BATCH), 0, time.perf_counter()
    for number in range(epochs):
        images, digits, factors = epoch(renderers, seed, number)
        total = torch.zeros(2)
        for rows in torch.arange(EPOCH // BATCH * BATCH).split(BATCH):
            rate = min(1.0, (step + 1) / WARM_UP) * (1 + math.cos(math.pi * step / steps)) / 2
            for group in optimizer.param_groups:
                group["lr"] = LR * rate
            with hardware.autocast(CPU, precision):
                logits, found = net(images[rows].contiguous(memory_format=torch.channels_last))
            of_digit = F.cross_entropy(logits, digits[rows], label_smoothing=0.02)
            of_factors = F.smooth_l1_loss(found, factors[rows], beta=0.02) * len(HALF)
            optimizer.zero_grad()
            (of_digit + 2 * of_factors).backward()
            optimizer.step()
            total += torch.stack([of_digit.detach(), of_factors.detach()])
            step += 1
        of_digit, of_factors = (total / (EPOCH // BATCH)).tolist()
        seconds = time.perf_counter() - start
        print(f"{number + 1:3d} {seconds:5.0f}s {of_digit:.4f} {of_factors:.4f}", flush=True)
    return net.eval()


def errors(judge: Judge, canvas: int, seed: int, split: str = "test") -> dict[str, float]:
    """Measure the judge on renderings whose factors span the default ranges."""
    renderer = Renderer(split, canvas, None if split == "test" else GLYPHS)
    ranges = {s.name: s.range for s in factor_specs(Config()) if s.range}
    factors = draw_factors(ranges, TESTED, [seed, 1_000_000, 0])
    found = judge.read(renderer.draw(factors, renderer.choose(factors, [seed, 1_000_000, 1])))
    miss = np.abs(found - factors)
    half_turn = np.isin(factors[:, 0], (0, 1, 8))  # half a turn there is none
    angle = miss[:, 4]
    angle[half_turn] = np.minimum(angle[half_turn] % 180, 180 - angle[half_turn] % 180)
    return {
        "digit accuracy": float(np.mean(found[:, 0] == factors[:, 0])),
        "angle (degrees)": float(angle.mean()),
        "x (px of 64)": float(miss[:, 2].mean()),
        "y (px of 64)": float(miss[:, 3].mean()),
        "size (%)": float(100 * (miss[:, 1] / factors[:, 1]).mean()),
        "thickness (px of 64)": float(miss[:, 5].mean()),
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=75, help=f"of {EPOCH:,} renderings")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    hardware.keep_freed_memory()
    begun, cpu = time.perf_counter(), time.process_time()
    net = train(given.seed, given.epochs)
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    weights = {name: value.half() for name, value in net.state_dict().items()}
    weights = {name: value for name, value in weights.items() if "num_batches" not in name}
    write_tensors(given.out / "model.safetensors", weights, {"format": "pt"})
    net.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    judge = Judge(net)
    result: dict[str, Any] = {
        "command": f"python benchmarks/judge.py --seed {given.seed} --epochs {given.epochs}",
        "seed": given.seed,
        "renderings": given.epochs * EPOCH,
        "trained on": f"handwriting {GLYPHS[0]:,} to {GLYPHS[1]:,} of MNIST's train split",
        "parameters": sum(p.numel() for p in net.parameters()),
        "seconds": round(seconds),
        "cpu seconds": round(cpu_seconds),
        "errors": {
            "test split, 32 pixels": errors(judge, 32, given.seed),
            "test split, 64 pixels": errors(judge, 64, given.seed),
            "its own handwriting, 32 pixels": errors(judge, 32, given.seed, "train"),
        },
        "images": TESTED,
        "machine": machine(),
    }
    write_json(given.out / "result.json", result)
    if given.out == FOLDER:
        write_json(RESULTS / "judge.json", result)
    print(result["errors"])


if __name__ == "__main__":
    main()
