"""Numbers that are only moved, copied or filled in."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import operator, size_of
from unbraid.explorer.values import Call, Ref, UnknownOperator, Value


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
    places = torch.arange(size_of(value), dtype=torch.float64).view(value.shape)
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
    places = torch.arange(size_of(value)).view(value.shape)
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
    sizes = [size_of(value), size_of(part)]
    both = to.emit("cat", [value, part], (sum(sizes),), 1, sizes)
    places = torch.arange(size_of(value), dtype=torch.float64).view(value.shape)
    others = torch.arange(size_of(part), dtype=torch.float64).view(part.shape) + size_of(value)
    found = call.node.target(places, others, *call.args[2:], **call.kwargs)  # type: ignore[operator]
    return to.moved(both, found.long())
