"""Control in Python: generate images by request, edit images, swap factors between images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid import pictures
from unbraid.control import loading
from unbraid.control.closed_loop import ClosedLoop
from unbraid.control.controller import Controller
from unbraid.control.language.parser import build_request, request_of
from unbraid.control.language.request import Request
from unbraid.control.native import Native
from unbraid.control.self_check import warning_for
from unbraid.control.unlabelled import check_labelled
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand
from unbraid.methods import Method

if TYPE_CHECKING:
    from unbraid.runs import Run

Model = Controller | Method | str | os.PathLike[str]
KINDS: tuple[loading.Pretrained, ...] = ("digits", "speech")  # whose words are tried in turn
_STYLES = 1 << 20  # key of the random stream of styles; those of factors are their columns
_opened: dict[tuple[Path, int], Controller] = {}  # by folder and modification time of the weights


def controller_of(model: Model | Run | None = None) -> Controller:
    """Return the controller of a run, of the pretrained model (None), or the given controller.

    A run folder is read once, and again only if its model has changed. A model in memory that takes
    no factors is controlled by the labels of its training, if that was in this session.

    Raises:
        UnbraidError: a model without factors and without a training of this session, or something
            else.
    """
    from unbraid.runs import Run

    if isinstance(model, Method):
        return loading.of_model(model)
    if model is not None and not isinstance(model, str | os.PathLike):
        given: Controller = loading.open(model) if isinstance(model, Run) else model
        if not (hasattr(given, "draw") and hasattr(given, "read")):
            raise UnbraidError(
                f"model is {type(given).__name__}, expected a run folder, a Run, a Controller or a "
                "model that takes factors."
            )
        return given
    folder = loading.pretrained() if model is None else expand(model)
    weights = folder / "model.safetensors"
    key = (folder.resolve(), weights.stat().st_mtime_ns if weights.is_file() else 0)
    if key not in _opened:
        _opened[key] = loading.open(folder)
    return _opened[key]


class Asked(NamedTuple):
    """A request, and the controller that it is of."""

    controller: Controller
    request: Request


def asked(
    text: str,
    model: Model | Run | None = None,
    *,
    clip: bool = False,
    kinds: Sequence[loading.Pretrained] = KINDS,
) -> Asked:
    """Return a request and the model that it is of, the first pretrained one that has its words.

    Args:
        text: the request in words.
        model: a run folder, a Run or a Controller; a pretrained model if None.
        clip: replace a number out of the model's range by the nearest end of the range.
        kinds: the pretrained models to choose from.

    Raises:
        UnbraidError: an unknown word or value, or a model that cannot be controlled.
    """
    from unbraid.runs import Run

    if model is not None:
        controller = controller_of(model)
        return Asked(controller, build_request(controller.specs, clip, text=text))
    refusals = []
    for kind in kinds:
        try:
            folder = loading.pretrained(kind)
            request = build_request(Run(folder).specs, clip, text=text)
        except UnbraidError as error:
            refusals.append(error)
        else:
            return Asked(controller_of(folder), request)
    raise refusals[0]


def generate(
    text: str = "",
    *,
    model: Model | Run | None = None,
    n: int = 16,
    seed: int = 0,
    clip: bool = False,
    candidates: int = 1,
    correct: bool = True,
    **factors: Any,
) -> NDArray[np.float32]:
    """Return images that have the requested factors, (n, C, H, W) float32 on [0, 1].

    Free factors and styles are random. docs/control.md describes the words of requests.

    Args:
        text: the request in words, such as ``"small seven in the top rotated 30 degrees"``.
        model: a run folder, a Run, a Controller, or a model in memory that takes factors; the
            pretrained model of digits if None.
        n: number of images.
        seed: of free factors and styles.
        clip: replace a number out of the model's range by the nearest end of the range.
        candidates: images drawn for each one, of which the one that reads closest to the request
            is kept.
        correct: draw again with the reading error subtracted from the request, three times where
            factors are measured, otherwise once, and keep the closest image.
        **factors: the request by factor, such as ``digit=7, size="small", y="top", angle=30``.

    Raises:
        UnbraidError: an unknown word, factor or value, a contradiction, a number out of range, a
            factor that the model was trained without labels of, or a model that cannot be
            controlled.

    >>> generate("small seven", angle=30, n=4).shape  # doctest: +SKIP
    (4, 1, 32, 32)
    """
    controller = controller_of(model)
    request = request_of(controller.specs, factors, clip, text=text)
    return draw(controller, request, n, seed, candidates, correct)


def draw(
    controller: Controller,
    request: Request,
    n: int = 16,
    seed: int = 0,
    candidates: int = 1,
    correct: bool = True,
) -> NDArray[np.float32]:
    """Return images of a parsed request, as ``generate`` does.

    It warns if the model draws the same image for all requests, or reads most of its images as
    another value than requested.
    """
    n = registry.whole_number(n, "n", 1)
    seed = registry.whole_number(seed, "seed")
    candidates = registry.whole_number(candidates, "candidates", 1)
    check_labelled(controller, request.values)
    loop = ClosedLoop(controller, candidates, correct)
    controller = loop.controller
    examples = controller.examples if isinstance(controller, Native) else None
    rows = request.rows(controller.specs, n, seed, examples)
    styles = np.random.default_rng([seed, _STYLES]).integers(2**63 - 1, size=n)
    images = loop.draw(rows, styles)
    if warning := warning_for(controller, request, rows, images):
        warnings.warn(warning, stacklevel=3)
    return images


def edit(
    images: Any,
    text: str = "",
    *,
    model: Model | Run | None = None,
    clip: bool = False,
    correct: bool = True,
    **factors: Any,
) -> NDArray[np.float32]:
    """Return images with the requested changes and everything else kept, (N, C, H, W) on [0, 1].

    Args:
        images: (N, C, H, W), uint8 or floats on [0, 1]; images of another size or colour than the
            model's are converted, with a warning (``unbraid.pictures.fitted``).
        text: the changes in words, such as ``"bigger, in the bottom left"``.
        model: a run folder, a Run, a Controller, or a model in memory that takes factors; the
            pretrained model of digits if None.
        clip: replace a number out of the model's range by the nearest end of the range.
        correct: as in ``generate``; not where factors are only read by a model that does not take
            them.
        **factors: the changes by factor.

    Raises:
        UnbraidError: as ``generate``, or no images.

    >>> edit(images, "bigger, in the bottom left")  # doctest: +SKIP
    """
    controller = controller_of(model)
    request = request_of(controller.specs, factors, clip, text=text, relative=True)
    return change(controller, _fitted(images, controller), request, correct)


def change(
    controller: Controller, images: Any, request: Request, correct: bool = True
) -> NDArray[np.float32]:
    """Return images with the changes of a parsed request, as ``edit`` does."""
    check_labelled(controller, [*request.values, *request.steps])
    return ClosedLoop(controller, correct=correct).edit(images, request)


def swap(
    a: Any,
    b: Any,
    names: str | Iterable[str],
    *,
    model: Model | Run | None = None,
    correct: bool = True,
) -> NDArray[np.float32]:
    """Return images ``a`` with the named factors of images ``b``, (N, C, H, W) on [0, 1].

    Args:
        a: (N, C, H, W), uint8 or floats on [0, 1], converted to the model's size as in ``edit``.
        b: as many.
        names: factors, as a list or separated by commas.
        model: a run folder, a Run, a Controller, or a model in memory that takes factors; the
            pretrained model of digits if None.
        correct: as in ``edit``.

    Raises:
        UnbraidError: an unknown factor, no images, or unequal numbers of images.

    >>> swap(a, b, ["size", "angle"])  # doctest: +SKIP
    """
    names = _names(names)
    controller = ClosedLoop(controller_of(model), correct=correct)
    if not names:
        known = ", ".join(spec.name for spec in controller.specs)
        raise UnbraidError(f"no factor to swap is given: this model varies {known}.")
    check_labelled(controller, names)
    return controller.swap(_fitted(a, controller), _fitted(b, controller), names)


def _names(given: Any) -> list[str]:
    """Return names of factors, of a list, an array or any other iterable, or of a text.

    Raises:
        UnbraidError: what is no name.
    """
    if isinstance(given, str):
        return [name.strip() for name in given.split(",") if name.strip()]
    names = list(given) if isinstance(given, Iterable) else [given]
    for name in names:
        if not isinstance(name, str):
            raise UnbraidError(
                f"a factor to swap is {name!r}, of type {type(name).__name__}: give names of "
                "factors, as in 'size, angle' or ['size', 'angle']."
            )
    return list(map(str, names))  # NumPy has texts of its own


def _fitted(images: Any, controller: Controller) -> Any:
    """Return images of the model's size and colour, with a warning if they are converted."""
    shape = controller.model.image_shape
    if np.shape(images)[1:] == shape:
        return images
    images, note = pictures.fitted(images, shape, "the image")
    warnings.warn(note, stacklevel=3)
    return images
