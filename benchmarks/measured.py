"""Factors measured from images: how far from what was drawn and from skeletons, and how quickly.

Writes benchmarks/results/measured.json; run as ``python benchmarks/measured.py``. Where
scikit-image is installed, thickness, length and slant of real digits are measured a second time as
Morpho-MNIST does: on a skeleton of the image enlarged four times.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import importlib.util
import time
from typing import Any

import numpy as np
from _common import load, write
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from unbraid.core.subsets import some_rows
from unbraid.datasets import load_dataset, measure, measured_factors

IMAGES, SKELETONS, ROUNDS = 4000, 1500, 5
CANVASES = (28, 32, 64)


def against_renderer(canvas: int) -> dict[str, dict[str, float]]:
    """Return mean error and mean absolute error of each measure, lengths in canvas pixels."""
    data = load_dataset("digits", split="test", n=IMAGES, canvas=canvas, stream=True)
    scale = canvas / 64
    found = measure(data.images[:])
    values = {each.name: each.values for each in measured_factors(found, plain=True, lines=True)}
    errors = {name: values[name] - data.factor(name) * scale for name in ("x", "y", "thickness")}
    errors["size_percent"] = 100 * (values["size"] / (data.factor("size") * scale) - 1)
    ones = data.factor("digit") == 1  # of other digits nobody knows the slant before they turn
    errors["slant_of_ones"] = values["slant"][ones] - data.factor("angle")[ones]
    return {
        name: {"mean": round(float(e.mean()), 3), "absolute": round(float(abs(e).mean()), 3)}
        for name, e in errors.items()
    }


def skeleton(image: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return thickness, length and slant of a digit (28, 28) as Morpho-MNIST measures them."""
    from skimage.morphology import skeletonize
    from skimage.transform import pyramid_expand

    shape = pyramid_expand(image / 255.0, upscale=4, order=3) >= 0.5
    if not shape.any():
        return np.nan, np.nan, np.nan
    line = skeletonize(shape)
    thickness = 2 * distance_transform_edt(shape)[line].mean() / 4
    p = np.pad(line, 1)
    straight = (p[1:-1, 1:] & p[1:-1, :-1]).sum() + (p[1:, 1:-1] & p[:-1, 1:-1]).sum()
    # a diagonal step counts unless two straight ones go round the same corner
    down = p[:-1, :-1] & p[1:, 1:] & ~p[1:, :-1] & ~p[:-1, 1:]
    up = p[1:, :-1] & p[:-1, 1:] & ~p[:-1, :-1] & ~p[1:, 1:]
    length = (straight + (down.sum() + up.sum()) * np.sqrt(2)) / 4
    rows, columns = np.indices(image.shape) - np.array([13.5, 13.5])[:, None, None]
    weight = image / image.sum()
    x, y = columns - (weight * columns).sum(), (weight * rows).sum() - rows
    slant = np.degrees(np.arctan2(-(weight * x * y).sum(), (weight * y * y).sum()))
    return thickness, length, slant


def against_skeletons() -> dict[str, Any]:
    """Return how measures of real digits agree with those on a skeleton."""
    data = load_dataset("mnist", split="test")
    rows = np.random.default_rng(0).choice(len(data), SKELETONS, replace=False)
    images = data.images[rows]
    ours = measure(images)
    start = time.process_time()
    theirs = np.array([skeleton(image[0]) for image in images]).T
    rate = SKELETONS / (time.process_time() - start)
    pairs = zip(("thickness", "length", "slant"), theirs, strict=True)
    return {
        "images_per_second": round(rate),
        "agreement": {
            name: {
                "correlation": round(float(np.corrcoef(getattr(ours, name), other)[0, 1]), 4),
                "mean": round(float((getattr(ours, name) - other).mean()), 3),
                "absolute": round(float(abs(getattr(ours, name) - other).mean()), 3),
                "spread": round(float(other.std()), 3),
            }
            for name, other in pairs
        },
    }


def speed(canvas: int) -> dict[str, int]:
    """Return images measured a second on one core: by its own time, the best of some rounds."""
    images = load_dataset("digits", split="test", n=2000, canvas=canvas, stream=True).images[:]
    measure(images[some_rows(len(images), 500)])
    rates = []
    for _ in range(ROUNDS):
        start = time.process_time()
        measure(images)
        rates.append(len(images) / (time.process_time() - start))
    return {"best": round(max(rates)), "lowest": round(min(rates))}


def main() -> None:
    before = load()
    result: dict[str, Any] = {
        "load_before": before,
        "images": IMAGES,
        "skeletons": SKELETONS,
        "renderer": {str(canvas): against_renderer(canvas) for canvas in CANVASES},
        "speed": {str(canvas): speed(canvas) for canvas in CANVASES},
    }
    if importlib.util.find_spec("skimage"):
        result["skeleton"] = against_skeletons()
    for name, part in result.items():
        print(name, part)
    write("measured", result)


if __name__ == "__main__":
    main()
