"""Checks of metrics' options."""

from __future__ import annotations

import math
from typing import Any

from unbraid.core.errors import UnbraidError

SEEDS = 2**32  # scikit-learn takes none from there on


def at_least(config: Any, **bounds: float) -> None:
    """Raise an UnbraidError if an option of a config is below its bound or NaN; None passes."""
    for name, bound in bounds.items():
        value = getattr(config, name)
        if value is not None and not value >= bound:
            raise UnbraidError(f"{name} must be at least {bound:g}, but it is {value:g}.")


def positive(config: Any, name: str, *, infinite: bool = False) -> None:
    """Raise an UnbraidError unless an option of a config is a number above 0."""
    value = getattr(config, name)
    if not value > 0 or (math.isinf(value) and not infinite):
        kind = "" if infinite else "finite "
        raise UnbraidError(f"{name} must be a {kind}number above 0, but it is {value:g}.")
