"""Scores that compare the seeds of a setting with each other (UDR), once all are trained."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from unbraid.evaluation.scores import Config
from unbraid.runs import Run
from unbraid.runs.evaluating import evaluate
from unbraid.studies.engines.local import environment
from unbraid.studies.study import Study
from unbraid.studies.table import measured_as
from unbraid.training import threads


def compare(study: Study, jobs: int = 1) -> None:
    """Measure what compares runs, for each setting whose seeds are all trained.

    Runs that diverged or failed are left out. What was measured before of the same runs stays.

    Args:
        study: its runs.
        jobs: settings side by side.
    """
    left = [
        (folders, told)
        for told in study.compared
        for folders in _groups(study)
        if not all(_has(folder, folders, told) for folder in folders)
    ]
    if min(jobs, len(left)) < 2:
        # as many threads as the processes below have: others may round otherwise
        with threads(1), threadpool_limits(1):
            for each in left:
                _measure(each)
        return
    # measurements of one run after the other: they write into the same result
    names = list(dict.fromkeys(str(told) for _, told in left))
    # Ctrl-C goes to all processes: this one decides, and the others print no traceback
    workers = ProcessPoolExecutor(
        min(jobs, len(left)),
        multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    with environment(1), workers as pool:
        for name in names:
            list(pool.map(_measure, [each for each in left if str(each[1]) == name]))


def _measure(each: tuple[list[Path], dict[str, Any]]) -> None:
    folders, told = each
    evaluate([str(folder) for folder in folders], Config(**told))


def _groups(study: Study) -> Iterator[list[Path]]:
    """Yield the run folders of each setting that has 2 seeds or more, all of them done."""
    groups: dict[tuple[str, str, str], list[tuple[Path, str]]] = {}
    for cell, state in zip(study.cells, study.states(), strict=True):
        key = (cell.data, cell.method, cell.setting)
        groups.setdefault(key, []).append((study.run_folder(cell), state.status(cell)))
    for members in groups.values():
        folders = [folder for folder, status in members if status == "finished"]
        if len(folders) > 1 and not any(status == "unfinished" for _, status in members):
            yield folders


def _has(folder: Path, folders: Sequence[Path], told: dict[str, Any]) -> bool:
    """Whether a run has the score of a comparison with the others, as it is asked for."""
    others = {str(other) for other in folders if other != folder}
    return any(
        set(score.get("compared_with", ())) == others and measured_as(score, told)
        for score in Run(folder).result.get("scores", {}).values()
    )
