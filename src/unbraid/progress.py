"""What training shows: a live bar on a terminal, plain lines elsewhere, and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unbraid import training
from unbraid.training import Recorder

# Ctrl-C, a wish to end, a terminal that was closed; Windows has no SIGHUP
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
SHOWN = ("reconstruction", "kl", "index_code_mi", "total_correlation", "dimwise_kl", "active_units")


def terms_line(record: dict[str, Any], prefix: str = "") -> str:
    """Return the terms of a record in one line: those every reader knows by name, then others."""
    values = {k.removeprefix(prefix): v for k, v in record.items() if k.startswith(prefix)}
    order = [k for k in SHOWN if k in values] + [
        k for k in values if k not in SHOWN and k not in ("loss", "epoch", "step")
    ]
    return "  ".join(f"{k.replace('_', ' ')} {values[k]:.4g}" for k in order)


class Display(Recorder):
    """Shows a training on standard error; Ctrl-C asks it to save and stop, as do
    SIGTERM and a closed terminal.

    Use as a context manager.

    Args:
        title: what is being trained.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        # paths and titles are text, whatever brackets and colons they hold
        self.console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.interrupts = 0
        self.signal = signal.SIGINT  # which came
        self.started = time.monotonic()
        self.bar: Progress | None = None
        self.shown = 0.0
        self.explained = False
        self.epochs = 1
        self.first_step: int | None = None  # of this session, for an ETA that a resume keeps true

    def __enter__(self) -> Display:
        # what nohup or a shell in the background made ignored stays so
        heard = [each for each in STOPS if signal.getsignal(each) not in (signal.SIG_IGN, None)]
        self.previous = {each: signal.signal(each, self._interrupt) for each in heard}
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()
        for each, handler in self.previous.items():
            signal.signal(each, handler)

    def _start(self) -> None:
        """Show that training has begun: only now, so that a mistake's sentence stands alone."""
        if not self.console.is_terminal:
            self.console.print(f"training {self.title}", soft_wrap=True)
            return
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[terms]}"),
            console=self.console,
        )
        self.task = self.bar.add_task(self.title, total=None, rate="", terms="")
        self.bar.start()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupts and number == signal.SIGINT:  # again: at once, whatever is lost
            raise KeyboardInterrupt
        self.interrupts += 1
        self.signal = signal.Signals(number)

    def stop_requested(self) -> bool:
        """Whether Ctrl-C was pressed, or another signal came."""
        return self.interrupts > 0

    def step(
        self, progress: training.Progress, terms: dict[str, float], images_per_second: float
    ) -> None:
        """Move the bar, ten times a second at most."""
        self.epochs = progress.epochs
        if self.first_step is None:
            self.first_step = progress.step - 1
            self._start()
        now = time.monotonic()
        if not self.bar or now - self.shown < 0.1:
            return
        self.shown = now
        epoch = min(progress.epoch + 1, progress.epochs)
        self.bar.update(
            self.task,
            description=f"{self.title}  epoch {epoch}/{progress.epochs}",
            completed=progress.step,
            total=progress.steps,
            rate=f"{images_per_second:,.0f} images/s",
            terms=terms_line(terms),
        )

    def epoch(self, record: dict[str, Any]) -> None:
        """Print the epoch's held-out figures on a line."""
        per_epoch = record["step"] / record["epoch"]
        done = record["step"] - (self.first_step or 0)
        left = (self.epochs - record["epoch"]) * per_epoch
        eta = (time.monotonic() - self.started) / max(done, 1) * left
        prefix = "validation_" if "validation_loss" in record else "train_"
        self._print(
            f"epoch {record['epoch']}/{self.epochs}  {prefix.rstrip('_')}: "
            f"{terms_line(record, prefix)}  "
            f"({record['images_per_second']:,.0f} images/s, {eta:,.0f} s left)"
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

    def _print(self, line: str) -> None:
        console = self.bar.console if self.bar else self.console
        console.print(line, soft_wrap=True)
        sys.stderr.flush()
