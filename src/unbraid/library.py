"""The functions of the library: train on a data set or on images in memory, save models.

Arrays become data sets, models in memory become runs, and a terminal or notebook shows progress.
"""

from __future__ import annotations

import dataclasses
import os
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from numpy.typing import ArrayLike

from unbraid import datasets, methods, recipes, runs, training
from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.files import expand
from unbraid.datasets import Dataset, correlated_options
from unbraid.methods import Method, MethodConfig
from unbraid.recipes import Recipe
from unbraid.runs import IN_MEMORY, Forwarding, Run, RunConfig
from unbraid.runs.in_memory import MemoryRun, remember, write
from unbraid.training import Recorder, TrainingConfig, checked_recorder, split_rows

if TYPE_CHECKING:
    from unbraid.progress import Display

Data = Dataset | ArrayLike | torch.Tensor | torch.utils.data.Dataset[Any] | str | os.PathLike[str]


@dataclass
class Trained:
    """Config, data and history of a model in memory, kept as long as the model."""

    config: RunConfig
    data: Dataset
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0


_trained: WeakKeyDictionary[Method, Trained] = WeakKeyDictionary()


def dataset_of(data: Data) -> Dataset:
    """Return a data set of a name, a path, or anything that ``unbraid.as_dataset`` takes.

    Raises:
        UnbraidError: anything else, or images of another shape or range.

    >>> import numpy as np
    >>> dataset_of(np.zeros((5, 16, 16, 3))).image_shape
    (3, 16, 16)
    """
    if isinstance(data, str | os.PathLike):
        return datasets.load_dataset(os.fspath(data))
    return datasets.as_dataset(data)


def train(
    method: MethodConfig | str,
    data: Data,
    *,
    recipe: str = "",
    progress: bool | None = None,
    recorder: Recorder | None = None,
    **options: Any,
) -> Method:
    """Train a method and return the model; no file is written.

    ``unbraid.save`` writes the model as a run, and ``unbraid.draw`` draws its figures.

    Args:
        method: a method's config, or its name for the default one.
        data: a data set; its name or the path of images; images (N, H, W), (N, C, H, W) or
            (N, H, W, C), as an array or a tensor, uint8 or reals in 0..1; or a torch data set of
            images, or of tuples that start with one. Labels come with a data set.
        recipe: published settings: of the method if it is a name, of data if they are a name, and
            of the training. ``unbraid recipes`` lists them.
        progress: whether to show the training on standard error; by default on a terminal and in
            a notebook.
        recorder: gets the events of training, in place of the display.
        **options: fields of ``TrainingConfig`` and, if the method is a name, of its ``Config``;
            they replace those of the recipe.

    Raises:
        UnbraidError: a bad option, a recipe that has no settings for the method, a batch larger
            than the data, a term that is not finite.

    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((300, 16, 16))
    >>> model = train("vae", images, epochs=1)
    >>> model.encode(images[:3, None]).shape
    torch.Size([3, 10])
    >>> train("beta-vae", images, beta=8.0, latent_dim=4, epochs=1).config.beta
    8.0
    """
    recorder = None if recorder is None else checked_recorder(recorder)
    own, options = _method_options(method, options)
    config = methods.configure(method, recipe=recipe, **own) if isinstance(method, str) else method
    if not isinstance(config, MethodConfig):
        raise UnbraidError(
            f"method is of type {type(method).__name__}, expected a method's name, such as 'vae', "
            "or its config, as unbraid.configure returns."
        )
    published = recipes.load(recipe, methods.name_of(config)) if recipe else None
    if published is not None:
        options = published.training_options(options)
    chosen: TrainingConfig = registry.build(TrainingConfig, options, "training")
    loaded, source = _loaded(data, published)
    if published is not None and isinstance(method, str):
        config = methods.configure(method, recipe=recipe, data=source[0], **own)
    trained = Trained(RunConfig(config, *source, chosen, recipe), loaded)
    with _display(config, loaded.name, progress if recorder is None else False) as display:
        then = recorder or display or Recorder()
        model = training.train(config, loaded, recorder=_Remembering(trained, then), **options)
    _trained[model] = trained
    remember(model, memory_run)
    return model


def _method_options(
    method: MethodConfig | str, options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of a method of a name, and the others, which are the training's.

    Raises:
        UnbraidError: an option of the method beside its config, or one of neither.
    """
    config = methods.find(method)[0] if isinstance(method, str) else type(method)
    if not dataclasses.is_dataclass(config):
        return {}, options  # what is no method is refused
    of_training = [each.name for each in dataclasses.fields(TrainingConfig)]
    known = [each.name for each in dataclasses.fields(config) if each.name not in of_training]

    def nearer(name: str) -> bool:  # a misspelt option of the method
        return bool(did_you_mean(name, known)) and not did_you_mean(name, of_training)

    own = {name: options[name] for name in options if name in known or nearer(name)}
    if own and not isinstance(method, str):
        option, value = next(iter(own.items()))
        raise UnbraidError(
            f"'{option}' is an option of the method, whose config is given: set it there, as in "
            f"unbraid.configure('{methods.name_of(method)}', {option}={value!r})."
        )
    for name in options if isinstance(method, str) else ():
        if name in own or name in of_training:
            continue
        others = registry.with_option("methods", name)
        if others or not did_you_mean(name, of_training):
            raise UnbraidError(
                f"unknown option '{name}'{others}: those of the method {method} are "
                f"{', '.join(known)}; those of the training are {', '.join(of_training)}."
            )
    return own, {name: value for name, value in options.items() if name not in own}


def _loaded(data: Data, recipe: Recipe | None) -> tuple[Dataset, tuple[str, dict[str, Any]]]:
    """Return data, and their name and options for a run's config, or that they are in memory."""
    if not isinstance(data, str | os.PathLike):
        loaded = dataset_of(data)
        return loaded, (loaded.name, {IN_MEMORY: True, **correlated_options(loaded)})
    name, implied = datasets.resolve(os.fspath(data))
    options = dict(recipe.data.get(name, {})) if recipe else {}
    loaded = datasets.load_dataset(os.fspath(data), **options)
    options |= {option: str(expand(path).absolute()) for option, path in implied.items()}
    return loaded, (name, options)


class _Remembering(Forwarding):
    """Keeps what a run folder would store, and forwards every event."""

    def __init__(self, trained: Trained, then: Recorder) -> None:
        super().__init__(then)
        self.trained = trained

    def step(
        self, progress: training.Progress, terms: dict[str, float], images_per_second: float
    ) -> None:
        """Count the step and forward it."""
        self.trained.seconds, self.trained.steps = progress.seconds, progress.step
        super().step(progress, terms, images_per_second)

    def epoch(self, record: dict[str, Any]) -> None:
        """Keep the record and forward it."""
        self.trained.history.append(record)
        super().epoch(record)


def _display(config: MethodConfig, data: str, progress: bool | None) -> Display | nullcontext[None]:
    """Return the display of a training, or none; it leaves signals to the user's program."""
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
    """Train into a run folder, or continue the run in it; progress is shown as by ``train``.

    Args:
        config: the method, the data and the training.
        folder: the run folder; made if it does not exist.
        progress: whether to show the training on standard error; by default on a terminal and in
            a notebook.
        display: gets the events of training, in place of the display; may ask to stop.
        **options: those of ``unbraid.runs.train_run``, such as ``resume``.

    Raises:
        UnbraidError: the folder holds another run, is in use or cannot be written; or training
            failed.
        Interrupted: stopped on request, after a checkpoint.
    """
    config = RunConfig.checked(config)
    display = None if display is None else checked_recorder(display, "display")
    with _display(config.method, config.data, progress if display is None else False) as shown:
        return runs.train_run(config, folder, display=display or shown, **options)


def memory_run(model: Method, data: Data | None = None) -> MemoryRun:
    """Return a model in memory as a run, for figures and scores.

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
        if unseen.split == "train":  # the training split of other data than the model's
            unseen = dataclasses.replace(unseen, split="test")
    elif trained is not None:
        unseen = _unseen(trained)
    else:
        raise UnbraidError(
            "unbraid.train did not train this model in this session, so its held-out images are "
            "unknown: give some with data=..."
        )
    if trained is None:
        source = unseen.name, {IN_MEMORY: True}
        return MemoryRun(model, RunConfig(model.config, *source, TrainingConfig()), unseen)
    config = trained.config
    if data is not None:  # the saved run is measured on these
        config = dataclasses.replace(config, data=unseen.name, data_options={IN_MEMORY: True})
    steps = trained.seconds, trained.steps
    return MemoryRun(model, config, unseen, trained.history, steps, trained.data)


def _unseen(trained: Trained) -> Dataset:
    """Return the held-out images of a model that ``train`` trained."""
    config = trained.config
    if not config.data_options.get(IN_MEMORY):
        with suppress(UnbraidError):  # there is no test split
            test = datasets.load_dataset(config.data, "test", **config.data_options)
            if test.split == "test":
                return test
    if trained.data.held_out is not None:
        return trained.data.held_out
    _, held_out = split_rows(trained.data, config.training.validation)
    if not len(held_out):
        return dataclasses.replace(trained.data, split="train")
    return dataclasses.replace(trained.data.take(held_out.numpy()), split="validation")


def save(model: Method, folder: str | os.PathLike[str], data: Data | None = None) -> Run:
    """Write a model in memory as a run folder, for every command and figure.

    A run on a named data set or a path loads it again. Of images in memory, up to 10,000 random
    held-out ones are stored in the folder (fewer if they exceed 256 MB), and, if the training
    images have labels, what requests need (``control.json``).

    Args:
        model: any method's model.
        folder: the run folder; made if it does not exist; it must not hold a run.
        data: images that the model was not trained on; if not given, those that ``unbraid.train``
            did not train it on.

    Returns:
        The run.

    Raises:
        UnbraidError: the folder holds a run or cannot be written, or there are no such images.

    >>> run = save(model, "runs/mine")  # doctest: +SKIP
    """
    from unbraid.control.loading import keep

    if not isinstance(model, Method):
        swapped = isinstance(folder, Method)
        advice = "swap the two" if swapped else "give one that unbraid.train returned"
        raise UnbraidError(
            f"what is to be saved is of type {type(model).__name__}, expected a model first and "
            f"the folder after it: {advice}."
        )
    if not isinstance(folder, str | os.PathLike):
        raise UnbraidError(
            f"the folder is of type {type(folder).__name__}, expected a path: name the folder to "
            "write, as in 'runs/mine'."
        )
    memory = memory_run(model, data)
    run = write(memory, expand(folder))
    if run.data_options.get(IN_MEMORY):
        keep(memory, run.folder)
    return run
