"""Normalisations, as a normalisation and an affine function of channels."""

from __future__ import annotations

import math
from typing import Any

import torch

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import operator
from unbraid.explorer.values import Call, Ref, UnknownOperator, Value


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
