"""Data sets whose images are drawn under factors: what they can do beside holding images.

What is drawn is real (a handwriting, a recording): its *style*, which is no factor unless it is
asked for. A renderer chooses styles and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets._correlated import Weigh, check_left
from unbraid.datasets._dataset import Dataset
from unbraid.datasets._pairs import REDRAW, Pairs, Rule, Seed, choose

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Range = tuple[float, float]
Correlations = tuple[tuple[str, str, float], ...]
Distributions = tuple[tuple[str, str], ...]
Sampler = Callable[[int, list[int]], Floats]

TRIES = 200  # draws of other values for a style that does not fit


def with_style(
    specs: tuple[FactorSpec, ...], factors: Floats, sources: Ints, style: Ints
) -> tuple[tuple[FactorSpec, ...], Floats]:
    """Return specs and factors (N, F) with a column for the style (N,), of ``sources``."""
    spec = FactorSpec("style", "categorical", values=tuple(sources.tolist()))
    return (*specs, spec), np.column_stack([factors, np.searchsorted(sources, style)])


class Renderer(Protocol):
    """What draws images of factors in a style; the first factor is the category."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""

    @property
    def sources(self) -> Ints:
        """The styles there are, ascending."""

    def draw(self, factors: Floats, style: Ints) -> NDArray[np.uint8]:
        """Return images, uint8 (N, C, H, W)."""

    def fits(self, factors: Floats, style: Ints) -> NDArray[np.bool_]:
        """Return whether a style can be drawn under factors, (N,)."""

    def choose(self, factors: Floats, seed: int | list[int] = 0) -> Ints:
        """Choose at random a style of each row's category, (N,)."""


class Drawn:
    """Images drawn when they are asked for: random access without holding any."""

    def __init__(self, renderer: Renderer, factors: Floats, style: Ints) -> None:
        self.renderer, self.factors, self.style = renderer, factors, style

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return len(self.style), *self.renderer.image_shape

    def __len__(self) -> int:
        return len(self.style)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        return self.renderer.draw(self.factors[rows], self.style[rows])


@dataclass(frozen=True, eq=False, repr=False)
class Rendered(Dataset):
    """A data set that also knows the style of each image, and can draw more.

    Args:
        style: (N,) which of the renderer's sources each image is drawn from.
        renderer: what drew the images.
        sampler: draws more factors of the same distribution, (count, F), by a seed.
        names: of the factors that images are drawn of; ``style`` may follow them.
    """

    style: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    renderer: Any = None
    sampler: Sampler | None = None
    names: tuple[str, ...] = ()

    bound: ClassVar[tuple[str, ...]] = ()  # factors that a style has itself, such as its digit
    unfit: ClassVar[str] = ""  # what to do where a style fits under no factors

    def take(self, rows: Ints) -> Any:
        """Return the data set made of the given rows, in that order."""
        part = super().take(rows)
        return replace(self, images=part.images, factors=part.factors, style=self.style[rows])

    def draw(self, factors: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint8] | None:
        """Draw an image of each row of factors (M, F), each in a style chosen at random.

        None where the style is a factor itself, or some factors have been left out.
        """
        if self.renderer is None or self.factor_names != self.names:
            return None
        rows = np.asarray(factors, np.float64)
        style = self.renderer.choose(rows, int(rng.integers(2**31)))
        images: NDArray[np.uint8] = self.renderer.draw(rows, style)
        return images

    def thinned(self, weigh: Weigh, seed: Seed) -> Dataset:
        """Draw as many images as there are, with factors kept by their weight, see ``Dataset``."""
        if self.sampler is None or self.renderer is None or self.factor_names != self.names:
            return super().thinned(weigh, seed)
        entropy, count = [seed] if isinstance(seed, int) else [*seed], len(self)
        kept = np.zeros((0, len(self.names)))
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
        among: Ints | None = None,
    ) -> Pairs:
        """Draw for each of the rows another image that differs in some factors, see ``Dataset``.

        The style is held, but for other categories. Where it is a factor itself, both are held.
        """
        if self.correlation is not None and self.split == "train":
            raise UnbraidError(
                f"{self.name}: the partners of pairs are drawn with factors that are independent, "
                f"but these images have {self.correlation.told}: leave out correlated, or use a "
                "data set whose images are fixed, such as dsprites."
            )
        if self.renderer is None or self.factor_names not in (self.names, (*self.names, "style")):
            return super().pairs(rows, rule, seed, among)
        entropy = [seed] if isinstance(seed, int) else [*seed]
        rows, count = np.asarray(rows, np.int64), len(self.names)
        movable = np.array([_movable(spec) for spec in self.specs])
        if len(self.specs) > count:  # a style has its own category
            movable[[*self._bound(), count]] = False
        rng = np.random.default_rng([*entropy, 0])
        mask = choose(movable, len(rows), rule, rng, self.name)[:, :count]
        factors, style = self._redrawn(rows, mask, rule, rng, [*entropy, 1])
        changed = np.zeros((len(rows), len(self.specs)), bool)
        changed[:, :count] = factors != np.asarray(self.factors)[rows, :count]
        return Pairs(self.renderer.draw(factors, style), changed)

    def _redrawn(
        self,
        rows: Ints,
        mask: NDArray[np.bool_],
        rule: Rule,
        rng: np.random.Generator,
        entropy: list[int],
    ) -> tuple[Floats, Ints]:
        """Return factors of rows with those under ``mask`` drawn again, and styles, (B,)."""
        own = np.asarray(self.factors, np.float64)[rows, : len(self.names)]
        factors, style, left = own.copy(), self.style[rows].copy(), np.arange(len(rows))
        for _ in range(TRIES):
            for column, spec in enumerate(self.specs[: len(self.names)]):
                drawn = _drawn(spec, own[left, column], rule == REDRAW, rng)
                factors[left, column] = np.where(mask[left, column], drawn, own[left, column])
            same = self._same_style(factors[left], own[left])
            fits = ~same | self.renderer.fits(factors[left], style[left])
            left = left[~fits]
            if not len(left):
                break
        for row in rows[left[:1]]:
            raise UnbraidError(f"{self.name}: {self.unfit.format(row=row)}")
        other = np.flatnonzero(~self._same_style(factors, own))
        style[other] = self.renderer.choose(factors[other], entropy)
        return factors, style

    def _same_style(self, factors: Floats, own: Floats) -> NDArray[np.bool_]:
        """Return which rows of factors can have the style of others, (N,)."""
        bound = self._bound()
        return np.asarray((factors[:, bound] == own[:, bound]).all(axis=1))

    def _bound(self) -> list[int]:
        return [column for column, name in enumerate(self.names) if name in self.bound]

    def vary(self, row: int, name: str, values: Floats, seed: int = 0) -> NDArray[np.uint8]:
        """Draw image ``row`` again with one factor at other values, all else as it was.

        Args:
            row: the image to start from; it keeps its style, save where its category changes.
            name: the factor that moves.
            values: (K,) what it moves through, as stored in ``factors``.
            seed: chooses the style of other categories.

        Returns:
            uint8 (K, C, H, W).
        """
        factors, style = self.varied(row, name, values, seed)
        images: NDArray[np.uint8] = self.renderer.draw(factors, style)
        return images

    def varied(self, row: int, name: str, values: Floats, seed: int = 0) -> tuple[Floats, Ints]:
        """Return the factors (K, F) and styles (K,) that ``vary`` draws."""
        assert self.renderer is not None
        assert self.factors is not None
        self.factor(name)  # raises if there is none
        own = np.asarray(self.factors, np.float64)[row, : len(self.names)]
        factors = np.repeat(own[None], len(values), axis=0)
        style = np.repeat(self.style[row], len(values))
        if name == "style":
            return factors, self.renderer.sources[np.asarray(values, np.int64)]
        factors[:, self.factor_names.index(name)] = values
        if name in self.bound:
            other = ~self._same_style(factors, np.broadcast_to(own, factors.shape))
            style = np.where(other, self.renderer.choose(factors, seed), style)
        return factors, style


def whole(images: Drawn, owner: str) -> NDArray[np.uint8]:
    """Return all images of a source, drawn.

    Raises:
        UnbraidError: they do not fit into memory.
    """
    remedy = "ask for a smaller n, or draw them on demand with stream=True (--data.stream)"
    memory.check(prod(images.shape), f"{owner}: {len(images):,} images", remedy)
    return images[:]


def _movable(spec: FactorSpec) -> bool:
    return len(spec.values) > 1 if spec.values is not None else len(set(spec.range or ())) > 1


def _drawn(spec: FactorSpec, own: Floats, any_value: bool, rng: np.random.Generator) -> Floats:
    """Draw values (N,) of a factor, others than ``own`` where they are levels."""
    if spec.values is None:
        assert spec.range is not None  # FactorSpec has it where it has no values
        return rng.uniform(*spec.range, len(own))
    count = len(spec.values)
    if any_value:
        return rng.integers(count, size=len(own)).astype(np.float64)
    return np.asarray((own + rng.integers(1, max(count, 2), size=len(own))) % count)


def read_correlations(correlations: Any, owner: str, example: str) -> Correlations:
    """Read correlations given as triples or as a mapping from pairs."""
    if isinstance(correlations, Mapping):
        correlations = [(*pair, rho) for pair, rho in correlations.items()]
    try:
        return tuple((str(one), str(other), float(rho)) for one, other, rho in correlations)
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"{owner}: correlations are {correlations!r}, expected (factor, factor, rho) triples "
            f"such as [{example}]."
        ) from error


def read_distributions(distributions: Any, owner: str, example: str) -> dict[str, str]:
    """Read distributions given as pairs or as a mapping."""
    try:
        return {str(name): str(kind) for name, kind in dict(distributions).items()}
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"{owner}: distributions are {distributions!r}, expected (factor, distribution) pairs "
            f"such as [{example}]."
        ) from error


def check_range(name: str, given: Any, owner: str) -> None:
    """Raise an UnbraidError for what is no range (low, high)."""
    try:
        low, high = (float(end) for end in given)
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"{owner}: {name} is {given!r}, expected a range (low, high)."
        ) from error
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise UnbraidError(f"{owner}: {name} is {given}, expected two numbers, the lower first.")


def is_pair(given: Any) -> bool:
    """Whether something is two whole numbers, such as (start, stop)."""
    return (
        isinstance(given, Sequence)
        and len(given) == 2
        and all(isinstance(each, int | np.integer) for each in given)
    )


def check_counts(config: Any, owner: str) -> None:
    """Raise an UnbraidError for ``n``, ``grid`` or ``seed`` that cannot be."""
    if config.n is not None and (config.n < 1 or config.grid is not None):
        raise UnbraidError(
            f"{owner}: n is {config.n} with grid={config.grid}: give one of them, 1 or more."
        )
    if config.seed < 0:
        raise UnbraidError(f"{owner}: seed is {config.seed}, but a seed is 0 or more.")
