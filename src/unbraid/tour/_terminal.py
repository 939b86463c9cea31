"""What the tour shows on a terminal: a bar for each training, a line for whatever is finished."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from unbraid.tour._workers import Event

# Ctrl-C, a wish to end, a terminal that was closed; Windows has no SIGHUP
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminal:
    """Shows the tour on standard error; Ctrl-C asks it to save and stop, as do
    SIGTERM and a closed terminal. A context manager.

    Args:
        trainings: how many there are.
    """

    def __init__(self, trainings: int) -> None:
        self.trainings = trainings
        self.finished = 0
        self.interrupts = 0
        self.started = time.monotonic()
        console = Console(stderr=True, highlight=False)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Terminal:
        # what nohup or a shell in the background made ignored stays so
        heard = [each for each in STOPS if signal.getsignal(each) not in (signal.SIG_IGN, None)]
        self.previous = {each: signal.signal(each, self._interrupt) for each in heard}
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # as in line
            self.bars.stop()
        for each, handler in self.previous.items():
            signal.signal(each, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupts and number == signal.SIGINT:  # again: at once, whatever is lost
            raise KeyboardInterrupt
        self.interrupts += 1
        if self.interrupts == 1:
            self.line("stopping: the trainings are being saved")

    def stop_requested(self) -> bool:
        """Whether Ctrl-C was pressed, or another signal came."""
        return self.interrupts > 0

    def line(self, text: str) -> None:
        """Print a line above the bars, with the seconds since the start."""
        seconds = time.monotonic() - self.started
        with suppress(OSError):  # a terminal that was closed must not keep trainings from saving
            self.bars.console.print(f"{seconds:5.0f} s  {text}", soft_wrap=True)

    def event(self, event: Event) -> None:
        """Show what happened to a training."""
        with suppress(OSError):  # as in line
            self._show(event)

    def _show(self, event: Event) -> None:
        if event.kind == "warning":
            self.line(f"{event.job}: warning: {event.sentence}")
        elif event.kind == "step":
            task = self.tasks.get(event.job)
            if task is None:
                task = self.tasks[event.job] = self.bars.add_task(event.job, rate="")
            rate = f"{event.images_per_second:,.0f} images/s"
            self.bars.update(task, completed=event.done, total=event.total, rate=rate)
        else:
            if event.job in self.tasks:
                self.bars.remove_task(self.tasks.pop(event.job))
            if event.kind == "done":
                self.finished += 1
                self.line(f"trained {event.job} ({self.finished} of {self.trainings})")
