"""Handwritten digits drawn with known digit, size, place, angle and stroke width.

MNIST's handwriting, each digit's centre line in canonical pose, is drawn under factors we set.
Lengths are pixels of a 64-pixel canvas, also on other canvases: on 32 pixels a ``size`` of 30
covers 15. x counts to the right of the canvas's centre and **y upwards**, so a digit "in the top"
has y > 0; the angle turns **counter-clockwise** as seen. Writers of the train and the test split
are those of MNIST's own splits and never mix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import SPLITS, Dataset
from unbraid.datasets._cache import cached
from unbraid.datasets._correlated import Weigh, check_left
from unbraid.datasets._digit_ranges import check_drawable
from unbraid.datasets._drawing import CONTINUOUS, UNIT_CANVAS, Drawn, Renderer
from unbraid.datasets._factors import grid_of, sample_factors
from unbraid.datasets._glyphs import VERSION
from unbraid.datasets._pairs import REDRAW, Pairs, Rule, Seed, choose

__all__ = ["Config", "Digits", "Renderer", "factor_specs", "load"]

Range = tuple[float, float]
Correlations = tuple[tuple[str, str, float], ...]
Distributions = tuple[tuple[str, str], ...]

# Half a turn takes a stroke, a ring and two rings to themselves; docs/digits.md measures it.
HALF_TURN = tuple(Symmetry("digit", digit, 180.0) for digit in (0, 1, 8))

NAMES = ("digit", *CONTINUOUS)  # of the factors that images are drawn of
TRIES = 200  # draws of other values for a handwriting whose ink would leave the canvas

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


@dataclass(frozen=True)
class Digits(Dataset):
    """A Dataset that also knows whose handwriting each image is, and can draw more.

    Args:
        style: (N,) rows of the MNIST split the handwriting is from.
        renderer: what drew the images.
        sampler: draws more factors of the same distribution, (count, 6), by a seed.
    """

    style: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    renderer: Renderer | None = None
    sampler: Callable[[int, list[int]], NDArray[np.float64]] | None = None

    def take(self, rows: NDArray[np.int64]) -> Digits:
        """Return the data set made of the given rows, in that order."""
        part = super().take(rows)
        return replace(self, images=part.images, factors=part.factors, style=self.style[rows])

    def draw(self, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Draw an image of each row of factors (M, 6), each in a handwriting chosen at random.

        None where the handwriting is a factor itself, or some factors have been left out.
        """
        if self.renderer is None or len(self.specs) != 6:
            return None
        rows = np.asarray(factors, np.float64)
        return self.renderer.draw(rows, self.renderer.choose(rows, int(rng.integers(2**31))))

    def thinned(self, weigh: Weigh, seed: Seed) -> Dataset:
        """Draw as many images as there are, with factors kept by their weight, see ``Dataset``."""
        if self.sampler is None or self.renderer is None or self.factor_names != NAMES:
            return super().thinned(weigh, seed)
        entropy, count = [seed] if isinstance(seed, int) else [*seed], len(self)
        kept = np.zeros((0, len(NAMES)))
        for attempt in range(TRIES):
            drawn = self.sampler(count, [*entropy, 0, attempt])
            draws = np.random.default_rng([*entropy, 1, attempt]).random(count)
            kept = np.concatenate([kept, drawn[draws < weigh(drawn)]])
            if len(kept) >= count:
                break
        check_left(len(kept), self)
        factors = kept[:count]
        style = self.renderer.choose(factors, [*entropy, 2])
        images = Drawn(self.renderer, factors, style)
        return replace(self, images=images, factors=factors, style=style)

    def pairs(
        self,
        rows: NDArray[Any],
        rule: Rule = 1,
        seed: Seed = 0,
        among: NDArray[np.int64] | None = None,
    ) -> Pairs:
        """Draw for each of the rows another image that differs in some factors, see ``Dataset``.

        The handwriting is held, but for other digits. Where it is a factor itself, both are held.
        """
        if self.correlation is not None and self.split == "train":
            raise UnbraidError(
                "digits: the partners of pairs are drawn with factors that are independent, but "
                f"these images have {self.correlation.told}: leave out correlated, or use a data "
                "set whose images are fixed, such as dsprites."
            )
        if self.renderer is None or self.factor_names not in (NAMES, (*NAMES, "style")):
            return super().pairs(rows, rule, seed, among)
        entropy = [seed] if isinstance(seed, int) else [*seed]
        rows = np.asarray(rows, np.int64)
        movable = np.array([_movable(spec) for spec in self.specs])
        if len(self.specs) > len(NAMES):  # a handwriting shows one digit
            movable[[0, len(NAMES)]] = False
        rng = np.random.default_rng([*entropy, 0])
        mask = choose(movable, len(rows), rule, rng, self.name)[:, : len(NAMES)]
        factors, style = self._redrawn(rows, mask, rule, rng, [*entropy, 1])
        changed = np.zeros((len(rows), len(self.specs)), bool)
        changed[:, : len(NAMES)] = factors != np.asarray(self.factors)[rows, : len(NAMES)]
        return Pairs(self.renderer.draw(factors, style), changed)

    def _redrawn(
        self,
        rows: NDArray[np.int64],
        mask: NDArray[np.bool_],
        rule: Rule,
        rng: np.random.Generator,
        entropy: list[int],
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return factors of rows with those under ``mask`` drawn again, and handwritings, (B,)."""
        assert self.renderer is not None
        own = np.asarray(self.factors, np.float64)[rows, : len(NAMES)]
        factors, style, left = own.copy(), self.style[rows].copy(), np.arange(len(rows))
        for _ in range(TRIES):
            for column, spec in enumerate(self.specs[: len(NAMES)]):
                drawn = _drawn(spec, own[left, column], rule == REDRAW, rng)
                factors[left, column] = np.where(mask[left, column], drawn, own[left, column])
            same = factors[left, 0] == own[left, 0]
            fits = ~same | self.renderer.fits(factors[left], style[left])
            left = left[~fits]
            if not len(left):
                break
        for row in rows[left[:1]]:
            raise UnbraidError(
                f"digits: the handwriting of row {row} fits the canvas with no other value of "
                f"the factors to change: lower size, x, y or thickness."
            )
        other = np.flatnonzero(factors[:, 0] != own[:, 0])
        style[other] = self.renderer.choose(factors[other], entropy)
        return factors, style

    def vary(
        self, row: int, name: str, values: NDArray[np.float64], seed: int = 0
    ) -> NDArray[np.uint8]:
        """Draw image ``row`` again with one factor at other values, all else as it was.

        Args:
            row: the image to start from; it keeps its handwriting, save where digits change.
            name: the factor that moves.
            values: (K,) what it moves through, as stored in ``factors``.
            seed: chooses the handwriting of other digits.

        Returns:
            uint8 (K, 1, canvas, canvas).
        """
        assert self.renderer is not None
        assert self.factors is not None
        self.factor(name)  # raises if there is none
        factors = np.repeat(self.factors[row : row + 1, :6], len(values), axis=0)
        style = np.repeat(self.style[row], len(values))
        if name == "style":
            style = self.renderer.glyphs.source[np.asarray(values, np.int64)]
        else:
            factors[:, self.factor_names.index(name)] = values
        if name == "digit":
            other = factors[:, 0] != self.factors[row, 0]
            style = np.where(other, self.renderer.choose(factors, seed), style)
        return self.renderer.draw(factors, style)


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
        images = cached(f"digits-images-{_key(config, split)}", lambda: images[:])
    if config.style_factor:
        sources = renderer.glyphs.source
        specs = (*specs, FactorSpec("style", "categorical", values=tuple(sources.tolist())))
        factors = np.column_stack([factors, np.searchsorted(sources, style)])
    data = Digits("digits", images, factors, specs, split, style=style)
    return replace(data, renderer=renderer, sampler=sampler)


def _sampled(
    specs: tuple[FactorSpec, ...], config: Config, entropy: list[int], count: int, seed: list[int]
) -> NDArray[np.float64]:
    """Draw factors as a config says, (count, 6)."""
    correlations, distributions = _triples(config.correlations), _pairs(config.distributions)
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


def _movable(spec: FactorSpec) -> bool:
    return len(spec.values) > 1 if spec.values is not None else len(set(spec.range or ())) > 1


def _drawn(
    spec: FactorSpec, own: NDArray[np.float64], any_value: bool, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw values (N,) of a factor, others than ``own`` where they are levels."""
    if spec.values is None:
        assert spec.range is not None  # FactorSpec has it where it has no values
        return rng.uniform(*spec.range, len(own))
    count = len(spec.values)
    if any_value:
        return rng.integers(count, size=len(own)).astype(np.float64)
    return np.asarray((own + rng.integers(1, max(count, 2), size=len(own))) % count)


def _key(config: Config, split: str) -> str:
    facts = (_VERSION, VERSION, split, replace(config, style_factor=False))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _triples(correlations: Any) -> Correlations:
    """Read correlations given as triples or as a mapping from pairs."""
    if isinstance(correlations, Mapping):
        correlations = [(*pair, rho) for pair, rho in correlations.items()]
    try:
        return tuple((str(one), str(other), float(rho)) for one, other, rho in correlations)
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"digits: correlations are {correlations!r}, expected (factor, factor, rho) triples "
            'such as [("size", "thickness", 0.8)].'
        ) from error


def _pairs(distributions: Any) -> dict[str, str]:
    """Read distributions given as pairs or as a mapping."""
    try:
        return {str(name): str(kind) for name, kind in dict(distributions).items()}
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"digits: distributions are {distributions!r}, expected (factor, distribution) pairs "
            'such as [("x", "normal")].'
        ) from error
