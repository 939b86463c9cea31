"""The table of handlers, and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from unbraid.explorer.lowering import Handler, Lowering
from unbraid.explorer.values import Ref, Value

OPERATORS: dict[str, Handler] = {}


def operator(*names: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of ATen operators."""

    def register(handler: Handler) -> Handler:
        OPERATORS.update(dict.fromkeys(names, handler))
        return handler

    return register


def size_of(value: Value) -> int:
    """Return how many numbers a value has."""
    return math.prod(value.shape)


def number_of(to: Lowering, value: Value) -> Any:
    """Return a value's number, or a constant's reference."""
    return value.number if isinstance(value, Ref) else to.constant(value)


def weight_of(to: Lowering, value: Value) -> Any:
    """Return the number of a layer's weights; a constant is one that may be halved."""
    return value.number if isinstance(value, Ref) else to.constant(value.contiguous(), True)
