"""Runs that differ in their seed, trained at once in one process, each into a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand
from unbraid.core.store import locked
from unbraid.datasets import load_dataset
from unbraid.loggers import make
from unbraid.runs.config import RunConfig
from unbraid.runs.finish import finish
from unbraid.runs.recorders import FolderRecorder, Forwarding, Logging
from unbraid.runs.resuming import check_same
from unbraid.runs.run import Run
from unbraid.runs.train import opened, start
from unbraid.training import (
    LIGHTER,
    Batches,
    Diverged,
    Fleet,
    Loop,
    Progress,
    Recorder,
    new_model,
    threads,
)


class _Unseen(Forwarding):
    """Forwards notes, warnings and the wish to stop, but no steps: one member's are shown."""

    def start(self, progress: Progress) -> None:
        """Keep the start to itself."""

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Keep a step to itself."""

    def epoch(self, record: dict[str, Any]) -> None:
        """Keep an epoch to itself."""

    def note(self, sentence: str) -> None:
        """Keep a note to itself: it is the same for all members."""


def train_fleet(
    configs: Sequence[RunConfig],
    folders: Sequence[str | os.PathLike[str]],
    *,
    resume: bool = False,
    display: Recorder | None = None,
    log: Sequence[str] = (),
) -> list[Run | Diverged]:
    """Train runs that differ in their seed at once; return each run, or why it diverged.

    Each folder is that of a run by itself, and may be continued by itself. Member k takes the steps
    of ``train_run`` with its seed, to rounding. It is meant for small models on a GPU, which one
    training leaves idle.

    Args:
        configs: one a run; they differ in ``training.seed`` alone.
        folders: their run folders.
        resume: continue from the folders' checkpoints.
        display: gets the events of the first member, and the warnings of all.
        log: names of loggers that write into each folder.

    Raises:
        UnbraidError: configs that differ in more, or as ``train_run``.
        Interrupted: stopped on request, after a checkpoint of each.
    """
    places = [expand(folder) for folder in folders]
    display = display or Recorder()
    for config, folder in zip(configs, places, strict=True):
        if (found := opened(folder)) is not None:
            check_same(found, config, resume)
        if (loggers := make(log, folder)) and _done(config, folder):
            steps = Run(folder).result["training"]["steps"]
            Logging(folder, loggers, Recorder()).log_finished(steps)
    left = [k for k, (c, f) in enumerate(zip(configs, places, strict=True)) if not _done(c, f)]
    failed: dict[int, Diverged] = {}
    if left:
        failed = _train([configs[k] for k in left], [places[k] for k in left], resume, log, display)
        failed = {left[place]: error for place, error in failed.items()}
    return [failed[k] if k in failed else Run(folder) for k, folder in enumerate(places)]


def _done(config: RunConfig, folder: Path) -> bool:
    """Whether a folder holds the run of a config, finished."""
    found = opened(folder)
    return (
        found is not None and found.finished and found.config.training.same_steps(config.training)
    )


def _train(
    configs: Sequence[RunConfig],
    folders: Sequence[Path],
    resume: bool,
    log: Sequence[str],
    display: Recorder,
) -> dict[int, Diverged]:
    """Train runs that are not finished; return those that diverged, by place."""
    first = configs[0]
    data = load_dataset(first.data, "train", **first.data_options)
    loops: list[Loop] = []
    logs = ExitStack()
    for k, (config, folder) in enumerate(zip(configs, folders, strict=True)):
        if config.data != first.data or config.data_options != first.data_options:
            raise UnbraidError("the members of a fleet may differ in their seed alone.")
        logging = Logging(folder, make(log, folder), _Unseen(display) if k else display)
        shown = FolderRecorder(folder, logs.enter_context(logging))
        held: Batches | None = loops[0].batches if loops else None
        with memory.enough(f"training {len(folders)} models at once", LIGHTER):
            model = new_model(config.method, data, config.training.seed)
            loops.append(Loop(model, data, config.training, shown, held))
    with logs as stack:
        for folder in folders:
            stack.enter_context(locked(folder))
        described = [
            start(config, folder, loop, data, resume=resume)
            for config, folder, loop in zip(configs, folders, loops, strict=True)
        ]
        failed: dict[int, Diverged] = {}
        # a kill may have come between two members' checkpoints, or another machine have begun some:
        # those at one step and of one precision train together
        stands = [(loop.progress.step, loop.progress.precision) for loop in loops]
        for stand in sorted(set(stands)):
            together = [k for k, own in enumerate(stands) if own == stand]
            fleet = Fleet([loops[k] for k in together])
            with memory.enough(f"training {len(together)} models at once", LIGHTER):
                fleet.run()
            failed |= {together[place]: error for place, error in fleet.failed.items()}
        for k, (folder, loop) in enumerate(zip(folders, loops, strict=True)):
            if k not in failed:
                try:
                    with threads(loop.config.threads):
                        finish(folder, loop, described[k])
                except Diverged as error:
                    failed[k] = error
    return failed
