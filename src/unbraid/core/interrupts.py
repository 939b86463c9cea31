"""Signals that ask a long command to save and stop: Ctrl-C, SIGTERM, a closed terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Self

# Windows has no SIGHUP
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupts:
    """Hears the signals that ask to stop. A context manager, for the main thread.

    The first one only asks; a second Ctrl-C raises KeyboardInterrupt at once.

    Args:
        told: called once, at the first signal.
    """

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        self.told = told
        self.first: int | None = None  # the signal that asked

    def __enter__(self) -> Self:
        # what nohup or a shell in the background made ignored stays so
        heard = [each for each in STOPS if signal.getsignal(each) not in (signal.SIG_IGN, None)]
        self.previous = {each: signal.signal(each, self._on_signal) for each in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self.previous.items():
            signal.signal(each, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.first is not None:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.first = number
        self.told()

    def requested(self) -> bool:
        """Whether a signal asked to stop."""
        return self.first is not None
