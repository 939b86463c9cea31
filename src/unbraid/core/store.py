"""Tensors without pickle, and locks on files and folders that several processes change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, cannot_write


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
    except (safetensors.SafetensorError, OSError, ValueError) as error:
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


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Lock a file that is replaced by whoever holds the lock; wait until it is free."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock: there, nothing is locked
        yield
        return
    handle = -1
    try:
        with suppress(OSError):  # no such file yet, or a file system without locks
            while True:
                handle = os.open(path, os.O_RDONLY)
                fcntl.flock(handle, fcntl.LOCK_EX)
                if os.fstat(handle).st_ino == path.stat().st_ino:
                    break
                os.close(handle)  # it was replaced while we waited
                handle = -1
        yield
    finally:
        if handle >= 0:
            os.close(handle)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run folder, so that two processes cannot train into it at once.

    Raises:
        UnbraidError: another process holds the lock, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        import fcntl
    except ImportError:  # Windows has no flock: there, nothing is locked
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # the folder itself: no lock file to leave behind
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnbraidError(
                f"another process is training into {folder}: wait for it, or choose another --out."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
