"""Progress of a tour, and an estimate of the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from unbraid import methods
from unbraid.studies.display import about
from unbraid.studies.engines import Event
from unbraid.tour.plan import Job

# Images a second of one thread, and seconds of what follows a training, on the machine of
# benchmarks/side_by_side.py: only their ratios matter once something has been timed.
SPEED = {"ae": 33e3, "vae": 33e3, "beta-vae": 26e3, "beta-tcvae": 18.6e3, "infogan": 2e3}
UNKNOWN = 20e3
IMAGES = {"mnist": 55_000, "digits": 45_000}  # trained on, if no number is asked for
AFTER, SCORING = 3.0, 6.0  # seconds: the figures of a run, and the metrics of a scored one
EARLY = 3.0  # seconds of a training before its speed is trusted


def expected(job: Job, images: int | None) -> tuple[float, float]:
    """Return the seconds that a training, and what follows it, take on the machine above."""
    count = images or IMAGES.get(job.config.data, 55_000)
    speed = SPEED.get(methods.name_of(job.config.method), UNKNOWN)
    after = (AFTER + SCORING * job.scored) * min(1.0, count / 10_000)
    return (job.config.training.epochs or 1) * count / speed, after


class TimeLeft:
    """Records progress, and estimates the time left from the durations so far.

    Args:
        jobs: the trainings to do.
        processes: how many at once.
        images: each trains on, if fewer than all.
        clock: gives seconds.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        processes: int = 1,
        images: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = len(jobs)
        self.processes = max(1, processes)
        self.clock = clock
        self.expected = {job.name: expected(job, images) for job in jobs}
        self.kinds = {job.name: methods.name_of(job.config.method) for job in jobs}
        self.shares = dict.fromkeys(self.expected, 0.0)  # of a training and what follows it
        self.begun: dict[str, tuple[float, float]] = {}  # when it began, and with which share
        self.took: dict[str, float] = {}  # seconds of finished ones, those of this start alone
        self.writing: dict[str, float] = {}  # seconds of each chapter still to be written
        self.wrote = [0.0, 0.0]  # actual and expected seconds of chapters written

    @property
    def finished(self) -> int:
        """How many trainings are done."""
        return len(self.took)

    def on_event(self, event: Event) -> None:
        """Record what happened to a training."""
        name, now = event.job, event.at or self.clock()  # events wait while a chapter is written
        if name not in self.expected:
            return
        if event.kind == "step":
            training, after = self.expected[name]
            self.shares[name] = event.done / max(1, event.total) * training / (training + after)
            self.begun.setdefault(name, (now, self.shares[name]))
        elif event.kind == "done":
            self.shares[name] = 1.0
            self.took[name] = now - self.begun.setdefault(name, (now, 1.0))[0]

    @property
    def share(self) -> float:
        """How much of the trainings' work is done, 0 to 1."""
        whole = {name: sum(both) for name, both in self.expected.items()}
        done = sum(whole[name] * share for name, share in self.shares.items())
        return done / sum(whole.values()) if whole else 1.0

    def left(self) -> float | None:
        """Return about how many seconds are left, None while nothing can be said."""
        actual, expect = self.wrote
        if self.finished == self.total:
            return sum(self.writing.values()) * (actual / expect if expect else 1.0)
        ratios = self._ratios()
        if not ratios:
            return None
        overall = sum(ratios.values()) / len(ratios)
        rest = [
            sum(self.expected[name]) * (1 - share) * ratios.get(self.kinds[name], overall)
            for name, share in self.shares.items()
            if share < 1
        ]
        # side by side, but one training is never split
        trainings = max(sum(rest) / self.processes, max(rest, default=0.0))
        return trainings + sum(self.writing.values()) * (actual / expect if expect else overall)

    def _ratios(self) -> Mapping[str, float]:
        """Return, for each kind of training timed so far, actual over expected seconds."""
        sums: dict[str, list[float]] = {}
        for name, (start, first) in self.begun.items():
            seconds = self.took.get(name, self.clock() - start)
            work = sum(self.expected[name]) * (self.shares[name] - first)
            if work > 0 and (name in self.took or seconds > EARLY):
                kind = sums.setdefault(self.kinds[name], [0.0, 0.0])
                kind[0] += seconds
                kind[1] += work
        return {kind: seconds / work for kind, (seconds, work) in sums.items()}

    def summary(self) -> str:
        """Return the progress of the tour and the time left, in a line."""
        running = [
            f"{name} {self.shares[name]:.0%}" for name in self.begun if name not in self.took
        ]
        text = f"{self.finished} of {self.total} trainings, {self.share:.0%} of the work"
        if self.finished == self.total:
            text = "all trainings are done"
        return f"{text}; {about(self.left())}" + (f"; now {', '.join(running)}" if running else "")
