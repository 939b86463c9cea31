"""TensorBoard: event files in the run's folder ``tensorboard``, for ``tensorboard --logdir``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.core.files import cannot_write
from unbraid.loggers import Logger
from unbraid.training import Progress

FOLDER = "tensorboard"
EVERY = 20  # steps between two that are logged


class Log(Logger):
    """Logs terms of every 20th step as ``step/TERM``, of epochs as ``train/`` and ``validation/``.

    Args:
        folder: the run folder.

    Raises:
        UnbraidError: tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            self.make = importlib.import_module("torch.utils.tensorboard").SummaryWriter
        except ImportError as error:
            raise UnbraidError(
                "the log tensorboard needs the package tensorboard: install it with "
                "pip install 'unbraid[tensorboard]'."
            ) from error
        self.writer: Any = None
        self.now = self.last = 0  # the step that was reported last, and the one logged last

    def start(self, progress: Progress, records: Sequence[dict[str, Any]]) -> None:
        """Open an event file, which hides the steps of earlier ones that are trained again."""
        path = self.folder / FOLDER
        earlier = any(path.glob("events.out.tfevents.*"))
        self.now = self.last = progress.step
        # TensorBoard then drops what earlier files hold of this step and of later ones
        again = progress.step if earlier else None
        with self._sentences():
            self.writer = self.make(str(path), purge_step=again)
        for record in records:
            # of this step, whose epoch may have been killed before it was logged; all, of a run
            # that was begun without this log
            if not earlier or record["step"] == progress.step:
                self.epoch(record)

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Log the terms of a step, if the last one logged is long ago."""
        self.now += 1  # on a GPU, steps are reported many at once, when training is further
        if self.now - self.last >= EVERY:
            self.last = self.now
            with self._sentences():
                for name, value in terms.items():
                    self.writer.add_scalar(f"step/{name}", value, self.now)

    def epoch(self, record: dict[str, Any]) -> None:
        """Log the record of an epoch, at its last step."""
        with self._sentences():
            for name, value in record.items():
                split, _, term = name.partition("_")
                if split in ("train", "validation"):
                    self.writer.add_scalar(f"{split}/{term}", value, record["step"])
                elif name not in ("step", "epoch"):
                    self.writer.add_scalar(f"speed/{name}", value, record["step"])
            self.writer.add_scalar("epoch", record["epoch"], record["step"])
            self.writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self.writer is not None:
            with self._sentences():
                self.writer.close()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Report in a sentence what cannot be written; a thread writes, and fails later."""
        try:
            yield
        except OSError as error:
            raise cannot_write(self.folder / FOLDER, error) from error
