"""Scores that compare the seeds of a setting with each other (UDR), once all are trained."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from unbraid.core.errors import UnbraidError
from unbraid.evaluation.scores import Config
from unbraid.runs.evaluating import evaluate
from unbraid.runs.results import read_result
from unbraid.studies.engines.local import environment
from unbraid.studies.study import Study
from unbraid.studies.table import measured_as
from unbraid.training import threads


def compare(study: Study, jobs: int = 1) -> list[str]:
    """Measure what compares runs, for each setting whose seeds are all trained.

    Runs that diverged or failed are left out. What was measured before of the same runs stays.

    Args:
        study: its runs.
        jobs: settings side by side.

    Returns:
        A sentence for each setting that could not be measured; the others are.
    """
    left = missing(study)
    if min(jobs, len(left)) < 2:
        # as many threads as the processes below have: others may round otherwise
        with threads(1), threadpool_limits(1):
            return [said for each in left if (said := _measure(each))]
    # measurements of one run after the other: they write into the same result
    names = list(dict.fromkeys(str(told) for _, told in left))
    # Ctrl-C goes to all processes: this one decides, and the others print no traceback
    workers = ProcessPoolExecutor(
        min(jobs, len(left)),
        multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    failed: list[str] = []
    with environment(1), workers as pool:
        for name in names:
            of_name = [each for each in left if str(each[1]) == name]
            failed += [said for said in pool.map(_measure, of_name) if said]
    return failed


def missing(study: Study) -> list[tuple[list[Path], dict[str, Any]]]:
    """Return the run folders of each setting that can be compared and is not, and by what."""
    return [
        (folders, told)
        for told in study.compared
        for folders in _groups(study)
        if not all(_has(folder, folders, told) for folder in folders)
    ]


def _measure(each: tuple[list[Path], dict[str, Any]]) -> str:
    """Measure the runs of a setting; return a sentence if that fails, which stops no other."""
    folders, told = each
    try:
        evaluate([str(folder) for folder in folders], Config(**told))
    except Exception as error:
        kind = "" if isinstance(error, UnbraidError) else f"{type(error).__name__}: "
        names = ", ".join(folder.name for folder in folders)
        return f"{told['metrics']} of the runs {names} not measured: {kind}{error}"
    return ""


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
        for score in read_result(folder).get("scores", {}).values()
    )
