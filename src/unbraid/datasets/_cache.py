"""Arrays that are costly to make, kept in the user's cache folder and memory-mapped from there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, cache_folder


def cached(key: str, build: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return the array ``build()`` makes, from the cache folder if it is there already.

    Args:
        key: the cache file's stem. It must change whenever the array does, so put in it what the
            array is made from: a version or a hash, ``"mnist-images-3f2a90c1"``.
        build: makes the array; called only if the cache has no whole file for ``key``.

    Returns:
        A read-only ``np.memmap`` of ``<cache folder>/<key>.npy``; if that cannot be written (no
        such folder, no permission, no space), the array itself, read-only. Only what ``build``
        raises is raised.

    A truncated or overlong cache file is rebuilt; its content is not checked. Processes that
    need the same array at once may each build it, and each gets a whole one.

    >>> squares = cached("squares-v1", lambda: np.arange(5) ** 2)
    >>> squares.tolist(), squares.flags.writeable
    ([0, 1, 4, 9, 16], False)
    """
    path = None
    with suppress(UnbraidError):  # no home folder is known
        path = cache_folder() / f"{key}.npy"
        if (mapped := _open(path)) is not None:
            return mapped
    array = build()
    array.flags.writeable = False
    if path is not None:
        with suppress(UnbraidError):
            with atomic(path) as temporary:
                np.save(temporary, array, allow_pickle=False)
            mapped = _open(path)
            return array if mapped is None else mapped
    return array


def _open(path: Path) -> NDArray[Any] | None:
    """Map a ``.npy`` file read-only; None if it is missing, broken or of the wrong size."""
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
        whole = path.stat().st_size == mapped.offset + mapped.nbytes
    except (OSError, ValueError):
        return None
    return mapped if whole else None
