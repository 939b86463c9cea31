"""Files of a run folder: tensors without pickle, the lock, and changes to result.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from unbraid import limits
from unbraid.errors import UnbraidError
from unbraid.files import atomic, cannot_write, read_object, write_json


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors and its metadata."""
    if not path.is_file():
        raise UnbraidError(
            f"{path} is missing: train again, or restore it from a copy, or delete the "
            "folder to train anew."
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
    """Return what tells a file from one that has replaced it, None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def update_result(
    folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Change a run's result.json so that of two processes doing so neither's part is lost.

    Args:
        folder: the run folder.
        change: gets what the file holds now ({} if it is not there), and returns what it shall
            hold; it should be quick.

    Returns:
        What the file holds then.
    """
    path = folder / "result.json"
    with _held(path):
        for stray in folder.glob(".result-*"):  # what a killed process was writing
            stray.unlink(missing_ok=True)
        result = change(read_object(path) if path.is_file() else {})
        write_json(path, result)
    return result


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a file that others replace while they hold it; wait for them."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock, and the lock is a courtesy
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
    """Hold a run folder, so that two processes cannot train into it at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        import fcntl
    except ImportError:  # Windows has no flock, and the lock is a courtesy
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
