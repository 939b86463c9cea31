"""Small scenes whose factors are of every kind, drawn exactly, for a judge to read.

A shape of three in colour: a wedge that turns by 360 degrees, a bar by 180, a ring not at all. How
wide its stroke is no factor: it is the scene's style.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec, Symmetry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SIDE = 24
SPECS = (
    FactorSpec("shape", "categorical", values=("wedge", "bar", "ring")),
    FactorSpec("x", "continuous", range=(-4.0, 4.0), unit="pixels right"),
    FactorSpec(
        "turn",
        "periodic",
        range=(0.0, 360.0),
        unit="degrees",
        period=360.0,
        symmetries=(Symmetry("shape", "bar", 180.0), Symmetry("shape", "ring", 0.0)),
    ),
    FactorSpec("light", "ordinal", values=(0.3, 0.5, 0.7, 1.0)),
)


def factors(count: int, seed: int) -> Floats:
    """Draw factors, (count, 4); the light is brighter on the right, so that they hang together."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, count)
    light = np.clip((x + 4) / 2 + rng.uniform(-2, 2, count), 0, 3).round()
    return np.column_stack([rng.integers(0, 3, count), x, rng.uniform(0, 360, count), light])


def draw(rows: Floats, styles: Ints) -> NDArray[np.uint8]:
    """Draw scenes, uint8 (N, 3, 24, 24)."""
    at = np.arange(SIDE) + 0.5 - SIDE / 2
    shape, x, turn, light = (column[:, None, None] for column in rows.T)
    angle = np.radians(turn)
    right, up = at[None, None, :] - x, -at[None, :, None]
    along = right * np.cos(angle) + up * np.sin(angle)
    across = up * np.cos(angle) - right * np.sin(angle)
    width = 1.2 + 0.4 * (styles % 4)[:, None, None]
    far = np.hypot(right, up)
    wedge = np.maximum(np.abs(across) - width * (6 - along) / 6, np.maximum(along - 6, -4 - along))
    bar = np.maximum(np.abs(along) - 6, np.abs(across) - width)
    ring = np.abs(far - 5) - width / 1.5
    distance = np.choose(shape.astype(int), [wedge, bar, ring])
    lit = np.array((0.3, 0.5, 0.7, 1.0))[light.astype(int)] * np.clip(0.5 - distance, 0, 1)
    colour = np.array([[1.0, 0.8, 0.5]])[:, :, None, None]
    return np.rint(255 * lit[:, None] * colour).astype(np.uint8)
