"""How fast digits are drawn, how exact their strokes are, and which digits a half turn keeps.

Writes benchmarks/results/render_speed.json; run as ``python benchmarks/render_speed.py``.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from _common import load, write

from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset, prepare_glyphs, sample_factors
from unbraid.datasets.digits import Config, Renderer, factor_specs

COUNT = 16_384
REPEATS = 5


def speed(canvas: int, threads: int) -> dict[str, float]:
    """Draw default factors: the best of some repeats, by the clock and by the processor's time."""
    renderer = Renderer("test", canvas)
    factors = sample_factors(factor_specs(Config()), COUNT, [0])
    style = renderer.choose(factors)
    parts = np.array_split(np.arange(COUNT), threads)
    seconds, busy = [], []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS):
            start, start_busy = time.perf_counter(), time.process_time()
            list(pool.map(lambda rows: renderer.draw(factors[rows], style[rows]), parts))
            seconds.append(time.perf_counter() - start)
            busy.append(time.process_time() - start_busy)
    return {
        "canvas": canvas,
        "threads": threads,
        "images_per_second": round(COUNT / min(seconds)),
        "images_per_core_second": round(COUNT / min(busy)),
    }


def thickness(canvas: int, asked: float, size: float) -> dict[str, float]:
    """Measure the width of plain ones: the median row of ink."""
    fixed = {"digits": (1,), "angle": (0, 0), "thickness": (asked, asked), "size": (size, size)}
    data = load_dataset("digits", split="test", n=1000, canvas=canvas, stream=True, **fixed)
    rows = np.sort(data.images[:][:, 0].sum(axis=2) / 255 * 64 / canvas, axis=1)
    widths = [np.median(row[row > asked / 2]) for row in rows]
    return {
        "canvas": canvas,
        "size": size,
        "asked": asked,
        "measured": round(float(np.median(widths)), 3),
    }


def half_turn() -> list[float]:
    """Return by digit how much of the ink a half turn puts on itself (intersection over union)."""
    renderer = Renderer("test")
    each = 500
    factors = np.zeros((10 * each, 6))
    factors[:, 0] = np.repeat(np.arange(10), each)
    factors[:, [1, 5]] = 40, 4
    images = renderer.draw(factors, renderer.choose(factors)).astype(float)
    turned = images[:, :, ::-1, ::-1]
    both = np.minimum(images, turned).sum((1, 2, 3)) / np.maximum(images, turned).sum((1, 2, 3))
    return [round(float(mean), 2) for mean in both.reshape(10, each).mean(axis=1)]


def preparation() -> float:
    """Return the seconds one core takes for 70,000 glyphs, from 5,000 of them."""
    written = load_dataset("mnist", split="test").images
    images = written[some_rows(len(written), 5000)][:, 0]
    start = time.process_time()
    for rows in np.array_split(np.arange(len(images)), 10):
        prepare_glyphs(images[rows])
    return round((time.process_time() - start) * 70_000 / len(images), 1)


def main() -> None:
    result = {
        "load_before": load(),
        "seed": 0,
        "speed": [speed(canvas, threads) for canvas in (32, 64, 128) for threads in (1, 2)],
        "preparation_core_seconds": preparation(),
        "thickness": [
            thickness(canvas, asked, size)
            for canvas in (32, 64, 128)
            for size in (24, 40)
            for asked in (2.0, 3.5, 5.5)
        ],
        "half_turn_overlap": half_turn(),
    }
    write("render_speed", result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
