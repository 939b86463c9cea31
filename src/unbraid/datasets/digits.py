"""Handwritten digits drawn with known digit, size, place, angle and stroke width.

MNIST's handwriting, each digit's centre line in canonical pose, is drawn under factors we set.
Lengths are pixels of a 64-pixel canvas, also on other canvases: on 32 pixels a ``size`` of 30
covers 15. x counts to the right of the canvas's centre and **y upwards**, so a digit "in the top"
has y > 0; the angle turns **counter-clockwise** as seen. Writers of the train and the test split
are those of MNIST's own splits and never mix.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import SPLITS
from unbraid.datasets._cache import cached
from unbraid.datasets._digit_ranges import check_drawable
from unbraid.datasets._drawing import CONTINUOUS, UNIT_CANVAS, Renderer
from unbraid.datasets._factors import grid_of, sample_factors
from unbraid.datasets._glyphs import VERSION
from unbraid.datasets._rendered import (
    Correlations,
    Distributions,
    Drawn,
    Range,
    Rendered,
    read_correlations,
    read_distributions,
    whole,
    with_style,
)

__all__ = ["Config", "Digits", "Renderer", "factor_specs", "load"]

# Half a turn takes a stroke, a ring and two rings to themselves; docs/digits.md measures it.
HALF_TURN = tuple(Symmetry("digit", digit, 180.0) for digit in (0, 1, 8))

NAMES = ("digit", *CONTINUOUS)  # of the factors that images are drawn of
_DEFAULT_COUNT = {"train": 50_000, "test": 10_000}
_VERSION = 1  # of all that shapes the images beside the glyphs


@dataclass(frozen=True)
class Config:
    """Options of the digits; lengths in pixels of a 64-pixel canvas, ranges as (low, high).

    Args:
        n: how many images; 50,000 of the train and 10,000 of the test split by default.
        canvas: height and width of the images, at least 16.
        seed: draws factors and handwriting.
        digits: which digits there are.
        size: sqrt(12) times the root mean square distance of the line from its centroid, which
            is the height of a plain 1; other digits are 0.65 (0) to 0.92 (4) times as high.
        x: centroid of the line, to the right of the canvas's centre.
        y: centroid of the line, above the canvas's centre.
        angle: degrees counter-clockwise from upright.
        thickness: stroke width.
        correlations: (factor, factor, rho) for each pair that is not independent, by a Gaussian
            copula.
        distributions: (factor, ``"normal"``) for each continuous factor that is not ``"uniform"``.
        grid: levels of each continuous factor; every combination once instead of ``n`` draws.
        glyphs: rows (start, stop) of the MNIST split whose handwriting is used; all by default.
        style_factor: add ``style``, the row in the MNIST split, as a last, categorical factor.
        stream: draw images whenever they are asked for, instead of once into the cache.
    """

    n: int | None = None
    canvas: int = UNIT_CANVAS
    seed: int = 0
    digits: tuple[int, ...] = tuple(range(10))
    size: Range = (24.0, 40.0)
    x: Range = (-9.0, 9.0)
    y: Range = (-9.0, 9.0)
    angle: Range = (-45.0, 45.0)
    thickness: Range = (2.0, 5.5)
    correlations: Correlations = ()
    distributions: Distributions = ()
    grid: int | None = None
    glyphs: tuple[int, int] | None = None
    style_factor: bool = False
    stream: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Digits(Rendered):
    """A Dataset that also knows whose handwriting each image is, and can draw more.

    ``style`` are rows of the MNIST split that the handwriting is from, see ``Rendered``.
    """

    bound: ClassVar[tuple[str, ...]] = ("digit",)
    unfit: ClassVar[str] = (
        "the handwriting of row {row} fits the canvas with no other value of the factors to "
        "change: lower size, x, y or thickness."
    )


def load(config: Config, split: str) -> Digits:
    """Load digits: images uint8 (N, 1, canvas, canvas), factors float64 (N, 6).

    The columns are digit (an index), size, x, y, angle and thickness.

    Raises:
        UnbraidError: ranges that no digit fits, unknown factors, impossible correlations.

    >>> data = load(Config(n=100, canvas=32, angle=(0, 30), stream=True), "test")
    >>> data.images[:5].shape, data.factor_names
    ((5, 1, 32, 32), ('digit', 'size', 'x', 'y', 'angle', 'thickness'))
    """
    check_drawable(config)
    specs = factor_specs(config)
    entropy = [config.seed, SPLITS.index(split)]
    sampler = None
    if config.grid is None:
        count = _DEFAULT_COUNT[split] if config.n is None else config.n
        sampler = partial(_sampled, specs, config, entropy)
        factors = sampler(count, [0])
    else:
        factors = grid_of(specs, config.grid)
    renderer = Renderer(split, config.canvas, config.glyphs, config.digits)
    style = renderer.choose(factors, [*entropy, 1])
    images: Any = Drawn(renderer, factors, style)
    if not config.stream:
        images = cached(f"digits-images-{_key(config, split)}", lambda: whole(images, "digits"))
    if config.style_factor:
        specs, factors = with_style(specs, factors, renderer.sources, style)
    data = Digits("digits", images, factors, specs, split, style=style)
    return replace(data, renderer=renderer, sampler=sampler, names=NAMES)


def _sampled(
    specs: tuple[FactorSpec, ...], config: Config, entropy: list[int], count: int, seed: list[int]
) -> NDArray[np.float64]:
    """Draw factors as a config says, (count, 6)."""
    correlations = read_correlations(config.correlations, "digits", '("size", "thickness", 0.8)')
    distributions = read_distributions(config.distributions, "digits", '("x", "normal")')
    return sample_factors(specs, count, [*entropy, *seed], correlations, distributions)


def factor_specs(config: Config) -> tuple[FactorSpec, ...]:
    """Return the specs of digit, size, x, y, angle and thickness."""
    units = {"x": "pixels right", "y": "pixels up", "angle": "degrees"}
    continuous = (
        FactorSpec(
            name,
            "continuous",
            range=getattr(config, name),
            unit=units.get(name, "pixels"),
            symmetries=HALF_TURN if name == "angle" else (),
        )
        for name in CONTINUOUS
    )
    return FactorSpec("digit", "categorical", values=tuple(config.digits)), *continuous


def _key(config: Config, split: str) -> str:
    facts = (_VERSION, VERSION, split, replace(config, style_factor=False))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
