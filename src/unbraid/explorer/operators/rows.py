"""Functions of rows of numbers: reductions, softmax."""

from __future__ import annotations

from typing import Any

import torch

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import operator
from unbraid.explorer.values import Call, UnknownOperator, Value

REDUCTIONS = {"sum": "sum", "mean": "mean", "amax": "max", "amin": "min", "prod": "prod",
              "any": "any", "all": "all", "argmax": "argmax", "argmin": "argmin"}  # fmt: skip


@operator(*REDUCTIONS)
def _reduce(to: Lowering, call: Call) -> Value:
    dims = call.given.get("dim")
    dims = [dims] if isinstance(dims, int) else list(dims or [])
    value, outer, inner = to.rows(call["self"], dims)
    return to.emit("reduce", [value], call.shape, REDUCTIONS[call.name], outer, inner,
                   dtype=call.dtype)  # fmt: skip


@operator("max", "min")
def _extreme(to: Lowering, call: Call) -> Any:
    if "dim" not in call.given:
        value, outer, inner = to.rows(call["self"], [])
        return to.emit("reduce", [value], call.shape, call.name, outer, inner)
    value, outer, inner = to.rows(call["self"], [call["dim"]])
    return [
        to.emit("reduce", [value], call.shape, name, outer, inner, dtype=dtype)
        for name, dtype in ((call.name, call.dtype), (f"arg{call.name}", torch.int64))
    ]


@operator("var")
def _var(to: Lowering, call: Call) -> Value:
    value, outer, inner = to.rows(call["self"], list(call.given.get("dim") or []))
    ddof = call.given.get("correction")
    found = to.emit("reduce", [value], call.shape, "variance", outer, inner)
    return to.zip("mul", found, inner / (inner - (1 if ddof is None else float(ddof))))


@operator("linalg_vector_norm")
def _norm(to: Lowering, call: Call) -> Value:
    value, outer, inner = to.rows(call["self"], list(call.given.get("dim") or []))
    if float(call["ord"]) != 2:
        raise UnknownOperator(f"aten.linalg_vector_norm of order {call['ord']}")
    found = to.emit("reduce", [to.zip("mul", value, value)], call.shape, "sum", outer, inner)
    return to.map("sqrt", found)


@operator("_softmax", "_log_softmax", "softmax", "log_softmax", "cumsum")
def _softmax(to: Lowering, call: Call) -> Value:
    name = call.name.replace("_", "")
    value = call["self"]
    dim, rank = call["dim"] % max(len(value.shape), 1), len(value.shape)
    moved, outer, inner = to.rows(value, [dim])
    found = to.emit(name, [moved], moved.shape, outer, inner, dtype=call.dtype)
    if dim == rank - 1 or not rank:
        return found
    order = [*range(dim), rank - 1, *range(dim, rank - 1)]
    return to.permuted(found, order)
