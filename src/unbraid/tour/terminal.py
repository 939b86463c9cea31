"""Progress of the tour on a terminal: a bar in all and for each training, lines for the rest."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from unbraid.core.interrupts import Interrupts
from unbraid.studies.display import about
from unbraid.studies.engines import Event
from unbraid.tour.time_left import TimeLeft

BEAT = 1.0  # seconds between looks at what is shown
SILENCE = 50.0  # seconds after which a line is printed where there are no bars


class _Left(ProgressColumn):
    """The time left: as estimated for all, as the bar's speed says for a training."""

    def __init__(self, table_column: Column) -> None:
        super().__init__(table_column)
        self.single = TimeRemainingColumn()

    def render(self, task: Task) -> Text:
        """Return what is written for a bar."""
        told = task.fields.get("left")
        return Text(told) if told is not None else self.single.render(task)


class Terminal:
    """Shows the tour on standard error; Ctrl-C asks it to save and stop, as do
    SIGTERM and a closed terminal. A context manager.

    Args:
        time_left: what there is to do.
    """

    def __init__(self, time_left: TimeLeft) -> None:
        self.time_left = time_left
        self.interrupts = Interrupts(lambda: self.line("stopping: the trainings are being saved"))
        self.started = self.spoke = time.monotonic()
        self.doing = ""  # what this process does while others train
        console = Console(stderr=True, highlight=False)
        # name, bar, share and time left always fit; the last column gets what is left
        whole, rest = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis", ratio=1)
        self.bars = Progress(
            TextColumn("{task.description}", table_column=whole),
            BarColumn(max(4, min(24, console.width // 4))),
            TaskProgressColumn(table_column=whole.copy()),
            _Left(whole.copy()),
            TextColumn("{task.fields[rate]}", table_column=rest),
            console=console,
            transient=True,
            expand=True,
            disable=not console.is_terminal,
        )
        self.tasks: dict[str, TaskID] = {}
        self.whole = self.bars.add_task("all", total=1.0, rate="", left="")
        self.over = threading.Event()
        self.beat = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Terminal:
        self.interrupts.__enter__()
        with suppress(OSError):  # as in line
            self.bars.start()
        self.beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.beat.join()
        with suppress(OSError):  # as in line
            self.bars.stop()
        self.interrupts.__exit__()

    def stop_requested(self) -> bool:
        """Whether Ctrl-C was pressed, or another signal came."""
        return self.interrupts.requested()

    def line(self, text: str) -> None:
        """Print a line above the bars, with the seconds since the start."""
        self.spoke = time.monotonic()
        with suppress(OSError):  # a terminal that was closed must not keep trainings from saving
            self.bars.console.print(f"{self.spoke - self.started:5.0f} s  {text}", soft_wrap=True)

    def _beat(self) -> None:
        """Keep what is shown up to date, until the end: in a thread, since chapters take long."""
        while not self.over.wait(BEAT):
            with suppress(OSError):  # as in line
                self.refresh()

    def refresh(self) -> None:
        """Show the progress of the whole; where there are no bars, a line after some seconds."""
        if not self.bars.disable:
            count = f"{self.time_left.finished} of {self.time_left.total} trainings"
            self.bars.update(
                self.whole,
                completed=self.time_left.share,
                left=about(self.time_left.left()),
                rate=f"{count}; {self.doing}" if self.doing else count,
            )
        elif time.monotonic() - self.spoke >= SILENCE:
            doing = f"; {self.doing}" if self.doing else ""
            self.line(f"{self.time_left.summary()}{doing}")

    def on_event(self, event: Event) -> None:
        """Show what happened to a training."""
        self.time_left.on_event(event)
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
                finished, total = self.time_left.finished, self.time_left.total
                left = about(self.time_left.left())
                self.line(f"trained {event.job} ({finished} of {total}, {left})")
