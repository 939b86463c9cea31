"""What a study shows while it runs: a live table on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.table import Table

from unbraid.core.interrupts import Interrupts
from unbraid.core.streams import Shown
from unbraid.studies.cells import Cell, State
from unbraid.studies.engines import Event
from unbraid.studies.kinds import kinds

REFRESH = 0.5  # seconds between changes of the table
SILENCE = 60.0  # seconds between lines where there is no terminal
EPOCHS = 10_000  # steps that a run by epochs is taken to have, until one of its kind tells


class Progress:
    """How far a study is, and how long it will take.

    Args:
        cells: all its runs.
        states: of each.
        jobs: runs side by side.
        clock: gives seconds.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        states: Sequence[State],
        jobs: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cells = {cell.id: cell for cell in cells}
        self.rows = {cell.id: (cell.data, cell.method) for cell in cells}  # of the table
        self.kinds = kinds(cells)
        self.jobs, self.clock = jobs, clock
        self.status = {
            cell.id: state.status(cell) for cell, state in zip(cells, states, strict=True)
        }
        self.running: dict[str, tuple[float, int]] = {}  # when it began, and from which step
        self.steps = {cell.id: cell.steps for cell in cells if cell.steps}
        self.totals: dict[str, int] = {}  # steps of a run of a kind, as the last one told
        self.done: dict[str, int] = {}  # steps of those that are running
        self.rates: dict[str, float] = {}  # images a second of those that are running
        self.spent: dict[str, list[float]] = {}  # seconds and steps of a kind

    def on_event(self, event: Event) -> None:
        """Take in what happened to a run."""
        name = event.job
        if event.kind == "started":
            self.running[name] = self.clock(), 0
        elif event.kind == "step":
            begun = self.running.get(name, (self.clock(), 0))
            if name not in self.done:  # a run that goes on from a checkpoint starts there
                self.running[name] = begun[0], event.done
            self.steps[name], self.done[name] = event.total, event.done
            self.totals[self.kinds[name]] = event.total
            self.rates[name] = event.images_per_second
        elif event.kind in ("done", "failed", "died", "busy", "stopped"):
            self._count_time(name, event.kind == "done")
            self.running = {other: at for other, at in self.running.items() if other != name}
            self.rates.pop(name, None)
            self.done.pop(name, None)
            if event.kind == "done":
                self.status[name] = "finished"
            elif event.kind == "failed":
                diverged = event.sentence.startswith("diverged")
                self.status[name] = "diverged" if diverged else "failed"

    def _count_time(self, name: str, finished: bool) -> None:
        """Add a run that ended to what its kind has spent; one that was only measured does not."""
        if name not in self.running or name not in self.done:
            return
        begun, first = self.running[name]
        spent = self.spent.setdefault(self.kinds[name], [0.0, 0.0])
        spent[0] += self.clock() - begun
        spent[1] += max(1, (self.steps[name] if finished else self.done[name]) - first)

    def retried(self, name: str) -> None:
        """Take in that a run which failed is tried again."""
        self.status[name] = "unfinished"

    def left(self) -> float | None:
        """Return about how many seconds are left, None while nothing can be said."""
        known = {kind: seconds / steps for kind, (seconds, steps) in self.spent.items()}
        running: dict[str, list[float]] = {}  # of kinds of which no run has ended
        for name, (begun, first) in self.running.items():
            steps = self.done.get(name, 0) - first
            if self.kinds[name] not in known and steps > 0 and self.clock() - begun > 5:
                spent = running.setdefault(self.kinds[name], [0.0, 0.0])
                spent[0] += self.clock() - begun
                spent[1] += steps
        known |= {kind: seconds / steps for kind, (seconds, steps) in running.items()}
        if not known:
            return None
        usual = sum(known.values()) / len(known)
        rest = [
            (self._steps(name) - self.done.get(name, 0)) * known.get(self.kinds[name], usual)
            for name, status in self.status.items()
            if status == "unfinished"
        ]
        # side by side, but one run is never split
        return max(sum(rest) / self.jobs, max(rest, default=0.0))

    def _steps(self, name: str) -> int:
        """Return the steps of a run; of one by epochs that has not begun, those of its kind."""
        return self.steps.get(name) or self.totals.get(self.kinds[name], EPOCHS)

    def counts(self) -> Counter[str]:
        """Return how many runs have each status."""
        return Counter(self.status.values())

    def line(self) -> str:
        """Return the progress in a line."""
        counts = self.counts()
        bad = [f"{counts[name]} {name}" for name in ("failed", "diverged") if counts[name]]
        parts = [
            f"{counts['finished']} of {len(self.cells)} runs finished",
            f"{len(self.running)} running",
            *bad,
            f"{sum(self.rates.values()):,.0f} images/s",
            about(self.left()),
        ]
        return ", ".join(parts)

    def table(self) -> Table:
        """Return the progress as a table with a row for each data set and method."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("data and method", overflow="fold")
        for name in ("runs", "finished", "running", "diverged", "failed", "images/s"):
            table.add_column(name, justify="right")
        for row in dict.fromkeys(self.rows.values()):
            names = [name for name, other in self.rows.items() if other == row]
            counts = Counter(self.status[name] for name in names)
            at_work = [name for name in names if name in self.running]
            rate = sum(self.rates.get(name, 0.0) for name in at_work)
            table.add_row(
                " ".join(row),
                str(len(names)),
                str(counts["finished"]),
                str(len(at_work) or ""),
                str(counts["diverged"] or ""),
                str(counts["failed"] or ""),
                f"{rate:,.0f}" if rate else "",
            )
        table.caption = self.line()
        table.caption_justify = "left"
        return table


def about(seconds: float | None) -> str:
    """Write a time left.

    >>> about(20), about(130), about(5000), about(None)
    ('under a minute left', 'about 3 min left', 'about 1 h 24 min left', 'time left unknown')
    """
    if seconds is None:
        return "time left unknown"
    minutes = -(-int(seconds) // 60)
    if minutes <= 1:
        return "under a minute left"
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min left" if hours else f"about {minutes} min left"


class Display:
    """Shows a study on standard error; Ctrl-C asks it to save and stop. A context manager.

    Args:
        progress: of the study.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.interrupts = Interrupts(lambda: self.say("stopping: the runs are being saved"))
        self.console = Console(
            file=Shown(sys.stderr),  # type: ignore[arg-type]
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.live: Live | None = None
        self.shown = self.spoke = self.started = time.monotonic()

    def __enter__(self) -> Display:
        self.interrupts.__enter__()
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self.live = Live(
                self.progress.table(), console=self.console, auto_refresh=False, transient=True
            )
            self.live.start()
        else:
            self.say(self.progress.line())
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            with suppress(OSError):
                self.live.stop()
        self.say(self.progress.line())
        self.interrupts.__exit__()

    def say(self, text: str) -> None:
        """Print a line, with the seconds since the start."""
        self.spoke = time.monotonic()
        self.console.print(f"{self.spoke - self.started:6.0f} s  {text}", soft_wrap=True)
        self.console.file.flush()

    def on_event(self, event: Event) -> None:
        """Show what happened to a run."""
        self.progress.on_event(event)
        label = self.progress.cells[event.job].label
        if event.kind in ("warning", "failed", "died"):
            self.say(f"{label}: {event.sentence}")

    def stop_requested(self) -> bool:
        """Bring what is shown up to date; return whether a signal asked to stop."""
        now = time.monotonic()
        if self.live and now - self.shown > REFRESH:
            self.shown = now
            self.live.update(self.progress.table(), refresh=True)
        elif not self.live and now - self.spoke > SILENCE:
            self.say(self.progress.line())
        return self.interrupts.requested()
