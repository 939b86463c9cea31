"""Checks of metrics' options."""

from __future__ import annotations

from typing import Any

from unbraid.core.errors import UnbraidError


def at_least(config: Any, **bounds: float) -> None:
    """Raise an UnbraidError if an option of a config is below its bound; None passes."""
    for name, bound in bounds.items():
        value = getattr(config, name)
        if value is not None and value < bound:
            raise UnbraidError(f"{name} must be at least {bound:g}, but it is {value:g}.")
