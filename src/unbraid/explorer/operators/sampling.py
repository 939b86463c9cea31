"""Pooling, resizing and sampling of maps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from unbraid.explorer.lowering import Lowering
from unbraid.explorer.operators.table import number_of, operator
from unbraid.explorer.values import Call, UnknownOperator, Value


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
        inputs, shape = [number_of(to, value), weight], (*value.shape[:-1], n)
        value = to.emitted("linear", inputs, shape, m, k, n, dtype=torch.float32)
        value = to.permuted(value, order)
    return value
