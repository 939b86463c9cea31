"""A run folder: config.json, model.safetensors, metrics.jsonl and result.json.

checkpoint.safetensors holds weights and optimizer state, so that training can go on. Every file
appears whole or not at all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import unbraid
from unbraid import evaluation, hardware, held_out, memory, methods, registry
from unbraid.batches import split_rows
from unbraid.datasets import Dataset, absolute, load_dataset, moved
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec, specs_from_json, specs_to_json
from unbraid.files import atomic, cannot_write, expand, read_json, read_object, write_json
from unbraid.fingerprints import DataChanged, Fingerprint, fingerprint
from unbraid.methods import LabelledConfig, Method, MethodConfig
from unbraid.nets import ImageShape, check_image_shape
from unbraid.resuming import check_end, check_same, progress_of
from unbraid.signals import Signal
from unbraid.store import identity, locked, read_tensors, update_result, write_tensors
from unbraid.training import (
    LIGHTER,
    Loop,
    Progress,
    Recorder,
    TrainingConfig,
    new_model,
    threads,
)

FORMAT = 1
ALL_TRAINED_ON = (
    "no images were held out: these are of images the model was trained on, and say nothing of "
    "others"
)
IN_MEMORY = "in_memory"  # in the place of a data set's options: it cannot be loaded again


@dataclass(frozen=True)
class RunConfig:
    """All that decides a run: the method, the data and the training, each with its options."""

    method: MethodConfig
    data: str
    data_options: dict[str, Any]
    training: TrainingConfig

    def to_json(
        self,
        image_shape: ImageShape,
        specs: Sequence[FactorSpec] = (),
        signal: Signal | None = None,
    ) -> dict[str, Any]:
        """Return what config.json holds, as it will be read back: tuples are lists there."""
        described = {
            "format": FORMAT,
            "unbraid": unbraid.__version__,
            "method": {"name": methods.name_of(self.method), **asdict(self.method)},
            "data": {"name": self.data, **absolute(self.data_options)},
            "training": asdict(self.training),
            "image_shape": list(image_shape),
            "factors": specs_to_json(specs),
            "signal": (signal or Signal.image(image_shape)).to_json(),
        }
        read_back: dict[str, Any] = json.loads(json.dumps(described))
        return read_back


class Run:
    """A run folder, opened for reading.

    Args:
        folder: where ``unbraid train`` wrote it.
        data: where its data lie now, if they have moved; they must be the same data.

    Raises:
        UnbraidError: not a run folder, or a file in it that is missing or broken.
    """

    def __init__(self, folder: str | os.PathLike[str], data: str | os.PathLike[str] = "") -> None:
        self.folder = expand(folder)
        path = self.folder / "config.json"
        if not path.is_file():
            what = "is not a run folder" if self.folder.is_dir() else "does not exist"
            raise UnbraidError(
                f"{self.folder} {what}: expected a config.json in it, as 'unbraid train' writes."
            )
        self.json = read_json(path)
        try:
            self._understand(self.json)
        except UnbraidError as error:
            raise UnbraidError(f"{path}: {error}") from error
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
            raise UnbraidError(
                f"{path} is not a run's config ({error!r}): restore it from a copy, or delete the "
                "folder to train anew."
            ) from error
        self.data, self.data_options = self.config.data, self.config.data_options
        if data:
            if self.data_options.get(IN_MEMORY):
                raise UnbraidError(
                    f"{self.folder} was trained on images in memory, which lie at no path: leave "
                    "out --data."
                )
            self.data, self.data_options = moved(
                self.config.data, self.config.data_options, os.fspath(data)
            )
        self.checkpoint: Progress | None = None  # that the model was read from, if it was one
        self._weights: tuple[int, int] | None = None  # which file the model was read from

    def _understand(self, stored: dict[str, Any]) -> None:
        if stored["format"] != FORMAT:
            raise UnbraidError(
                f"its format is {stored['format']}, expected {FORMAT}: open it with the version of "
                f"unbraid that wrote it, {stored['unbraid']}."
            )
        method, data, training = (dict(stored[part]) for part in ("method", "data", "training"))
        channels, height, width = map(int, stored["image_shape"])
        self.image_shape = check_image_shape((channels, height, width))
        self.specs = specs_from_json(stored.get("factors", ()))  # older runs do not say
        told = stored.get("signal")  # of older runs, images
        self.signal = Signal.from_json(told) if told else Signal.image(self.image_shape)
        self.config = RunConfig(
            methods.configure(method.pop("name"), **method),
            str(data.pop("name")),
            data,
            registry.build(TrainingConfig, training, "training"),
        )
        prints = stored.get("fingerprint") or {}  # older runs have none
        self.fingerprints = {
            split: Fingerprint.from_json(told) for split, told in prints.items() if told
        }

    @property
    def started(self) -> bool:
        """Whether training has saved anything yet."""
        saved = ("checkpoint.safetensors", "model.safetensors", "result.json")
        return any((self.folder / name).exists() for name in saved)

    @property
    def finished(self) -> bool:
        """Whether training reached the end that config.json names."""
        path = self.folder / "result.json"
        if not path.is_file():
            return False
        asked = self.config.training
        try:
            reached = read_json(path)["training"]
            if asked.steps:
                return bool(reached["steps"] == asked.steps)
            return bool(reached["epochs"] == asked.epochs)
        except (UnbraidError, KeyError, TypeError):  # an older one; or damaged, see ``result``
            return True

    @property
    def stage(self) -> str:
        """How far an unfinished run is, such as ``epoch 3 of 10``; "" of a finished one."""
        if self.checkpoint is None and not self.finished:
            path = self.folder / "checkpoint.safetensors"
            with suppress(UnbraidError):
                self.checkpoint = progress_of(read_tensors(path)[1], path)
        if self.checkpoint is not None:
            return str(self.checkpoint)
        return "" if self.finished else "unfinished"

    @property
    def result(self) -> dict[str, Any]:
        """What result.json holds."""
        if not self.finished:
            raise UnbraidError(
                f"{self.folder} is not finished: continue it with unbraid train ... --resume."
            )
        return read_object(self.folder / "result.json", "figures", "training")

    def history(self) -> list[dict[str, Any]]:
        """Return the records of metrics.jsonl, one an epoch; a half-written line is left out.

        Those that a finished run's training has added since it went on are left out, too.
        """
        records = self.records()
        if self.finished:
            with suppress(UnbraidError, KeyError, TypeError):
                end = self.result["training"]["steps"]
                return [record for record in records if record.get("step", 0) <= end]
        return records

    def records(self) -> list[dict[str, Any]]:
        """Return all records of metrics.jsonl, as far as it is whole."""
        path = self.folder / "metrics.jsonl"
        records: list[dict[str, Any]] = []
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    break
                if not isinstance(record, dict):
                    break
                records.append(record)
        return records

    def dataset(self, split: str = "train") -> Dataset:
        """Load the data the run was trained on.

        Raises:
            UnbraidError: they are not where they were, or cannot be read.
            DataChanged: other data lie there now.
        """
        if self.data_options.get(IN_MEMORY):
            return self._saved(split)
        path = self.data_options.get("path")
        if path and not expand(path).exists():
            raise UnbraidError(
                f"the data of {self.folder} are no longer at {path}: put them back, or say where "
                "they lie now with --data PATH."
            )
        return self.checked(load_dataset(self.data, split, **self.data_options), split)

    def checked(self, data: Dataset, split: str = "train") -> Dataset:
        """Return a split of the run's data if it is what the run was trained with.

        Runs of earlier versions have no fingerprint: of those nothing can be told.

        Raises:
            DataChanged: it is not.
        """
        stored = self.fingerprints.get(split)
        if stored is None:
            return data
        learnt = isinstance(self.config.method, LabelledConfig)
        found = fingerprint(data, stored)
        changed = stored.difference(found, factors=learnt)
        if not changed:
            return data
        place = self.data_options.get("path")
        if not place and (stored.images, stored.shape) == (found.images, found.shape):
            # drawn by us: another machine may round pixels differently
            warnings.warn(
                f"{self.data} is not quite what {self.folder} was trained on ({changed} in the "
                f"{split} split): another version or machine drew it.",
                stacklevel=2,
            )
            return data
        raise DataChanged(
            f"{place or self.data} holds other data than {self.folder} was trained on ({changed} "
            f"in the {split} split): restore them, name an unchanged copy with --data PATH, or "
            "train anew with another --out."
        )

    def _saved(self, split: str) -> Dataset:
        """Return the images that a run of data in memory was saved with, the test split."""
        if split == "test":
            saved = held_out.load(self.folder, self.config.data, self.specs)
            return dataclasses.replace(saved, signal=self.signal)
        raise UnbraidError(
            f"{self.folder} was trained on images in memory, which are not stored with it: train "
            "on a data set's name or a path to use the images it was trained on."
        )

    def unseen(self) -> Dataset:
        """Return images the model was not trained on: the test split, or those held out.

        Of images held out of the training split, ``split`` is ``"validation"``. A run that was
        trained on all the images there are has none: then these are what it was trained on, and
        ``split`` is ``"train"``.
        """
        try:
            data = self.dataset("test")
            if data.split == "test":
                return data
        except DataChanged:
            raise
        except UnbraidError:  # no test split
            pass
        data = self.dataset("train")
        _, rows = split_rows(len(data), self.config.training.validation)
        if not len(rows):
            return dataclasses.replace(data, split="train")
        return dataclasses.replace(data.take(rows.numpy()), split="validation")

    def model(self, device: hardware.Device = "cpu") -> Method:
        """Return the trained model, or that of the last checkpoint if the run is unfinished."""
        path = self.folder / "model.safetensors"
        checkpoint = self.folder / "checkpoint.safetensors"
        if not self.finished and checkpoint.is_file():
            path = checkpoint
        self._weights = identity(path)
        tensors, metadata = read_tensors(path)
        self.checkpoint = None
        if path == checkpoint:
            self.checkpoint = progress_of(metadata, path)
            tensors = {
                name.removeprefix("model."): value
                for name, value in tensors.items()
                if name.startswith("model.")
            }
        model = methods.build(self.config.method, self.image_shape, self.specs)
        expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        found = {name: tuple(value.shape) for name, value in tensors.items()}
        if found != expected:
            name = next(n for n in [*expected, *found] if found.get(n) != expected.get(n))
            raise UnbraidError(
                f"{path} does not fit config.json: {name} is {found.get(name, 'missing')}, "
                f"expected {expected.get(name, 'nothing of that name')}; it belongs to another run."
            )
        model.load_state_dict(tensors)
        return hardware.place(model, hardware.device(device)).eval()

    def record(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change result.json by what was found of the model, see ``update_result``.

        Raises:
            UnbraidError: training went on since the model was read.
        """

        def checked(result: dict[str, Any]) -> dict[str, Any]:
            if self._weights not in (None, identity(self.folder / "model.safetensors")):
                raise UnbraidError(
                    f"{self.folder} was trained further while it was measured: measure it again."
                )
            return change(result)

        update_result(self.folder, checked)


def load(folder: str | os.PathLike[str], device: hardware.Device = "cpu") -> Method:
    """Return the trained model of a run folder, on any device.

    Raises:
        UnbraidError: not a run folder, or a file in it that is missing, broken or of another run.

    >>> model = load("runs/vae-mnist-0")  # doctest: +SKIP
    """
    return Run(folder).model(device)


class FolderRecorder(Recorder):
    """Stores checkpoints and metrics in a run folder, and passes all it hears to a display."""

    def __init__(self, folder: Path, display: Recorder) -> None:
        self.folder, self.display = folder, display
        self.untold: dict[str, Any] | None = None  # an epoch that is not yet in a checkpoint

    def start(self, progress: Progress) -> None:
        """Pass the start on."""
        self.display.start(progress)

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        """Pass the step on."""
        self.display.step(progress, terms, images_per_second)

    def epoch(self, record: dict[str, Any]) -> None:
        """Append the epoch to metrics.jsonl; the display hears of it after its checkpoint."""
        path = self.folder / "metrics.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from error
        self.untold = record

    def checkpoint(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Write checkpoint.safetensors, then show the epoch it ends: showing may fail."""
        metadata = {"progress": json.dumps(asdict(progress))}
        write_tensors(self.folder / "checkpoint.safetensors", tensors, metadata)
        record, self.untold = self.untold, None
        if record is not None:
            self.display.epoch(record)

    def warn(self, sentence: str) -> None:
        """Pass the warning on."""
        self.display.warn(sentence)

    def stop_requested(self) -> bool:
        """Ask the display, which knows of Ctrl-C."""
        return self.display.stop_requested()


def train_run(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    display: Recorder | None = None,
) -> Run:
    """Train into a run folder, or go on where one was interrupted.

    Args:
        config: what to train, on what, how.
        folder: the run folder; made if it is not there.
        resume: continue from the folder's checkpoint, to the same weights as an uninterrupted
            run; with more epochs or steps than it was started with, go on to those. A folder that
            is not there yet is started.
        display: told of progress; may ask to stop.

    Raises:
        UnbraidError: the folder holds another run, is in use or cannot be written; or training
            failed.
        DataChanged: the data are not those that the run began with.
        Interrupted: stopped on request, after a checkpoint.
    """
    folder = expand(folder)
    if (found := opened(folder)) is not None:
        check_same(found, config, resume)
        if found.finished and found.config.training == config.training:
            return _relocated(found, config)
    data = load_dataset(config.data, "train", **config.data_options)
    described = config.to_json(data.image_shape, data.specs, data.signal)
    with memory.enough(f"training into {folder}", LIGHTER):
        model = new_model(config.method, data, config.training.seed)
        loop = Loop(model, data, config.training, FolderRecorder(folder, display or Recorder()))
        with locked(folder):
            if (found := opened(folder)) is not None:  # another process may have begun it
                check_same(found, config, resume)
                _check_data(found, config, data)
                check_end(found, loop)
                described = {**found.json, **_parts(described, "data", "training")}
                staged = {**described, **_parts(found.json, "training")}
                write_json(folder / "config.json", staged if found.finished else described)
            else:
                described["fingerprint"] = fingerprints(config, data)
                write_json(folder / "config.json", described)
            for note in data.notes:
                (display or Recorder()).note(note)
            _rewind(folder, loop)
            loop.run()
            with threads(config.training.threads):
                finish(folder, loop, described)
    return Run(folder)


def opened(folder: Path) -> Run | None:
    """Return the run that training into a folder would go on with, None if it starts one."""
    if not (folder / "config.json").exists():
        return None
    run = Run(folder)
    return run if run.started else None


def _relocated(run: Run, config: RunConfig) -> Run:
    """Return a finished run, whose config.json names the path at which its data lie now."""
    stored, asked = (each.to_json(run.image_shape)["data"] for each in (run.config, config))
    if stored == asked:
        return run
    _check_data(run, config, load_dataset(config.data, "train", **config.data_options))
    with locked(run.folder):
        write_json(run.folder / "config.json", {**run.json, "data": asked})
    return Run(run.folder)


def _parts(described: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: described[name] for name in names}


def _test_split(config: RunConfig) -> Dataset | None:
    """Return the test split of a run's data, None if they have none."""
    try:
        return load_dataset(config.data, "test", **config.data_options)
    except UnbraidError:
        return None


def fingerprints(config: RunConfig, data: Dataset) -> dict[str, Any]:
    """Return what config.json holds of both splits of the data."""
    splits = {"train": data, "test": _test_split(config)}
    return {
        name: None if split is None else fingerprint(split).to_json()
        for name, split in splits.items()
    }


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
    if (test := _test_split(config)) is not None:
        place.checked(test, "test")


def _rewind(folder: Path, loop: Loop) -> None:
    """Bring the loop to the folder's checkpoint, and its metrics.jsonl to the same step."""
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


def finish(folder: Path, loop: Loop, described: dict[str, Any]) -> None:
    """Write the finished model and its result, result.json last: it says that all is there.

    An earlier, shorter stage stays whole until then. After config.json, which names the new end,
    the folder counts as unfinished until the last file is there.
    """
    run = Run(folder)
    unseen = run.unseen()
    with hardware.autocast(loop.device, loop.precision):
        found = evaluation.figures(loop.model.eval(), unseen.images)
    progress, training = loop.progress, loop.config
    result = {
        "method": methods.name_of(run.config.method),
        "data": {"name": run.config.data, "split": unseen.split, **trained_on(unseen)},
        "figures": found,
        "training": {
            "seconds": round(progress.seconds, 2),
            "images_per_second": round(
                progress.step * training.batch_size / max(progress.seconds, 1e-9), 1
            ),
            "epochs": training.epochs,
            "steps": progress.step,
            "precision": str(loop.precision).removeprefix("torch."),
            "peak_memory_mb": peak_memory_mb(),
        },
        "machine": machine(loop.device),
    }
    if run.json != described:
        write_json(folder / "config.json", described)
    write_tensors(folder / "model.safetensors", loop.model.state_dict(), {"format": "pt"})
    update_result(folder, lambda before: result)


def trained_on(data: Dataset) -> dict[str, str]:
    """Return a note for figures of a run's ``unseen`` images, if the run has none."""
    return {"note": ALL_TRAINED_ON} if data.split == "train" else {}


def machine(device: torch.device) -> dict[str, Any]:
    """Say what a figure was measured on: versions and machine class."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "unbraid": unbraid.__version__,
        "system": platform.system(),
        "device": f"{device.type} ({name})",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def peak_memory_mb() -> int | None:
    """Return the process's peak resident memory in MB, None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
