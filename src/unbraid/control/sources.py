"""What a drawer is measured beside: real images of a request, however the data can give them.

``Rendered`` draws handwriting under any factors, ``Grid`` looks up the one image of a combination,
and ``Nearest`` takes the images whose factors are nearest, where nothing better can be had.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from unbraid import registry
from unbraid.control._scale import Scale
from unbraid.control.aside import MOST_LEVELS, Aside
from unbraid.datasets import Dataset, ImageSource, load_dataset
from unbraid.datasets.digits import Renderer
from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]
Drawn = Literal["independent", "joint"]

OTHER = 4.0  # how far another category is, in half-widths of a number
MOST_BESIDE = 20_000  # training images that real images are taken from, too
_ORDER = 0x5EA1  # names the stream that chooses them


class Source(Protocol):
    """Where requests come from, and real images of them."""

    specs: tuple[FactorSpec, ...]
    exact: bool  # whether real images have exactly the factors asked for
    repeats: bool  # whether several images have the same factors
    units: dict[str, str]  # of factors, where they are not their specs'
    relative: tuple[str, ...]  # factors whose errors are in per cent of what was asked

    def requests(self, count: int, seed: int, drawn: Drawn) -> Floats:
        """Return random requests, factor rows (count, F) as stored.

        Args:
            count: how many.
            seed: of the draw.
            drawn: ``independent``, each factor by itself, or ``joint``, as they come together in
                the data.
        """

    def changed(self, asked: Floats, column: int, seed: int) -> Floats | None:
        """Return requests with one factor drawn anew; None where it has a single value.

        Levels change to another level.
        """

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return a real image for each request, and the factors (N, F) that it has.

        The same seed gives the same image, as far as the data have it, where a factor is another;
        another seed gives another one of the same request.
        """


class Rendered:
    """Handwriting of ``digits`` drawn under any factors.

    Args:
        specs: of the factors, digit, size, x, y, angle and thickness among them.
        renderer: draws the images.
        rows: factors (N, F) as they come together; independent and even if None.
    """

    exact = repeats = True
    relative: tuple[str, ...] = ("size",)

    def __init__(
        self, specs: Sequence[FactorSpec], renderer: Renderer, rows: Floats | None = None
    ) -> None:
        from unbraid.control.judge import FACTORS

        self.specs, self.renderer, self.rows = tuple(specs), renderer, rows
        names = [spec.name for spec in specs]
        self.columns = [names.index(name) for name in FACTORS]
        self.units = {"angle": "degrees", "x": "px", "y": "px", "size": "%", "thickness": "px"}

    def requests(self, count: int, seed: int, drawn: Drawn) -> Floats:
        """Return random requests, uniform over ranges and levels if independent."""
        if drawn == "joint" and self.rows is not None:
            return _some(self.rows, count, seed)
        return draw_requests(self.specs, count, seed)

    def changed(self, asked: Floats, column: int, seed: int) -> Floats | None:
        """Return requests with one factor drawn anew, uniformly."""
        return changed_alone(asked, column, self.specs[column], seed)

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return renderings: the same handwriting for the same digit, as far as it fits."""
        rows = factors[:, self.columns]
        return self.renderer.draw(rows, self.renderer.choose(rows, list(seed))), factors


class Grid:
    """Data that has every combination of its factors once: the image of any request is there.

    Args:
        images: of all combinations.
        specs: of the factors, all of them levels.
        row_of: which image has a combination, by its place in the grid.
        rows: factors (N, F) of images that no drawer was trained on, where requests come from.
    """

    exact, repeats = True, False
    relative: tuple[str, ...] = ()

    def __init__(
        self,
        images: ImageSource,
        specs: Sequence[FactorSpec],
        row_of: NDArray[np.int64],
        rows: Floats,
    ) -> None:
        self.images, self.specs, self.row_of, self.rows = images, tuple(specs), row_of, rows
        self.sizes = _sizes(specs)
        self.units: dict[str, str] = {}

    @classmethod
    def of(cls, data: Dataset, rows: Floats) -> Grid | None:
        """Return the grid that all images of a data set are, None if they are not one."""
        sizes = _sizes(data.specs)
        if data.factors is None or not sizes or math.prod(sizes) != len(data):
            return None
        if np.isnan(np.asarray(data.factors, np.float64)).any():
            return None
        places = np.ravel_multi_index(tuple(np.asarray(data.factors, np.int64).T), sizes)
        row_of = np.full(len(data), -1)
        row_of[places] = np.arange(len(data))
        return None if (row_of < 0).any() else cls(data.images, data.specs, row_of, rows)

    def requests(self, count: int, seed: int, drawn: Drawn) -> Floats:
        """Return random requests: of images not trained on, or any combination."""
        if drawn == "joint":
            return _some(self.rows, count, seed)
        return draw_requests(self.specs, count, seed)

    def changed(self, asked: Floats, column: int, seed: int) -> Floats | None:
        """Return requests with one factor at another level."""
        return changed_alone(asked, column, self.specs[column], seed)

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return the image of each combination."""
        places = np.ravel_multi_index(tuple(factors.astype(np.int64).T), self.sizes)
        return np.asarray(self.images[self.row_of[places]]), factors


class Nearest:
    """Any other data: the image whose factors are nearest, and after it the next.

    A category counts more than any number. Images that are equally near are drawn by lot.

    Args:
        parts: images with their factors (N, F) as stored; the first are those not trained on,
            where requests come from.
        specs: of the factors.
    """

    exact = False
    relative: tuple[str, ...] = ()

    def __init__(
        self, parts: Sequence[tuple[ImageSource, Floats]], specs: Sequence[FactorSpec]
    ) -> None:
        self.specs, self.scale = tuple(specs), Scale(specs)
        self.images = [images for images, _ in parts]
        self.starts = np.cumsum([0, *(len(rows) for _, rows in parts)])
        self.rows, self.first = np.concatenate([rows for _, rows in parts]), parts[0][1]
        self.units: dict[str, str] = {}
        known = self.rows[~np.isnan(self.rows).any(1)]
        self.repeats = len(np.unique(known, axis=0)) < len(known)
        values = self.scale.values(self.rows)
        self.widths = np.maximum(np.sqrt(3) * np.nanstd(values, axis=0), 1e-9)
        self.middles = np.nanmean(values, axis=0)
        lots = np.random.default_rng([_ORDER, 0]).random((len(self.rows), 1))
        self.tree = cKDTree(np.hstack([self._place(self.rows), 1e-6 * lots]))

    def requests(self, count: int, seed: int, drawn: Drawn) -> Floats:
        """Return random requests: rows of images not trained on, or each factor by itself.

        A factor that is unknown in a row is drawn by itself.
        """
        rows = _some(self.first, count, seed)
        rng = np.random.default_rng([seed, 4])
        for column in range(rows.shape[1]):
            unknown = np.isnan(rows[:, column]) | (drawn == "independent")
            rows[unknown, column] = rng.choice(self._known(column), int(unknown.sum()))
        return rows

    def changed(self, asked: Floats, column: int, seed: int) -> Floats | None:
        """Return requests with one factor drawn anew as it comes in the data."""
        rng = np.random.default_rng([seed, 1, column])
        rows, known = asked.copy(), self._known(column)
        levels = np.unique(known)
        if len(levels) < 2:
            return None
        if self.specs[column].values is None:
            rows[:, column] = rng.choice(known, len(rows))
            return rows
        at = np.searchsorted(levels, rows[:, column])
        step = rng.integers(1, len(levels), len(rows))
        rows[:, column] = levels[(at + step) % len(levels)]
        return rows

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return the nearest images: the last number of the seed says which of them."""
        which = int(seed[-1])
        lots = np.random.default_rng(list(seed[:-1])).random((len(factors), 1))
        _, found = self.tree.query(np.hstack([self._place(factors), 1e-6 * lots]), [which + 1])
        chosen = np.minimum(found[:, 0], len(self.rows) - 1)
        part = np.searchsorted(self.starts, chosen, "right") - 1
        pixels = np.empty((len(chosen), *self.images[0].shape[1:]), np.uint8)
        for index, images in enumerate(self.images):
            here = np.flatnonzero(part == index)
            if len(here):
                pixels[here] = images[chosen[here] - self.starts[index]]
        return pixels, self.rows[chosen]

    def _known(self, column: int) -> Floats:
        """Return a factor's values in the images not trained on, or in all if it has none there."""
        for rows in (self.first, self.rows):
            values: Floats = rows[~np.isnan(rows[:, column]), column]
            if len(values):
                return values
        return np.zeros(1)

    def _place(self, rows: Floats) -> Floats:
        """Return factors as coordinates, (N, K); what is unknown is in the middle."""
        values = self.scale.values(rows)
        parts = []
        for column, spec in enumerate(self.specs):
            value = values[:, column]
            turn = self.scale.turn(column)
            if spec.kind == "categorical":
                if len(spec.values or ()) > MOST_LEVELS:  # an identity
                    continue
                levels = np.arange(len(spec.values or ()))
                parts.append(OTHER / math.sqrt(2) * (value[:, None] == levels))
            elif turn:
                angle = value * (2 * math.pi / turn)
                parts.append(np.nan_to_num(np.stack([np.sin(angle), np.cos(angle)], 1)))
            else:
                scaled = (value - self.middles[column]) / self.widths[column]
                parts.append(np.nan_to_num(scaled)[:, None])
        return np.hstack(parts).astype(np.float64)


def source_of(name: str, options: dict[str, Any], aside: Aside) -> Source:
    """Return where real images of some data come from, beside those set aside for a judge.

    Args:
        name: of the data set.
        options: of the data set.
        aside: what is set aside.
    """
    training = aside.training
    rows = aside.measured.factors
    fields = {field.name for field in dataclasses.fields(registry.load("datasets", name).Config)}
    count = math.prod(_sizes(training.specs) or (0,))
    if "full" in fields and len(training) <= count <= 2 * len(training):  # with its test split
        grid = Grid.of(load_dataset(name, "train", **{**options, "full": True}), rows)
        if grid is not None:
            return grid
    order = np.random.default_rng([_ORDER, 1]).permutation(aside.rows)[:MOST_BESIDE]
    order = np.sort(order)
    seen = np.array(training.factors, np.float64)[order]
    able = ~np.isnan(seen).all(1)
    beside = _Part(training.images, order[able])
    return Nearest([(aside.measured.images, rows), (beside, seen[able])], training.specs)


class _Part:
    """Some rows of images, read when they are asked for."""

    def __init__(self, images: ImageSource, rows: NDArray[np.int64]) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.images.shape[1:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        return np.asarray(self.images[self.rows[rows]])


def draw_requests(specs: Sequence[FactorSpec], count: int, seed: int) -> Floats:
    """Return random requests, factor rows (count, F), uniform over ranges and levels.

    >>> rows = draw_requests([FactorSpec("x", "continuous", range=(2, 3))], 100, seed=0)
    >>> rows.shape, bool(rows.min() >= 2 and rows.max() <= 3)
    ((100, 1), True)
    """
    rng = np.random.default_rng([seed, 0])
    return np.column_stack([_uniform(spec, count, rng) for spec in specs])


def changed_alone(asked: Floats, column: int, spec: FactorSpec, seed: int) -> Floats | None:
    """Return the requests with one factor drawn anew; None where it has a single value.

    Levels change to another level.
    """
    rng = np.random.default_rng([seed, 1, column])
    rows = asked.copy()
    if spec.values is not None:
        levels = len(spec.values)
        if levels < 2:
            return None
        rows[:, column] = (rows[:, column] + rng.integers(1, levels, len(rows))) % levels
        return rows
    assert spec.range is not None
    rows[:, column] = _uniform(spec, len(rows), rng)
    return rows if spec.range[0] < spec.range[1] else None


def _uniform(spec: FactorSpec, count: int, rng: np.random.Generator) -> Floats:
    if spec.values is not None:
        return rng.integers(0, len(spec.values), count).astype(np.float64)
    assert spec.range is not None
    return rng.uniform(*spec.range, count)


def _some(rows: Floats, count: int, seed: int) -> Floats:
    """Return rows in a random order, each as often as the others but for one."""
    rng = np.random.default_rng([seed, 0])
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(-(-count // len(rows)))])
    chosen: Floats = rows[order[:count]]
    return chosen


def _sizes(specs: Sequence[FactorSpec]) -> tuple[int, ...]:
    """Return how many levels each factor has, nothing if one is a real number."""
    if any(spec.values is None for spec in specs):
        return ()
    return tuple(len(spec.values or ()) for spec in specs)
