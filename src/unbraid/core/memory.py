"""Memory: what is free, and a sentence in place of a traceback where something does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unbraid.core.errors import UnbraidError

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # containers


def free() -> int | None:
    """Return the bytes of memory and swap that are free, None where the system does not tell."""
    found: list[int] = []
    with suppress(OSError, ValueError, KeyError):  # Linux alone has this file
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        stated = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        found.append(stated["MemAvailable"] + stated["SwapFree"])
    for path in LIMITS:
        with suppress(OSError, ValueError):  # no such limit, or the word "max"
            found.append(int(Path(path).read_text(encoding="ascii")))
    return min(found, default=None)


def size(count: float) -> str:
    """Return a number of bytes as text.

    >>> size(84_934_656_000), size(512)
    ('84.9 GB', '512 bytes')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,.0f} bytes"


def check(needed: int, what: str, remedy: str, room: int | None = None) -> None:
    """Raise an UnbraidError if something is larger than the memory that is free.

    Args:
        needed: bytes.
        what: what needs them.
        remedy: what to do.
        room: bytes that are free; those of the machine's memory if not given.

    >>> check(10**6, "a small model", "lower latent_dim", room=10**9)
    """
    room = free() if room is None else room
    if room is not None and needed > room:
        raise UnbraidError(
            f"{what} needs {size(needed)} of memory, but {size(room)} is free here: {remedy}."
        )


@contextmanager
def enough(what: str, remedy: str) -> Iterator[None]:
    """Turn a failed allocation within a block, of numpy or torch, into a sentence.

    Args:
        what: what was being done.
        remedy: what to do.

    Raises:
        UnbraidError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        raise UnbraidError(sentence(error, what, remedy)) from error


def sentence(
    error: Exception,
    what: str = "this",
    remedy: str = "use fewer or smaller images, or a smaller model",
) -> str:
    """Return the sentence for a failed allocation.

    >>> sentence(MemoryError("Unable to allocate 79.1 GiB for an array"), "drawing", "draw fewer")
    'drawing ran out of memory (it asked for 79.1 GiB): draw fewer.'
    """
    return f"{what} ran out of memory{_asked(error)}: {remedy}."


def ran_out(error: Exception) -> bool:
    """Whether an exception of numpy, torch or Python says that memory ran out.

    torch raises plain RuntimeErrors on the processor, which only their text tells apart.
    """
    said = str(error).lower()
    known = ("can't allocate memory", "out of memory", "not enough memory", "invalid buffer size")
    return isinstance(error, MemoryError) or any(words in said for words in known)


def _asked(error: Exception) -> str:
    """Return how much the failed allocation was of, if the exception says so."""
    if found := re.search(r"allocate ([\d.]+ \wi?B)", str(error)):
        return f" (it asked for {found[1]})"
    if found := re.search(r"allocate (\d+) bytes", str(error)):
        return f" (it asked for {size(int(found[1]))})"
    return ""
