"""How a picture from elsewhere is brought to the form of a run's data, told to the page.

What a folder of images was made with is in the run's config. What cannot be read there is measured
from the images: the grey of their border, and whether they hold one figure, centred and of one size
as MNIST's digits are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unbraid.runs import Run

PLAIN = 0.9  # share of the images whose border must have one grey
CLOSE = 12  # greys that count as one
CENTRED = 0.06  # of the side: how far the centre of mass may be from the middle
INK = 0.15  # of the range from background to ink: a pixel above it is ink


def preparation(run: Run, images: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what the page does to a picture that is drawn, dropped or chosen.

    ``kind`` is ``centred`` (ink on a plain ground, brought to the extent ``extent`` and its centre
    of mass to the middle), ``ink`` (ink on a plain ground) or ``picture``. ``ground`` is the colour
    of the background, RGB; ``fit`` and ``background`` are those of a folder of images.

    Args:
        run: whose data they are.
        images: held-out images, (N, C, H, W).
    """
    options = run.data_options
    ground, plain = _ground(images)
    found: dict[str, Any] = {
        "kind": "picture",
        "ground": ground,
        "fit": options.get("fit", "crop"),
        "background": options.get("background", "white"),
    }
    if images.shape[1] != 1 or plain < PLAIN or run.signal.kind != "image":
        return found
    found["kind"] = "ink"
    dark = ground[0] < 128
    ink = np.abs(images[:, 0].astype(np.float32) - ground[0]) / (
        255 - ground[0] if dark else ground[0]
    )
    extents, offsets = _places(ink)
    side = max(images.shape[2:])
    if not len(extents):
        return found
    middle = float(np.median(extents))
    alike = np.mean(np.abs(extents - middle) <= 0.5 + side / 28) >= PLAIN
    centred = np.mean(offsets <= CENTRED * side) >= PLAIN
    if alike and centred and middle < 0.95 * side:
        found |= {"kind": "centred", "extent": middle / side}
    return found


def _ground(images: NDArray[np.uint8]) -> tuple[list[int], float]:
    """Return the median colour of the border, RGB, and the share of images that have it."""
    sides = (images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1])
    border = np.median(np.concatenate(sides, -1), -1)  # (N, C)
    ground = np.median(border, 0)
    share = float(np.mean(np.abs(border - ground).max(1) <= CLOSE))
    colour = ground[[0, 0, 0]] if len(ground) != 3 else ground
    return [round(float(value)) for value in colour], share


def _places(ink: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each image's larger extent, and how far its centre of mass is from the middle."""
    height, width = ink.shape[1:]
    marked: NDArray[Any] = ink > INK
    rows, columns = np.any(marked, axis=2), np.any(marked, axis=1)  # (N, H), (N, W)
    some = np.any(rows, axis=1)
    ink, rows, columns = ink[some], rows[some], columns[some]
    high = height - rows.argmax(1) - rows[:, ::-1].argmax(1)
    wide = width - columns.argmax(1) - columns[:, ::-1].argmax(1)
    total = ink.sum((1, 2))
    down = (ink.sum(2) * np.arange(height)).sum(1) / total - (height - 1) / 2
    right = (ink.sum(1) * np.arange(width)).sum(1) / total - (width - 1) / 2
    return np.maximum(high, wide).astype(np.float64), np.hypot(down, right)
