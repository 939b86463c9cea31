"""Factors measured from images that have no labels.

Castro et al. 2019, "Morpho-MNIST: Quantitative Assessment and Diagnostics for Representation
Learning" (JMLR 20), measure area, length, thickness, slant, width and height of MNIST's digits.
Place, size, slant and elongation come from moments of the ink, as there. Thickness and length do
not come from a skeleton but from three numbers of the shape: area A, perimeter P and Euler number
chi (pieces less holes). For lines of length L drawn with a round pen of radius r, Steiner's
formula says

    A = 2 r L + pi chi r^2,        P = 2 L + 2 pi chi r,

two equations for the two unknowns. P comes from Crofton's formula: how often lines in eight
directions cross the outline. All of it is sums over pixels, thousands of images a second.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FAINT = 0.05  # ink below this part of an image's darkest counts for nothing
NEAR = 26  # grey levels: as near to the background as this is background
PLAIN = 0.6  # part of the border that must be background
FINE = 112  # pixels: images are enlarged to about this before outlines are followed
BLOCK = 512  # images at a time
# Steps between pixels and the angle, in degrees, that each represents in Crofton's formula.
_STEPS = {
    (1, 0): 26.565,
    (0, 1): 26.565,
    (1, 1): 18.435,
    (1, -1): 18.435,
    (1, 2): 22.5,
    (2, 1): 22.5,
    (1, -2): 22.5,
    (2, -1): 22.5,
}
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1, dtype=np.uint8)


class Measures(NamedTuple):
    """What was measured of each image, (N,) each; lengths in pixels, NaN where it has no meaning.

    Args:
        plain: 1 where the object is on a background of one shade, 0 elsewhere.
        x: centroid of the ink, to the right of the middle.
        y: centroid of the ink, above the middle.
        spread: sqrt(12 times the ink's variance): the diagonal of a filled rectangle.
        slant: of the ink, degrees counter-clockwise: the angle whose tangent is the shear that
            makes an upright figure of it.
        axis: of the ink's longer axis, degrees counter-clockwise from upright, -90 to 90.
        elongation: longer by shorter axis, by standard deviations.
        thickness: of the pen.
        length: of the line.
        peak: grey level of the ink where it is strongest.
        brightness: mean grey level of the object, 0 to 255.
        overall: mean grey level of the image.
        hue: of the object's mean colour, degrees; NaN if grey.
        tint: of the image's mean colour, degrees; NaN if grey.
    """

    plain: Floats
    x: Floats
    y: Floats
    spread: Floats
    slant: Floats
    axis: Floats
    elongation: Floats
    thickness: Floats
    length: Floats
    peak: Floats
    brightness: Floats
    overall: Floats
    hue: Floats
    tint: Floats


def measure(images: NDArray[np.uint8]) -> Measures:
    """Return what can be measured of images uint8 (N, C, H, W).

    >>> bar = np.zeros((1, 1, 32, 32), np.uint8)
    >>> bar[0, 0, 4:24, 14:18] = 255
    >>> found = measure(bar)
    >>> [round(float(v[0]), 1) + 0.0 for v in (found.x, found.y, found.thickness, found.slant)]
    [0.0, 2.0, 4.0, 0.0]
    """
    blocks = [_measure(images[at : at + BLOCK]) for at in range(0, len(images), BLOCK)]
    return Measures(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _measure(images: NDArray[np.uint8]) -> Measures:
    pixels = np.asarray(images, np.float32)
    pixels = pixels[:, : 1 if pixels.shape[1] < 3 else 3]
    background, plain = _background(pixels)
    ink = abs(pixels - background[:, :, None, None]).max(1)  # (N, H, W)
    strongest = ink.max((1, 2))
    ink[ink < FAINT * strongest[:, None, None]] = 0
    grey = pixels.mean(1) if pixels.shape[1] == 1 else _luma(pixels)
    area, perimeter, euler, scale = _outline(ink, strongest)
    thickness, length = _pen(area / scale**2, perimeter / scale, euler)
    where = ink > strongest[:, None, None] / 2
    nothing = strongest == 0
    brightness = _mean(grey, where)
    peak = _mean(grey, ink >= 0.9 * strongest[:, None, None])
    found = Measures(
        *(plain, *_moments(ink), thickness, length, peak, brightness),
        grey.mean((1, 2), dtype=np.float64),
        _hue(pixels, where),
        _hue(pixels, np.ones_like(where)),
    )
    for values in found[1:9]:
        values[nothing] = np.nan
    return found


def _background(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], Floats]:
    """Return the median of the border's pixels, (N, C), and whether the border is of one shade."""
    border = np.concatenate(
        [
            pixels[:, :, 0],
            pixels[:, :, -1],
            pixels[:, :, 1:-1, 0],
            pixels[:, :, 1:-1, -1],
        ],
        2,
    )  # (N, C, 2 (H + W) - 4)
    middle = np.median(border, axis=2)
    near = (abs(border - middle[:, :, None]) <= NEAR).all(1).mean(1)
    return middle, (near >= PLAIN).astype(np.float64)


# -- moments --------------------------------------------------------------------------------------


def _moments(
    ink: NDArray[np.float32],
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Return x, y, spread, slant, axis and elongation."""
    _, height, width = ink.shape
    right = np.arange(width) - (width - 1) / 2
    up = (height - 1) / 2 - np.arange(height)
    rows, columns = ink.sum(2, dtype=np.float64), ink.sum(1, dtype=np.float64)
    total = np.maximum(rows.sum(1), 1e-9)
    x, y = columns @ right / total, rows @ up / total
    # a pixel has an extent, too: that of a square
    xx = columns @ right**2 / total - x**2 + 1 / 12
    yy = rows @ up**2 / total - y**2 + 1 / 12
    xy = np.einsum("nhw,h,w->n", ink, up, right, optimize=True) / total - x * y
    middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    axis = np.degrees(np.arctan2(2 * xy, xx - yy) / 2) - 90
    return (
        x,
        y,
        np.sqrt(12 * (xx + yy)),
        np.degrees(np.arctan2(-xy, yy)),
        (axis + 90) % 180 - 90,
        np.sqrt((middle + apart) / np.maximum(middle - apart, 1 / 12)),
    )


# -- outlines -------------------------------------------------------------------------------------


def _outline(
    ink: NDArray[np.float32], strongest: NDArray[np.float32]
) -> tuple[Floats, Floats, Floats, float]:
    """Return area, perimeter and Euler number of where ink is above half, and the enlargement."""
    _, height, width = ink.shape
    scale = max(1, round(FINE / max(height, width)))
    if scale > 1:
        down, across = _enlarging(height, scale), _enlarging(width, scale)
        ink = np.asarray(down @ ink @ across.T, np.float32)
    shape = (len(ink), ink.shape[1] + 4, ink.shape[2] + 4)
    inside = np.zeros(shape, bool)  # two pixels of margin for the longest steps
    np.greater(ink, np.maximum(strongest, 1e-9)[:, None, None] / 2, out=inside[:, 2:-2, 2:-2])
    area = _count(inside)
    both = {step: _count(_shared(inside, step)) for step in _STEPS}
    # pixels less pairs of neighbours plus squares of four: neighbours by an edge
    four = inside[:, 1:, 1:] & inside[:, :-1, 1:] & inside[:, 1:, :-1] & inside[:, :-1, :-1]
    euler = area - both[1, 0] - both[0, 1] + _count(four)
    crossings = [
        2 * (area - both[step]) / math.hypot(*step) * angle / 180 for step, angle in _STEPS.items()
    ]
    return area, math.pi / 2 * np.sum(crossings, 0), euler, float(scale)


def _enlarging(size: int, scale: int) -> NDArray[np.float32]:
    """Return the matrix that enlarges an axis, with straight lines between pixels' centres."""
    at = (np.arange(size * scale) + 0.5) / scale - 0.5
    weights = np.maximum(1 - abs(at[:, None] - np.arange(size)), 0)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def _shared(inside: NDArray[np.bool_], step: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels are inside together with the one a step (down, right) away."""
    down, right = step
    left, other = slice(max(right, 0), None), slice(None, min(-right, 0) or None)
    if right < 0:
        left, other = slice(None, right), slice(-right, None)
    low, high = slice(down, None), slice(None, -down or None)
    return inside[:, low, left] & inside[:, high, other]


def _count(inside: NDArray[np.bool_]) -> Floats:
    """Return the number of true pixels of each image, (N,)."""
    packed = np.packbits(inside.reshape(len(inside), -1), axis=1)
    return np.asarray(_BITS[packed].sum(1, dtype=np.int64), np.float64)


def _pen(area: Floats, perimeter: Floats, euler: Floats) -> tuple[Floats, Floats]:
    """Return thickness and length of the lines that have an area, perimeter and Euler number.

    Subtracting the second of Steiner's formulas, times r, from the first leaves
    pi chi r^2 - P r + A = 0; its smaller root is written without a difference that cancels.
    """
    root = np.sqrt(np.maximum(perimeter**2 - 4 * math.pi * euler * area, 0))
    radius = 2 * area / np.maximum(perimeter + root, 1e-9)
    length = perimeter / 2 - math.pi * euler * radius
    return 2 * radius, np.maximum(length, 0)


# -- shades ---------------------------------------------------------------------------------------


def _luma(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the grey of colours, as ITU-R BT.601 weighs them, (N, H, W)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(np.einsum("nchw,c->nhw", pixels, weights))


def _mean(values: NDArray[np.float32], where: NDArray[np.bool_]) -> Floats:
    count = np.maximum(where.sum((1, 2)), 1)
    return np.asarray((values * where).sum((1, 2), dtype=np.float64) / count)


def _hue(pixels: NDArray[np.float32], where: NDArray[np.bool_]) -> Floats:
    """Return the hue of the mean colour where ``where`` holds, degrees; NaN if that is grey."""
    if pixels.shape[1] < 3:
        return np.full(len(pixels), np.nan)
    red, green, blue = (_mean(pixels[:, channel], where) for channel in range(3))
    angle = np.arctan2(math.sqrt(3) * (green - blue), 2 * red - green - blue)
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    hue = np.degrees(angle) % 360
    hue[chroma < NEAR / 2] = np.nan
    return np.asarray(hue)
