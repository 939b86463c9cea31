"""What training shows: a live line on a terminal or in a notebook, plain lines elsewhere; signals.

Nothing here stops a training: what cannot be shown is dropped.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from unbraid import training
from unbraid.core.streams import Shown
from unbraid.training import Recorder

SHOWN = ("reconstruction", "kl", "index_code_mi", "total_correlation", "dimwise_kl", "active_units")
LEAST = 40  # columns; a narrower terminal shows the epoch alone
BAR = (8, 40)  # columns of the bar, at least and at most
NUMBER = 7  # columns kept for a term's value, so that terms do not come and go with their length
REFRESH = 0.1  # seconds between changes of the live line
SILENCE = 30.0  # seconds within an epoch after which a line is printed where there is no terminal

# Ctrl-C, a wish to end, a terminal that was closed; Windows has no SIGHUP
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def terms_of(record: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the terms of a record as words: those every reader knows by name, then others."""
    values = {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}
    order = [k for k in SHOWN if k in values] + [
        k
        for k in values
        if k not in SHOWN and k.rsplit(".", 1)[-1] not in ("loss", "epoch", "step")
    ]
    return [f"{k.replace('_', ' ')} {values[k]:.4g}" for k in order]


def terms_line(record: dict[str, Any], prefix: str = "") -> str:
    """Return the terms of a record in one line."""
    return "  ".join(terms_of(record, prefix))


def clock(seconds: float) -> str:
    """Return a duration as ``m:ss`` or ``h:mm:ss``.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class Status:
    """Where a training stands, drawn in one line of any width.

    The epoch, the bar and the time left are always there from 40 columns on; the rate and the
    terms, whole ones only, take what is left.
    """

    epoch: int = 1
    epochs: int = 1
    done: int = 0
    total: int = 1
    left: float | None = None  # seconds
    rate: float = 0.0  # images per second
    terms: list[str] = field(default_factory=list)

    def words(self, width: int) -> list[str]:
        """Return what stands beside the bar, in order, so that the bar still fits."""
        epoch = f"epoch {self.epoch}/{self.epochs}"
        if width < LEAST:
            return [epoch]
        words = [epoch, f"{'-:--' if self.left is None else clock(self.left)} left"]
        free = width - BAR[0] - sum(len(word) + 2 for word in words)
        for word in (f"{self.rate:,.0f} images/s", *self.terms):
            name = word.rsplit(" ", 1)[0]
            free -= 2 + max(len(word), len(name) + 1 + NUMBER)
            if free < 0:
                break
            words.append(word)
        return words

    def bar_width(self, width: int) -> int:
        """Return the columns of the bar; 0 where there is none."""
        if width < LEAST:
            return 0
        free = width - sum(len(word) + 2 for word in self.words(width))
        return max(1, min(free, BAR[1]))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width, 1)
        grid = Table.grid(padding=(0, 2), pad_edge=False)
        cells: list[Any] = [*self.words(width)]
        if bar := self.bar_width(width):
            cells.insert(0, ProgressBar(self.total, self.done, width=bar))
        for _ in cells:
            grid.add_column(no_wrap=True, overflow="crop")
        grid.add_row(*cells)
        yield grid

    def __str__(self) -> str:
        return "  ".join(self.words(120))


def in_notebook() -> bool:
    """Whether the code runs in a notebook, whose cells can be changed after they were shown."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell")  # Jupyter, Colab


def wanted(progress: bool | None) -> bool:
    """Whether to show a training: as asked, by default on a terminal or in a notebook."""
    if progress is not None:
        return progress
    return "PYTEST_CURRENT_TEST" not in os.environ and (Shown(sys.stderr).isatty() or in_notebook())


class Display(Recorder):
    """Shows a training on standard error. A context manager.

    Args:
        title: what is being trained.
        signals: whether Ctrl-C, SIGTERM and a closed terminal ask the training to save and stop;
            a second Ctrl-C stops at once.
    """

    def __init__(self, title: str, signals: bool = True) -> None:
        self.title, self.signals = title, signals
        # paths and titles are text, whatever brackets and colons they hold
        self.console = Console(
            file=Shown(sys.stderr),  # type: ignore[arg-type]
            highlight=False,
            markup=False,
            emoji=False,
            force_jupyter=False,
        )
        if self.console.width < 1:  # COLUMNS=0
            self.console.width = 80
        self.status = Status()
        self.live: Live | None = None
        self.cell = _new_cell() if in_notebook() else None
        self.lines: list[str] = []  # shown in the cell
        self.stopped_by: int | None = None  # the first signal that asked to stop
        self.explained = False
        self.noted: set[str] = set()
        self.started = self.shown = self.printed = time.monotonic()
        self.first_step = 0  # of this session, for a time left that a resume keeps true

    def __enter__(self) -> Display:
        self.previous = {}
        if self.signals:
            # what nohup or a shell in the background made ignored stays so
            heard = [each for each in STOPS if signal.getsignal(each) not in (signal.SIG_IGN, None)]
            self.previous = {each: signal.signal(each, self._interrupt) for each in heard}
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        for each, handler in self.previous.items():
            signal.signal(each, handler)

    def _close(self) -> None:
        if self.live:
            self.live.stop()
        self.live = None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.stopped_by is not None and number == signal.SIGINT:  # again: at once
            raise KeyboardInterrupt
        self.stopped_by = self.stopped_by or number

    def stop_requested(self) -> bool:
        """Whether a signal asked to stop."""
        return self.stopped_by is not None

    def start(self, progress: training.Progress) -> None:
        """Say what is trained: only now, so that an error sentence is printed alone."""
        self._close()
        self.started = self.shown = time.monotonic()
        self.first_step = progress.step
        self.status = Status(epochs=progress.epochs)
        done = f", going on from step {progress.step:,}" if progress.step else ""
        self._print(
            f"training {self.title}: epochs {progress.epochs:,}, steps per epoch "
            f"{progress.steps_per_epoch:,}{done}"
        )
        if not self.cell and self.console.is_terminal and not self.console.is_dumb_terminal:
            self.live = Live(self.status, console=self.console, auto_refresh=False, transient=True)
            self.live.start()

    def step(
        self, progress: training.Progress, terms: dict[str, float], images_per_second: float
    ) -> None:
        """Move the live line; without one, print a line after a long silence."""
        now = time.monotonic()
        if now - self.shown < REFRESH:
            return
        self.shown = now
        done = progress.step - self.first_step
        self.status.epoch = min(progress.epoch + 1, progress.epochs)
        self.status.epochs = progress.epochs
        self.status.done, self.status.total = progress.step, progress.steps
        self.status.left = (now - self.started) / max(done, 1) * (progress.steps - progress.step)
        self.status.rate = images_per_second
        self.status.terms = terms_of(terms)
        if self.live:
            self.live.refresh()
        elif self.cell:
            self.cell.update(_plain([*self.lines, str(self.status)]), raw=True)
        elif now - self.printed > SILENCE:
            step = progress.step % progress.steps_per_epoch or progress.steps_per_epoch
            self._print(
                f"epoch {self.status.epoch}/{progress.epochs}  step {step:,} of "
                f"{progress.steps_per_epoch:,}  {terms_line(terms)}  "
                f"({images_per_second:,.0f} images/s, {clock(self.status.left)} left)"
            )

    def epoch(self, record: dict[str, Any]) -> None:
        """Print the epoch's held-out figures on a line."""
        per_epoch = record["step"] / record["epoch"]
        epochs = self.status.epochs
        done = max(record["step"] - self.first_step, 1)
        left = (time.monotonic() - self.started) / done * (epochs - record["epoch"]) * per_epoch
        validated = any(name.startswith("validation_") for name in record)
        prefix = "validation_" if validated else "train_"
        self._print(
            f"epoch {record['epoch']}/{epochs}  {prefix.rstrip('_')}: "
            f"{terms_line(record, prefix)}  "
            f"({record['images_per_second']:,.0f} images/s, {clock(left)} left)"
        )
        if record.get(f"{prefix}total_correlation", 0) < 0 and not self.explained:
            self.explained = True
            self._print(
                "note: the three terms of the KL are estimates from single batches, and biased: a "
                "total correlation below 0 is the estimator's, not the model's. result.json will "
                "have those over 10,000 images, with standard errors."
            )

    def warn(self, sentence: str) -> None:
        """Print a warning on a line."""
        self._print(f"warning: {sentence}")

    def note(self, sentence: str) -> None:
        """Print a note on a line, the first time it comes."""
        if sentence not in self.noted:
            self.noted.add(sentence)
            self._print(f"note: {sentence}")

    def _print(self, line: str) -> None:
        self.printed = time.monotonic()
        if self.cell:
            self.lines.append(line)
            self.cell.update(_plain(self.lines), raw=True)
            return
        self.console.print(line, soft_wrap=True)
        self.console.file.flush()


def _new_cell() -> Any:
    """Return the handle of an output that can be changed, None where there is none."""
    with suppress(Exception):  # another front end: lines are printed
        display = importlib.import_module("IPython.display").display
        return display(_plain([]), raw=True, display_id=True)
    return None


def _plain(lines: list[str]) -> dict[str, str]:
    return {"text/plain": "\n".join(lines)}
