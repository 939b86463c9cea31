"""Handwritten digits of MNIST in a canonical pose: the centre lines of their strokes.

Every digit is thinned to its centre line and brought to one slant, size and place, so that the
angle, size and place it is later drawn with are the whole of its pose.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import load_dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._centre_lines import (
    Lines,
    double,
    length,
    thin,
    trace,
    upright,
    without_specks,
)
from unbraid.datasets._render import Fields

RADIUS = 0.64  # no line reaches farther from its centre, in sizes
MARGIN = 0.20  # how far from a line its distance is known at least, in sizes
VERSION = 1  # of all that shapes the cached array
DIRECTIONS = 36  # in which a digit's extent is kept, from the right counter-clockwise

_NODES = 60  # a grid's side: its spacing is about a pixel of the largest digit on 64 pixels
_SPACING = 2 * (RADIUS + MARGIN) / (_NODES - 1)
_STEP = 1.1 * MARGIN / 255  # in sizes: half a level is 0.02 pixels of a digit 40 pixels in size
_INK = 96  # grey level at a stroke's edge: of 64 to 144 it leaves the fewest strokes broken
_STEEPEST = 1.0  # shear, x per y, beyond which a digit cannot be set upright
_CHUNK = 500
_RECORD = np.dtype(
    [
        ("field", "u1", (_NODES, _NODES)),
        ("extent", "f4", (DIRECTIONS,)),
        ("digit", "i8"),
        ("source", "i8"),
    ]
)


@dataclass(frozen=True)
class Glyphs:
    """Digits in canonical pose, ready to be drawn; lengths in units of their size.

    Args:
        fields: distance to the centre line of G digits.
        extent: (G, DIRECTIONS) how far the line reaches from its centre in each direction.
        digit: (G,) 0 to 9.
        source: (G,) ascending rows of the MNIST split the digits were written in.
    """

    fields: Fields
    extent: NDArray[np.float32]
    digit: NDArray[np.int64]
    source: NDArray[np.int64]


def load_glyphs(split: str) -> Glyphs:
    """Return the digits of MNIST's own ``"train"`` or ``"test"`` split, prepared once and cached.

    Glyphs without a centre line, or with one that cannot be set upright, are left out (fewer than
    one in a hundred).
    """
    records = cached(f"digits-glyphs-{split}-v{VERSION}", lambda: _prepare_split(split))
    fields = Fields(records["field"], spacing=_SPACING, radius=RADIUS, step=_STEP)
    extent, digit, source = (np.array(records[name]) for name in ("extent", "digit", "source"))
    return Glyphs(fields, extent, digit, source)


def _prepare_split(split: str) -> NDArray[Any]:
    """Prepare a whole split, with a message, as it takes some seconds."""
    mnist = load_dataset("mnist", split=split)
    rows = np.arange(len(mnist))
    seconds = len(mnist) // 2500
    print(
        f"preparing {len(mnist):,} handwritten digits of MNIST ({split}), once: "
        f"about {seconds} seconds",
        file=sys.stderr,
        flush=True,
    )
    chunks = np.array_split(rows, -(-len(mnist) // _CHUNK))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda rows: prepare_glyphs(mnist.images[rows][:, 0]), chunks)
    kept, records = zip(*parts, strict=True)
    whole = np.concatenate(records)
    whole["source"] = np.flatnonzero(np.concatenate(kept))
    whole["digit"] = mnist.factor("digit")[whole["source"]]
    return whole


def prepare_glyphs(images: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Bring digits to canonical pose.

    Args:
        images: (N, 28, 28), ink on black.

    Returns:
        (N,) which digits are usable, and for each of those a record whose ``field`` and
        ``extent`` are filled in.
    """
    lines = trace(thin(without_specks(double(images) >= 16 * _INK)))
    lines, shear = upright(lines, len(images))
    extent = _extent(lines, len(images))
    # A missing digit has no extent; a plain stroke is as long as its size, all others longer.
    usable = (np.abs(shear) <= _STEEPEST) & (extent.max(axis=1) <= RADIUS)
    usable &= length(lines, len(images)) >= 0.9
    records = np.zeros(usable.sum(), _RECORD)
    records["extent"] = extent[usable]
    first = np.searchsorted(lines.glyph, np.arange(len(images) + 1))
    for record, glyph in zip(records, np.flatnonzero(usable), strict=True):
        record["field"] = _field(lines.ends[first[glyph] : first[glyph + 1]])
    return usable, records


def _extent(lines: Lines, count: int) -> NDArray[np.float32]:
    """Return how far each glyph reaches in each direction, (N, DIRECTIONS)."""
    turns = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    reach = (lines.ends @ np.stack([np.cos(turns), np.sin(turns)])).max(axis=1)
    extent = np.zeros((count, DIRECTIONS), np.float32)
    present, first = np.unique(lines.glyph, return_index=True)
    if len(present):
        extent[present] = np.maximum.reduceat(reach, first)
    return extent


_AXIS = np.linspace(-RADIUS - MARGIN, RADIUS + MARGIN, _NODES, dtype=np.float32)
_FARTHEST = 255 * _STEP
_BAND = 6  # rows of a grid done together


def _field(ends: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a line's distance field in levels, from two points of each of its short pieces."""
    inset = (ends[:, 1] - ends[:, 0]) / 6
    points = np.concatenate([ends[:, 0] + inset, ends[:, 1] - inset])
    x, y = points[np.argsort(points[:, 1])].T.astype(np.float32)
    across, up = (_AXIS - x[:, None]) ** 2, (-_AXIS - y[:, None]) ** 2
    square = np.full((_NODES, _NODES), _FARTHEST**2, np.float32)
    # Only points near a band of rows matter to it.
    first = np.searchsorted(y, -_AXIS[_BAND - 1 :: _BAND] - _FARTHEST)
    last = np.searchsorted(y, -_AXIS[::_BAND] + _FARTHEST)
    for band, (low, high) in enumerate(zip(first, last, strict=True)):
        if low < high:
            rows = slice(band * _BAND, (band + 1) * _BAND)
            pairs = up[low:high, rows, None] + across[low:high, None, :]
            pairs.min(axis=0, out=square[rows])
    levels = np.minimum(np.sqrt(square) / np.float32(_STEP), 255) + np.float32(0.5)
    field: NDArray[np.uint8] = levels.astype(np.uint8)
    return field
