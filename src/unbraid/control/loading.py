"""The controller of a run: its model if that takes factors, otherwise an estimated one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from unbraid.control.controller import Controller
from unbraid.control.native import Native, takes_factors
from unbraid.core.errors import UnbraidError
from unbraid.methods import Method, labels_of, name_of

if TYPE_CHECKING:
    from unbraid.control.linear_gaussian.controller import Fitted
    from unbraid.runs import Run
    from unbraid.runs.in_memory import MemoryRun

LABELS = 100  # labelled images that a controller is estimated from by default
MAX_LABELS = 5000  # more take longer and do not change the result
PRETRAINED = Path(__file__).parent.parent / "pretrained" / "digits"
Pretrained = Literal["digits", "speech"]
# of models in memory, by their weights; without the models, which end when nobody else has them
_of_models: WeakKeyDictionary[Method, tuple[Any, ...]] = WeakKeyDictionary()


def open(run: Run | str | os.PathLike[str], labels: int | None = None, seed: int = 0) -> Controller:
    """Return the controller of a run.

    The model of a method that takes factors is controlled directly. For any other method, a
    linear-Gaussian model of its codes given the factors is estimated from labelled images the first
    time, and stored in the run folder. It is estimated again if the run has been trained further,
    or if ``labels`` is given.

    Args:
        run: a run, or its folder.
        labels: number of labelled images to estimate it from, 100 if not given; a method trained
            on labels uses the labels that it was given, and no others.
        seed: selects them.

    Raises:
        UnbraidError: not a run folder, or a run on data without factors.

    >>> controller = open("runs/vae-digits-0")  # doctest: +SKIP
    """
    from unbraid.runs import Run
    from unbraid.runs.in_memory import MemoryRun

    run = run if isinstance(run, Run) else Run(run)
    model = run.model()
    if takes_factors(model):
        return Native(model)
    from unbraid.control.linear_gaussian import store
    from unbraid.control.linear_gaussian.controller import Fitted

    if isinstance(run, MemoryRun):  # it has no folder
        return _fitted(run, model, LABELS if labels is None else labels, seed)
    if labels is None and store.is_saved(run.folder, model):
        return Fitted.load(run.folder, model)
    fitted = _fitted(run, model, LABELS if labels is None else labels, seed)
    with suppress(UnbraidError):  # if the folder is read-only, it is estimated again next time
        fitted.save(run.folder)
    return fitted


def of_model(model: Method) -> Controller:
    """Return the controller of a model in memory.

    One that takes no factors needs the labels of its training, as ``open`` does.

    Raises:
        UnbraidError: no training of this session made it, or one without factors.
    """
    if takes_factors(model):
        return Native(model)
    from unbraid.control.linear_gaussian import store
    from unbraid.control.linear_gaussian.controller import Fitted
    from unbraid.runs.in_memory import run_of

    run = run_of(model)
    if run is None:
        raise UnbraidError(
            f"a {name_of(model.config)} takes no factors, so it is controlled by its run, whose "
            "labels say what its latents are, and no training of this session made this model: "
            "give its run folder in place of the model."
        )
    weights, found = store.digest(model), _of_models.get(model)
    if found is None or found[0] != weights:
        fitted = _fitted(run, model, LABELS, 0)
        _of_models[model] = found = weights, fitted.specs, fitted.params, fitted.seed
    return Fitted(model, *found[1:])


def keep(run: MemoryRun, folder: Path) -> None:
    """Store the controller of a run whose training images are not stored with it.

    A run that cannot be controlled, as its images have no labels, is left as it is.
    """
    if not takes_factors(run.model()):
        with suppress(UnbraidError):
            _fitted(run, run.model(), LABELS, 0).save(folder)


def _fitted(run: Run, model: Method, labels: int, seed: int) -> Fitted:
    """Return a controller estimated from labelled images that the run was trained on."""
    from unbraid.control.linear_gaussian.controller import fit
    from unbraid.runs.in_memory import MemoryRun
    from unbraid.training import given_labels, labelled_rows, named, split_rows

    data = run.dataset()
    if data.factors is None:
        of = "this model" if isinstance(run, MemoryRun) else run.folder
        raise UnbraidError(
            f"{of} was trained on data without factors, so it cannot be controlled: train "
            "on data whose factors are known, such as digits or a folder with a subfolder per "
            "class."
        )
    factors = np.array(data.factors, np.float64)
    rows, _ = split_rows(data, run.config.training.validation)
    if (own := labels_of(run.config.method)) is not None:  # only labels that it was given
        labels, seed = own.labels, own.label_seed
        factors = named(data, own).astype(np.float64)
    given = given_labels(data, factors)  # rows are chosen by these, as in training
    usable = int((~np.isnan(given[rows.numpy()]).all(1)).sum())
    chosen = labelled_rows(given, rows, min(labels or usable, usable, MAX_LABELS), seed).numpy()
    return fit(model, model.encode(data.images[chosen]).numpy(), factors[chosen], data.specs)


def pretrained(kind: Pretrained = "digits") -> Path:
    """Return the run folder of a model that is installed with the package.

    Raises:
        UnbraidError: the package was installed without it.
    """
    folder = PRETRAINED if kind == "digits" else PRETRAINED.parent / kind
    if not (folder / "result.json").is_file():
        raise UnbraidError(
            f"this copy of unbraid comes without its pretrained model of {kind}: name a run folder "
            f"with --model (model=...), such as 'unbraid train conditional-vae --data {kind}' "
            "writes."
        )
    return folder
