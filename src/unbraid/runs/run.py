"""A run folder opened for reading: its config, model, history, data and results."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

import unbraid
from unbraid import methods
from unbraid.core import hardware, registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import specs_from_json
from unbraid.core.files import expand, read_json
from unbraid.core.signals import Signal
from unbraid.core.store import identity, read_tensors
from unbraid.datasets import Dataset, load_dataset, moved
from unbraid.methods import Method
from unbraid.nn.nets import check_image_shape
from unbraid.runs import run_data
from unbraid.runs.config import FORMAT, IN_MEMORY, RunConfig
from unbraid.runs.fingerprints import Fingerprint
from unbraid.runs.recorders import read_records
from unbraid.runs.results import (
    NAME,
    NO_PROTOCOL,
    read_result,
    scores_by_metric,
    update_result,
)
from unbraid.runs.resuming import progress_of
from unbraid.runs.run_summary import summary_html
from unbraid.training import Progress, TrainingConfig

SAVED = ("checkpoint.safetensors", "model.safetensors", NAME)  # what only a training writes


class Run:
    """A run folder opened for reading.

    Args:
        folder: the run folder, as ``unbraid train`` writes it.
        data: the present path of its data if they were moved; they must be the same data.

    Raises:
        UnbraidError: not a run folder, or a file in it is missing or damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], data: str | os.PathLike[str] = "") -> None:
        self.folder = expand(folder)
        path = self.folder / "config.json"
        if not path.is_file():
            missing = "is a file" if self.folder.exists() else "does not exist"
            what = "is not a run folder" if self.folder.is_dir() else missing
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
                "folder and train again."
            ) from error
        self.data, self.data_options = self.config.data, self.config.data_options
        if data:
            if self.data_options.get(IN_MEMORY):
                raise UnbraidError(
                    f"{self.folder} was trained on images in memory, which have no path: leave "
                    "out --data."
                )
            self.data, self.data_options = moved(
                self.config.data, self.config.data_options, os.fspath(data)
            )
        self.checkpoint: Progress | None = None  # if the model was read from one
        self._weights: tuple[int, int] | None = None  # the file that the model was read from

    def _understand(self, stored: dict[str, Any]) -> None:
        if stored["format"] != FORMAT:
            raise UnbraidError(
                f"its format is {stored['format']}, expected {FORMAT}: open it with the version of "
                f"unbraid that wrote it, {stored['unbraid']}."
            )
        method, data, training = (dict(stored[part]) for part in ("method", "data", "training"))
        channels, height, width = map(int, stored["image_shape"])
        self.image_shape = check_image_shape((channels, height, width))
        told = stored.get("signal")  # of older runs, images
        self.signal = Signal.from_json(told) if told else Signal.image(self.image_shape)
        self.specs = specs_from_json(stored.get("factors", ()))  # older runs do not say
        self.config = RunConfig(
            methods.configure(method.pop("name"), **method),
            str(data.pop("name")),
            data,
            registry.build(TrainingConfig, training, "training"),
            str(stored.get("recipe", {}).get("name", "")),
        )
        prints = stored.get("fingerprint") or {}  # older runs have none
        self.fingerprints = {
            split: Fingerprint.from_json(told) for split, told in prints.items() if told
        }

    @property
    def started(self) -> bool:
        """Whether training has saved anything yet."""
        return any((self.folder / name).exists() for name in SAVED)

    @property
    def finished(self) -> bool:
        """Whether training reached the end that config.json names."""
        path = self.folder / NAME
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
        """The progress of an unfinished run, such as ``epoch 3 of 10``; "" if it is finished."""
        if self.checkpoint is None and not self.finished:
            path = self.folder / "checkpoint.safetensors"
            with suppress(UnbraidError):
                self.checkpoint = progress_of(read_tensors(path)[1], path)
        if self.checkpoint is not None:
            return str(self.checkpoint)
        return "" if self.finished else "unfinished"

    @property
    def result(self) -> dict[str, Any]:
        """The content of result.json, in today's form whichever version wrote it."""
        if not self.finished:
            raise UnbraidError(
                f"{self.folder} is not finished: continue it with unbraid train ... --resume."
            )
        return read_result(self.folder)

    def scores(self, protocol: str = NO_PROTOCOL) -> dict[str, dict[str, Any]]:
        """Return the newest stored score of each metric, as ``Score.to_json`` wrote it.

        Args:
            protocol: a published set of settings; ``"none"`` for each metric's own.
        """
        return scores_by_metric(self.result, protocol)

    def __repr__(self) -> str:
        method = methods.name_of(self.config.method)
        return f"{type(self).__name__}('{self.folder}': {method} on {self.data})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what was trained on what, and what it scores."""
        return summary_html(self)

    def history(self) -> list[dict[str, Any]]:
        """Return the records of metrics.jsonl, one an epoch, without a half-written last line.

        If a finished run is being trained further, the new epochs are left out, too.
        """
        records = self.records()
        if self.finished:
            with suppress(UnbraidError, KeyError, TypeError):
                end = self.result["training"]["steps"]
                return [record for record in records if record.get("step", 0) <= end]
        return records

    def records(self) -> list[dict[str, Any]]:
        """Return all records of metrics.jsonl up to the first line that is no record."""
        return read_records(self.folder / "metrics.jsonl")

    def dataset(self, split: str = "train") -> Dataset:
        """Load the data the run was trained on.

        Raises:
            UnbraidError: they are missing or cannot be read.
            DataChanged: there are other data at their path.
        """
        if self.data_options.get(IN_MEMORY):
            return run_data.stored_images(self, split)
        path = self.data_options.get("path")
        if path and not expand(path).exists():
            raise UnbraidError(
                f"the data of {self.folder} are no longer at {path}: move them back, or give "
                "their present path with --data PATH."
            )
        return self.checked(load_dataset(self.data, split, **self.data_options), split)

    def checked(self, data: Dataset, split: str = "train") -> Dataset:
        """Return a split of the run's data after comparing it with the stored fingerprint.

        Runs of earlier versions have no fingerprint and are not checked.

        Raises:
            DataChanged: it is not what the run was trained with.
        """
        return run_data.checked(self, data, split)

    def unseen(self) -> Dataset:
        """Return images the model was not trained on: the test split, or the validation images.

        ``split`` of the latter is ``"validation"``. If the run was trained on all images, these are
        its training images, and ``split`` is ``"train"``.
        """
        return run_data.unseen(self)

    def model(self, device: hardware.Device | torch.device = "cpu") -> Method:
        """Return the trained model, of the last checkpoint if the run is unfinished.

        Args:
            device: where to put it.

        Raises:
            UnbraidError: its file is missing, damaged or of another run.
        """
        hardware.check_default_dtype()
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
        model = methods.build(self.config.method, self.image_shape, self.specs, seed=0)
        expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
        found = {name: tuple(value.shape) for name, value in tensors.items()}
        if found != expected:
            name = next(n for n in [*expected, *found] if found.get(n) != expected.get(n))
            raise UnbraidError(
                f"{path} does not fit config.json: {name} is {found.get(name, 'missing')}, "
                f"expected {expected.get(name, 'nothing of that name')}; it belongs to another "
                "run, or an earlier version made it: train it again."
            )
        model.load_state_dict(tensors)
        return hardware.place(model, hardware.device(device)).eval()

    def save_pretrained(self, folder: str | os.PathLike[str], **options: Any) -> Path:
        """Write the run as a folder to pass on, see ``unbraid.hub.save_pretrained``."""
        return unbraid.hub.save_pretrained(self, folder, **options)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Upload the run to the Hugging Face Hub, see ``unbraid.hub.push_to_hub``."""
        return unbraid.hub.push_to_hub(self, repository, **options)

    def record(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change result.json by a measurement of the model, see ``update_result``.

        Raises:
            UnbraidError: the model was trained further since it was read.
        """

        def checked(result: dict[str, Any]) -> dict[str, Any]:
            if self._weights not in (None, identity(self.folder / "model.safetensors")):
                raise UnbraidError(
                    f"{self.folder} was trained further while it was measured: measure it again."
                )
            return change(result)

        update_result(self.folder, checked)


def load(folder: str | os.PathLike[str], device: hardware.Device | torch.device = "cpu") -> Method:
    """Return the trained model of a run folder, on any device.

    Raises:
        UnbraidError: not a run folder, or a file in it is missing, damaged or of another run.

    >>> model = load("runs/vae-mnist-0")  # doctest: +SKIP
    """
    return Run(folder).model(device)
