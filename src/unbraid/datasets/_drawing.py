"""Handwriting drawn under factors: the renderer behind the ``digits`` data set."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets._glyphs import DIRECTIONS, MARGIN, Glyphs, load_glyphs
from unbraid.datasets._render import Pose, render

UNIT_CANVAS = 64  # the canvas whose pixels lengths are given in
CONTINUOUS = ("size", "x", "y", "angle", "thickness")  # the factors' columns after the digit
_TRIES = 200


class Renderer:
    """Draws digits under any factors.

    Args:
        split: whose handwriting, MNIST's ``"train"`` or ``"test"`` split.
        canvas: height and width of the images.
        glyphs: rows (start, stop) of the MNIST split to take handwriting from; all by default.
        digits: what the indices in the factors' first column mean.

    >>> renderer = Renderer("test", canvas=32)
    >>> request = np.array([[7, 24, 0, 8, 30, 3.0]])  # a small seven in the top, turned 30 degrees
    >>> renderer.draw(request, renderer.choose(request, seed=0)).shape
    (1, 1, 32, 32)
    """

    def __init__(
        self,
        split: str = "train",
        canvas: int = UNIT_CANVAS,
        glyphs: tuple[int, int] | None = None,
        digits: tuple[int, ...] = tuple(range(10)),
    ) -> None:
        self.canvas, self.digits = canvas, digits
        self.glyphs = _part(load_glyphs(split), glyphs)
        self._of_digit = [np.flatnonzero(self.glyphs.digit == digit) for digit in digits]
        for digit, rows in zip(digits, self._of_digit, strict=True):
            if not len(rows):
                raise UnbraidError(
                    f"digits: no {digit} was written in rows {glyphs} of MNIST's {split} split: "
                    "widen glyphs=(start, stop) or leave the digit out."
                )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return 1, self.canvas, self.canvas

    @property
    def sources(self) -> NDArray[np.int64]:
        """Rows of the MNIST split whose handwriting there is, ascending."""
        return self.glyphs.source

    def draw(self, factors: NDArray[np.float64], style: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Draw images, uint8 (N, 1, canvas, canvas).

        Args:
            factors: (N, 6), as in the data set; the digit is the style's own.
            style: (N,) rows of the MNIST split.

        Raises:
            UnbraidError: a style that is not among the renderer's, or strokes too thick for their
                size.
        """
        scale = self.canvas / UNIT_CANVAS
        size, x, y, angle, thickness = np.asarray(factors, np.float64)[:, 1:6].T
        pose = Pose(size * scale, x * scale, y * scale, angle, thickness * scale)
        for n in np.flatnonzero(pose.thickness / 2 + 0.5 > MARGIN * pose.size)[:1]:
            raise UnbraidError(str(too_thick(thickness[n], size[n], self.canvas)))
        sources = self.glyphs.source
        which = np.minimum(np.searchsorted(sources, style), len(sources) - 1)
        for missing in np.asarray(style)[sources[which] != style][:1]:
            raise UnbraidError(
                f"digits: style {missing} is not among the {len(sources):,} handwritings of the "
                "renderer: take those that choose() returns."
            )
        return render(self.glyphs.fields, which, pose, self.canvas)[:, None]

    def fits(self, factors: NDArray[np.float64], style: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether all ink of a handwriting (N,) under factors (N, 6) is on the canvas."""
        which = np.searchsorted(self.glyphs.source, style)
        return np.asarray(overhang(self.glyphs.extent[which], factors) <= 0)

    def choose(self, factors: NDArray[np.float64], seed: int | list[int] = 0) -> NDArray[np.int64]:
        """Choose at random a handwriting, (N,), for each row of factors (N, 6).

        It shows the digit asked for, and all of its ink is on the canvas: about one draw in a
        thousand is repeated for that, which leaves the factors themselves untouched.

        Raises:
            UnbraidError: no handwriting fits the canvas there.
        """
        entropy = [seed] if isinstance(seed, int) else seed
        digit = factors[:, 0].astype(np.int64)
        if len(digit) and not 0 <= digit.min() <= digit.max() < len(self.digits):
            raise UnbraidError(
                f"digits: the digits' indices go from {digit.min()} to {digit.max()}, expected 0 "
                f"to {len(self.digits) - 1}."
            )
        chosen = np.zeros(len(factors), np.int64)
        left = np.arange(len(factors))
        for attempt in range(_TRIES):
            # One stream an attempt: what is drawn for a row does not depend on how many follow.
            part = np.random.default_rng([*entropy, attempt]).random(len(factors))
            for index, rows in enumerate(self._of_digit):
                mine = left[digit[left] == index]
                chosen[mine] = rows[(part[mine] * len(rows)).astype(np.int64)]
            left = left[overhang(self.glyphs.extent[chosen[left]], factors[left]) > 0]
            if not len(left):
                return self.glyphs.source[chosen]
        row = dict(zip(CONTINUOUS, np.round(factors[left[0], 1:6], 1).tolist(), strict=True))
        raise UnbraidError(
            f"digits: no handwritten {self.digits[digit[left[0]]]} fits the canvas at {row}: "
            "lower size, x, y or thickness."
        )


def overhang(extent: NDArray[np.float32], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many pixels ink reaches beyond the canvas, negative if it is within, (N,).

    Args:
        extent: (N, DIRECTIONS), see Glyphs.
        factors: (N, 6).
    """
    size, x, y, angle, thickness = factors[:, 1:6].T
    step = 360 / DIRECTIONS
    # Between two known directions, an extent exceeds the greater of theirs by this at most.
    slack = 1 / math.cos(math.radians(step / 2))
    rows = np.arange(len(factors))
    beyond = np.full(len(factors), -np.inf)
    for direction, place in ((0, x), (90, y), (180, -x), (270, -y)):
        at = (direction - angle) / step
        low, high = (np.asarray(end, np.int64) % DIRECTIONS for end in (np.floor(at), np.ceil(at)))
        reach = np.maximum(extent[rows, low], extent[rows, high]) * slack
        beyond = np.maximum(beyond, place + size * reach)
    past: NDArray[np.float64] = beyond + thickness / 2 - UNIT_CANVAS / 2
    return past


def _part(glyphs: Glyphs, rows: tuple[int, int] | None) -> Glyphs:
    """Return the glyphs whose source is in range(*rows)."""
    if rows is None:
        return glyphs
    start, stop = np.searchsorted(glyphs.source, rows)
    part = slice(int(start), int(stop))
    fields = replace(glyphs.fields, values=glyphs.fields.values[part])
    return Glyphs(fields, glyphs.extent[part], glyphs.digit[part], glyphs.source[part])


def too_thick(thickness: float, size: float, canvas: int) -> str | None:
    """Return the sentence for strokes too thick to be drawn at a size, None if they are not."""
    blur = UNIT_CANVAS / canvas / 2
    if thickness / 2 + blur <= MARGIN * size:
        return None
    return (
        f"digits: strokes {thickness:g} thick are too thick for size {size:g} on {canvas} pixels: "
        f"keep thickness up to {2 * (MARGIN * size - blur):.1f} there, or size from "
        f"{(thickness / 2 + blur) / MARGIN:.1f}."
    )
