"""How fast dSprites and 3D Shapes are drawn on one thread, and how long their views take once.

Writes benchmarks/results/drawn_speed.json; run as ``python benchmarks/drawn_speed.py``. Images are
of random rows, in batches of a training; the cache starts empty.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

import numpy as np
from _common import load, write

from unbraid.datasets import load_dataset

SETS = ("dsprites", "shapes3d")
SIZES = (32, 64)
BATCH, BATCHES, ROUNDS = 64, 64, 5
AIM = {"shapes3d": 2000}  # images a second


def rate(name: str, size: int) -> dict[str, Any]:
    """Return images a second of the processor's time: the best of some rounds and the median."""
    images = load_dataset(name, size=size, original=False).images
    start = time.process_time()
    images[np.arange(BATCH)]  # what is kept for later is made now
    first = time.process_time() - start
    rows = np.random.default_rng(0).integers(len(images), size=(ROUNDS, BATCHES, BATCH))
    rates = []
    for each in rows:
        start = time.process_time()
        for batch in each:
            images[batch]
        rates.append(BATCHES * BATCH / (time.process_time() - start))
    return {
        "data": name,
        "size": size,
        "first_batch_seconds": round(first, 2),
        "images_per_second": round(max(rates)),
        "median": round(float(np.median(rates))),
        "aim": AIM.get(name),
    }


def main() -> None:
    """Measure each set at each size."""
    before = load()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UNBRAID_CACHE"] = cache
        rows = [rate(name, size) for name in SETS for size in SIZES]
    write("drawn_speed", {"load_before": before, "batch": BATCH, "rounds": ROUNDS, "rows": rows})
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
