"""A progress bar on a terminal; a single line if standard error is not one."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class ProgressBar:
    """A context manager that shows progress on standard error when it is called.

    Nothing is shown before the first call. Errors of the output are ignored.

    Args:
        title: of the task.

    >>> with ProgressBar("counting") as bar:
    ...     pass
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        self.started = False

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show the number of completed steps."""
        with suppress(OSError):
            if not self.started:
                self.started = True
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
