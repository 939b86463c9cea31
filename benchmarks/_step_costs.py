"""What a training step costs: time and floating-point operations."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from unbraid.core.files import read_json
from unbraid.core.subsets import some_rows
from unbraid.training import Loop

TIMED = 12  # steps of each method, in turns
TIMES, OPERATIONS = "milliseconds a step", "billion operations a step"
Costs = dict[str, dict[str, dict[str, float]]]  # by TIMES or OPERATIONS, data set and method


def step_costs(loops: dict[str, Loop]) -> tuple[dict[str, float], dict[str, float]]:
    """Return what a step of each training costs, by name, on one thread.

    Returns:
        The milliseconds of one core, the best of several steps, and the operations of products and
        convolutions in billions, of any precision.
    """
    torch.set_num_threads(1)
    best = dict.fromkeys(loops, np.inf)
    rows = {
        name: loop.rows[torch.from_numpy(some_rows(len(loop.rows), loop.config.batch_size))]
        for name, loop in loops.items()
    }
    for _ in range(TIMED):
        for name, loop in loops.items():
            start = time.process_time()
            loop.step(rows[name])
            best[name] = min(best[name], 1000 * (time.process_time() - start))
    operations = {}
    for name, loop in loops.items():
        with FlopCounterMode(display=False) as counter:
            loop.step(rows[name])
        operations[name] = round(counter.get_total_flops() / 1e9, 3)
    return {name: round(value, 2) for name, value in best.items()}, operations


def merged(measured: Costs, path: Path) -> Costs:
    """Return costs with those that a result holds already, where they are not measured anew."""
    stored = read_json(path) if path.is_file() else {}
    costs: Costs = {name: stored.get(name, {}) for name in (TIMES, OPERATIONS)}
    for name, by_data in measured.items():
        for data, values in by_data.items():
            costs[name][data] = costs[name].get(data, {}) | values
    return costs
