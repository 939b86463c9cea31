"""Standard streams that may go away: a terminal that closes, a full disk, a reader that leaves.

What is shown on standard error may be lost, and never stops work. What is printed on standard
output is a result, and its loss is said.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from unbraid.core.errors import UnbraidError


class ReaderGone(Exception):
    """Nobody reads standard output any more, as with ``unbraid methods | head -1``."""


class Stream:
    """A text stream that may be missing (None) or fail; all but writing is the stream's own.

    Args:
        stream: what is written to.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        if self.stream is None:
            raise AttributeError(name)
        return getattr(self.stream, name)

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the stream is a terminal that is still there."""
        with suppress(OSError, ValueError):
            return self.stream is not None and self.stream.isatty()
        return False

    def write(self, text: str) -> int:
        """Write text; characters that the encoding lacks are written as escapes."""
        with self._guarded():
            if self.stream is None:
                raise OSError("it is closed")
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                self.stream.write(
                    text.encode(self.encoding, "backslashreplace").decode(self.encoding)
                )
        return len(text)

    def flush(self) -> None:
        """Hand over what is still held back."""
        with self._guarded():
            if self.stream is not None:
                self.stream.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the file object was closed
            self.failed = True
            self._lost(error)

    def _lost(self, error: OSError | ValueError) -> None:
        """Deal with a failed write."""

    def forget(self) -> None:
        """After a failure, let what is still held back go nowhere, so that Python ends quietly."""
        if self.failed and self.stream is not None:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)


class Shown(Stream):
    """Standard error: what cannot be shown is dropped."""


class Results(Stream):
    """Standard output: what cannot be written is an error.

    Raises:
        ReaderGone: the reader of a pipe has gone.
        UnbraidError: any other failure.
    """

    def _lost(self, error: OSError | ValueError) -> None:
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        reason = getattr(error, "strerror", None) or str(error)
        raise UnbraidError(
            f"cannot write to standard output: {reason}; files that the command writes are "
            "complete: send its output to a terminal or file that can be written."
        ) from error


@contextmanager
def guarded() -> Iterator[None]:
    """Put ``Results`` and ``Shown`` in the place of the standard streams within a block."""
    for number in range(3):  # a closed one would be the next file opened, and be written into
        with suppress(OSError):
            _open_if_closed(number)
    before = sys.stdout, sys.stderr
    results, shown = Results(sys.stdout), Shown(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, results), cast(TextIO, shown)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        results.forget()
        shown.forget()


def _open_if_closed(number: int) -> None:
    """Open a file descriptor that goes nowhere, if it is closed."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
