"""Tensors without pickle; with the locks of ``core.locks``, all that keeps run folders whole."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, cannot_read
from unbraid.core.locks import held as held
from unbraid.core.locks import locked as locked


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors and its metadata."""
    if not path.is_file():
        raise UnbraidError(
            f"{path} is missing: restore it from a copy, or delete the folder and train again."
        )
    try:
        limits.check_tensors(path)
        data = path.read_bytes()  # safetensors itself opens no path that is not UTF-8
        tensors = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, header.get("__metadata__", {})
    except OSError as error:
        raise cannot_read(path, error) from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise UnbraidError(
            f"{path} is damaged ({error}): restore it from a copy, or train again."
        ) from error


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all."""
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    data = safetensors.torch.save(stored, metadata)
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def identity(path: Path) -> tuple[int, int] | None:
    """Return inode and time of a file, which change when it is replaced; None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
