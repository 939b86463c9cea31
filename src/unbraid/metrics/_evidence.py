"""The input of metrics: codes and factors, checked once, and views of them that metrics share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics._bins import BINNINGS
from unbraid.metrics._latents import Latents

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Encoder = Callable[[Floats, np.random.Generator], Floats]
T = TypeVar("T")

FEWEST = 5  # rows of either part, where rows are split into training and test rows
MIN_ROWS = 50  # below this the plug-in and nearest-neighbour estimates mean nothing


@dataclass(frozen=True, eq=False)
class Evidence:
    """Checked inputs of the metrics; ``gather`` builds it. Absent inputs are empty or None.

    Args:
        codes: (N, D), one code vector a row; posterior means where codes are distributions.
        factors: (N, F), one column a factor, as its spec says (level index or real number).
        specs: one FactorSpec per factor.
        test: held-out rows for the metrics that fit predictors; None: they split ``codes``.
        logvar: (N, D) log variance of each code's Gaussian posterior.
        runs: codes (N, D_r) of several trainings on the same N images.
        images, reconstructions: (N, ...) of equal shape, in [0, 1] unless stated otherwise.
        log_weights: (N, K) importance log weights log p(x, z_k) - log q(z_k | x), in nats.
        encoder: maps drawn factors (n, F) and a random generator to codes (n, D).
        categories: how many values each of the first codes can take, for those that are
            categorical: they come before all others, as indices 0..K-1.
        orders: the places of their categories in one-hot blocks; see ``Latents``.
        quantised: how many levels each of the next codes has, for those that are quantised.
        run_latents: which codes of ``runs`` are categorical; quantised ones are, too.
        said: notes on the inputs, such as rows that were left out.
        whole: the same without factors, on all rows, also those whose factors are unknown.
    """

    codes: Floats
    factors: Floats
    specs: tuple[FactorSpec, ...]
    test: Evidence | None = None
    logvar: Floats | None = None
    runs: tuple[Floats, ...] = ()
    images: Floats | None = None
    reconstructions: Floats | None = None
    log_weights: Floats | None = None
    encoder: Encoder | None = None
    categories: tuple[int, ...] = ()
    orders: tuple[Ints, ...] = ()
    quantised: tuple[int, ...] = ()
    run_latents: tuple[Latents, ...] = ()
    said: tuple[str, ...] = ()
    whole: Evidence | None = None
    _shared: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def has(self, need: str) -> bool:
        """Whether the input called ``need`` was given."""
        value = getattr(self, need)
        return value.size > 0 if isinstance(value, np.ndarray) else bool(value)

    @property
    def names(self) -> tuple[str, ...]:
        """The factors' names."""
        return tuple(spec.name for spec in self.specs)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows, codes and factors, for a score's settings."""
        sizes = {"rows": len(self.codes), "codes": self.codes.shape[1], "factors": len(self.specs)}
        return {**sizes, **({"test_rows": len(self.test.codes)} if self.test else {})}

    @property
    def latents(self) -> Latents:
        """How the codes become columns: a categorical one is a one-hot block."""
        return Latents(self.codes.shape[1], self.orders, len(self.quantised))

    def columns(self) -> Floats:
        """Return the codes as columns (N, W) for linear predictors, trees and distances."""
        return self.shared("columns", lambda: self.latents.columns(self.codes))

    def deviations(self) -> Floats:
        """Return each code's standard deviation (D,), exactly 0 where it is constant.

        A categorical code's is that of its one-hot vector: the root of ``1 - sum_k p_k^2``.
        """
        spread = np.sqrt(self.latents.total(self.columns().var(axis=0)))
        spread[self.constant_codes] = 0.0
        return spread

    @property
    def constant_codes(self) -> Ints:
        """Indices of the codes that never change."""
        return np.flatnonzero(np.ptp(self.codes, axis=0) == 0)

    def notes(self) -> tuple[str, ...]:
        """What is unusual about the rows and the codes, as sentences."""
        dead = self.constant_codes
        if not len(dead):
            return self.said
        if len(dead) == self.codes.shape[1]:
            return (*self.said, "every code is constant, so nothing is encoded")
        return (*self.said, f"constant codes: {', '.join(map(str, dead))}")

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned the first time ``key`` was asked for."""
        if key not in self._shared:
            self._shared[key] = make()
        value: T = self._shared[key]
        return value

    def take(self, rows: NDArray[Any]) -> Evidence:
        """Return the evidence of the given rows (codes, factors and posteriors)."""
        logvar = None if self.logvar is None else self.logvar[rows]
        return replace(
            self,
            codes=self.codes[rows],
            factors=self.factors[rows],
            logvar=logvar,
            _shared={},
        )

    def thin(self, max_rows: int | None, seed: int) -> Evidence:
        """Return at most ``max_rows`` rows, drawn without replacement."""
        if max_rows is None or len(self.codes) <= max_rows:
            return self
        rows = np.random.default_rng(seed).choice(len(self.codes), max_rows, replace=False)
        return self.shared(("thin", max_rows, seed), lambda: self.take(np.sort(rows)))

    def split(self, test_fraction: float, seed: int) -> tuple[Evidence, Evidence]:
        """Return training and test rows: the given test set, or a random share of the rows."""
        if self.test is not None:
            return self, self.test
        if not 0 < test_fraction < 1:
            raise UnbraidError(f"test_fraction must be between 0 and 1, but it is {test_fraction}.")
        return self.shared(("split", test_fraction, seed), lambda: self._split(test_fraction, seed))

    def _split(self, test_fraction: float, seed: int) -> tuple[Evidence, Evidence]:
        order = np.random.default_rng(seed).permutation(len(self.codes))
        cut = round(len(order) * test_fraction)
        if not FEWEST <= cut <= len(order) - FEWEST:
            raise UnbraidError(
                f"test_fraction {test_fraction:g} of {len(order)} rows leaves {cut} to test on and "
                f"{len(order) - cut} to train on, expected at least {FEWEST} of each: choose "
                "another fraction."
            )
        return self.take(np.sort(order[cut:])), self.take(np.sort(order[:cut]))

    def is_real(self, j: int) -> bool:
        """Whether factor j is stored as real numbers, not as levels."""
        return not self.specs[j].is_discrete

    def levels(self, bins: int, binning: str) -> Ints:
        """Return each factor as levels 0..K-1, (N, F): reals are binned, circles seamlessly."""

        def make() -> Ints:
            columns = [
                _levels(self.factors[:, j], spec, bins, binning)
                for j, spec in enumerate(self.specs)
            ]
            return np.stack(columns, axis=1)

        return self.shared(("levels", bins, binning), make)

    def coordinates(self, j: int) -> Floats:
        """Return factor j as coordinates (N, q) in which a linear relation makes sense.

        A number is itself, an angle its cosine and sine, a category its one-hot vector.
        """
        spec, column = self.specs[j], self.factors[:, j]
        if spec.kind == "periodic":
            angle = _angle(column, spec)
            return np.stack([np.cos(angle), np.sin(angle)], axis=1)
        if spec.kind == "categorical":
            return one_hot(column)
        return column[:, None]


def one_hot(column: NDArray[Any]) -> Floats:
    """Return a column (N,) as one-hot rows (N, K), in the order of its K values.

    >>> one_hot(np.array([5.0, 2.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    values, index = np.unique(column, return_inverse=True)
    rows: Floats = np.eye(len(values))[index]
    return rows


def joint_levels(train: Evidence, test: Evidence, j: int, bins: int) -> tuple[Ints, Ints]:
    """Return factor j of both sets as levels 0..K-1 of the same meaning; reals by quantile."""
    column = np.concatenate([train.factors[:, j], test.factors[:, j]])
    levels = _levels(column, train.specs[j], bins, "quantile")
    return levels[: len(train.factors)], levels[len(train.factors) :]


def _angle(column: Floats, spec: FactorSpec) -> Floats:
    """Return a periodic factor as an angle in radians; levels without numbers lie evenly."""
    assert spec.period is not None  # FactorSpec requires it of a periodic factor
    turn: float = spec.period
    place = column
    if spec.values is not None:
        if any(isinstance(value, str) for value in spec.values):
            turn = len(spec.values)
        else:
            place = np.asarray(spec.values, dtype=np.float64)[column.astype(int)]
    angle: Floats = 2 * np.pi * place / turn
    return angle


def _levels(column: Floats, spec: FactorSpec, bins: int, binning: str) -> Ints:
    if not spec.is_discrete:
        column = _binned(column, spec, bins, binning)
    return np.unique(column, return_inverse=True)[1].astype(np.int64)


def _binned(column: Floats, spec: FactorSpec, bins: int, binning: str) -> Floats:
    """Return reals in bins, or as they are where they have no more values than that."""
    if spec.kind == "periodic":
        assert spec.period is not None
        column = np.mod(column, spec.period)
        column[column == spec.period] = 0.0  # which rounding makes of -1e-17
    if len(np.unique(column)) <= bins:
        return column
    if spec.period is not None:
        ends = np.unique(column)
        gaps = np.diff(ends, append=ends[0] + spec.period)
        widest = int(gaps.argmax())
        if gaps[widest] <= spec.period / bins:
            # Equal arcs of the circle; metrics that use levels take them for names, so that the
            # first and the last arc are no further apart than any two.
            return np.floor(column / spec.period * bins)
        # a part of the circle: from the end of the widest gap on
        column = np.mod(column - ends[(widest + 1) % len(ends)], spec.period)
    return BINNINGS[binning](column, bins).astype(np.float64)
