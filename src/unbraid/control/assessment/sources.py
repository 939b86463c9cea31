"""Sources of random requests, and of real images of these requests to compare with.

``Rendered`` draws handwriting and ``Voices`` recordings with any factors, ``Grid`` has one image of
each combination, and ``Nearest`` returns the images with the nearest factors if neither is
possible.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.judge_data import JudgeData
from unbraid.control.assessment.nearest import ORDER, Nearest
from unbraid.control.assessment.random_requests import (
    Distribution,
    change_one,
    draw_requests,
    sample_rows,
)
from unbraid.core import registry
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, ImageSource, Rows, load_dataset
from unbraid.datasets.digits import Renderer
from unbraid.datasets.speech import Renderer as VoiceRenderer

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

MAX_TRAINING = 20_000  # training images among the real images


class Source(Protocol):
    """Random requests, and real images of them."""

    specs: tuple[FactorSpec, ...]
    exact: bool  # whether real images have exactly the requested factors
    repeats: bool  # whether several images have the same factors
    units: dict[str, str]  # of factors, if not those of their specs
    relative: tuple[str, ...]  # factors whose errors are relative to the request, in percent
    capped: dict[str, float]  # moves of factors beyond which readings fail, and count as much
    heard: bool  # whether images are voice pictures

    def requests(self, count: int, seed: int, distribution: Distribution) -> Floats:
        """Return random requests, rows of stored factors (count, F).

        Args:
            count: number of requests.
            seed: of the requests.
            distribution: ``independent`` for each factor, or ``joint`` as in the data.
        """

    def counted(self, requests: Floats, seed: int, distribution: Distribution) -> Bools:
        """Return which factors of requests, or of changed ones, count, (N, F)."""

    def changed(self, requests: Floats, column: int, seed: int) -> Floats | None:
        """Return the requests with one factor drawn again; None if it has a single value.

        A level is always replaced by another level.
        """

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return a real image of each request, and its factors (N, F).

        With the same seed and one factor changed, the image differs in this factor only, as far
        as the data allow it. Another seed gives another image of the same request.
        """

    def together(self, factors: Floats, seed: Sequence[int]) -> Ints | None:
        """Return the group of each request's real image, (N,); None if there are no groups."""


class Rendered:
    """Handwriting of ``digits`` rendered with any factors.

    Args:
        specs: of the factors, digit, size, x, y, angle and thickness among them.
        renderer: of the images.
        rows: factors (N, F) of the joint distribution; None if factors are independent and uniform.
    """

    exact = repeats = True
    heard = False
    relative: tuple[str, ...] = ("size",)

    def __init__(
        self,
        specs: Sequence[FactorSpec],
        renderer: Renderer | VoiceRenderer,
        rows: Floats | None = None,
    ) -> None:
        self.specs, self.renderer, self.rows = tuple(specs), renderer, rows
        names = [spec.name for spec in specs]
        self.columns = [names.index(name) for name in self.names(names)]
        self.units = {"angle": "degrees", "x": "px", "y": "px", "size": "%", "thickness": "px"}
        self.capped: dict[str, float] = {}

    @staticmethod
    def names(known: Sequence[str]) -> Sequence[str]:
        """Return the factors that the renderer draws, in its order."""
        from unbraid.control.assessment.judge import FACTORS

        return FACTORS

    def requests(self, count: int, seed: int, distribution: Distribution) -> Floats:
        """Return random requests, uniform over ranges and levels if independent."""
        if distribution == "joint" and self.rows is not None:
            return sample_rows(self.rows, count, seed)
        return draw_requests(self.specs, count, seed)

    def counted(self, requests: Floats, seed: int, distribution: Distribution) -> Bools:
        """Return that all factors count, as all are known."""
        return np.ones(requests.shape, bool)

    def changed(self, requests: Floats, column: int, seed: int) -> Floats | None:
        """Return the requests with one factor drawn again, uniformly."""
        return change_one(requests, column, self.specs[column], seed)

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return renderings; the same digit has the same handwriting, if it fits the canvas."""
        rows = factors[:, self.columns]
        return self.renderer.draw(rows, self.renderer.choose(rows, list(seed))), factors

    def together(self, factors: Floats, seed: Sequence[int]) -> Ints | None:
        """Return None, as renderings are in no groups."""
        return None


class Voices(Rendered):
    """Takes of ``speech`` rendered with any factors, as voice pictures.

    Errors of pitch are medians, beside the share beyond a semitone: a tracker that errs, errs by an
    octave.
    """

    heard = True
    relative: tuple[str, ...] = ("duration", "tract")

    def __init__(
        self, specs: Sequence[FactorSpec], renderer: VoiceRenderer, rows: Floats | None = None
    ) -> None:
        super().__init__(specs, renderer, rows)
        self.units = {"pitch": "semitones", "duration": "%", "tract": "%", "loudness": "dB"}
        self.capped = {"pitch": 1.0}

    @staticmethod
    def names(known: Sequence[str]) -> Sequence[str]:
        """Return word, pitch, duration, tract and loudness, and the speaker where it is known."""
        drawn = ("word", "pitch", "duration", "tract", "loudness", "speaker")
        return [name for name in drawn if name != "speaker" or name in known]


class Grid:
    """Data with exactly one image of every combination of factors.

    Args:
        images: of all combinations.
        specs: of the factors, all of which have levels.
        row_of: index of the image of each combination, in row-major order.
        rows: factors (N, F) of images not trained on, from which requests are drawn.
    """

    exact, repeats, heard = True, False, False
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
        self.capped: dict[str, float] = {}

    @classmethod
    def of(cls, data: Dataset, rows: Floats) -> Grid | None:
        """Return the grid of a data set's images, None if they are not a complete grid."""
        sizes = _sizes(data.specs)
        if data.factors is None or not sizes or math.prod(sizes) != len(data):
            return None
        if np.isnan(np.asarray(data.factors, np.float64)).any():
            return None
        places = np.ravel_multi_index(tuple(np.asarray(data.factors, np.int64).T), sizes)
        row_of = np.full(len(data), -1)
        row_of[places] = np.arange(len(data))
        return None if (row_of < 0).any() else cls(data.images, data.specs, row_of, rows)

    def requests(self, count: int, seed: int, distribution: Distribution) -> Floats:
        """Return random requests: rows of images not trained on, or any combination."""
        if distribution == "joint":
            return sample_rows(self.rows, count, seed)
        return draw_requests(self.specs, count, seed)

    def counted(self, requests: Floats, seed: int, distribution: Distribution) -> Bools:
        """Return that all factors count, as all are known."""
        return np.ones(requests.shape, bool)

    def changed(self, requests: Floats, column: int, seed: int) -> Floats | None:
        """Return the requests with one factor at another level."""
        return change_one(requests, column, self.specs[column], seed)

    def real(self, factors: Floats, seed: Sequence[int]) -> tuple[Any, Floats]:
        """Return the image of each combination."""
        places = np.ravel_multi_index(tuple(factors.astype(np.int64).T), self.sizes)
        return np.asarray(self.images[self.row_of[places]]), factors

    def together(self, factors: Floats, seed: Sequence[int]) -> Ints | None:
        """Return None: each combination counts as an image of its own."""
        return None


def source_of(name: str, options: dict[str, Any], data: JudgeData) -> Source:
    """Return the source of requests and real images of a data set.

    Args:
        name: of the data set.
        options: of the data set.
        data: the images for its judge.
    """
    training = data.dataset
    rows = data.test.factors
    fields = {field.name for field in dataclasses.fields(registry.load("datasets", name).Config)}
    count = math.prod(_sizes(training.specs) or (0,))
    if "full" in fields and len(training) <= count <= 2 * len(training):  # including its test split
        grid = Grid.of(load_dataset(name, "train", **{**options, "full": True}), rows)
        if grid is not None:
            return grid
    order = np.random.default_rng([ORDER, 1]).permutation(data.run_rows)[:MAX_TRAINING]
    order = np.sort(order)
    seen = np.array(training.factors, np.float64)[order]
    labelled = ~np.isnan(seen).all(1)
    trained = Rows(training.images, order[labelled])
    groups = None
    if data.test.groups is not None and training.groups is not None:
        groups = np.concatenate([data.test.groups, training.groups[order[labelled]]])
    return Nearest([(data.test.images, rows), (trained, seen[labelled])], training.specs, groups)


def _sizes(specs: Sequence[FactorSpec]) -> tuple[int, ...]:
    """Return the number of levels of each factor, empty if one is continuous."""
    if any(spec.values is None for spec in specs):
        return ()
    return tuple(len(spec.values or ()) for spec in specs)
