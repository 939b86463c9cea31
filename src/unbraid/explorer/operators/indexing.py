"""Numbers at places that may depend on the input."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import operator
from unbraid.explorer.values import Call, UnknownOperator, Value, common


@operator("index")
def _index(to: Lowering, call: Call) -> Value:
    """Numbers at places that may depend on the input; dimensions indexed are next to each other."""
    value, given = call["self"], call["indices"]
    used = [dim for dim, index in enumerate(given) if index is not None]
    indices = [given[dim] for dim in used]
    if used != list(range(used[0], used[0] + len(used))) or any(
        index.dtype == torch.bool for index in indices
    ):
        raise UnknownOperator("aten.index with masks or dimensions apart")
    first, last = used[0], used[-1] + 1
    shape = [int(n) for n in value.shape]
    chosen = common(*(index.shape for index in indices))
    place: Any = torch.zeros(())
    for dim, index in zip(used, indices, strict=True):
        place = _plus(to, _times(to, place, shape[dim]), _wrapped(to, index, shape[dim]))
    count, inner = math.prod(shape[first:last]), math.prod(shape[last:])
    outer = torch.arange(math.prod(shape[:first])).view(*shape[:first], *[1] * len(chosen)) * count
    place = _plus(to, place, outer)
    return to.emit("take", [value, place], call.shape, inner, 0.0, dtype=value.dtype)


def _wrapped(to: Lowering, index: Value, size: int) -> Value:
    """Return places counted from the front, where some may be counted from the end."""
    if isinstance(index, Tensor):
        return index % size
    return to.zip("remainder", index, size, index.dtype)


def _times(to: Lowering, one: Value, number: int) -> Value:
    return one * number if isinstance(one, Tensor) else to.zip("mul", one, number, one.dtype)


def _plus(to: Lowering, one: Value, other: Value) -> Value:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one + other
    return to.zip("add", one, other, torch.int64)


@operator("index_select", "embedding")
def _rows(to: Lowering, call: Call) -> Value:
    value, places = call.args[0], call.args[-1 if call.name == "index_select" else 1]
    dim = call["dim"] % len(value.shape) if call.name == "index_select" else 0
    shape = [int(n) for n in value.shape]
    inner = math.prod(shape[dim + 1 :])
    outer = torch.arange(math.prod(shape[:dim]))[:, None] * shape[dim]
    flat = _plus(to, _flat(to, _wrapped(to, places, shape[dim])), outer)
    return to.emit("take", [value, flat], call.shape, inner, 0.0, dtype=value.dtype)


def _flat(to: Lowering, value: Value) -> Value:
    return value.reshape(-1) if isinstance(value, Tensor) else to.view(value, (value.size,))


@operator("gather")
def _gather(to: Lowering, call: Call) -> Value:
    value, index = call["self"], call["index"]
    dim, shape = call["dim"] % len(value.shape), [int(n) for n in value.shape]
    steps = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    rest = torch.zeros((), dtype=torch.long)
    for d, n in enumerate(index.shape):
        here = torch.arange(n) * (0 if d == dim else steps[d])
        rest = rest + here.view(-1, *[1] * (len(shape) - d - 1))
    place = _plus(to, _times(to, _wrapped(to, index, shape[dim]), steps[dim]), rest)
    return to.emit("take", [value, place], call.shape, 1, 0.0, dtype=value.dtype)
