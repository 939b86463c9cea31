"""Codes of newly drawn factors, as published protocols need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.metrics import Encoder

Floats = NDArray[np.float64]
Encode = Callable[[NDArray[np.uint8]], Floats]

AT_ONCE = 5000  # images rendered at once: tens of megabytes


def can_draw(data: Dataset) -> bool:
    """Whether a data set can render images of any factors.

    >>> from unbraid import load_dataset
    >>> can_draw(load_dataset("mnist", split="test")), can_draw(load_dataset("dsprites"))
    (False, True)
    """
    if data.factors is None:
        return False
    return data.draw(np.asarray(data.factors[:1]), np.random.default_rng(0)) is not None


def draw_factors(specs: tuple[FactorSpec, ...], count: int, rng: np.random.Generator) -> Floats:
    """Draw factors (count, F), each uniform over its levels or range and independent of others.

    >>> spec = FactorSpec("x", "continuous", range=(2.0, 3.0))
    >>> draw_factors((spec,), 2, np.random.default_rng(0)).round(2).tolist()
    [[2.64], [2.27]]
    """
    return np.stack([_uniform(spec, count, rng) for spec in specs], axis=1)


def _uniform(spec: FactorSpec, count: int, rng: np.random.Generator) -> NDArray[Any]:
    if spec.values is not None:
        return rng.integers(len(spec.values), size=count)
    assert spec.range is not None  # FactorSpec has it where it has no values
    return rng.uniform(*spec.range, count)


def encoder(
    data: Dataset, encode: Encode, columns: NDArray[np.int64], draw: Encoder = lambda z, _: z
) -> Encoder:
    """Return a function of factors (n, K) and a generator that renders images and returns codes.

    If equal factors give the same image, each image is encoded once.

    Args:
        data: renders the images.
        encode: uint8 images (n, C, H, W) to rows (n, P), row by row.
        columns: which of the data's factors are given, (K,); others stay at their first value.
        draw: rows (n, P) and a generator to codes (n, D), anew for each row.
    """
    assert data.factors is not None  # see can_draw
    base = np.asarray(data.factors[0])

    def full(factors: Floats) -> NDArray[Any]:
        rows = np.tile(base, (len(factors), 1))
        rows[:, columns] = factors
        return rows

    def fresh(factors: Floats, rng: np.random.Generator) -> Floats:
        parts = np.array_split(full(factors), -(-len(factors) // AT_ONCE) or 1)
        return np.concatenate([encode(_drawn(data, part, rng)) for part in parts])

    if not data.one_each:
        return lambda factors, rng: draw(fresh(factors, rng), rng)
    sizes = tuple(len(spec.values or ()) for spec in data.specs)
    codes: Floats | None = None
    known = np.zeros(int(np.prod(sizes)), bool)

    def remembered(factors: Floats, rng: np.random.Generator) -> Floats:
        nonlocal codes
        rows = np.ravel_multi_index(tuple(full(factors).astype(np.int64).T), sizes)
        missing = np.unique(rows[~known[rows]])
        if len(missing):
            levels = np.stack(np.unravel_index(missing, sizes), axis=1)
            made = fresh(levels[:, columns].astype(np.float64), rng)
            if codes is None:
                codes = np.zeros((len(known), made.shape[1]))
            codes[missing], known[missing] = made, True
        assert codes is not None  # the first call has found some missing
        return draw(codes[rows], rng)

    return remembered


def _drawn(data: Dataset, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8]:
    images = data.draw(factors, rng)
    assert images is not None  # see can_draw
    return images
