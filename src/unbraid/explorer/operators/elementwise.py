"""Functions of each number, or of pairs."""

from __future__ import annotations

import torch

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import operator
from unbraid.explorer.values import Call, UnknownOperator, Value, as_value, strides

# ATen's names of functions that the page has under the same name
SAME = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp",
    "expm1", "floor", "log", "log10", "log1p", "log2", "neg", "reciprocal", "relu", "round",
    "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "isnan", "isinf",
)  # fmt: skip
PAIRS = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "maximum": "max", "minimum": "min",
    "atan2": "atan2", "remainder": "remainder", "fmod": "fmod", "eq": "eq", "ne": "ne",
    "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "logical_and": "and", "logical_or": "or",
    "logical_xor": "ne", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "ne",
}  # fmt: skip


@operator(*SAME)
def _same(to: Lowering, call: Call) -> Value:
    if call.name == "round" and call.given.get("decimals"):
        raise UnknownOperator("aten.round.decimals")
    return to.map(call.name, call["self"], dtype=call.dtype)


@operator("logical_not", "bitwise_not")
def _not(to: Lowering, call: Call) -> Value:
    if call.name == "bitwise_not" and call["self"].dtype != torch.bool:
        raise UnknownOperator("aten.bitwise_not of integers")
    return to.zip("eq", call["self"], 0, torch.bool)


@operator(*PAIRS)
def _pair(to: Lowering, call: Call) -> Value:
    one, other = call.args[:2]
    if call.name.startswith("bitwise") and call.dtype != torch.bool:
        raise UnknownOperator(f"aten.{call.name} of integers")
    if call.name in ("add", "sub") and call.given.get("alpha", 1) != 1:
        other = to.zip("mul", other, call["alpha"])
    name, rounding = PAIRS[call.name], call.given.get("rounding_mode")
    found = to.zip(name, one, other, call.dtype)
    return to.map(rounding, found, dtype=call.dtype) if rounding else found


@operator("rsub")
def _rsub(to: Lowering, call: Call) -> Value:
    return to.zip("sub", call["other"], call["self"], call.dtype)


@operator("pow", "square")
def _pow(to: Lowering, call: Call) -> Value:
    base, exponent = call.args if call.name == "pow" else (call["self"], 2)
    if exponent == 2:
        return to.zip("mul", base, base)
    return to.zip("pow", base, exponent, call.dtype)


@operator("addcmul")
def _addcmul(to: Lowering, call: Call) -> Value:
    product = to.zip("mul", call["tensor1"], call["tensor2"])
    if call["value"] != 1:
        product = to.zip("mul", product, call["value"])
    return to.zip("add", call["self"], product, call.dtype)


@operator("clamp", "clamp_min", "clamp_max", "hardtanh")
def _clamp(to: Lowering, call: Call) -> Value:
    value: Value = call["self"]
    low = call.given.get("min", call.given.get("min_val"))
    high = call.given.get("max", call.given.get("max_val"))
    for name, bound in (("max", low), ("min", high)):
        if bound is not None:
            value = to.zip(name, value, bound, call.dtype)
    return value


@operator("leaky_relu", "elu", "gelu", "softplus", "silu", "mish", "hardswish", "hardsigmoid",
          "special_ndtr")  # fmt: skip
def _shaped(to: Lowering, call: Call) -> Value:
    numbers = [float(each) for each in list(call.given.values())[1:] if not isinstance(each, str)]
    name = "gelutanh" if call.given.get("approximate") == "tanh" else call.name
    return to.map(name, call["self"], *numbers)


@operator("where")
def _where(to: Lowering, call: Call) -> Value:
    values = [as_value(each) for each in call.args]
    steps = [strides(each.shape, call.shape) for each in values]
    return to.emit("where", values, call.shape, *steps, dtype=call.dtype)


@operator("nan_to_num")
def _finite(to: Lowering, call: Call) -> Value:
    value, most = call["self"], torch.finfo(torch.float32).max
    ends = (call["posinf"], call["neginf"])
    high, low = (
        end if found is None else found for end, found in zip((most, -most), ends, strict=True)
    )
    found = to.zip("min", to.zip("max", value, low), high)  # NaN stays NaN
    steps = [strides(each.shape, call.shape) for each in (found, torch.zeros(()), found)]
    number = torch.tensor(float(call["nan"] or 0))
    return to.emit("where", [to.map("isnan", found), number, found], call.shape, *steps)


@operator("one_hot")
def _one_hot(to: Lowering, call: Call) -> Value:
    value = to.view(call["self"], (*call["self"].shape, 1))
    return to.zip("eq", value, torch.arange(call.shape[-1]), torch.int64)
