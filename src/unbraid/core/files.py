"""Whole files or none: writes that never leave half a file, and the user's cache folder."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from typing import Any

from unbraid.core import limits
from unbraid.core.errors import UnbraidError


def expand(path: str | os.PathLike[str]) -> Path:
    """Return a path with a leading ``~`` replaced by the home folder.

    Raises:
        UnbraidError: there is no home folder of that name, or none at all.

    >>> expand("runs/first").as_posix()
    'runs/first'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # no HOME and no entry in the system's list of users
        raise UnbraidError(
            f"the home folder that '{os.fspath(path)}' starts from is not known: give the path in "
            "full, or set HOME."
        ) from error


def readable(text: str) -> str:
    r"""Return text that came from a file's name as text any encoder takes.

    Bytes that are not UTF-8 are surrogates in Python, which no terminal, font or file of text
    takes: they are written as escapes.

    >>> print(readable("caf\udce9"))
    caf\udce9
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block succeeds.

    A failure (disk full, read-only folder, kill) leaves what was at ``path`` untouched. Two
    processes may write the same path at once: the last one to finish wins, whole.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays, since some writers (matplotlib, Pillow, numpy) go by it.
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise cannot_write(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes files only their owner can read
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: Exception) -> UnbraidError:
    """Return the sentence for a failed write."""
    if isinstance(error, NotADirectoryError | FileExistsError):
        return UnbraidError(
            f"cannot write {path}: a part of that path is a file, expected folders; what was there "
            "is untouched: choose another folder."
        )
    reason = getattr(error, "strerror", None) or str(error)
    return UnbraidError(
        f"cannot write {path}: {reason}; what was there is untouched: "
        "free some space or choose a folder you may write to."
    )


def cannot_read(path: Path, error: OSError) -> UnbraidError:
    """Return the sentence for a file that the system does not give."""
    return UnbraidError(
        f"cannot read {path}: {error.strerror or error}; restore it, or check its permissions."
    )


def not_finite(value: Any, name: str = "") -> str:
    """Return where in nested objects and lists the first NaN or infinity is, "" without one.

    >>> not_finite({"kl": 3.5, "by_latent": [1.0, float("inf")]})
    'by_latent.1'
    """
    if isinstance(value, float):
        return "" if isfinite(value) else name or str(value)
    parts = value if isinstance(value, dict) else {}
    if isinstance(value, list | tuple):
        parts = dict(enumerate(value))
    found = (not_finite(part, f"{name}.{key}".lstrip(".")) for key, part in parts.items())
    return next(filter(None, found), "")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically.

    Raises:
        UnbraidError: it cannot be written, or holds NaN or infinity, which are no JSON.
    """
    if name := not_finite(value):
        raise UnbraidError(
            f"cannot write {path}: {name} is not finite, expected finite numbers alone; what was "
            "there is untouched."
        )
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or broken one raises an UnbraidError."""
    try:
        limits.check_json(path)
        # a file that was edited on Windows may begin with a byte order mark
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except limits.Implausible as error:
        raise UnbraidError(f"cannot read {path}: {error}; restore it or delete it.") from error
    except OSError as error:
        raise UnbraidError(
            f"cannot read {path}: {error.strerror or error}, expected a JSON file; restore it, or "
            "check its permissions."
        ) from error
    except (ValueError, RecursionError) as error:  # of syntax, encoding, depth or digits
        raise UnbraidError(
            f"{path} is not valid JSON ({error}); restore it or delete it."
        ) from error


def read_object(path: Path, *parts: str) -> dict[str, Any]:
    """Read a JSON file that holds an object, and objects as its named parts.

    Raises:
        UnbraidError: there is no such file, it is broken, or it holds something else.
    """
    found = read_json(path)
    named = {"": found}
    if isinstance(found, dict):
        named |= {f" as its '{part}'": found.get(part) for part in parts}
    for where, value in named.items():
        if not isinstance(value, dict):
            kinds: dict[type, str] = {type(None): "nothing", list: "a list", str: "a text"}
            kind = kinds.get(type(value), "a number")
            raise UnbraidError(
                f"{path} holds {kind}{where}, expected an object; restore it or delete it."
            )
    return dict(found)


def cache_folder() -> Path:
    """Return the folder for caches: ``$UNBRAID_CACHE``, or ``unbraid`` in the user's cache.

    Raises:
        UnbraidError: there is neither, as no home folder is known.
    """
    if chosen := os.environ.get("UNBRAID_CACHE"):
        return expand(chosen)
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "unbraid"
        if sys.platform == "darwin":
            return Path.home() / "Library/Caches/unbraid"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unbraid"
    except RuntimeError as error:
        raise UnbraidError(
            "no home folder is known to keep caches in: set UNBRAID_CACHE to a folder, or HOME."
        ) from error
