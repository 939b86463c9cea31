"""Checks of what users give to the metrics; each mistake is one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.metrics._evidence import MIN_ROWS, Encoder, Evidence

Floats = NDArray[np.float64]


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
    categories: Sequence[int] = (),
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
        categories=_categories(z, categories),
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


def _categories(codes: Floats, categories: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the categorical codes, checked against the codes' first columns."""
    if len(categories) > codes.shape[1]:
        raise UnbraidError(
            f"categories name {len(categories)} categorical codes, but there are "
            f"{codes.shape[1]} codes: give one number for each of the first columns."
        )
    for index, (size, column) in enumerate(zip(categories, codes.T, strict=False)):
        if size < 2:
            raise UnbraidError(f"categories are {tuple(categories)}, expected at least 2 each.")
        if not np.isin(column, np.arange(size)).all():
            raise UnbraidError(
                f"code {index} is said to have {size} categories, so it must hold whole numbers "
                f"0 to {size - 1}: give each row's most probable category."
            )
    return tuple(int(size) for size in categories)


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
