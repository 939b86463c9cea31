"""How far something is that takes a while: a bar on a terminal, a line elsewhere."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Bar:
    """Shows steps on standard error; to be used as a context manager and called with its progress.

    Nothing is shown unless it is called. That it cannot be shown never stops the work.

    Args:
        title: what is being done.

    >>> with Bar("counting") as bar:
    ...     pass
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        self.begun = False

    def __enter__(self) -> Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that so many of all steps are done."""
        with suppress(OSError):
            if not self.begun:
                self.begun = True
                self._start(total)
            if self.progress is not None and self.task is not None:
                self.progress.update(self.task, completed=done, total=total)

    def _start(self, total: int) -> None:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        if not console.is_terminal:
            console.print(self.title, soft_wrap=True)
            sys.stderr.flush()
            return
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.task = self.progress.add_task(self.title, total=total)
        self.progress.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.progress is not None:
            with suppress(OSError):
                self.progress.stop()
