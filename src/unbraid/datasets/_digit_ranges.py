"""Checks of the options of ``digits``: what cannot be drawn is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.core.errors import UnbraidError
from unbraid.datasets._drawing import CONTINUOUS, UNIT_CANVAS, too_thick
from unbraid.datasets._rendered import check_counts, check_range, is_pair

if TYPE_CHECKING:
    from unbraid.datasets.digits import Config


def check_drawable(config: Config) -> None:
    """Refuse what cannot be drawn, in one sentence."""
    if not isinstance(config.canvas, int) or config.canvas < 16:
        raise UnbraidError(
            f"digits: canvas is {config.canvas}, expected a whole number of pixels, 16 or more."
        )
    check_counts(config, "digits")
    if not config.digits or not set(config.digits) <= set(range(10)):
        raise UnbraidError(f"digits: digits are {config.digits}, expected some of 0 to 9.")
    if len(set(config.digits)) < len(config.digits):
        raise UnbraidError(f"digits: digits are {config.digits}: name each once.")
    if config.glyphs is not None and not is_pair(config.glyphs):
        raise UnbraidError(
            f"digits: glyphs are {config.glyphs}, expected the rows (start, stop) of the MNIST "
            "split, such as (0, 1000)."
        )
    for name in CONTINUOUS:
        check_range(name, getattr(config, name), "digits")
    _check_fit(config)


def _check_fit(config: Config) -> None:
    """Raise an UnbraidError for ranges whose ends are off the canvas, too thin or too thick."""
    smallest, largest = config.size
    thinnest, thickest = config.thickness
    if smallest <= 0:
        raise UnbraidError(f"digits: size starts at {smallest}, but a digit has a size above 0.")
    if thinnest < 1:
        raise UnbraidError(
            f"digits: thickness starts at {thinnest}, thinner than a pixel (of a 64-pixel "
            "canvas): start it at 1 or more."
        )
    if blob := too_thick(thickest, smallest, config.canvas):
        raise UnbraidError(blob)
    for name in ("x", "y"):
        shift = max(abs(end) for end in getattr(config, name))
        reach = shift + largest / 2 + thickest / 2
        if reach > UNIT_CANVAS / 2:
            raise UnbraidError(
                f"digits: {name} to {shift}, size to {largest} and thickness to {thickest} move "
                f"digits off the canvas ({shift} + {largest}/2 + {thickest}/2 = {reach} pixels "
                "from its centre, where 32 is its edge): narrow one of the ranges."
            )
