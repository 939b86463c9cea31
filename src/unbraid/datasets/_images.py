"""Arrays as images, and the held-out split, for all readers of users' own data."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.signals import Signal
from unbraid.datasets._factored import split_rows

Layout = Literal["auto", "nhwc", "nchw"]
CHANNELS = range(1, 5)
ROUNDING = 1e-3  # how far outside [0, 1] reals may be, by rounding


def as_images(
    array: NDArray[Any], layout: Layout, owner: str, brightest: float = 0
) -> NDArray[np.uint8]:
    """Turn an array of images into uint8 (N, C, H, W).

    Args:
        array: (N, H, W) or four axes; whole numbers in 0..255, truth values, or reals in 0..1.
            Whole numbers that are all 0 or 1 are truth values: white is 1. Reals up to 0.001
            outside are clipped.
        layout: where the channels of four axes are; ``auto`` takes the one of axes 1 and 3 that
            has 1 to 4 entries.
        owner: how an error names the data.
        brightest: whole number that others of the same images reach, which are turned apart.

    Raises:
        UnbraidError: another shape or range, NaN, or ``auto`` where both axes or neither qualify.

    >>> as_images(np.ones((2, 5, 6, 3)), "auto", "mine").shape
    (2, 3, 5, 6)
    """
    if 0 in array.shape:
        raise UnbraidError(
            f"{owner}: images have shape {array.shape}, expected at least one image of at "
            "least one pixel: give others."
        )
    images = _channels_first(array, layout, owner)
    return np.ascontiguousarray(_as_uint8(images, owner, brightest))


def as_signal(array: NDArray[Any], signal: Signal, owner: str) -> NDArray[np.uint8]:
    """Turn an array (N, C, H, W) into uint8 by its ``signal``; reals are in its channels' units.

    Raises:
        UnbraidError: another shape, or reals that are outside the channels' ranges or unknown.
    """
    if array.shape[1:] != signal.shape or not len(array):
        raise UnbraidError(
            f"{owner}: arrays have shape {array.shape}, expected (N, C, H, W) with (C, H, W) = "
            f"{signal.shape}, the shape of their signal: save arrays of that shape."
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "iuf":
        raise UnbraidError(
            f"{owner}: arrays are of type {array.dtype}, expected numbers: save them as uint8 or "
            "reals."
        )
    shares = signal.to_unit(array)
    low, high = shares.min(), shares.max()
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # NaN, too
        spans = [f"{c.name} {c.range[0]:g} to {c.range[1]:g}" for c in signal.channels]
        raise UnbraidError(
            f"{owner}: arrays hold values outside the range of their channels "
            f"({', '.join(spans) or '0 to 1'}), or NaN: clip them, or widen the range."
        )
    return np.asarray(np.rint(shares.clip(0, 1) * 255), np.uint8)


def _channels_first(array: NDArray[Any], layout: str, owner: str) -> NDArray[Any]:
    if array.ndim == 3:
        return array[:, None]
    if array.ndim != 4:
        raise UnbraidError(
            f"{owner}: images have shape {array.shape}, expected (N, H, W), (N, H, W, C) or "
            "(N, C, H, W): reshape them."
        )
    if layout == "auto":
        first, last = (array.shape[axis] in CHANNELS for axis in (1, 3))
        if first == last:
            raise UnbraidError(
                f"{owner}: images have shape {array.shape}, and {'either' if first else 'neither'} "
                "of axes 1 and 3 can be the 1 to 4 channels: set layout to 'nchw' or 'nhwc'."
            )
        layout = "nchw" if first else "nhwc"
    images = array if layout == "nchw" else array.transpose(0, 3, 1, 2)
    if images.shape[1] not in CHANNELS:
        raise UnbraidError(
            f"{owner}: images of shape {array.shape} have {images.shape[1]} channels as {layout}, "
            "expected 1 to 4: set the other layout, or leave some channels out."
        )
    return images


def _as_uint8(images: NDArray[Any], owner: str, brightest: float) -> NDArray[np.uint8]:
    if images.dtype.kind not in "buif":
        raise UnbraidError(
            f"{owner}: images are of type {images.dtype}, expected whole numbers in 0..255 or "
            "reals in 0..1: convert them."
        )
    low, high = images.min(), images.max()  # NaN if there is one
    if images.dtype.kind == "f":
        if np.isnan(low):
            broken = int(np.isnan(images).any(axis=(1, 2, 3)).sum())
            raise UnbraidError(
                f"{owner}: {broken} of {len(images)} images contain NaN, expected reals in 0..1: "
                "leave those images out."
            )
        if low < -ROUNDING or high > 1 + ROUNDING:
            raise UnbraidError(
                f"{owner}: images of type {images.dtype} range from {low:g} to {high:g}, expected "
                "0 to 1: rescale them, or save them as uint8 in 0..255."
            )
        return np.rint(images.clip(0, 1) * np.float32(255)).astype(np.uint8)
    if low < 0 or high > 255:
        raise UnbraidError(
            f"{owner}: images of type {images.dtype} range from {low} to {high}, expected 0 to "
            "255: rescale them."
        )
    truths = images.dtype.kind == "b" or max(high, brightest) <= 1
    return images.astype(np.uint8) * np.uint8(255 if truths else 1)


def held_out(
    count: int,
    split: str,
    seed: int,
    full: bool,
    owner: str,
    noun: str = "image",
    groups: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return the rows of a split of data that come without one, as ``split_rows`` draws them.

    Of rows in ``groups`` (N,), whole groups are held out.

    >>> len(held_out(50, "test", 0, False, "mine")), len(held_out(50, "train", 0, False, "mine"))
    (5, 45)
    """
    rows = split_rows(count, split, seed, full, groups)
    if not len(rows) and groups is not None:
        raise UnbraidError(
            f"{owner}: all {noun}s are in one group, so that none can be held out as the test "
            "split: correct the column of groups, or take all in either split with full=True "
            "(--data.full)."
        )
    if not len(rows):
        raise UnbraidError(
            f"{owner}: {count} {noun}s are too few to hold a tenth of them out as the test split: "
            "add some, or take all of them in either split with full=True (--data.full)."
        )
    return rows
