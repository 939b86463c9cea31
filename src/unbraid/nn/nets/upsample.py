"""A transposed convolution by the routines quickest on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

STRIDED = [2, 2], [1, 1], [1, 1]  # stride, padding and dilation of every convolution


_as_exported = ContextVar("as_exported", default=False)


@contextmanager
def as_exported() -> Iterator[None]:
    """Have what runs within compute as it does where torch exports it, see ``is_transformed``."""
    token = _as_exported.set(True)
    try:
        yield
    finally:
        _as_exported.reset(token)


def is_transformed(*, other_than_vmap: bool = False) -> bool:
    """Whether torch exports, traces or compiles what runs now, or transforms it (vmap, jacfwd).

    Only torch's own operations are known then, and values cannot be looked at.
    """
    if _as_exported.get():
        return True
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    vmap = torch._C._functorch.TransformType.Vmap
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or any(each.key() != vmap or not other_than_vmap for each in transforms)
        or forward_ad._current_level >= 0
    )


class _Upsample(torch.autograd.Function):
    """A transposed convolution with stride 2 and padding 1 by the routines quickest on a CPU.

    The sums are torch's. But oneDNN takes five times as long for one output channel and, in
    bfloat16, ten times for odd kernels; and half of its backward pass goes to the bias.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _, outputs, *kernel = weight.shape
        size = tuple(2 * s - 4 + taps for s, taps in zip(maps.shape[2:], kernel, strict=True))
        if outputs <= 4:  # one product gives the patches that the input pixels spread over
            patches = weight.flatten(1).T @ maps.flatten(2)  # (B, outputs * taps, h * w)
            patches = patches.to(torch.promote_types(patches.dtype, torch.float32))
            images = F.fold(patches, size, tuple(kernel), padding=1, stride=2)
            return images.add_(bias[:, None, None])
        if any(taps % 2 for taps in kernel):  # a convolution's input gradient is the same sum
            images = maps.new_empty(len(maps), outputs, *size)
            images = _convolution_backward(maps, images, weight, False, (True, False))[0]
            return images.add_(bias[:, None, None])
        return F.conv_transpose2d(maps, weight, bias, stride=2, padding=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = ctx.saved_tensors
        bias = gradient.sum((0, 2, 3)).to(weight.dtype)
        gradient, needed = gradient.to(maps.dtype), ctx.needs_input_grad[:2]
        return *_convolution_backward(gradient, maps, weight, True, needed), bias


def _convolution_backward(
    gradient: Tensor, maps: Tensor, weight: Tensor, transposed: bool, needed: tuple[bool, bool]
) -> tuple[Tensor, Tensor]:
    """Return a (transposed) convolution's gradients to its input and weight, where needed."""
    found = torch.ops.aten.convolution_backward(
        gradient, maps, weight, None, *STRIDED, transposed, [0, 0], 1, [*needed, False]
    )
    return found[0], found[1]


class Upsample(nn.ConvTranspose2d):
    """A transposed convolution with stride 2 and padding 1, maps (B, C, h, w) to twice the size."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__(inputs, outputs, kernel, stride=2, padding=1)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the larger maps; ``output_size`` is torch's, and not needed."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return F.conv_transpose2d(maps, self.weight, self.bias, stride=2, padding=1)
        return self._quickly(maps, output_size)

    @torch.jit.unused
    def _quickly(self, maps: Tensor, output_size: list[int] | None) -> Tensor:
        if maps.device.type != "cpu" or self.bias is None or is_transformed():
            return super().forward(maps, output_size)
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else maps.dtype
        parameters = self.weight.to(dtype), self.bias.to(dtype)
        return _Upsample.apply(maps.to(dtype), *parameters)  # type: ignore[no-any-return, no-untyped-call]
