"""Devices and number formats: what ``auto`` means, and how tensors are laid out for speed."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from typing import Literal, TypeVar

import torch
from torch import nn

from unbraid.errors import UnbraidError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "f32", "bf16"]
Module = TypeVar("Module", bound=nn.Module)


def device(name: Device) -> torch.device:
    """Return the device meant: ``auto`` takes cuda, then mps, then cpu.

    Raises:
        UnbraidError: a device that is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    found = [kind for kind, is_there in there.items() if is_there]
    if name != "auto" and name not in found:
        raise UnbraidError(
            f"device '{name}' is not available here: choose auto or {', '.join(found)}."
        )
    return torch.device(found[0] if name == "auto" else name)


def has_bf16(where: torch.device) -> bool:
    """Whether the hardware computes in bfloat16 itself, rather than emulating it."""
    if where.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if where.type == "cpu":
        instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name, lambda: False)() for name in instructions)
    return False


def precision(name: Precision, where: torch.device) -> torch.dtype:
    """Return the dtype the networks compute in."""
    if name == "auto":
        name = "bf16" if has_bf16(where) else "f32"
    return torch.bfloat16 if name == "bf16" else torch.float32


def autocast(where: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return the context in which networks compute in ``dtype``."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(where.type, dtype)


def place(model: Module, where: torch.device) -> Module:
    """Move a model to a device, convolutions laid out with channels last, which is quicker."""
    model = model.to(where)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


@cache
def keep_freed_memory() -> None:
    """Let glibc keep freed blocks for the next step instead of giving them back to the kernel.

    By default every activation of a megabyte or more is mapped afresh, zeroed page by page, at
    every step; on two cores that is a quarter to a half of a convolutional step. Elsewhere than
    on Linux with glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, (1 << 31) - 1)
