"""Slant and stroke width of handwriting, measured on its images.

Neither is told by a data set of digits, but both are what a continuous code should come to mean.
Grey levels count as ink in proportion, so that nothing is lost to a threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def as_ink(images: NDArray[Any]) -> Floats:
    """Return images (N, C, H, W), uint8 or on [0, 1], as ink on [0, 1], the mean of channels."""
    ink: Floats = np.asarray(images).mean(axis=1, dtype=np.float64)
    return ink / 255 if np.asarray(images).dtype == np.uint8 else ink


def slant(images: NDArray[Any]) -> Floats:
    """Return how far strokes lean to the right of upright, degrees, (N,); NaN without ink.

    It is the shear that the second moments of the ink show: atan(mu_11 / mu_02), with x to the
    right and y upwards (LeCun et al. 1998, "Gradient-Based Learning Applied to Document
    Recognition", deslant images by the same).

    Args:
        images: (N, C, H, W), bright ink on a dark ground, uint8 or on [0, 1].

    >>> leaning = np.eye(9)[::-1][None, None]  # from the bottom left to the top right
    >>> float(slant(leaning)[0].round(6))
    45.0
    """
    ink = as_ink(images)
    mass = ink.sum(axis=(1, 2))
    x = np.arange(ink.shape[2], dtype=np.float64)
    y = -np.arange(ink.shape[1], dtype=np.float64)
    columns, rows = ink.sum(axis=1), ink.sum(axis=2)  # (N, W), (N, H)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle_x, middle_y = columns @ x / mass, rows @ y / mass
        mixed = np.einsum("nhw,h,w->n", ink, y, x) / mass - middle_x * middle_y
        upright = rows @ y**2 / mass - middle_y**2
        angle: Floats = np.degrees(np.arctan2(mixed, upright))
    return np.where(mass > 0, angle, np.nan)


def stroke_width(images: NDArray[Any]) -> Floats:
    """Return the mean width of the strokes, pixels, (N,); NaN without ink.

    A stroke of width w and length L has an area of wL and two edges of length L. The area is the
    sum of the ink, the length of the edges that of its gradient's size, so w is twice their ratio.
    A blurred edge has the same sum as a sharp one, and a faint stroke the same ratio as a bright
    one, so a stroke of less than two pixels, which no pixel shows in full, comes out wider.

    Args:
        images: (N, C, H, W), bright ink on a dark ground, uint8 or on [0, 1].

    >>> bar = np.zeros((1, 1, 40, 20))
    >>> bar[:, :, 5:35, 8:11] = 1
    >>> float(stroke_width(bar)[0].round(1))  # 3 pixels, and two ends that count as edges
    2.8
    """
    ink = np.pad(as_ink(images), ((0, 0), (1, 1), (1, 1)))
    across, down = np.diff(ink, axis=2), np.diff(ink, axis=1)
    # both at the corners between four pixels
    across = (across[:, 1:] + across[:, :-1]) / 2
    down = (down[:, :, 1:] + down[:, :, :-1]) / 2
    edges = np.hypot(across, down).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        width: Floats = 2 * ink.sum(axis=(1, 2)) / edges
    return np.where(edges > 0, width, np.nan)


MEASURES = {"slant": slant, "stroke width": stroke_width}


def rank_correlations(
    codes: NDArray[Any], values: NDArray[Any], groups: NDArray[Any] | None = None
) -> Floats:
    """Return Spearman's rho of each code with a measured value, (D,); NaN where one is constant.

    Rows whose value is NaN are left out. With groups, ranks are those within the row's group, so
    that only what varies within it counts: how a code slants a digit, not how upright ones are.

    Args:
        codes: (N, D).
        values: (N,).
        groups: (N,), such as the category of each row.

    >>> codes = np.array([[1.0, 5.0], [2.0, 3.0], [3.0, 4.0]])
    >>> rank_correlations(codes, np.array([10.0, 20.0, 90.0])).tolist()
    [1.0, -0.5]
    """
    kept = np.isfinite(values)
    codes, values = codes[kept], values[kept]
    groups = np.zeros(len(codes)) if groups is None else groups[kept]
    ranks = np.zeros((len(codes), codes.shape[1] + 1))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        place = rankdata(np.column_stack([codes[rows], values[rows]]), axis=0)
        ranks[rows] = (place - place.mean(axis=0)) / len(rows)
    norms = np.linalg.norm(ranks, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho: Floats = ranks[:, :-1].T @ ranks[:, -1] / (norms[:-1] * norms[-1])
    return rho
