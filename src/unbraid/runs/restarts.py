"""Trainings of one config under several seeds, of which the best is kept.

What a method learns without labels depends on its seed: with one, two digits share a category; with
the next, none do. The choice among seeds uses no labels either: see ``Method.restart_score``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand
from unbraid.core.store import locked
from unbraid.core.subsets import some_rows
from unbraid.datasets import Dataset, load_dataset
from unbraid.loggers import check
from unbraid.methods import Images, require
from unbraid.runs.config import RunConfig
from unbraid.runs.fleets import train_fleet
from unbraid.runs.results import NAME, read_result, update_result
from unbraid.runs.resuming import check_same
from unbraid.runs.run import Run
from unbraid.runs.train import train_run
from unbraid.training import VALIDATION_LIMIT, Diverged, Recorder, split_rows

KEPT = ("config.json", "metrics.jsonl", "model.safetensors")


def held_out_images(run: Run, data: Dataset | None = None) -> Images:
    """Return the validation images of a run, (N, C, H, W), at most 5,000.

    They are of the training split: the test split does not choose among seeds. With a validation
    share of 0, they are training images.
    """
    data = run.dataset("train") if data is None else run.checked(data)
    rows, held_out = split_rows(data, run.config.training.validation)
    if not len(held_out):
        held_out = rows[some_rows(len(rows), VALIDATION_LIMIT)]
    return np.asarray(data.images[held_out.numpy()])


def score(run: Run, data: Dataset | None = None) -> float:
    """Return the score by which seeds are compared, higher is better; also stored in result.json.

    It is the method's own ``restart_score``, or minus the term that its ``selection`` names, on
    validation images after the last epoch; with a validation share of 0, on training images. It
    uses no label that the run was not given.

    Args:
        run: a finished run.
        data: its training split, if it is loaded already.

    Raises:
        UnbraidError: a run that is not finished, or whose records lack the term.
    """
    if not run.finished:
        raise UnbraidError(f"{run.folder} is not finished: continue it with --resume.")
    stored = run.result.get("restart_score")
    if stored is not None:
        return float(stored)
    model = run.model()
    found = model.restart_score(held_out_images(run, data))
    if found is None:
        last = (run.history() or [{}])[-1]
        names = (f"validation_{model.selection}", f"train_{model.selection}")
        found = next((-last[name] for name in names if name in last), None)
        if found is None:
            raise UnbraidError(
                f"{run.folder}/metrics.jsonl has no {names[0]}, by which seeds are compared: "
                "it is damaged, or another version of unbraid wrote it; delete the folder and "
                "train it again."
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
    fleet: int = 1,
    display: Recorder | None = None,
    log: Sequence[str] = (),
) -> Run:
    """Train a config under ``count`` seeds, its own and those after it, and keep the best run.

    Each seed is a run in ``seed-N`` within the folder. The files of the best one are then copied to
    the folder itself, which is a run like any other; its result.json holds all seeds' scores.
    If all seeds are finished, no data are loaded.

    Args:
        config: the method, the data and the training.
        folder: the run folder.
        count: the number of seeds.
        resume: continue interrupted trainings; with a larger count, add seeds.
        fleet: train so many seeds at once in this process, see ``train_fleet``.
        display: gets the events of training; may ask to stop.
        log: names of loggers that write into the folder of each seed.

    Raises:
        UnbraidError: as ``train_run``; a seed that diverges is left out, unless all do.
        DataChanged: the data are not those that the seeds began with.
        Interrupted: stopped on request, after a checkpoint.
    """
    require(count, 1, "restarts")
    require(fleet, 1, "fleet")
    check(log)
    folder, display = expand(folder), display or Recorder()
    seeds = range(config.training.seed, config.training.seed + count)
    kept = _check_free(config, folder, resume)
    if kept is not None and _finished(config, folder, kept, seeds):
        return kept
    data = load_dataset(config.data, "train", **config.data_options)
    if kept is not None:
        kept.checked(data)
    scores: dict[int, float | None] = {}
    failure: Diverged | None = None
    with locked(folder):
        for together in _groups(seeds, fleet):
            ones = [_with_seed(config, seed) for seed in together]
            folders = [folder / f"seed-{seed}" for seed in together]
            for seed, run in zip(
                together, _trained(ones, folders, resume, log, display), strict=True
            ):
                if isinstance(run, Diverged):
                    display.warn(f"seed {seed} is left out: {run}")
                    scores[seed], failure = None, run
                else:
                    scores[seed] = score(run, data)
        if failure and not _known(scores):
            raise failure
        return _keep(folder, scores)


def _trained(
    configs: list[RunConfig],
    folders: list[Path],
    resume: bool,
    log: Sequence[str],
    display: Recorder,
) -> list[Run | Diverged]:
    """Train some seeds, at once if they are several; return each run, or why it diverged."""
    if len(configs) > 1:
        return train_fleet(configs, folders, resume=resume, display=display, log=log)
    try:
        return [train_run(configs[0], folders[0], resume=resume, display=display, log=log)]
    except Diverged as error:
        return [error]


def _groups(seeds: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return the seeds in groups of at most ``size``."""
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def _with_seed(config: RunConfig, seed: int) -> RunConfig:
    return dataclasses.replace(config, training=dataclasses.replace(config.training, seed=seed))


def _finished(config: RunConfig, folder: Path, kept: Run, seeds: range) -> bool:
    """Whether every seed is trained as asked and has its score, so that nothing is left to do."""
    scores = kept.result.get("restarts", {}).get("scores", {}) if kept.finished else {}
    if scores.keys() != {str(seed) for seed in seeds}:
        return False
    for seed in seeds:
        place = folder / f"seed-{seed}"
        if scores[str(seed)] is None:  # it diverged, and would again
            continue
        if not (place / "config.json").is_file() or not (run := Run(place)).finished:
            return False
        stored, asked = (
            each.to_json(run.image_shape) for each in (run.config, _with_seed(config, seed))
        )
        if stored != asked:
            return False
    return True


def _known(scores: dict[int, float | None]) -> dict[int, float]:
    """Return the scores that are finite numbers."""
    return {
        seed: value for seed, value in scores.items() if value is not None and math.isfinite(value)
    }


def _keep(folder: Path, scores: dict[int, float | None]) -> Run:
    """Copy the run of the highest score into the folder itself."""
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
        """Keep the scores that were measured of the very same model."""
        same = before.get("restarts", {}).get("kept") == kept
        same = same and before.get("training") == found.get("training")
        return {**found, "scores": before["scores"]} if same and "scores" in before else found

    update_result(folder, kept_scores)  # last: all files are there
    return Run(folder)


def _check_free(config: RunConfig, folder: Path, resume: bool) -> Run | None:
    """Return the run that is kept in the folder, None without one.

    Raises:
        UnbraidError: it is another run, or one that was not trained with restarts.
    """
    if not (folder / "config.json").is_file():
        return None
    first = folder / f"seed-{config.training.seed}/config.json"
    if first.is_file() and not (folder / NAME).is_file():
        return None  # it was stopped while the best run was copied, and result.json is the last
    run = Run(folder)
    if not (folder / NAME).is_file() or "restarts" not in read_result(folder):
        raise UnbraidError(
            f"{folder} already holds a single run: choose another --out for the restarts."
        )
    check_same(run, _with_seed(config, run.config.training.seed), resume)
    return run
