"""Data files inside the package, known by their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from unbraid.core.errors import UnbraidError


def read_embedded(path: Path, sha256: str, what: str) -> bytes:
    """Return the bytes of a file of the package.

    Args:
        path: of the file.
        sha256: of its bytes.
        what: it holds, as messages call it.

    Raises:
        UnbraidError: the file is missing, or its bytes have another hash.
    """
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise UnbraidError(f"cannot read {path}: {error.strerror}; reinstall unbraid.") from error
    found = hashlib.sha256(packed).hexdigest()
    if found != sha256:
        raise UnbraidError(
            f"the embedded {what} file {path} is damaged: the SHA-256 of its bytes is {found}, "
            f"expected {sha256}; reinstall unbraid."
        )
    return packed
