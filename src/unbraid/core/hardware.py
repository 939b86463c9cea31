"""Devices and number formats: what ``auto`` means, and how tensors are laid out for speed."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from typing import Any, Literal, TypeVar, cast

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from unbraid.core import memory
from unbraid.core.errors import UnbraidError

LARGE = 1 << 20  # numbers in a tensor from which on it matters whether it fits

# Bytes a parameter: its value; with its gradient and Adam's two moments; what writing a checkpoint
# takes besides, which is measured (safetensors copies value and moments, then joins them).
WEIGHT, ON_DEVICE, CHECKPOINT = 4, 16, 28

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "f32", "bf16"]
PRECISIONS = {"f32": torch.float32, "bf16": torch.bfloat16}
Module = TypeVar("Module", bound=nn.Module)


def device(name: Device | torch.device) -> torch.device:
    """Return the device meant: ``auto`` takes cuda, then mps, then cpu.

    Raises:
        UnbraidError: a device that is not there.
    """
    kind, _, index = str(name).partition(":")
    if index and (kind != "cuda" or int(index) == torch.cuda.current_device()):
        index = ""  # a model's own device, such as cuda:0, is the one that is meant
    if index:
        raise UnbraidError(
            f"device '{name}' is not the one in use: choose cuda, and have CUDA_VISIBLE_DEVICES "
            "name the GPU."
        )
    name = cast(Device, kind)
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
    return PRECISIONS[name]


def name_of(dtype: torch.dtype) -> str:
    """Return ``f32`` or ``bf16``."""
    return next(name for name, known in PRECISIONS.items() if known == dtype)


def finish(where: torch.device) -> None:
    """Wait until a GPU has done what it was told to do; other devices have."""
    if where.type == "cuda":
        torch.cuda.synchronize(where)


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
def exact_on_gpu() -> None:
    """Have GPUs compute float32 as float32, and sum convolutions in the same order in each run.

    By default convolutions round their inputs to 10 bits (TF32), and may sum in any order. Other
    operations of torch still may. For speed there is bfloat16.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic = True


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


class Unallocated(TorchFunctionMode):
    """Gives the large tensors that are made within it a shape alone, and no memory."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        shape = args[0] if args and isinstance(args[0], tuple | list) else args
        if func is torch.empty and math.prod(shape) > LARGE:
            return func(*args, **{**kwargs, "device": "meta"})
        first = args[0] if args else kwargs.get("tensor")
        in_place = func.__name__.endswith("_") and not func.__name__.startswith("_")
        if in_place and isinstance(first, torch.Tensor) and first.is_meta:
            return first  # nothing to initialise
        return func(*args, **kwargs)


def parameters(model: nn.Module) -> int:
    """Return how many numbers training moves."""
    return sum(parameter.numel() for parameter in model.parameters())


def check_fits(count: int, what: str, where: torch.device | None = None) -> None:
    """Raise an UnbraidError unless there is memory for a model's parameters.

    Args:
        count: how many.
        what: what needs it, for the sentence.
        where: the device on which a model that is there already will be trained; if not given, it
            is about the model itself.
    """
    remedy = "choose a smaller model (latent_dim, channels or hidden layers), or a larger machine"
    if where is None:
        memory.check(WEIGHT * count, what, remedy)
        return
    if where.type == "cuda":
        memory.check(ON_DEVICE * count, what, remedy, room=torch.cuda.mem_get_info(where)[0])
    state = CHECKPOINT if where.type == "cuda" else ON_DEVICE - WEIGHT + CHECKPOINT
    memory.check(state * count, what, remedy)


def check_default_dtype() -> None:
    """Raise an UnbraidError unless torch makes tensors of float32 where nothing else is said."""
    if torch.get_default_dtype() != torch.float32:
        raise UnbraidError(
            f"the default dtype of torch is {torch.get_default_dtype()}, and models compute in "
            "float32: call torch.set_default_dtype(torch.float32) before."
        )


@contextmanager
def able_to_learn() -> Iterator[None]:
    """Run a block with gradients, also where a caller has turned them off.

    Raises:
        UnbraidError: another default dtype than float32.
    """
    check_default_dtype()
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run a block with the given number of CPU threads; 0 changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
