"""What metrics look at: codes and factors, checked once, and views of them that metrics share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.metrics._bins import BINNINGS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Encoder = Callable[[Floats, np.random.Generator], Floats]
T = TypeVar("T")

MIN_ROWS = 50  # below this the plug-in and nearest-neighbour estimates mean nothing


@dataclass(frozen=True, eq=False)
class Evidence:
    """Checked inputs of the metrics; build it with ``gather``. Absent inputs are empty or None.

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
    def constant_codes(self) -> Ints:
        """Indices of the codes that never change."""
        return np.flatnonzero(np.ptp(self.codes, axis=0) == 0)

    def notes(self) -> tuple[str, ...]:
        """What is unusual about the codes, as sentences."""
        dead = self.constant_codes
        if not len(dead):
            return ()
        if len(dead) == self.codes.shape[1]:
            return ("every code is constant, so nothing is encoded",)
        return (f"constant codes: {', '.join(map(str, dead))}",)

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
        order = np.random.default_rng(seed).permutation(len(self.codes))
        cut = round(len(order) * test_fraction)
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


def one_hot(column: Floats) -> Floats:
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
    if len(np.unique(column)) <= bins:
        return column
    if spec.period is not None:
        # Equal arcs of the circle; metrics that use levels take them for names, so that the
        # first and the last arc are no further apart than any two.
        return np.floor(column / spec.period * bins)
    return BINNINGS[binning](column, bins).astype(np.float64)


def gather(
    codes: ArrayLike | None = None,
    factors: ArrayLike | None = None,
    specs: Sequence[FactorSpec] | None = None,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    logvar: ArrayLike | None = None,
    runs: Sequence[ArrayLike] | None = None,
    images: ArrayLike | None = None,
    reconstructions: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    encoder: Encoder | None = None,
) -> Evidence:
    """Check the inputs of ``evaluate`` and bundle them.

    Raises:
        UnbraidError: wrong shapes, NaN, too few rows, a factor with a single value, ...
    """
    if factors is not None and codes is None:
        raise UnbraidError("factors were given without codes: give the codes (N, D) too.")
    z = np.zeros((0, 0)) if codes is None else _matrix(codes, "codes")
    v = np.zeros((len(z), 0)) if factors is None else _matrix(factors, "factors")
    if len(v) != len(z):
        raise UnbraidError(
            f"there are {len(z)} rows of codes and {len(v)} of factors: "
            "row n of both must describe the same image."
        )
    if codes is not None and len(z) < MIN_ROWS:
        raise UnbraidError(
            f"found {len(z)} rows of codes, too few to measure anything: give at least {MIN_ROWS}."
        )
    checked = _specs(v, specs)
    _check_factors(v, checked)
    return Evidence(
        codes=z,
        factors=v,
        specs=checked,
        test=None if test is None else _test_set(test, z, v, checked),
        logvar=_like(logvar, z, "logvar", "codes"),
        runs=_runs(runs),
        images=_optional(images, "images"),
        reconstructions=_like(reconstructions, images, "reconstructions", "images"),
        log_weights=None if log_weights is None else _matrix(log_weights, "log_weights"),
        encoder=encoder,
    )


def _numbers(value: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnbraidError(
            f"{name} must be an array of numbers, found {type(value).__name__} that is not: "
            "encode words as integers first."
        ) from error
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise UnbraidError(
            f"{name} hold {bad} values that are NaN or infinite: "
            "remove those rows, or look why the model produced them."
        )
    return array


def _matrix(value: ArrayLike, name: str) -> Floats:
    array = _numbers(value, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise UnbraidError(
            f"{name} have shape {array.shape}, expected two dimensions, (rows, columns): "
            "a single column is array[:, None]."
        )
    return array


def _optional(value: ArrayLike | None, name: str) -> Floats | None:
    return None if value is None else _numbers(value, name)


def _like(
    value: ArrayLike | None, other: ArrayLike | None, name: str, other_name: str
) -> Floats | None:
    if value is None:
        return None
    array = _numbers(value, name)
    shape = () if other is None else np.shape(other)
    if array.shape != shape:
        raise UnbraidError(f"{name} have shape {array.shape}, but {other_name} have {shape}.")
    return array


def _runs(runs: Sequence[ArrayLike] | None) -> tuple[Floats, ...]:
    if runs is None:
        return ()
    arrays = tuple(_matrix(run, f"the codes of run {i}") for i, run in enumerate(runs))
    if len({len(array) for array in arrays}) > 1:
        raise UnbraidError(
            f"the runs have {', '.join(str(len(a)) for a in arrays)} rows of codes: "
            "encode the same images with every run."
        )
    return arrays


def _specs(factors: Floats, specs: Sequence[FactorSpec] | None) -> tuple[FactorSpec, ...]:
    """Return the given specs, or guess: whole numbers are ordered levels, others continuous."""
    if specs is None:
        return tuple(_guess(column, j) for j, column in enumerate(factors.T))
    if len(specs) != factors.shape[1]:
        raise UnbraidError(
            f"there are {factors.shape[1]} factors and {len(specs)} specs: give one for each."
        )
    for spec, column in zip(specs, factors.T, strict=True):
        if spec.values is not None and not np.isin(column, np.arange(len(spec.values))).all():
            raise UnbraidError(
                f"factor '{spec.name}' has {len(spec.values)} values and is stored as an index "
                f"into them, but its column ranges over {column.min():g}..{column.max():g}: "
                "store indices, or declare it with a range instead of values."
            )
    return tuple(specs)


def _guess(column: Floats, j: int) -> FactorSpec:
    name = f"factor {j}"
    if np.array_equal(column, np.round(column)):
        return FactorSpec(name, "ordinal", values=tuple(np.unique(column).tolist()))
    return FactorSpec(name, "continuous", range=(float(column.min()), float(column.max())))


def _check_factors(factors: Floats, specs: tuple[FactorSpec, ...]) -> None:
    for spec, column in zip(specs, factors.T, strict=True):
        if np.ptp(column) == 0:
            raise UnbraidError(
                f"factor '{spec.name}' has one value ({column[0]:g}) in all {len(column)} rows, "
                "so nothing can be said about it: leave it out or take data in which it varies."
            )
        if spec.kind == "categorical" and len(np.unique(column)) > len(column) // 2:
            raise UnbraidError(
                f"factor '{spec.name}' is categorical with {len(np.unique(column))} values in "
                f"{len(column)} rows: give more rows, or declare it continuous if it is a number."
            )


def _test_set(
    test: tuple[ArrayLike, ArrayLike], codes: Floats, factors: Floats, specs: tuple[FactorSpec, ...]
) -> Evidence:
    z, v = _matrix(test[0], "test codes"), _matrix(test[1], "test factors")
    if z.shape[1] != codes.shape[1] or v.shape[1] != factors.shape[1] or len(z) != len(v):
        raise UnbraidError(
            f"the test codes and factors have shapes {z.shape} and {v.shape}, expected "
            f"(M, {codes.shape[1]}) and (M, {factors.shape[1]})."
        )
    return Evidence(z, v, specs)
