"""Training into a run folder, and continuing one that was interrupted or is to be longer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand, write_json
from unbraid.core.hardware import able_to_learn
from unbraid.core.registry import names
from unbraid.core.store import locked, read_tensors
from unbraid.datasets import Dataset, load_dataset
from unbraid.loggers import make
from unbraid.runs.config import RunConfig
from unbraid.runs.fingerprints import fingerprint
from unbraid.runs.finish import finish
from unbraid.runs.recorders import FolderRecorder, Logging
from unbraid.runs.resuming import check_end, check_same, progress_of
from unbraid.runs.run import SAVED, Run
from unbraid.runs.run_data import test_of
from unbraid.training import LIGHTER, Loop, Recorder, new_model, threads


def train_run(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    display: Recorder | None = None,
    log: str | Sequence[str] = (),
) -> Run:
    """Train into a run folder, or continue the run in it.

    Of a finished run that is asked for nothing more, no data are loaded.

    Args:
        config: the method, the data and the training.
        folder: the run folder; made if it does not exist.
        resume: continue from the folder's checkpoint, to the same weights as an uninterrupted
            run; with more epochs or steps than it was started with, train for those. A folder that
            does not exist is started.
        display: gets the events of training; may ask to stop.
        log: names of loggers that write into the folder besides, such as ``"csv"``.

    Raises:
        UnbraidError: the folder holds another run, is in use or cannot be written; training
            failed; or a logger is unknown or not installed.
        DataChanged: the data are not those that the run began with.
        Interrupted: stopped on request, after a checkpoint.
    """
    config = RunConfig.checked(config)
    folder = expand(folder)
    loggers = make(log, folder)
    if (found := opened(folder)) is not None:
        check_same(found, config, resume)
        config = replace(config, recipe=found.config.recipe)  # that it began with
        if found.finished and found.config.training.same_steps(config.training):
            if loggers:
                Logging(folder, loggers, Recorder()).log_finished(found.result["training"]["steps"])
            return _relocated(found, config)
    data = load_dataset(config.data, "train", **config.data_options)
    logging = Logging(folder, loggers, display or Recorder())
    recorder = FolderRecorder(folder, logging)
    with memory.enough(f"training into {folder}", LIGHTER), logging, able_to_learn():
        model = new_model(config.method, data, config.training.seed)
        loop = Loop(model, data, config.training, recorder)
        with locked(folder):
            described = start(config, folder, loop, data, resume=resume)
            loop.run()
            with threads(config.training.threads):
                finish(folder, loop, described)
    return Run(folder)


def start(
    config: RunConfig, folder: Path, loop: Loop, data: Dataset, *, resume: bool
) -> dict[str, Any]:
    """Begin or go on with the run of a locked folder; return what its config.json shall hold.

    Args:
        config: the method, the data and the training.
        folder: the run folder, which the caller has locked.
        loop: its training; goes back to the folder's checkpoint, if there is one.
        data: the training split.
        resume: whether a run that is there may be continued.

    Raises:
        UnbraidError: the folder holds another run.
        DataChanged: the data are not those that the run began with.
    """
    described = config.to_json(data.image_shape, data.specs, data.signal)
    if (found := opened(folder)) is not None:  # another process may have begun it
        check_same(found, config, resume)
        _check_data(found, config, data)
        check_end(found, loop)
        stored = ("recipe",) if config.recipe in names("recipes") else ()
        changed = ("data", "training", *stored)
        described = {**found.json, **_parts(described, *changed)}
        staged = {**described, **_parts(found.json, *changed[1:])}
        write_json(folder / "config.json", staged if found.finished else described)
    else:
        described["fingerprint"] = fingerprints(config, data)
        write_json(folder / "config.json", described)
    for note in data.notes:
        loop.recorder.note(note)
    _rewind(folder, loop)
    return described


def opened(folder: Path) -> Run | None:
    """Return the run that training into a folder would continue, None if it starts one.

    Raises:
        UnbraidError: its config.json is damaged, or missing where other files of a run are there.
    """
    if not (folder / "config.json").exists():
        for name in SAVED:
            if (folder / name).exists():  # of what method and data, nothing says
                raise UnbraidError(
                    f"{folder} holds the {name} of a run, but no config.json, which says how it "
                    "was trained: restore config.json from a copy, delete the folder, or choose "
                    "another --out."
                )
        return None
    run = Run(folder)
    return run if run.started else None


def fingerprints(config: RunConfig, data: Dataset) -> dict[str, Any]:
    """Return the fingerprints of both splits of the data, as config.json holds them."""
    splits = {"train": data, "test": test_of(loader(config))}
    return {
        name: None if split is None else fingerprint(split).to_json()
        for name, split in splits.items()
    }


def loader(config: RunConfig) -> Callable[[str], Dataset]:
    """Return what loads a split of a run's data."""
    return partial(load_dataset, config.data, **config.data_options)


def _relocated(run: Run, config: RunConfig) -> Run:
    """Return a finished run, and store the path of its data if they were moved."""
    stored, asked = (each.to_json(run.image_shape)["data"] for each in (run.config, config))
    if stored == asked:
        return run
    _check_data(run, config, load_dataset(config.data, "train", **config.data_options))
    with locked(run.folder):
        write_json(run.folder / "config.json", {**run.json, "data": asked})
    return Run(run.folder)


def _parts(described: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: described[name] for name in names}


def _check_data(run: Run, config: RunConfig, data: Dataset) -> None:
    """Raise an UnbraidError unless the data are those that the run began with."""
    if run.image_shape != data.image_shape:
        raise UnbraidError(
            f"{run.folder} holds a run with images of shape {run.image_shape}, not "
            f"{data.image_shape}: resume it with the options it was started with, or choose "
            "another --out."
        )
    place = Run(run.folder)
    place.data, place.data_options = config.data, config.data_options
    place.checked(data)
    if (test := test_of(loader(config))) is not None:
        place.checked(test, "test")


def _rewind(folder: Path, loop: Loop) -> None:
    """Restore the loop from the folder's checkpoint, and cut metrics.jsonl at the same step."""
    for stray in folder.glob(".*-*"):  # what a killed process was writing
        if stray.name.startswith((".checkpoint-", ".model-", ".metrics-", ".config-")):
            stray.unlink(missing_ok=True)
    path = folder / "checkpoint.safetensors"
    if path.is_file():
        tensors, metadata = read_tensors(path)
        try:
            loop.restore(tensors, progress_of(metadata, path))
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise UnbraidError(
                f"{path} is not a checkpoint of this run: delete it to start from the beginning."
            ) from error
    progress = loop.progress
    kept = []
    for record in Run(folder).records():
        step = record.get("step", 0)
        # one in mid-epoch was the end, until more steps were asked for
        whole = step % progress.steps_per_epoch == 0 or step == progress.steps
        if step <= progress.step and whole:
            kept.append(record)
    with atomic(folder / "metrics.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(r) + "\n" for r in kept), encoding="utf-8")
