"""How long a study will take: some steps of each kind of run, timed before any is trained."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import cycle, islice
from statistics import median

from unbraid.core import hardware
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, load_dataset
from unbraid.studies.cells import Cell
from unbraid.studies.kinds import kinds
from unbraid.studies.plan import config_of
from unbraid.studies.study import Study
from unbraid.training import Loop, Recorder, few_steps, new_model, threads

WARM, STEPS = 3, 20  # steps before the clock starts, and timed ones
LIMIT = 10.0  # seconds after which fewer are enough


def estimate(study: Study, jobs: int, again: Collection[str] = ()) -> Iterator[str]:
    """Yield lines: each run, the time of a step of each kind, and the hours of all.

    A kind (``kinds.kinds``) is timed by its first run, alone on the machine. Measuring is counted
    where finished runs of the study's folder tell how long it takes. A run is never split, so that
    the last one alone may take longer than a share of all.

    Args:
        study: its runs.
        jobs: runs side by side.
        again: runs that failed, or a metric of them, that would be tried again.
    """
    states = [
        state.forgiven(cell) if cell.id in again else state
        for cell, state in zip(study.cells, study.states(), strict=True)
    ]
    for cell, state in zip(study.cells, states, strict=True):
        yield f"{cell.id}  {state.status(cell):<10}  {cell.label}"
    left = [c for c, s in zip(study.cells, states, strict=True) if s.status(c) == "unfinished"]
    taken = [sum(s.measured.values()) for s in states if s.measured]
    measuring = sum(taken) / len(taken) if taken else 0.0
    untrained = {
        cell.id for cell, state in zip(study.cells, states, strict=True) if not state.trained
    }
    runs = {cell.id: measuring for cell in left}  # seconds
    loaded: dict[str, Dataset] = {}
    for kind, of_kind in _by_kind([cell for cell in left if cell.id in untrained]).items():
        first = of_kind[0]
        data = loaded.get(first.data)
        if data is None:
            config = config_of(first)
            data = loaded[first.data] = load_dataset(config.data, "train", **config.data_options)
        try:
            step, steps = step_time(first, data)
        except UnbraidError as error:
            yield f"{kind}: cannot be timed: {error}"
            continue
        seconds = {cell.id: step * (cell.steps or steps) for cell in of_kind}
        for name, each in seconds.items():
            runs[name] += each
        yield (
            f"{kind}: {step * 1000:.1f} ms a step, {len(of_kind)} runs, "
            f"{_hours(seconds.values(), jobs):.2f} h with {jobs} side by side"
        )
    told = "measuring included" if taken else "without measuring, which no run has told yet"
    hours = f"about {_hours(runs.values(), jobs):.2f} h"
    yield f"{len(left)} of {len(study.cells)} runs are left: {hours}, {told}"


def _by_kind(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    names = kinds(cells)
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(names[cell.id], []).append(cell)
    return found


def _hours(seconds: Collection[float], jobs: int) -> float:
    """Return the hours that runs take side by side."""
    return max(sum(seconds) / jobs, max(seconds, default=0.0)) / 3600


def step_time(cell: Cell, data: Dataset) -> tuple[float, int]:
    """Return the seconds of a step of a run, and its number of steps."""
    config = config_of(cell)
    loop = Loop(new_model(config.method, data, cell.seed), data, config.training, Recorder())
    steps = loop.progress.steps
    timed = min(WARM + STEPS, steps)
    taken: list[float] = []
    with threads(config.training.threads):
        # an epoch may be shorter than what is timed
        for rows in cycle(islice(loop.epoch_batches(), timed)):
            begun = time.perf_counter()
            loop.step(rows)
            hardware.finish(loop.device)  # the step may only have been launched
            taken.append(time.perf_counter() - begun)
            if len(taken) >= timed or sum(taken) > LIMIT:
                break
    return median(taken[WARM:] or taken), steps


def short_trainings(cells: Iterable[Cell]) -> list[str]:
    """Return notes on runs that have fewer steps than their method usually needs.

    Of trainings by epochs, nothing is known before their data are read.
    """
    found = Counter(
        few_steps(config_of(cell).method, cell.steps, "steps = {}") for cell in cells if cell.steps
    )
    return [
        f"note: {count} run{'s' if count > 1 else ''}: {told}"
        for told, count in found.items()
        if told
    ]
