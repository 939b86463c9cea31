"""Factors that are given as columns by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics._arrays import numbers


def columns_given(
    factors: Any, specs: Sequence[FactorSpec] | None
) -> tuple[list[str], ArrayLike | None]:
    """Return the names of columns, none of an array, and the columns, in the order of the specs.

    Raises:
        UnbraidError: columns of different lengths, or of other names than the specs'.
    """
    if not isinstance(factors, Mapping):
        return [], factors
    columns = {str(name): np.ravel(numbers(each, str(name))) for name, each in factors.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise UnbraidError(
            f"the columns of factors have different lengths ({found}): give a value an image."
        )
    order = list(columns)
    if specs is not None and not isinstance(specs, FactorSpec) and isinstance(specs, Iterable):
        order = [getattr(spec, "name", "") for spec in specs]
        if sorted(order) != sorted(columns):
            raise UnbraidError(
                f"the columns of factors are {', '.join(columns)}, but specs are given of "
                f"{', '.join(order)}: give one of each name."
            )
    if not order:
        raise UnbraidError("factors hold no columns: give some, or leave factors out.")
    return order, np.stack([columns[name] for name in order], 1)
