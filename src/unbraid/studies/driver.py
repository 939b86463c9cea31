"""Hands the runs of a study to an engine until all are done, whatever happens to them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from unbraid.core.errors import UnbraidError
from unbraid.studies import cells
from unbraid.studies.cells import Status, read_state
from unbraid.studies.engines import ENDS, Engine, Event, Job
from unbraid.studies.failures import record_failure
from unbraid.studies.fleets import FleetJob, fleets_of
from unbraid.studies.study import Study
from unbraid.studies.work import CellJob

TICK = 0.2  # seconds between looks at the engine
ELSEWHERE = 2.0  # seconds between looks at runs that another process does


class Watcher(Protocol):
    """What is told of a study's progress, and may ask to stop."""

    def on_event(self, event: Event) -> None:
        """Hear of an event."""

    def stop_requested(self) -> bool:
        """Whether to save and stop."""


def drive(study: Study, engine: Engine, watcher: Watcher, fleet: int = 1) -> bool:
    """Do the runs that are left, and wait for those that another process does.

    Args:
        study: its runs are done in the order of its cells, those of fleets first.
        engine: does them; it is closed at the end.
        watcher: is told of each event.
        fleet: how many runs that differ in their seed are trained at once.

    Returns:
        False if the watcher asked to stop; all is saved.

    Raises:
        UnbraidError: no run can go on, such as on a full disk; all is saved that can be.
    """
    try:
        return _Drive(study, engine, watcher, fleet).work()
    finally:
        engine.close()


class _Drive:
    """What is waiting, what the engine does, and what other processes do."""

    def __init__(self, study: Study, engine: Engine, watcher: Watcher, fleet: int) -> None:
        self.study, self.engine, self.watcher = study, engine, watcher
        resources = study.spec.resources
        left = [
            cell
            for cell, state in zip(study.cells, study.states(), strict=True)
            if state.status(cell) == "unfinished"
        ]
        self.jobs: Mapping[str, CellJob] = {
            cell.id: CellJob(cell, study.run_folder(cell), resources.threads, resources.retries)
            for cell in left
        }
        self.fleets: Mapping[str, FleetJob] = fleets_of(self.jobs, fleet)
        together = {job.name for each in self.fleets.values() for job in each.jobs}
        # a fleet's runs come after it, to be measured
        self.waiting = deque([*self.fleets, *(name for name in self.jobs if name not in together)])
        self.flying: set[str] = set()
        self.elsewhere: set[str] = set()
        self.looked = time.monotonic()

    def work(self) -> bool:
        """Do all; return False if it was asked to stop."""
        while self.waiting or self.flying or self.elsewhere:
            while self.waiting and self.engine.room > 0:
                name = self.waiting.popleft()
                self.flying.add(name)
                job: Job = self.fleets.get(name) or self.jobs[name]
                self.engine.submit(job)
                self._tell(Event(name, "started"))
            for event in self.engine.wait(TICK):
                self._receive(event)
            if time.monotonic() - self.looked > ELSEWHERE:
                self._look_elsewhere()
            if self.watcher.stop_requested():
                return False
        return True

    def _receive(self, event: Event) -> None:
        if event.kind == "fatal":
            raise UnbraidError(event.sentence)
        if event.kind in ENDS:
            self.flying.discard(event.job)
        if event.job in self.fleets:
            self._receive_of_fleet(event)
            return
        if event.kind == "busy":
            self.elsewhere.add(event.job)
        elif event.kind == "died":
            event = self._died(event)
        if event.kind in ("failed", "died") and self._unfinished(event.job):
            self.waiting.append(event.job)  # another attempt
        self.watcher.on_event(event)
        if event.kind == "died" and self._status(event.job) == "finished":  # while it was measured
            self.watcher.on_event(Event(event.job, "done"))

    def _receive_of_fleet(self, event: Event) -> None:
        """Take in what happened to a fleet; its end has its runs measured, or trained singly."""
        if event.kind not in ENDS:
            self._tell(event)
            return
        if event.kind in ("failed", "died"):
            sentence = _of_death(event) if event.kind == "died" else event.sentence
            self._tell(event._replace(kind="warning", sentence=sentence))
        for job in self.fleets[event.job].jobs:
            if self._unfinished(job.name):
                self.watcher.on_event(Event(job.name, "stopped"))
                self.waiting.append(job.name)
            else:
                self.watcher.on_event(self._ended(job))

    def _ended(self, job: CellJob) -> Event:
        """Return the event of a run that ended outside its job, by what its folder says."""
        state = read_state(job.folder)
        if not state.failed:
            return Event(job.name, "done")
        last = state.failures[-1]
        return Event(job.name, "failed", f"{last['kind']}: {last.get('message')}")

    def _tell(self, event: Event) -> None:
        """Tell the watcher of an event: a fleet's start and steps are those of all its runs."""
        fleet = self.fleets.get(event.job)
        if fleet is None:
            self.watcher.on_event(event)
            return
        for number, job in enumerate(fleet.jobs):
            if not number or event.kind in ("started", "step"):
                rate = 0.0 if number else event.images_per_second  # which is that of all together
                self.watcher.on_event(event._replace(job=job.name, images_per_second=rate))

    def _died(self, event: Event) -> Event:
        """Record that the process of a run has ended."""
        job = self.jobs[event.job]
        message = _of_death(event)
        failure = {"kind": "died", "type": "", "message": message, "step": 0}
        with cells.claimed(job.folder) as mine:
            if mine and self._unfinished(event.job):
                record_failure(job.folder, job.cell, failure, job.retries)
        return event._replace(sentence=message)

    def _unfinished(self, name: str) -> bool:
        return self._status(name) == "unfinished"

    def _status(self, name: str) -> Status:
        job = self.jobs[name]
        return read_state(job.folder).status(job.cell)

    def _look_elsewhere(self) -> None:
        """Find out which runs other processes have done, and take over what they left."""
        self.looked = time.monotonic()
        for name in sorted(self.elsewhere):
            if cells.is_claimed(self.jobs[name].folder):
                continue
            self.elsewhere.discard(name)
            if self._unfinished(name):
                self.waiting.append(name)
            else:
                self.watcher.on_event(self._ended(self.jobs[name]))


def _of_death(event: Event) -> str:
    """Return the sentence for a process that has ended."""
    message = f"its process ended early ({event.sentence})"
    if event.sentence == "exit code -9":
        message += ": killed, perhaps because memory ran out"
    return message
