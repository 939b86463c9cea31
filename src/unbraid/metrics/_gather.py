"""Checks of the inputs of metrics; invalid input raises an UnbraidError of one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics._arrays import finite, matrix, numbers
from unbraid.metrics._columns import columns_given
from unbraid.metrics._evidence import MIN_ROWS, Encoder, Evidence
from unbraid.metrics._latents import Latents, categories_of, levels_of, orders_of

MOST_LOGVAR = 500.0  # a variance and its square root, their inverses and squares are numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def gather(
    codes: ArrayLike | None = None,
    factors: ArrayLike | Mapping[str, ArrayLike] | None = None,
    specs: Sequence[FactorSpec] | None = None,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    logvar: ArrayLike | None = None,
    runs: Sequence[ArrayLike] | None = None,
    images: ArrayLike | None = None,
    reconstructions: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    encoder: Encoder | None = None,
    categories: Sequence[int] = (),
    levels: Sequence[int] = (),
    run_categories: Sequence[Sequence[int]] = (),
    run_levels: Sequence[Sequence[int]] = (),
    as_stored: bool = False,
) -> Evidence:
    """Check the inputs of ``evaluate`` and bundle them.

    Rows in which a factor is unknown (NaN) are left out, and ``Evidence.notes`` says so;
    ``Evidence.whole`` keeps them for what needs no factors. Levels of a circle that begin again, as
    24 hours after 0, are those of its first turn, unless factors are taken ``as_stored``, as
    published protocols take them.

    Raises:
        UnbraidError: wrong shapes, NaN codes, too few rows, a factor with a single value, ...
    """
    if isinstance(specs, Iterable):
        specs = tuple(specs)
    named, factors = columns_given(factors, specs)
    z, v = _matrices(codes, factors)
    specs = _check_specs(specs, v.shape[1])
    names = [each.name for each in specs] if specs else named or _numbered(v.shape[1])
    known, said = _known(v, names, "rows")
    if not known.all() and known.sum() < MIN_ROWS:
        raise UnbraidError(
            f"{known.sum()} of {len(v)} rows have no unknown factor, too few to measure anything: "
            f"give at least {MIN_ROWS}, or leave out the factors that are unknown most often."
        )
    checked = _specs(v[known], specs, names)
    v = v if as_stored else _one_turn(v, checked)
    _check_factors(v[known], checked, specs is not None)
    sizes = categories_of(z, categories)
    quantised = levels_of(z, len(sizes), levels)
    if logvar is not None:
        _check_gaussian(sizes, quantised)
    spread = _like(logvar, z, "logvar", "codes")
    if spread is not None and np.abs(spread).max(initial=0.0) > MOST_LOGVAR:
        raise UnbraidError(
            f"logvar ranges over {spread.min():g}..{spread.max():g}, and of numbers beyond "
            f"{MOST_LOGVAR:g} the variance cannot be computed: clip them, or train again if the "
            "training diverged."
        )
    if encoder is not None and not callable(encoder):
        raise UnbraidError(
            f"encoder is a value of type {type(encoder).__name__}, expected a function of factors "
            "and a random generator: give one, or leave it out."
        )
    common: dict[str, Any] = {
        "images": _images(images),
        "reconstructions": _like(reconstructions, images, "reconstructions", "images"),
        "log_weights": _weights(log_weights),
        "categories": sizes,
        "orders": orders_of(z, sizes),
        "quantised": quantised,
        **_runs(runs, run_categories, run_levels),
    }
    whole = Evidence(z, v[:, :0], (), logvar=spread, **common)
    tested = None if test is None else _test_set(test, whole, checked, specs)
    if tested is not None and not as_stored:
        tested = replace(tested, factors=_one_turn(tested.factors, checked))
    rows = slice(None) if known.all() else known
    return Evidence(
        codes=z[rows],
        factors=v[rows],
        specs=checked,
        test=tested,
        logvar=None if spread is None else spread[rows],
        encoder=encoder,
        said=said + (() if tested is None else tested.said),
        whole=whole,
        **common,
    )


def _numbered(count: int) -> list[str]:
    return [f"factor {column}" for column in range(count)]


def _matrices(codes: ArrayLike | None, factors: ArrayLike | None) -> tuple[Floats, Floats]:
    """Return codes (N, D) and factors (N, F), without columns where they are not given."""
    if factors is not None and codes is None:
        raise UnbraidError("factors were given without codes: give the codes (N, D) too.")
    z = np.zeros((0, 0)) if codes is None else finite(matrix(codes, "codes"), "codes")
    v = np.zeros((len(z), 0)) if factors is None else matrix(factors, "factors")
    if len(v) != len(z):
        raise UnbraidError(
            f"there are {len(z)} rows of codes and {len(v)} of factors: "
            "row n of both must describe the same image."
        )
    if codes is not None:
        _enough(len(z), "codes")
    return z, v


def _check_gaussian(categories: Sequence[int], quantised: Sequence[int]) -> None:
    if categories or quantised:
        kind = "categorical or quantised" if quantised else "categorical"
        raise UnbraidError(
            f"logvar were given for codes of which the first {len(categories) + len(quantised)} "
            f"are {kind} and so have no Gaussian posterior: give the other codes and their logvar "
            "alone."
        )


def _enough(rows: int, name: str) -> None:
    if rows < MIN_ROWS:
        raise UnbraidError(
            f"found {rows} row{'s' * (rows != 1)} of {name}, too few to measure anything: "
            f"give at least {MIN_ROWS}."
        )


def _known(
    factors: Floats, names: Sequence[str], what: str
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return which rows have no unknown factor, and a note on those left out."""
    unknown = np.isnan(factors)
    infinite = int(np.isinf(factors).sum())
    if infinite:
        raise UnbraidError(
            f"factors hold {infinite} values that are infinite: give NaN where a factor is unknown."
        )
    known: NDArray[np.bool_] = np.logical_not(unknown.any(axis=1))
    if known.all():
        return known, ()
    counts = [
        f"{name} in {count}"
        for name, count in zip(names, unknown.sum(axis=0), strict=False)
        if count
    ]
    note = f"{(~known).sum()} of {len(known)} {what} were left out, where a factor is unknown"
    return known, (f"{note}: {', '.join(counts)}",)


def _images(value: ArrayLike | None) -> Floats | None:
    return None if value is None else finite(numbers(value, "images"), "images")


def _weights(value: ArrayLike | None) -> Floats | None:
    return None if value is None else finite(matrix(value, "log_weights"), "log_weights")


def _like(
    value: ArrayLike | None, other: ArrayLike | None, name: str, other_name: str
) -> Floats | None:
    if value is None:
        return None
    array = finite(numbers(value, name), name)
    shape = () if other is None else np.shape(other)
    if array.shape != shape:
        raise UnbraidError(f"{name} have shape {array.shape}, but {other_name} have {shape}.")
    return array


def _runs(
    runs: Sequence[ArrayLike] | None,
    categories: Sequence[Sequence[int]],
    levels: Sequence[Sequence[int]],
) -> dict[str, Any]:
    """Return the codes of runs and what they are made of; quantised codes become categories."""
    if runs is None:
        return {}
    for name, value in (("runs", runs), ("run_categories", categories), ("run_levels", levels)):
        if not hasattr(value, "__len__"):
            raise UnbraidError(
                f"{name} is a value of type {type(value).__name__}, expected a list with an entry "
                "for each run: give one."
            )
    names = [f"the codes of run {i}" for i in range(len(runs))]
    arrays = tuple(finite(matrix(r, n), n) for r, n in zip(runs, names, strict=True))
    if len({len(array) for array in arrays}) > 1:
        raise UnbraidError(
            f"the runs have {', '.join(str(len(a)) for a in arrays)} rows of codes: "
            "encode the same images with every run."
        )
    if arrays:
        _enough(len(arrays[0]), "every run's codes")
    given = {"run_categories": categories, "run_levels": levels}
    for name, each in given.items():
        if each and len(each) != len(arrays):
            kind = "categorical" if name == "run_categories" else "quantised"
            raise UnbraidError(
                f"{name} are given for {len(each)} runs, but there are {len(arrays)}: "
                f"give one list for each, empty where no code is {kind}."
            )
    none: list[Sequence[int]] = [()] * len(arrays)
    found = [
        _discrete(array, sizes, counts, f" of run {i}")
        for i, (array, sizes, counts) in enumerate(
            zip(arrays, categories or none, levels or none, strict=True)
        )
    ]
    return {"runs": tuple(each[0] for each in found), "run_latents": tuple(e[1] for e in found)}


def _discrete(
    codes: Floats, categories: Sequence[int], levels: Sequence[int], of: str
) -> tuple[Floats, Latents]:
    """Return codes whose quantised ones are categories, the index of their level."""
    sizes = categories_of(codes, categories, of)
    quantised = levels_of(codes, len(sizes), levels, of)
    codes = codes.copy()
    for at in range(len(sizes), len(sizes) + len(quantised)):
        codes[:, at] = np.unique(codes[:, at], return_inverse=True)[1]
    return codes, Latents(codes.shape[1], orders_of(codes, (*sizes, *quantised)))


def _check_specs(specs: Any, factors: int) -> tuple[FactorSpec, ...] | None:
    """Return the specs of factors, if any are given."""
    if specs is None:
        return None
    found: tuple[FactorSpec, ...] = tuple(specs) if isinstance(specs, Iterable) else (specs,)
    if not all(isinstance(spec, FactorSpec) for spec in found):
        raise UnbraidError("specs must hold one FactorSpec for each factor, or be left out.")
    if len(found) != factors:
        raise UnbraidError(
            f"there are {factors} factors and {len(found)} specs: give one for each."
        )
    return found


def _specs(
    factors: Floats, specs: Sequence[FactorSpec] | None, names: Sequence[str]
) -> tuple[FactorSpec, ...]:
    """Return the given specs, or guess: whole numbers are ordered levels, others continuous."""
    if specs is None:
        return tuple(_guess(column, name) for column, name in zip(factors.T, names, strict=True))
    for spec, column in zip(specs, factors.T, strict=True):
        if spec.values is not None and not np.isin(column, np.arange(len(spec.values))).all():
            raise UnbraidError(
                f"factor '{spec.name}' has {len(spec.values)} values and is stored as an index "
                f"into them, but its column ranges over {column.min():g}..{column.max():g}: "
                "store indices, or declare it with a range instead of values."
            )
    return tuple(specs)


def _one_turn(factors: Floats, specs: Sequence[FactorSpec]) -> Floats:
    """Return factors with levels of a circle that begin again as those of its first turn."""
    again = [j for j, spec in enumerate(specs) if spec.distinct < len(spec.values or ())]
    if again:
        factors = factors.copy()
        factors[:, again] %= [specs[j].distinct for j in again]
    return factors


def _guess(column: Floats, name: str) -> FactorSpec:
    if np.array_equal(column, np.round(column)):
        return FactorSpec(name, "ordinal", values=tuple(np.unique(column).tolist()))
    return FactorSpec(name, "continuous", range=(float(column.min()), float(column.max())))


def _check_factors(factors: Floats, specs: tuple[FactorSpec, ...], given: bool) -> None:
    """Raise an UnbraidError of a factor that does not vary, or whose levels are too rare.

    Args:
        factors: (N, F).
        specs: of each.
        given: whether specs were given, so that levels are stored as indices.
    """
    for spec, column in zip(specs, factors.T, strict=True):
        if np.ptp(column) == 0:
            told = spec.values is not None and given
            level = spec.values[int(column[0])] if told and spec.values else float(column[0])
            value = f"{level:g}" if isinstance(level, float) else level
            raise UnbraidError(
                f"factor '{spec.name}' has one value ({value}) in all {len(column)} rows, "
                "so nothing can be said about it: leave it out or take data in which it varies."
            )
        if spec.kind == "categorical" and len(np.unique(column)) > len(column) // 2:
            raise UnbraidError(
                f"factor '{spec.name}' is categorical with {len(np.unique(column))} values in "
                f"{len(column)} rows: give more rows, or declare it continuous if it is a number."
            )


def _test_set(
    test: tuple[ArrayLike, ArrayLike],
    train: Evidence,
    specs: tuple[FactorSpec, ...],
    given: Sequence[FactorSpec] | None,
) -> Evidence:
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise UnbraidError("test must be a pair, (codes, factors).")
    z = finite(matrix(test[0], "test codes"), "test codes")
    alike = isinstance(test[1], Mapping) and {*map(str, test[1])} == {spec.name for spec in specs}
    v = matrix(columns_given(test[1], specs if alike else given)[1], "test factors")
    codes, factors = train.codes.shape[1], len(specs)
    if z.shape[1] != codes or v.shape[1] != factors or len(z) != len(v) or not len(z):
        raise UnbraidError(
            f"the test codes and factors have shapes {z.shape} and {v.shape}, expected "
            f"(M, {codes}) and (M, {factors})."
        )
    names = [spec.name for spec in specs]
    known, said = _known(v, names, "test rows")
    if not known.any():
        raise UnbraidError("every test row has an unknown factor: give test rows without NaN.")
    z, v = z[known], v[known]
    _specs(v, given, names)
    of = " of the test rows"
    sizes = categories_of(z, train.categories, of)
    quantised = levels_of(z, len(sizes), train.quantised, of)
    kinds: dict[str, Any] = {"categories": sizes, "orders": train.orders, "quantised": quantised}
    return Evidence(z, v, specs, said=said, **kinds)
