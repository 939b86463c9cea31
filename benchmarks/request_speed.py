"""How long a request takes: from the command line, and again once the model is loaded.

Writes benchmarks/results/request_speed.json; run as ``python benchmarks/request_speed.py``, or with
the folder of a run to ask another model than the one that comes with the package.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _common import load, write

import unbraid
from unbraid.control import parse
from unbraid.control.api import controller_of

TEXT = "small seven in the top rotated 30 degrees"
COLD, WARM = 5, 50  # repeats
OPTIONS: dict[str, dict[str, Any]] = {
    "16 images": {},
    "1 image": {"n": 1},
    "16 images, as they come": {"correct": False},
    "16 images, 4 candidates": {"candidates": 4},
}


def cold(model: str | None) -> dict[str, float]:
    """Run the command in a new process: the best of some repeats."""
    seconds, busy = [], []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "unbraid", "generate", TEXT]
        command += ["--out", str(Path(folder) / "sheet.png")]
        command += ["--model", model] if model else []
        for _ in range(COLD):
            before, start = spent(), time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
            busy.append(spent() - before)
    return {"seconds": round(min(seconds), 2), "core_seconds": round(min(busy), 2)}


def spent() -> float:
    """Return the processor time of all processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def warm(ask: Callable[[int], Any]) -> dict[str, float]:
    """Ask with seeds 0, 1, ...: milliseconds by the clock and of the processor."""
    seconds, busy = [], []
    ask(0)
    for seed in range(WARM):
        start, start_busy = time.perf_counter(), time.process_time()
        ask(seed)
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - start_busy)
    found = {"best": min(seconds), "median": statistics.median(seconds), "core": min(busy)}
    return {name: round(1000 * value, 2) for name, value in found.items()}


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else None
    controller = controller_of(model)
    image = unbraid.generate("three", model=controller, n=1)
    requests = {
        name: warm(lambda seed, o=options: unbraid.generate(TEXT, model=controller, seed=seed, **o))
        for name, options in OPTIONS.items()
    }
    requests["an edit of 1 image"] = warm(
        lambda _: unbraid.edit(image, "bigger, in the bottom left", model=controller)
    )
    requests["the words alone"] = warm(lambda _: parse(TEXT, controller.specs))
    result = {
        "load_before": load(),
        "request": TEXT,
        "image_shape": list(np.shape(image)[1:]),
        "repeats": WARM,
        "cold": cold(model),
        "milliseconds": requests,
    }
    write("request_speed", result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
