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
from scipy import ndimage

from unbraid.datasets import load_dataset
from unbraid.datasets._cache import cached
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

    Glyphs that have no centre line to speak of, or one that stays lopsided, are left out (fewer
    than one in a hundred).
    """
    records = cached(f"digits-glyphs-{split}-v{VERSION}", lambda: _prepare_split(split))
    fields = Fields(records["field"], spacing=_SPACING, radius=RADIUS, step=_STEP)
    extent, digit, source = (np.array(records[name]) for name in ("extent", "digit", "source"))
    return Glyphs(fields, extent, digit, source)


def _prepare_split(split: str) -> NDArray[Any]:
    """Prepare a whole split, saying so, since it takes a while."""
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


def double(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return images (N, H, W) at twice the resolution, bilinear, times 16: (N, 2H, 2W).

    >>> double(np.full((1, 1, 1), 255, np.uint8)).tolist()  # beyond the border it is black
    [[[2295, 2295], [2295, 2295]]]
    """
    doubled: NDArray[np.uint16] = images.astype(np.uint16)
    for _ in range(2):
        doubled = doubled.swapaxes(1, 2)
        padded = np.pad(doubled, ((0, 0), (1, 1), (0, 0)))
        pairs = np.stack([padded[:, :-2], padded[:, 2:]], axis=2) + 3 * doubled[:, :, None]
        doubled = pairs.reshape(len(images), -1, doubled.shape[2])
    return doubled


@dataclass(frozen=True)
class Lines:
    """Centre lines of N digits as S short straight pieces.

    Args:
        glyph: (S,) which digit a piece belongs to.
        ends: (S, 2, 2) both ends of a piece as (x to the right, y up).
    """

    glyph: NDArray[np.int64]
    ends: NDArray[np.float64]


def without_specks(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return images of ink (N, H, W) without pieces that hold less than 1/16 of an image's ink.

    >>> int(without_specks(np.array([[[1, 0, 0] + 17 * [1]]], bool)).sum())
    17
    """
    touching = np.zeros((3, 3, 3), bool)
    touching[1] = True  # neighbours, diagonal ones too, in the same image
    piece, count = ndimage.label(ink, touching)
    inked = np.flatnonzero(ink)
    image_of = np.zeros(count + 1, np.int64)
    image_of[piece.ravel()[inked]] = inked // ink[0].size
    share = np.bincount(piece.ravel(), minlength=count + 1) / np.maximum(
        1, ink.sum(axis=(1, 2))[image_of]
    )
    whole = share >= 1 / 16
    whole[0] = False  # the background
    kept: NDArray[np.bool_] = whole[piece]
    return kept


def thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the one-pixel-wide centre lines of N images of ink.

    The two-subcycle parallel algorithm of Zhang and Suen (CACM 27(3), 1984), on 64 pixels at a
    time: a row is one machine word, and a neighbour is a shift.

    Args:
        ink: (N, H, W), W <= 62.

    >>> bar = np.zeros((1, 9, 15), bool)
    >>> bar[0, 3:6, 2:13] = True
    >>> thin(bar)[0].sum(axis=1).tolist()
    [0, 0, 0, 0, 8, 0, 0, 0, 0]
    """
    count, height, width = ink.shape
    framed = np.zeros((count, height + 2, 64), bool)
    framed[:, 1:-1, 1 : width + 1] = ink
    words = np.packbits(framed, axis=-1, bitorder="little").view(np.uint64)[..., 0]
    live = np.arange(count)
    while len(live):
        before = words[live]
        after = _peel(_peel(before, first=True), first=False)
        words[live] = after
        live = live[(after != before).any(axis=1)]
    bits = np.unpackbits(words[..., None].view(np.uint8), axis=-1, bitorder="little")
    return bits[:, 1:-1, 1 : width + 1].astype(bool)


def _peel(words: NDArray[np.uint64], first: bool) -> NDArray[np.uint64]:
    """Remove the boundary pixels that one subcycle of Zhang and Suen removes."""
    one = np.uint64(1)
    north, south = np.zeros_like(words), np.zeros_like(words)
    north[:, 1:], south[:, :-1] = words[:, :-1], words[:, 1:]
    east, west = words >> one, words << one
    ring = [north, north >> one, east, south >> one, south, south << one, west, north << one]
    ink_1, ink_2, gap_1, gap_2, step_1, step_2 = (np.zeros_like(words) for _ in range(6))
    for here, following in zip(ring, ring[1:] + ring[:1], strict=True):
        # x_1 says that there was one already, x_2 that there were two.
        ink_2 |= ink_1 & here
        ink_1 |= here
        gap_2 |= gap_1 & ~here
        gap_1 |= ~here
        step = ~here & following
        step_2 |= step_1 & step
        step_1 |= step
    if first:
        open_side = ~(north & east & south) & ~(east & south & west)
    else:
        open_side = ~(north & east & west) & ~(north & south & west)
    return words & ~(ink_2 & gap_2 & step_1 & ~step_2 & open_side)


def trace(lines: NDArray[np.bool_]) -> Lines:
    """Return one-pixel-wide lines (N, H, W) as pieces between neighbouring pixels.

    Pixels are first moved to the mean of the line around them, which takes the staircase out.
    """
    _, height, width = lines.shape
    stride, area = width + 4, (height + 4) * (width + 4)
    framed = np.pad(lines, ((0, 0), (2, 2), (2, 2))).ravel()
    pixels = np.flatnonzero(framed)
    shift, weight = np.zeros((len(pixels), 2)), np.zeros(len(pixels))
    for down in range(-2, 3):
        for right in range(-2, 3):
            pull = np.exp(-(down**2 + right**2) / 3) * framed[pixels + down * stride + right]
            shift += pull[:, None] * (right, -down)
            weight += pull
    places = np.stack([pixels % stride, -(pixels % area // stride)], axis=1)
    places = places + shift / weight[:, None]
    number = np.zeros(len(framed), np.int64)
    number[pixels] = np.arange(len(pixels))
    starts, stops = [], []
    # A diagonal step that two straight ones make already would count a corner twice.
    for step, corners in (
        (1, ()),
        (stride, ()),
        (stride + 1, (1, stride)),
        (stride - 1, (-1, stride)),
    ):
        linked = framed[pixels + step]
        for corner in corners:
            linked &= ~framed[pixels + corner]
        starts.append(np.flatnonzero(linked))
        stops.append(number[pixels[linked] + step])
    start, stop = np.concatenate(starts), np.concatenate(stops)
    order = np.argsort(start, kind="stable")  # pixels go glyph by glyph, so pieces now do too
    ends = np.stack([places[start[order]], places[stop[order]]], axis=1)
    return Lines(pixels[start[order]] // area, ends)


def upright(lines: Lines, count: int) -> tuple[Lines, NDArray[np.float64]]:
    """Centre lines on their centroid, shear away their slant and bring them to size 1.

    Upright means that the line's x and y are uncorrelated, and size 1 that its root mean square
    distance from its centroid is 1/sqrt(12): that of a straight stroke of length 1.

    Returns:
        The lines and (N,) the shear, x per y, that was taken out.
    """
    x, y = lines.ends[..., 0].T.copy(), lines.ends[..., 1].T.copy()  # each (2, S)
    shear = np.zeros(count)
    # Shearing changes lengths and so the moments: a few rounds make them agree.
    for _ in range(8):
        mass = np.hypot(x[1] - x[0], y[1] - y[0])
        total = np.bincount(lines.glyph, mass, count) + 1e-12
        for along in (x, y):
            centre = np.bincount(lines.glyph, mass * (along[0] + along[1]) / 2, count) / total
            along -= centre[lines.glyph]
        # The mean of a product along a piece, by Simpson's rule, which is exact for it.
        xx, xy, yy = (
            np.bincount(
                lines.glyph,
                mass * (a[0] * b[0] + a[1] * b[1] + (a[0] + a[1]) * (b[0] + b[1])) / 6,
                count,
            )
            / total
            for a, b in ((x, x), (x, y), (y, y))
        )
        slope = xy / (yy + 1e-12)
        x -= slope[lines.glyph] * y
        shear += slope
    # The last shear took xy^2 / yy off the spread.
    size = np.sqrt(12 * (xx - slope * xy + yy)) + 1e-12
    ends = np.stack([x.T, y.T], axis=2) / size[lines.glyph, None, None]
    return Lines(lines.glyph, ends), shear


def length(lines: Lines, count: int) -> NDArray[np.float64]:
    """Return the length of each glyph's line, (N,)."""
    across = lines.ends[:, 1] - lines.ends[:, 0]
    lengths = np.bincount(lines.glyph, np.hypot(across[:, 0], across[:, 1]), count)
    return lengths.astype(np.float64)


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
