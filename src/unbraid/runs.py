"""A run folder: config.json, model.safetensors, metrics.jsonl and result.json.

While training, checkpoint.safetensors holds weights and optimizer state; it goes once the run is
finished. Every file appears whole or not at all.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

import unbraid
from unbraid import evaluation, hardware, held_out, limits, methods, registry
from unbraid.batches import split_rows
from unbraid.datasets import Dataset, load_dataset
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec, specs_from_json, specs_to_json
from unbraid.files import atomic, cannot_write, read_json, write_json
from unbraid.methods import Method, MethodConfig
from unbraid.nets import ImageShape, check_image_shape
from unbraid.training import (
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

    def to_json(self, image_shape: ImageShape, specs: Sequence[FactorSpec] = ()) -> dict[str, Any]:
        """Return what config.json holds, as it will be read back: tuples are lists there."""
        described = {
            "format": FORMAT,
            "unbraid": unbraid.__version__,
            "method": {"name": methods.name_of(self.method), **asdict(self.method)},
            "data": {"name": self.data, **self.data_options},
            "training": asdict(self.training),
            "image_shape": list(image_shape),
            "factors": specs_to_json(specs),
        }
        read_back: dict[str, Any] = json.loads(json.dumps(described))
        return read_back


class Run:
    """A run folder, opened for reading.

    Args:
        folder: where ``unbraid train`` wrote it.

    Raises:
        UnbraidError: not a run folder, or a file in it that is missing or broken.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
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
        except (KeyError, TypeError, ValueError) as error:
            raise UnbraidError(
                f"{path} is not a run's config ({error!r}): restore it from a copy, or delete the "
                "folder to train anew."
            ) from error

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
        self.config = RunConfig(
            methods.configure(method.pop("name"), **method),
            str(data.pop("name")),
            data,
            registry.build(TrainingConfig, training, "training"),
        )

    @property
    def started(self) -> bool:
        """Whether training has saved anything yet."""
        saved = ("checkpoint.safetensors", "model.safetensors", "result.json")
        return any((self.folder / name).exists() for name in saved)

    @property
    def finished(self) -> bool:
        """Whether training reached its end."""
        return (self.folder / "result.json").is_file()

    @property
    def result(self) -> dict[str, Any]:
        """What result.json holds."""
        if not self.finished:
            raise UnbraidError(
                f"{self.folder} is not finished: continue it with unbraid train ... --resume."
            )
        found: dict[str, Any] = read_json(self.folder / "result.json")
        return found

    def history(self) -> list[dict[str, Any]]:
        """Return the records of metrics.jsonl, one an epoch; a half-written line is left out."""
        path = self.folder / "metrics.jsonl"
        records: list[dict[str, Any]] = []
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    records.append(json.loads(line))
                except json.JSONDecodeError:
                    break
        return records

    def dataset(self, split: str = "train") -> Dataset:
        """Load the data the run was trained on."""
        if self.config.data_options.get(IN_MEMORY):
            return self._saved(split)
        return load_dataset(self.config.data, split, **self.config.data_options)

    def _saved(self, split: str) -> Dataset:
        """Return the images that a run of data in memory was saved with, the test split."""
        if split == "test":
            return held_out.load(self.folder, self.config.data, self.specs)
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
        with suppress(UnbraidError):  # no test split
            data = self.dataset("test")
            if data.split == "test":
                return data
        data = self.dataset("train")
        _, held_out = split_rows(len(data), self.config.training.validation)
        if not len(held_out):
            return dataclasses.replace(data, split="train")
        return dataclasses.replace(data.take(held_out.numpy()), split="validation")

    def model(self, device: hardware.Device = "cpu") -> Method:
        """Return the trained model, or that of the last checkpoint if the run is unfinished."""
        finished = self.folder / "model.safetensors"
        checkpoint = self.folder / "checkpoint.safetensors"
        path = checkpoint if checkpoint.is_file() and not finished.is_file() else finished
        tensors, _ = read_tensors(path)
        if path == checkpoint:
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


def load(folder: str | os.PathLike[str], device: hardware.Device = "cpu") -> Method:
    """Return the trained model of a run folder, on any device.

    Raises:
        UnbraidError: not a run folder, or a file in it that is missing, broken or of another run.

    >>> model = load("runs/vae-mnist-0")  # doctest: +SKIP
    """
    return Run(folder).model(device)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors and its metadata."""
    if not path.is_file():
        raise UnbraidError(
            f"{path} is missing: train again, or restore it from a copy, or delete the "
            "folder to train anew."
        )
    try:
        limits.check_tensors(path)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        return safetensors.torch.load_file(path), metadata
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise UnbraidError(
            f"{path} is damaged ({error}): restore it from a copy, or train again."
        ) from error


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all."""
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    data = safetensors.torch.save(stored, metadata)
    with atomic(path) as temporary:
        temporary.write_bytes(data)


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
            run. A folder that is not there yet is started.
        display: told of progress; may ask to stop.

    Raises:
        UnbraidError: the folder holds another run, is in use or cannot be written; or training
            failed.
        Interrupted: stopped on request, after a checkpoint.
    """
    folder = Path(folder)
    data = load_dataset(config.data, "train", **config.data_options)
    described = config.to_json(data.image_shape, data.specs)
    model = new_model(config.method, data, config.training.seed)
    loop = Loop(model, data, config.training, FolderRecorder(folder, display or Recorder()))
    with locked(folder):
        if (folder / "config.json").exists() and Run(folder).started:
            check_same(folder, described, resume)
            if Run(folder).finished:
                return Run(folder)
        else:
            write_json(folder / "config.json", described)
        for note in data.notes:
            (display or Recorder()).note(note)
        _rewind(folder, loop)
        loop.run()
        with threads(config.training.threads):
            finish(folder, loop)
    return Run(folder)


def check_same(folder: Path, described: dict[str, Any], resume: bool) -> None:
    """Raise an UnbraidError unless the folder's run may be continued by this config."""
    if not resume:
        raise UnbraidError(
            f"{folder} already holds a run: add --resume to continue it, or choose another --out."
        )
    run = Run(folder)
    stored = run.config.to_json(run.image_shape)  # options it was started without at their defaults
    for part in ("method", "data", "training", "image_shape"):
        if stored.get(part) != described[part]:
            keys = described[part] if isinstance(described[part], dict) else ()
            differing = [k for k in keys if stored[part].get(k) != described[part][k]]
            found = ", ".join(
                f"{k} {stored[part].get(k)}, not {described[part][k]}" for k in differing
            )
            raise UnbraidError(
                f"{folder} holds a run with another {part} ({found or stored.get(part)}): "
                "resume it with the options it was started with, or choose another --out."
            )


def _rewind(folder: Path, loop: Loop) -> None:
    """Bring the loop to the folder's checkpoint, and its metrics.jsonl to the same step."""
    for stray in folder.glob(".*-*"):  # what a killed process was writing
        if stray.name.startswith((".checkpoint-", ".model-", ".metrics-", ".result-")):
            stray.unlink(missing_ok=True)
    path = folder / "checkpoint.safetensors"
    if path.is_file():
        tensors, metadata = read_tensors(path)
        try:
            loop.restore(tensors, Progress(**json.loads(metadata["progress"])))
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise UnbraidError(
                f"{path} is not a checkpoint of this run: delete it to start from the beginning."
            ) from error
    kept = [r for r in Run(folder).history() if r.get("step", 0) <= loop.progress.step]
    with atomic(folder / "metrics.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(r) + "\n" for r in kept), encoding="utf-8")


def finish(folder: Path, loop: Loop) -> None:
    """Write the finished model and its result, result.json last: it says that all is there."""
    run = Run(folder)
    write_tensors(folder / "model.safetensors", loop.model.state_dict(), {"format": "pt"})
    unseen = run.unseen()
    with hardware.autocast(loop.device, loop.precision):
        found = evaluation.figures(loop.model.eval(), unseen.images)
    progress = loop.progress
    result = {
        "method": methods.name_of(run.config.method),
        "data": {"name": run.config.data, "split": unseen.split, **trained_on(unseen)},
        "figures": found,
        "training": {
            "seconds": round(progress.seconds, 2),
            "images_per_second": round(
                progress.step * run.config.training.batch_size / max(progress.seconds, 1e-9), 1
            ),
            "steps": progress.step,
            "precision": str(loop.precision).removeprefix("torch."),
            "peak_memory_mb": peak_memory_mb(),
        },
        "machine": machine(loop.device),
    }
    write_json(folder / "result.json", result)
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder, so that two processes cannot train into it at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        import fcntl
    except ImportError:  # Windows has no flock, and the lock is a courtesy
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # the folder itself: no lock file to leave behind
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnbraidError(
                f"another process is training into {folder}: wait for it, or choose another --out."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
