"""Recorders of training: they forward every event, write a run folder, and tell loggers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from unbraid.core.files import cannot_read, cannot_write
from unbraid.core.store import write_tensors
from unbraid.loggers import Logger
from unbraid.training import Progress, Recorder


class Forwarding(Recorder):
    """Forwards every event to another recorder; subclasses override what they act on.

    Args:
        then: the recorder that gets the events.
    """

    def __init__(self, then: Recorder) -> None:
        self.then = then

    def start(self, progress: Progress) -> None:
        """Forward the start of training."""
        self.then.start(progress)

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Forward a finished step."""
        self.then.step(progress, terms, images_per_second)

    def epoch(self, record: dict[str, Any]) -> None:
        """Forward the record of a finished epoch."""
        self.then.epoch(record)

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Forward a checkpoint."""
        self.then.checkpoint(tensors, progress)

    def note(self, sentence: str) -> None:
        """Forward a note."""
        self.then.note(sentence)

    def warn(self, sentence: str) -> None:
        """Forward a warning."""
        self.then.warn(sentence)

    def stop_requested(self) -> bool:
        """Ask the other recorder whether to stop."""
        return self.then.stop_requested()


class Logging(Forwarding):
    """Tells loggers of what is in a checkpoint, and forwards every event. A context manager.

    Args:
        folder: the run folder.
        loggers: those that are told.
        then: the recorder that gets the events.
    """

    def __init__(self, folder: Path, loggers: Sequence[Logger], then: Recorder) -> None:
        super().__init__(then)
        self.folder, self.loggers = folder, loggers

    def __enter__(self) -> Logging:
        return self

    def __exit__(self, *_: object) -> None:
        for logger in self.loggers:
            logger.close()

    def start(self, progress: Progress) -> None:
        """Let the loggers begin or go on."""
        records = read_records(self.folder / "metrics.jsonl") if self.loggers else []
        for logger in self.loggers:
            logger.start(progress, records)
        super().start(progress)

    def log_finished(self, steps: int) -> None:
        """Write the logs of a training that is finished, after so many steps."""
        with self:
            self.start(Progress(step=steps))

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Log a finished step and forward it."""
        for logger in self.loggers:
            logger.step(progress, terms, images_per_second)
        super().step(progress, terms, images_per_second)

    def epoch(self, record: dict[str, Any]) -> None:
        """Log the record of a finished epoch and forward it."""
        for logger in self.loggers:
            logger.epoch(record)
        super().epoch(record)


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a metrics.jsonl up to the first line that is no record of an epoch.

    Raises:
        UnbraidError: the file cannot be read.
    """
    records: list[dict[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return records
    except OSError as error:
        raise cannot_read(path, error) from error
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not isinstance(record, dict) or not isinstance(record.get("step", 0), int):
            break
        records.append(record)
    return records


class FolderRecorder(Forwarding):
    """Writes checkpoints and metrics into a run folder, and forwards every event to a display.

    Args:
        folder: the run folder.
        display: the recorder that shows the training.
    """

    def __init__(self, folder: Path, display: Recorder) -> None:
        super().__init__(display)
        self.folder = folder
        self.pending: dict[str, Any] | None = None  # an epoch that is not yet in a checkpoint

    def epoch(self, record: dict[str, Any]) -> None:
        """Append the record to metrics.jsonl; it is forwarded after the epoch's checkpoint."""
        path = self.folder / "metrics.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from error
        self.pending = record

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Write checkpoint.safetensors, then forward it and the epoch: a display may fail."""
        metadata = {"progress": json.dumps(asdict(progress))}
        write_tensors(self.folder / "checkpoint.safetensors", tensors, metadata)
        self.then.checkpoint(tensors, progress)
        record, self.pending = self.pending, None
        if record is not None:
            self.then.epoch(record)
