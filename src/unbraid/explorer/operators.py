"""How each ATen operator becomes operators of the page, see ``lowering.py``.

``OPERATORS`` maps names to functions of (lowering, call) that return the result's value, or a list
of values where there are several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unbraid.explorer.lowering import (
    Call,
    Handler,
    Lowering,
    Ref,
    UnknownOperator,
    Value,
    as_value,
    common,
    strides,
)

OPERATORS: dict[str, Handler] = {}


def operator(*names: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of ATen operators."""

    def register(handler: Handler) -> Handler:
        OPERATORS.update(dict.fromkeys(names, handler))
        return handler

    return register


# -- numbers that are only moved -------------------------------------------------------------------


@operator(
    "view", "_unsafe_view", "reshape", "permute", "t", "transpose", "unsqueeze", "squeeze",
    "expand", "select", "slice", "alias", "clone", "detach", "flip", "roll", "repeat", "diagonal",
    "split_with_sizes", "split", "unbind", "lift_fresh_copy", "reflection_pad1d",
    "reflection_pad2d", "replication_pad2d", "pixel_shuffle", "pixel_unshuffle", "as_strided",
    "upsample_nearest2d", "unfold", "flatten", "unflatten", "chunk", "tensor_split", "numpy_T",
    "contiguous", "movedim", "narrow", "expand_as", "view_as", "swapaxes", "mT",
)  # fmt: skip
def _moved(to: Lowering, call: Call) -> Any:
    """Run the operator on the places of its input's numbers."""
    value, *others = call.args
    if any(isinstance(other, Ref) for other in others):
        raise UnknownOperator(f"aten.{call.name}")
    places = torch.arange(_size(value), dtype=torch.float64).view(value.shape)
    options = {name: each for name, each in call.kwargs.items() if name != "memory_format"}
    found = call.node.target(places, *others, **options)  # type: ignore[operator]
    if isinstance(found, Tensor):
        return to.moved(value, found.long())
    return [to.moved(value, each.long()) for each in found]


@operator("constant_pad_nd", "pad")
def _pad(to: Lowering, call: Call) -> Value:
    value = call["self"]
    if call.given.get("mode", "constant") != "constant":
        return _moved(to, call)  # type: ignore[no-any-return]
    places = torch.arange(_size(value)).view(value.shape)
    return to.moved(
        value, torch.constant_pad_nd(places, call["pad"], -1), float(call["value"] or 0)
    )


@operator("_to_copy", "to")
def _copied(to: Lowering, call: Call) -> Value:
    return cast(to, call["self"], call.dtype)


def cast(to: Lowering, value: Value, dtype: torch.dtype) -> Value:
    """Return a value as another type: numbers of a page are float32 whatever they stand for."""
    if isinstance(value, Tensor):
        return value.to(dtype)
    if dtype == torch.bool and value.dtype != torch.bool:
        return to.zip("ne", value, 0, dtype)
    if value.dtype.is_floating_point and not dtype.is_floating_point:
        return to.map("trunc", value, dtype=dtype)
    if value.dtype == dtype:
        return value
    return Ref(value.number, value.shape, dtype)


@operator("cat")
def _cat(to: Lowering, call: Call) -> Value:
    parts = [part for part in call["tensors"] if len(part.shape) > 1 or part.shape != (0,)]
    shape, dim = call.shape, call["dim"] % len(call.shape)
    inner = math.prod(shape[dim + 1 :])
    runs = [int(part.shape[dim]) * inner for part in parts]
    parts, runs = (
        [each for each, run in zip(kept, runs, strict=True) if run] for kept in (parts, runs)
    )
    outer = math.prod(shape[:dim])
    return to.emit("cat", list(parts), shape, outer, runs, dtype=call.dtype)


@operator("stack")
def _stack(to: Lowering, call: Call) -> Value:
    dim, shape, parts = call["dim"] % len(call.shape), call.shape, list(call["tensors"])
    inner, outer = math.prod(shape[dim + 1 :]), math.prod(shape[:dim])
    return to.emit("cat", parts, shape, outer, [inner] * len(parts), dtype=call.dtype)


@operator("dropout")
def _dropout(to: Lowering, call: Call) -> Value:
    if call["train"]:
        raise UnknownOperator("aten.dropout while training")
    value: Value = call["input"]
    return value


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


@operator("full", "full_like", "zeros_like", "ones_like", "new_zeros", "new_full", "fill")
def _full(to: Lowering, call: Call) -> Value:
    number = {"zeros_like": 0, "new_zeros": 0, "ones_like": 1}.get(call.name)
    if number is None:
        number = call["value"] if call.name == "fill" else call["fill_value"]
    if isinstance(number, Ref):
        return to.moved(number, torch.zeros(call.shape, dtype=torch.long))
    return torch.full(call.shape, float(number)).to(call.dtype)


@operator("copy")
def _copy(to: Lowering, call: Call) -> Value:
    value = cast(to, call["src"], call.dtype)
    places = torch.arange(math.prod(value.shape)).view(value.shape).expand(call.shape)
    return to.moved(value, places)


@operator("slice_scatter", "select_scatter")
def _scattered(to: Lowering, call: Call) -> Value:
    """Two inputs' numbers, moved together: places of the second follow those of the first."""
    value, part = call["self"], call["src"]
    sizes = [_size(value), _size(part)]
    both = to.emit("cat", [value, part], (sum(sizes),), 1, sizes)
    places = torch.arange(_size(value), dtype=torch.float64).view(value.shape)
    others = torch.arange(_size(part), dtype=torch.float64).view(part.shape) + _size(value)
    found = call.node.target(places, others, *call.args[2:], **call.kwargs)  # type: ignore[operator]
    return to.moved(both, found.long())


def _size(value: Value) -> int:
    return math.prod(value.shape)


# -- functions of each number ----------------------------------------------------------------------

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


# -- functions of rows -----------------------------------------------------------------------------

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


# -- layers ----------------------------------------------------------------------------------------


def _weight(to: Lowering, value: Value) -> Any:
    """Return the number of a layer's weights; a constant is one that may be halved."""
    return value.number if isinstance(value, Ref) else to.constant(value.contiguous(), True)


def _number(to: Lowering, value: Value) -> Any:
    return value.number if isinstance(value, Ref) else to.constant(value)


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
        numbers = [_number(to, one), _weight(to, weight)]
        numbers += [_number(to, bias)] if plain else []  # type: ignore[arg-type]
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
        numbers = [_number(to, one), _weight(to, other.T)]
        rows = math.prod(call.shape[:-1])
        return to.emitted("linear", numbers, call.shape, rows, k, n, dtype=torch.float32)
    batch = call.shape[:-2]
    one, other = _expanded(to, one, (*batch, m, k)), _expanded(to, other, (*batch, k, n))
    return to.emit("matmul", [one, other], call.shape, math.prod(batch), m, k, n)


def _expanded(to: Lowering, value: Value, shape: tuple[int, ...]) -> Value:
    places = torch.arange(_size(value)).view(value.shape).expand(shape)
    return to.moved(value, places)


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


@operator("linear")
def _linear(to: Lowering, call: Call) -> Value:
    value, weight, bias = call["input"], call["weight"], call["bias"]
    m, k, n = math.prod(value.shape[:-1]), int(value.shape[-1]), int(weight.shape[0])
    numbers = [_number(to, value), _weight(to, weight)]
    numbers += [] if bias is None else [_number(to, bias)]
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
    numbers = [_number(to, value), _weight(to, weight)]
    if bias is not None:
        numbers.append(_number(to, bias))
    name = "deconv" if call.given.get("transposed", "transpose" in call.name) else "conv"
    kernel = [int(n) for n in weight.shape]
    found = to.emitted(name, numbers, shape, [int(n) for n in value.shape], kernel, *sizes,
                       call["groups"], dtype=torch.float32)  # fmt: skip
    return to.view(found, call.shape)


def _affine(to: Lowering, value: Ref, scale: Any, shift: Any, count: int, inner: int) -> Ref:
    """Return a value times a scale plus a shift, one of each a channel; either may be None."""
    if scale is None and shift is None:
        return value
    scale = torch.ones(count) if scale is None else scale
    shift = torch.zeros(count) if shift is None else shift
    outer = value.size // (count * inner)
    return to.emit("affine", [value, scale, shift], value.shape, outer, count, inner)


@operator("native_layer_norm", "layer_norm")
def _layer_norm(to: Lowering, call: Call) -> Any:
    inner = math.prod(call["normalized_shape"])
    value = to.view(call["input"])
    outer = value.size // inner
    found = to.emit("normalise", [value], value.shape, float(call["eps"]), outer, inner)
    found = _affine(to, found, call["weight"], call["bias"], inner, 1)
    return [found] if call.name.startswith("native") else found


@operator("native_group_norm")
def _group_norm(to: Lowering, call: Call) -> Any:
    value, rows = to.view(call["input"]), call["N"] * call["group"]
    found = to.emit("normalise", [value], value.shape, float(call["eps"]), rows, value.size // rows)
    return [_affine(to, found, call["weight"], call["bias"], call["C"], call["HxW"])]


@operator("group_norm")
def _whole_group_norm(to: Lowering, call: Call) -> Value:
    value = to.view(call["input"])
    rows, count = value.shape[0] * call["num_groups"], value.shape[1]
    found = to.emit("normalise", [value], value.shape, float(call["eps"]), rows, value.size // rows)
    inner = math.prod(value.shape[2:])
    return _affine(to, found, call["weight"], call["bias"], count, inner)


@operator("_native_batch_norm_legit_no_training", "batch_norm")
def _batch_norm(to: Lowering, call: Call) -> Any:
    value, mean, var = to.view(call["input"]), call["running_mean"], call["running_var"]
    if call.given.get("training") or mean is None:
        raise UnknownOperator("aten.batch_norm of the batch")
    scale = torch.rsqrt(var.double() + call["eps"])
    scale = scale if call["weight"] is None else scale * call["weight"].double()
    shift = -mean.double() * scale
    shift = shift if call["bias"] is None else shift + call["bias"].double()
    count, inner = len(mean), math.prod(value.shape[2:])
    found = _affine(to, value, scale.float(), shift.float(), count, inner)
    return found if call.name == "batch_norm" else [found]


@operator("_native_batch_norm_legit")
def _instance_norm(to: Lowering, call: Call) -> Any:
    value = to.view(call["input"])
    if value.shape[0] != 1 or not call["training"]:
        raise UnknownOperator("aten._native_batch_norm_legit of several rows")
    count, inner = value.shape[1], math.prod(value.shape[2:])
    found = to.emit("normalise", [value], value.shape, float(call["eps"]), count, inner)
    return [_affine(to, found, call["weight"], call["bias"], count, inner)]


@operator("grid_sampler_2d", "grid_sampler")
def _grid(to: Lowering, call: Call) -> Value:
    if len(call["input"].shape) != 4:
        raise UnknownOperator("aten.grid_sampler of three dimensions")
    mode, padding = int(call["interpolation_mode"]), int(call["padding_mode"])
    if mode > 1 or padding > 1:
        raise UnknownOperator("aten.grid_sampler_2d with bicubic sums or reflections")
    value, grid = call["input"], call["grid"]
    return to.emit("grid", [value, grid], call.shape, [int(n) for n in value.shape], mode, padding,
                   int(call["align_corners"]))  # fmt: skip


@operator("max_pool2d_with_indices")
def _max_pool(to: Lowering, call: Call) -> Any:
    sizes = [list(call[name]) for name in ("kernel_size", "stride", "padding", "dilation")]
    sizes[1] = sizes[1] or sizes[0]
    sizes = [each * 2 if len(each) == 1 else each for each in sizes]
    value = call["self"]
    return [to.emit("pool", [value], call.shape, [int(n) for n in value.shape], *sizes)]


@operator(
    "avg_pool2d",
    "_adaptive_avg_pool2d",
    "adaptive_avg_pool2d",
    "upsample_bilinear2d",
    "upsample_bicubic2d",
)
def _separable(to: Lowering, call: Call) -> Value:
    """A linear function of columns, then of rows: as two products, whose matrices are looked up."""
    value: Value = call.args[0]
    height, width = (int(n) for n in value.shape[-2:])
    drawn = torch.rand(2, max(height, width), generator=torch.Generator().manual_seed(0)).double()

    def run(images: Tensor) -> Tensor:
        found: Tensor = call.node.target(images, *call.args[1:], **call.kwargs)  # type: ignore[operator]
        return found

    u, v = drawn[0, :height] + 1, drawn[1, :width] + 1
    across = run(torch.eye(height).double()[:, None, :, None] * v)[:, 0].permute(1, 2, 0)
    down = run(u[:, None] * torch.eye(width).double()[:, None, None, :])[:, 0].permute(1, 2, 0)
    whole = run((u[:, None] * v)[None, None])[0, 0]
    rows, columns = across[:, 0], down[0]  # (H', H) and (W', W), but for a factor
    rows = rows * (whole[0, 0] / ((rows @ u)[0] * (columns @ v)[0]))
    trial = torch.rand(height, width, generator=torch.Generator().manual_seed(1)).double()
    if (run(trial[None, None])[0, 0] - rows @ trial @ columns.T).abs().max() > 1e-9:
        raise UnknownOperator(f"aten.{call.name} of this kind")
    rank = len(value.shape)
    order = [*range(rank - 2), rank - 1, rank - 2]
    for matrix in (columns, rows):
        m, k, n = math.prod(value.shape[:-1]), matrix.shape[1], matrix.shape[0]
        weight = to.constant(matrix.float())
        value = to.emitted("linear", [_number(to, value), weight], (*value.shape[:-1], n), m, k, n,
                           dtype=torch.float32)  # fmt: skip
        value = to.permuted(value, order)
    return value
