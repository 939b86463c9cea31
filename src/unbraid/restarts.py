"""Several trainings of one config under different seeds, of which the best is kept.

What a method finds without labels depends on its seed: in one, two digits share a category, in the
next none do. Which one to keep must be said without labels, too: see ``Method.restart_score``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.datasets import Dataset, load_dataset
from unbraid.errors import UnbraidError
from unbraid.files import atomic, expand, read_object
from unbraid.methods import Images, require
from unbraid.resuming import check_same
from unbraid.runs import Run, RunConfig, train_run
from unbraid.store import locked, update_result
from unbraid.subsets import some_rows
from unbraid.training import VALIDATION_LIMIT, Diverged, Recorder, split_rows

KEPT = ("config.json", "metrics.jsonl", "model.safetensors")


def held_out_images(run: Run, data: Dataset | None = None) -> Images:
    """Return the images that no seed trained on, (N, C, H, W), at most 5,000.

    They are of the training split: the test split has no say in what is kept. Where nothing is held
    out, it is images that all seeds trained on.
    """
    data = run.dataset("train") if data is None else run.checked(data)
    rows, held_out = split_rows(len(data), run.config.training.validation)
    if not len(held_out):
        held_out = rows[some_rows(len(rows), VALIDATION_LIMIT)]
    return np.asarray(data.images[held_out.numpy()])


def score(run: Run, data: Dataset | None = None) -> float:
    """Return how well a finished run went, by no label it was not given: the higher, the better.

    It is the method's own ``restart_score``, or minus the term that its ``selection`` names, on
    held-out images after the last epoch; where none are held out, in training.

    Args:
        run: a finished run.
        data: what it was trained on, if it is loaded already.

    Raises:
        UnbraidError: a run that was stopped, or whose records do not hold the term.
    """
    if not run.finished:
        raise UnbraidError(f"{run.folder} is not finished: continue it with --resume.")
    stored = run.result.get("restart_score")
    if stored is not None:
        return float(stored)
    model = run.model()
    found = model.restart_score(held_out_images(run, data))
    if found is None:
        last = run.history()[-1]
        names = (f"validation_{model.selection}", f"train_{model.selection}")
        found = next((-last[name] for name in names if name in last), None)
        if found is None:
            raise UnbraidError(
                f"{run.folder}/metrics.jsonl has no {names[0]}, by which seeds are compared: "
                "another version of unbraid wrote it; delete the folder to train it again."
            )
    told = {"restart_score": float(found)}
    run.record(lambda result: {**result, **told})
    return told["restart_score"]


def train_restarts(
    config: RunConfig,
    folder: str | os.PathLike[str],
    count: int,
    *,
    resume: bool = False,
    display: Recorder | None = None,
) -> Run:
    """Train ``count`` seeds, the config's own and those after it, and keep the best.

    Each is a run of its own in ``seed-N`` within the folder. The best one's files are then copied
    to the folder itself, which is a run like any other; its result.json tells all seeds' scores.

    Args:
        config: what to train.
        folder: the run folder.
        count: how many seeds.
        resume: go on where it was interrupted; with a larger count, add seeds.
        display: told of progress; may ask to stop.

    Raises:
        UnbraidError: as ``train_run``; a seed that diverges is left out, unless all do.
        Interrupted: stopped on request, after a checkpoint.
    """
    require(count, 1, "restarts")
    folder, display = expand(folder), display or Recorder()
    data = load_dataset(config.data, "train", **config.data_options)
    _check_free(config, folder, data, resume)
    first = config.training.seed
    scores: dict[int, float | None] = {}
    failure: Diverged | None = None
    with locked(folder):
        for seed in range(first, first + count):
            training = dataclasses.replace(config.training, seed=seed)
            one = dataclasses.replace(config, training=training)
            try:
                run = train_run(one, folder / f"seed-{seed}", resume=resume, display=display)
                scores[seed] = score(run, data)
            except Diverged as error:
                display.warn(f"seed {seed} is left out: {error}")
                scores[seed], failure = None, error
        if failure and not _known(scores):
            raise failure
        return _keep(folder, scores)


def _known(scores: dict[int, float | None]) -> dict[int, float]:
    """Return the scores of the seeds that have one, as numbers that can be compared."""
    return {
        seed: value for seed, value in scores.items() if value is not None and math.isfinite(value)
    }


def _keep(folder: Path, scores: dict[int, float | None]) -> Run:
    """Make the folder a run: that of the seed with the highest score."""
    known = _known(scores)
    kept = max(known, key=lambda seed: known[seed])
    best = Run(folder / f"seed-{kept}")
    for name in KEPT:
        with atomic(folder / name) as temporary:
            shutil.copyfile(best.folder / name, temporary)
    told = {
        "kept": kept,
        "selection": best.model().selection,
        "scores": {str(seed): value for seed, value in scores.items()},
    }
    found = {**best.result, "restarts": told}

    def kept_scores(before: dict[str, Any]) -> dict[str, Any]:
        """Keep what was measured of the very same model."""
        same = before.get("restarts", {}).get("kept") == kept
        same = same and before.get("training") == found.get("training")
        measured = {key: value for key, value in before.items() if key.startswith("metrics")}
        return {**found, **measured} if same else found

    update_result(folder, kept_scores)  # last: all is there
    return Run(folder)


def _check_free(config: RunConfig, folder: Path, data: Dataset, resume: bool) -> None:
    """Raise an UnbraidError if the folder holds another run, or one that was not restarted."""
    if not (folder / "config.json").is_file():
        return
    run, result = Run(folder), folder / "result.json"
    if not result.is_file() or "restarts" not in read_object(result):
        raise UnbraidError(
            f"{folder} already holds a single run: choose another --out for the restarts."
        )
    seed = run.config.training.seed  # that which was kept
    same = dataclasses.replace(config, training=dataclasses.replace(config.training, seed=seed))
    check_same(run, same, resume)
    run.checked(data)
