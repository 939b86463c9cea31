"""Recorders of training: one that forwards every event, and one that writes a run folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from unbraid.core.files import cannot_write
from unbraid.core.store import write_tensors
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


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a metrics.jsonl up to the first line that is no record."""
    records: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not isinstance(record, dict):
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
