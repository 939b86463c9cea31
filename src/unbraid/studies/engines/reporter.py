"""What a job's training reports to: events of its progress."""

from __future__ import annotations

import time

from unbraid.studies.engines import Emit, Event, Stop
from unbraid.training import Progress, Recorder

EVERY = 0.2  # seconds between reports of a training's progress


class EventReporter(Recorder):
    """Reports a training's progress as events.

    Args:
        job: the name of the job.
        emit: is given the events.
        stop: whether the training is to save and stop.
    """

    def __init__(self, job: str, emit: Emit, stop: Stop) -> None:
        self.job, self.emit, self.stop = job, emit, stop
        self.reached = 0  # steps done
        self.reported = 0.0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Report the step, unless one was reported a moment ago."""
        self.reached = progress.step
        now = time.monotonic()
        if now - self.reported >= EVERY:
            self.reported = now
            done, total = progress.step, progress.steps
            self.emit(Event(self.job, "step", "", done, total, images_per_second, now))

    def warn(self, sentence: str) -> None:
        """Report the warning."""
        self.emit(Event(self.job, "warning", sentence))

    def stop_requested(self) -> bool:
        """Whether the training is to save and stop."""
        return self.stop()
