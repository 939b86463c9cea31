"""Locks of the operating system on files and folders that several processes change.

A process that ends, however it ends, holds none of them any longer. Windows has no ``flock``, and
some file systems do not know it either: there, nothing is locked. Over NFS a file is locked only
if it is open for writing, and a folder is not.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unbraid.core.errors import UnbraidError
from unbraid.core.files import cannot_write


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Lock a file that is replaced by whoever holds the lock; wait until it is free."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = -1
    try:
        with suppress(OSError):  # no such file yet, or a file system without locks
            while True:
                handle = _opened(path)
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
        UnbraidError: another process holds the lock, or the folder cannot be made or read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # the folder itself: no lock file to leave behind. Windows opens no folder
        handle = os.open(folder, os.O_RDONLY) if _has_locks() else -1
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        if handle >= 0 and not _locks(handle):
            raise UnbraidError(
                f"another process is training into {folder}: wait for it, or choose another --out."
            )
        yield
    finally:
        if handle >= 0:
            os.close(handle)


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Lock a file that is made if it is missing; yield whether nobody else had locked it.

    The file stays: what is locked must not be replaced.

    Raises:
        UnbraidError: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield _locks(handle)
    finally:
        os.close(handle)


def is_claimed(path: Path) -> bool:
    """Whether some process holds a file by ``claimed``; False if there is no such file."""
    try:
        handle = _opened(path)
    except OSError:
        return False
    try:
        return not _locks(handle)
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """Open a file for writing, as locks over NFS need; for reading if it cannot be written."""
    with suppress(OSError):
        return os.open(path, os.O_RDWR)
    return os.open(path, os.O_RDONLY)


def _has_locks() -> bool:
    """Whether the system has ``flock``."""
    try:
        importlib.import_module("fcntl")
    except ImportError:
        return False
    return True


def _locks(handle: int) -> bool:
    """Lock an open file or folder until it is closed; return False if another process has."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows, or a file system without locks
        pass
    return True
