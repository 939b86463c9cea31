"""Models in memory as runs: for figures and scores, and to be saved as run folders."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from unbraid import methods
from unbraid.core import hardware
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, not_finite, write_json
from unbraid.core.store import locked, write_tensors
from unbraid.datasets import Dataset
from unbraid.evaluation.reconstruction import reconstruction_stats
from unbraid.methods import Method
from unbraid.runs import held_out
from unbraid.runs.config import IN_MEMORY, RunConfig
from unbraid.runs.finish import machine
from unbraid.runs.results import STATS, trained_on, update_result
from unbraid.runs.run import Run
from unbraid.runs.train import fingerprints, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_makers: WeakKeyDictionary[Method, Callable[[Method], MemoryRun]] = WeakKeyDictionary()


class MemoryRun(Run):
    """A model in memory that figures and metrics take like a run folder.

    Args:
        model: any method's model.
        config: its method, data and training.
        unseen: images that it was not trained on.
        history: one record an epoch, as in metrics.jsonl.
        trained: seconds and steps of its training; None if other code trained it.
        data: the training split. Its fingerprint is stored if it can be loaded again.
    """

    def __init__(
        self,
        model: Method,
        config: RunConfig,
        unseen: Dataset,
        history: Sequence[dict[str, Any]] = (),
        trained: tuple[float, int] | None = None,
        data: Dataset | None = None,
    ) -> None:
        if unseen.image_shape != model.image_shape:
            raise UnbraidError(
                f"images of {unseen.name} have shape {unseen.image_shape}, but the model was "
                f"built for {model.image_shape}: give images of that size."
            )
        self.folder = Path()
        self.config, self.image_shape = config, model.image_shape
        self.signal = unseen.signal
        self.data, self.data_options = config.data, config.data_options
        self.fingerprints = {}
        self.specs = model.specs or (unseen.specs if unseen.factors is not None else ())
        self.trained = trained
        self._model, self._unseen, self._history = model, unseen, list(history)
        self._train = data

    @property
    def started(self) -> bool:
        """Whether there is a model: always."""
        return True

    @property
    def finished(self) -> bool:
        """Whether training reached its end: always."""
        return True

    @property
    def stage(self) -> str:
        """The progress of an unfinished run: "", as this one is finished."""
        return ""

    @cached_property
    def result(self) -> dict[str, Any]:
        """The content of result.json if the run is saved."""
        seconds, steps = self.trained or (0.0, 0)
        training: dict[str, Any] = {
            "seconds": round(seconds, 2),
            "epochs": self.config.training.epochs,
            "steps": steps,
        }
        if self.trained is None:
            training["note"] = "trained by other code: the options of training are unknown"
        return {
            "method": methods.name_of(self.config.method),
            "data": {
                "name": self.config.data,
                "split": self._unseen.split,
                **trained_on(self._unseen),
            },
            STATS: reconstruction_stats(self._model.eval(), self._unseen.images),
            "training": training,
            "machine": machine(self._model.device),
        }

    def described(self) -> dict[str, Any]:
        """Return the content of config.json if the run is saved."""
        found = self.config.to_json(self.image_shape, self.specs, self.signal)
        if self._train is not None and not self.config.data_options.get(IN_MEMORY):
            found["fingerprint"] = fingerprints(self.config, self._train)
        return found

    def history(self) -> list[dict[str, Any]]:
        """Return the records of training, one an epoch."""
        return list(self._history)

    def dataset(self, split: str = "train") -> Dataset:
        """Return the data the model was trained on, or load them again."""
        if split == "test":
            return self._unseen
        if split == "train" and self._train is not None:
            return self._train
        return super().dataset(split)

    def unseen(self) -> Dataset:
        """Return images the model was not trained on."""
        return self._unseen

    def model(self, device: hardware.Device | torch.device = "cpu") -> Method:
        """Return the model itself, on the device it is on."""
        return self._model.eval()


def remember(model: Method, make: Callable[[Method], MemoryRun]) -> None:
    """Remember how a model in memory becomes a run, for parts that are given the model alone."""
    _makers[model] = make


def run_of(model: Method) -> MemoryRun | None:
    """Return a model in memory as a run; None if no training of this session made it."""
    make = _makers.get(model)
    return make(model) if make else None


def write(run: MemoryRun, folder: Path) -> Run:
    """Write a model in memory as a run folder.

    Raises:
        UnbraidError: the folder holds a run, is in use or cannot be written.
    """
    described = run.described()
    with locked(folder):
        if opened(folder) is not None:
            raise UnbraidError(f"{folder} already holds a run: choose another folder.")
        result = run.result
        if name := not_finite(result):
            raise UnbraidError(
                f"the model cannot be saved: {name} is not finite, so its training has diverged: "
                "train it again at a lower lr, or look for broken images."
            )
        write_json(folder / "config.json", described)
        if run.config.data_options.get(IN_MEMORY):
            held_out.store(run.unseen(), folder)
        with atomic(folder / "metrics.jsonl") as temporary:
            lines = "".join(json.dumps(record) + "\n" for record in run.history())
            temporary.write_text(lines, encoding="utf-8")
        write_tensors(folder / "model.safetensors", run.model().state_dict(), {"format": "pt"})
        update_result(folder, lambda before: result)  # last: it says that all is there
    return Run(folder)
