"""Products of matrices and convolutions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import number_of, operator, size_of, weight_of
from unbraid.explorer.values import Call, UnknownOperator, Value


@operator("addmm", "mm", "bmm")
def _product(to: Lowering, call: Call) -> Value:
    one, other = call.args[-2:] if call.name != "addmm" else call.args[1:3]
    *batch, m, k = (int(n) for n in one.shape)
    n, size = int(other.shape[-1]), math.prod(batch)
    bias = call["self"] if call.name == "addmm" else None
    plain = bias is not None and tuple(bias.shape) == (n,)
    if bias is not None and (call["beta"] != 1 or call["alpha"] != 1):
        raise UnknownOperator("aten.addmm with weights")
    if isinstance(other, Tensor) and size == 1 and k:
        weight = other.reshape(k, n).T
        numbers = [number_of(to, one), weight_of(to, weight)]
        numbers += [number_of(to, bias)] if plain else []  # type: ignore[arg-type]
        found = to.emitted("linear", numbers, call.shape, m, k, n, dtype=torch.float32)
    else:
        found = to.emit("matmul", [one, other], call.shape, size, m, k, n)
        plain = False
    return found if bias is None or plain else to.zip("add", found, bias)


@operator("matmul")
def _matmul(to: Lowering, call: Call) -> Value:
    one, other = call["self"], call["other"]
    if min(len(one.shape), len(other.shape)) < 2:
        raise UnknownOperator("aten.matmul of vectors")
    m, k, n = int(one.shape[-2]), int(one.shape[-1]), int(other.shape[-1])
    if isinstance(other, Tensor) and other.ndim == 2:
        numbers = [number_of(to, one), weight_of(to, other.T)]
        rows = math.prod(call.shape[:-1])
        return to.emitted("linear", numbers, call.shape, rows, k, n, dtype=torch.float32)
    batch = call.shape[:-2]
    one, other = _expanded(to, one, (*batch, m, k)), _expanded(to, other, (*batch, k, n))
    return to.emit("matmul", [one, other], call.shape, math.prod(batch), m, k, n)


def _expanded(to: Lowering, value: Value, shape: tuple[int, ...]) -> Value:
    places = torch.arange(size_of(value)).view(value.shape).expand(shape)
    return to.moved(value, places)


@operator("linear")
def _linear(to: Lowering, call: Call) -> Value:
    value, weight, bias = call["input"], call["weight"], call["bias"]
    m, k, n = math.prod(value.shape[:-1]), int(value.shape[-1]), int(weight.shape[0])
    numbers = [number_of(to, value), weight_of(to, weight)]
    numbers += [] if bias is None else [number_of(to, bias)]
    return to.emitted("linear", numbers, call.shape, m, k, n, dtype=torch.float32)


@operator("convolution", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d")
def _convolution(to: Lowering, call: Call) -> Value:
    value, weight, bias = call["input"], call["weight"], call["bias"]
    rank = len(value.shape) - 2
    if rank not in (1, 2) or isinstance(call["padding"], str):
        raise UnknownOperator("aten.convolution of three dimensions")
    shape = list(call.shape)
    sizes = [list(call[name]) for name in ("stride", "padding", "dilation")]
    sizes = [each * rank if len(each) == 1 else each for each in sizes]
    if rank == 1:  # one dimension is two, one of them of size 1
        value = to.view(value, (*value.shape[:2], 1, value.shape[2]))
        weight = weight.unsqueeze(2) if isinstance(weight, Tensor) else to.view(
            weight, (*weight.shape[:2], 1, weight.shape[2]))  # fmt: skip
        sizes = [[fill, *each] for fill, each in zip((1, 0, 1), sizes, strict=True)]
        shape = [*shape[:2], 1, shape[2]]
    numbers = [number_of(to, value), weight_of(to, weight)]
    if bias is not None:
        numbers.append(number_of(to, bias))
    name = "deconv" if call.given.get("transposed", "transpose" in call.name) else "conv"
    kernel = [int(n) for n in weight.shape]
    found = to.emitted(name, numbers, shape, [int(n) for n in value.shape], kernel, *sizes,
                       call["groups"], dtype=torch.float32)  # fmt: skip
    return to.view(found, call.shape)
