"""Whether factors are stored as data sets hold them: levels as indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec


def check_levels(factors: NDArray[Any], specs: Sequence[FactorSpec], owner: str) -> None:
    """Raise an UnbraidError unless factors with ``values`` hold indices into them, or NaN.

    Args:
        factors: (N, F).
        specs: of its columns.
        owner: how an error names the data.
    """
    if factors.dtype.kind not in "buif":
        raise UnbraidError(
            f"{owner}: factors are of type {factors.dtype}, expected numbers, the index of a value "
            "where a factor has values: give values as they are to Dataset.from_arrays."
        )
    for column, spec in enumerate(specs):
        if spec.values is None:
            continue
        found = factors[:, column]
        wrong = (found < 0) | (found >= len(spec.values))  # NaN is neither
        if found.dtype.kind == "f":
            with np.errstate(invalid="ignore"):  # of infinite ones, which are wrong already
                wrong |= abs(found - np.rint(found)) > 0
        if wrong.any():
            row = int(wrong.argmax())
            raise UnbraidError(
                f"{owner}: factor {spec.name} is {found[row]:g} in row {row}, expected the index "
                f"of one of its values, 0 to {len(spec.values) - 1}, or NaN: give values as they "
                "are to Dataset.from_arrays, which finds their indices."
            )
