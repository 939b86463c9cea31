"""Images drawn from distance fields: one mechanism for size, place, angle and stroke width.

A shape is stored once, as the distance to its line on a small grid. An image samples that grid
under a similarity transform, and a pixel at distance ``d`` from the line of a stroke ``t`` pixels
wide gets the ink

    clip(t/2 - d + 1/2, 0, min(1, t)),

which is the stroke's cross-section seen through a pixel one wide: exact for straight strokes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CHUNK = 1024  # images sorted by extent together, so that a batch shares one small window
_BATCH_PIXELS = 48_000  # pixels drawn together: their temporaries stay in the second-level cache


@dataclass(frozen=True)
class Fields:
    """Distance fields of G shapes on grids centred on the shapes; lengths in units of their size.

    Args:
        values: (G, H, W), row 0 at the top; ``values * step`` is the distance. Points outside
            the grid get the value at its border, so leave a margin.
        spacing: distance between neighbouring grid nodes.
        radius: no point of a line is farther than this from its shape's centre.
        step: distance of one level of ``values``.
    """

    values: NDArray[Any]
    spacing: float
    radius: float
    step: float = 1.0


@dataclass(frozen=True)
class Pose:
    """Where and how to draw N shapes, each field (N,), lengths in pixels of the canvas drawn on.

    Args:
        size: length that the fields' unit becomes.
        x: to the right of the canvas's centre.
        y: above the canvas's centre.
        angle: degrees, counter-clockwise as seen.
        thickness: stroke width.
    """

    size: Floats
    x: Floats
    y: Floats
    angle: Floats
    thickness: Floats

    def __getitem__(self, rows: Any) -> Pose:
        return Pose(*(getattr(self, field.name)[rows] for field in fields(self)))


def render(shapes: Fields, which: NDArray[np.int64], pose: Pose, canvas: int) -> NDArray[np.uint8]:
    """Draw shape ``which[n]`` in pose ``n`` on a black square canvas.

    Args:
        shapes: their distance fields.
        which: (N,) rows of ``shapes.values``.
        pose: N poses.
        canvas: height and width in pixels.

    Returns:
        uint8 (N, canvas, canvas): 0 is background, 255 is full ink.

    >>> rows, columns = np.mgrid[-20:21, -20:21] / 20
    >>> ring = Fields(np.abs(np.hypot(rows, columns) - 0.5)[None], spacing=1 / 20, radius=0.5)
    >>> one = np.ones(1)
    >>> image = render(ring, np.array([0]), Pose(20 * one, 0 * one, 0 * one, 0 * one, 3 * one), 32)
    >>> f"{image.sum() / 255 / (np.pi * 20):.1f}"  # ink over the length of the ring: its width
    '3.0'
    """
    images = np.zeros((len(which), canvas, canvas), np.uint8)
    reach = shapes.radius * pose.size + pose.thickness / 2 + 1.0
    for start in range(0, len(which), _CHUNK):
        order = start + np.argsort(reach[start : start + _CHUNK])
        while len(order):
            # The largest first: the window that holds it holds all the others.
            window = min(canvas, int(np.ceil(2 * reach[order[-1]])))
            count = max(1, _BATCH_PIXELS // window**2)
            rows, order = order[-count:], order[:-count]
            _draw(images, rows, shapes, which[rows], pose[rows], window)
    return images


def _draw(
    images: NDArray[np.uint8],
    rows: NDArray[np.int64],
    shapes: Fields,
    which: NDArray[np.int64],
    pose: Pose,
    window: int,
) -> None:
    """Draw a batch inside square windows around the shapes and copy these into the images."""
    canvas = images.shape[1]
    middle = canvas / 2
    top = np.floor(middle - pose.y - window / 2 + 0.5).astype(np.int64)
    left = np.floor(middle + pose.x - window / 2 + 0.5).astype(np.int64)
    if window == canvas:
        top[:], left[:] = 0, 0
    centres = np.arange(window) + 0.5
    right = (left - middle - pose.x)[:, None] + centres
    up = (middle - pose.y - top)[:, None] - centres
    distance = _sample(shapes, which, pose, right, up)
    ink = distance  # computed in place; the added half rounds
    ink *= _column(-255.0 * shapes.step * pose.size)
    ink += _column(255.0 * (pose.thickness / 2 + 0.5) + 0.5)
    np.clip(ink, 0.0, _column(255.0 * np.minimum(1.0, pose.thickness) + 0.5), out=ink)
    tiles = ink.astype(np.uint8)
    low_i, low_j = np.maximum(0, -top), np.maximum(0, -left)
    high_i, high_j = np.minimum(window, canvas - top), np.minimum(window, canvas - left)
    bounds = np.stack([rows, top, left, low_i, high_i, low_j, high_j], axis=1).tolist()
    for tile, (row, t, s, i0, i1, j0, j1) in zip(tiles, bounds, strict=True):
        if i0 < i1 and j0 < j1:
            images[row, t + i0 : t + i1, s + j0 : s + j1] = tile[i0:i1, j0:j1]


def _sample(
    shapes: Fields, which: NDArray[np.int64], pose: Pose, right: Floats, up: Floats
) -> NDArray[np.float32]:
    """Return the fields' bilinear values at offsets (B, K) right and up of the shapes' centres."""
    grids = np.ascontiguousarray(shapes.values[which])
    batch, height, width = grids.shape
    scale = 1.0 / (pose.size * shapes.spacing)
    turn = np.deg2rad(pose.angle)
    cos, sin = (np.cos(turn) * scale)[:, None], (np.sin(turn) * scale)[:, None]
    # Turning pixels back by the angle gives grid coordinates; both are sums of a part that
    # depends on the pixel's row and a part that depends on its column.
    column = _outer_sum(sin * up, cos * right + (width - 1) / 2)
    row = _outer_sum((height - 1) / 2 - cos * up, sin * right)
    np.clip(column, 0.0, np.float32(width - 1.001), out=column)
    np.clip(row, 0.0, np.float32(height - 1.001), out=row)
    corner_column, corner_row = np.floor(column), np.floor(row)
    column -= corner_column
    row -= corner_row
    # float32 holds whole numbers to 2**24, far more than a batch has nodes.
    corner_row *= width
    corner_row += corner_column
    corner_row += _column(np.arange(batch) * (height * width))
    corner = corner_row.astype(np.intp)
    nodes = grids.reshape(-1)
    upper = _between(nodes, corner, column)
    lower = _between(nodes[width:], corner, column)
    lower -= upper
    lower *= row
    upper += lower
    return upper


def _between(
    nodes: NDArray[Any], corner: NDArray[np.intp], part: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return values a given part of the way from node ``corner`` to the next one."""
    left = nodes.take(corner, mode="clip").astype(np.float32)
    right = nodes[1:].take(corner, mode="clip").astype(np.float32)
    right -= left
    right *= part
    left += right
    return left


def _outer_sum(of_rows: Floats, of_columns: Floats) -> NDArray[np.float32]:
    """Return (B, K, K) sums of a value of the row and a value of the column."""
    return of_rows.astype(np.float32)[:, :, None] + of_columns.astype(np.float32)[:, None, :]


def _column(values: Any) -> NDArray[np.float32]:
    """Return one value an image as float32 (B, 1, 1)."""
    return np.asarray(values, np.float32)[:, None, None]
