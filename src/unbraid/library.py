"""What Python users call: train on anything that holds images, see it, save it, draw it.

Arrays become data sets, models in memory become runs, and a terminal or notebook shows a training.
"""

from __future__ import annotations

import dataclasses
import os
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from unbraid import datasets, methods, registry, runs, training, unsaved
from unbraid.batches import split_rows
from unbraid.datasets import CHANNELS, Dataset, as_images
from unbraid.errors import UnbraidError
from unbraid.files import expand
from unbraid.methods import Method, MethodConfig
from unbraid.runs import IN_MEMORY, Run, RunConfig
from unbraid.training import Recorder, TrainingConfig
from unbraid.unsaved import MemoryRun

if TYPE_CHECKING:
    from unbraid.progress import Display

Data = Dataset | ArrayLike | torch.Tensor | torch.utils.data.Dataset[Any] | str | os.PathLike[str]


@dataclass
class Trained:
    """How a model in memory came to be, kept for as long as the model is."""

    config: RunConfig
    data: Dataset
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0


_trained: WeakKeyDictionary[Method, Trained] = WeakKeyDictionary()


def dataset_of(data: Data) -> Dataset:
    """Return a data set of whatever holds images.

    Args:
        data: a data set; its name or the path of images; images (N, H, W), (N, C, H, W) or
            (N, H, W, C), as an array or a tensor, uint8 or reals in 0..1; or a torch data set of
            images, or of tuples that start with one.

    Raises:
        UnbraidError: anything else, or images of another shape or range.

    >>> dataset_of(np.zeros((5, 16, 16, 3))).image_shape
    (3, 16, 16)
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | os.PathLike):
        return datasets.load_dataset(os.fspath(data))
    if isinstance(data, torch.utils.data.Dataset):
        data = _stacked(data)
    array = _as_array(data)
    if array.ndim == 4 and (array.shape[1] in CHANNELS) == (array.shape[3] in CHANNELS):
        raise UnbraidError(
            f"images have shape {array.shape}, of which neither axis 1 nor 3 is for sure the 1 to "
            "4 channels: give unbraid.Dataset('images', array) with an array (N, C, H, W) of uint8."
        )
    return Dataset("images", as_images(array, "auto", "images"))


def _as_array(given: Any) -> NDArray[Any]:
    """Return an array, a tensor or a list of images as an array."""
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu()
        given = given.float().numpy() if given.is_floating_point() else given.numpy()
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise UnbraidError(f"the images are not all of one shape ({error}).") from error
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise UnbraidError(
            f"data is of type {type(given).__name__}, expected a data set, its name, the path of "
            "images, an array or tensor of images, or a torch data set."
        )
    return array


def _stacked(source: torch.utils.data.Dataset[Any]) -> NDArray[Any]:
    """Return the images of a torch data set."""
    kind = type(source).__name__
    count = len(source) if hasattr(source, "__len__") else 0
    if not count:
        raise UnbraidError(
            f"{kind} is a torch data set that holds no images or does not count them."
        )
    rows = [source[index] for index in range(count)]
    images = [_as_array(row[0] if isinstance(row, tuple | list) else row) for row in rows]
    if len({image.shape for image in images}) > 1:
        raise UnbraidError(f"the images of {kind} have several shapes: bring them to one size.")
    return np.stack(images)


def train(
    method: MethodConfig | str,
    data: Data,
    *,
    progress: bool | None = None,
    recorder: Recorder | None = None,
    **options: Any,
) -> Method:
    """Train a method on images in memory and return the model; nothing is written.

    ``unbraid.save`` writes the model as a run, and ``unbraid.draw`` draws its figures.

    Args:
        method: a method's config, or its name for the default one.
        data: a data set; its name or the path of images; images (N, H, W), (N, C, H, W) or
            (N, H, W, C), as an array or a tensor, uint8 or reals in 0..1; or a torch data set of
            images, or of tuples that start with one. Labels come with a data set.
        progress: whether to show the training on standard error; by default on a terminal and in
            a notebook.
        recorder: told of steps and epochs, in the place of what is shown.
        **options: fields of ``TrainingConfig``.

    Raises:
        UnbraidError: a bad option, a batch larger than the data, a term that is not finite.

    >>> images = np.random.default_rng(0).random((300, 16, 16))
    >>> model = train("vae", images, epochs=1)
    >>> model.encode(images[:3, None]).shape
    torch.Size([3, 10])
    """
    config = methods.configure(method) if isinstance(method, str) else method
    if not isinstance(config, MethodConfig):
        raise UnbraidError(
            f"method is of type {type(method).__name__}, expected a method's name, such as 'vae', "
            "or its config, as unbraid.configure returns."
        )
    chosen: TrainingConfig = registry.build(TrainingConfig, options, "training")
    loaded = dataset_of(data)
    trained = Trained(RunConfig(config, *_source(data, loaded), chosen), loaded)
    with _display(config, loaded.name, progress if recorder is None else False) as display:
        then = recorder or display or Recorder()
        model = training.train(config, loaded, recorder=_Remembering(trained, then), **options)
    _trained[model] = trained
    return model


def _source(data: Data, loaded: Dataset) -> tuple[str, dict[str, Any]]:
    """Return what a run's config says of its data: a name and options, or that it is in memory."""
    if not isinstance(data, str | os.PathLike):
        return loaded.name, {IN_MEMORY: True}
    name, implied = datasets.resolve(os.fspath(data))
    return name, {option: str(expand(path).absolute()) for option, path in implied.items()}


class _Remembering(Recorder):
    """Keeps what a run folder would, and passes all it hears on."""

    def __init__(self, trained: Trained, then: Recorder) -> None:
        self.trained, self.then = trained, then

    def start(self, progress: training.Progress) -> None:
        """Pass the start on."""
        self.then.start(progress)

    def step(
        self, progress: training.Progress, terms: dict[str, float], images_per_second: float
    ) -> None:
        """Count the step and pass it on."""
        self.trained.seconds, self.trained.steps = progress.seconds, progress.step
        self.then.step(progress, terms, images_per_second)

    def epoch(self, record: dict[str, Any]) -> None:
        """Keep the record and pass it on."""
        self.trained.history.append(record)
        self.then.epoch(record)

    def checkpoint(self, tensors: dict[str, torch.Tensor], progress: training.Progress) -> None:
        """Pass the checkpoint on."""
        self.then.checkpoint(tensors, progress)

    def note(self, sentence: str) -> None:
        """Pass the note on."""
        self.then.note(sentence)

    def warn(self, sentence: str) -> None:
        """Pass the warning on."""
        self.then.warn(sentence)

    def stop_requested(self) -> bool:
        """Ask what listens."""
        return self.then.stop_requested()


def _display(config: MethodConfig, data: str, progress: bool | None) -> Display | nullcontext[None]:
    """Return what shows a training, or nothing; a user's own program keeps its signals."""
    from unbraid.progress import Display, wanted

    if not wanted(progress):
        return nullcontext()
    return Display(f"{methods.name_of(config)} on {data}", signals=False)


def train_run(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    progress: bool | None = None,
    display: Recorder | None = None,
    **options: Any,
) -> Run:
    """Train into a run folder, or go on where one was interrupted; shown as ``train`` is.

    Args:
        config: what to train, on what, how.
        folder: the run folder; made if it is not there.
        progress: whether to show the training on standard error; by default on a terminal and in
            a notebook.
        display: told of progress, in the place of what is shown; may ask to stop.
        **options: those of ``unbraid.runs.train_run``, such as ``resume``.

    Raises:
        UnbraidError: the folder holds another run, is in use or cannot be written; or training
            failed.
        Interrupted: stopped on request, after a checkpoint.
    """
    with _display(config.method, config.data, progress if display is None else False) as shown:
        return runs.train_run(config, folder, display=display or shown, **options)


def memory_run(model: Method, data: Data | None = None) -> MemoryRun:
    """Return a model in memory as a run, of which figures are drawn and scores taken.

    Args:
        model: any method's model.
        data: images that it was not trained on; if not given, the test split of the named data set
            that ``unbraid.train`` trained it on, or the images it held out.

    Raises:
        UnbraidError: no images, for a model that ``unbraid.train`` did not train.
    """
    trained = _trained.get(model)
    if data is not None:
        unseen = dataset_of(data)
        if unseen.split == "train":  # of the caller's own data, not of the model's
            unseen = dataclasses.replace(unseen, split="test")
    elif trained is not None:
        unseen = _unseen(trained)
    else:
        raise UnbraidError(
            "unbraid.train did not train this model in this session, so no images are known that "
            "it has not seen: give some with data=..."
        )
    if trained is None:
        source = unseen.name, {IN_MEMORY: True}
        return MemoryRun(model, RunConfig(model.config, *source, TrainingConfig()), unseen)
    config = trained.config
    if data is not None:  # figures of the saved run are to show these
        config = dataclasses.replace(config, data=unseen.name, data_options={IN_MEMORY: True})
    steps = trained.seconds, trained.steps
    return MemoryRun(model, config, unseen, trained.history, steps, trained.data)


def _unseen(trained: Trained) -> Dataset:
    """Return images that ``train`` did not train on."""
    config = trained.config
    if not config.data_options.get(IN_MEMORY):
        with suppress(UnbraidError):  # there is no test split
            test = datasets.load_dataset(config.data, "test", **config.data_options)
            if test.split == "test":
                return test
    _, held_out = split_rows(len(trained.data), config.training.validation)
    if not len(held_out):
        return dataclasses.replace(trained.data, split="train")
    return dataclasses.replace(trained.data.take(held_out.numpy()), split="validation")


def save(model: Method, folder: str | os.PathLike[str], data: Data | None = None) -> Run:
    """Write a model in memory as a run folder, which every command and figure opens.

    A run on a named data set or a path loads it again. Of images in memory, a random 10,000 of
    those that the model has not seen are stored in the folder (fewer if they take over 256 MB).

    Args:
        model: any method's model.
        folder: the run folder; made if it is not there, and must not hold a run.
        data: images that the model was not trained on; if not given, those that ``unbraid.train``
            did not train it on.

    Returns:
        The run.

    Raises:
        UnbraidError: the folder holds a run or cannot be written, or there are no such images.

    >>> run = save(model, "runs/mine")  # doctest: +SKIP
    """
    return unsaved.write(memory_run(model, data), expand(folder))
