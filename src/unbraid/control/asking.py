"""Images by request: generate new ones, edit some, swap factors between two."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid import pictures
from unbraid.control._doubts import doubts
from unbraid.control._loop import obeying
from unbraid.control.controller import Controller, Native, pretrained
from unbraid.control.controller import open as open_run
from unbraid.control.requests import Request, build_request
from unbraid.errors import UnbraidError
from unbraid.files import expand

if TYPE_CHECKING:
    from unbraid.runs import Run

Model = Controller | str | os.PathLike[str]
_STYLES = 1 << 20  # names the stream of styles; those of factors are named by their columns
_opened: dict[tuple[Path, int], Controller] = {}  # by folder and age of the weights


def controller_of(model: Model | Run | None = None) -> Controller:
    """Return the controller of a run, of the pretrained model (None), or the one given.

    A run folder that was opened before is not read again, unless its model has changed.
    """
    from unbraid.runs import Run

    if model is not None and not isinstance(model, str | os.PathLike):
        return open_run(model) if isinstance(model, Run) else model
    folder = pretrained() if model is None else expand(model)
    weights = folder / "model.safetensors"
    key = (folder.resolve(), weights.stat().st_mtime_ns if weights.is_file() else 0)
    if key not in _opened:
        _opened[key] = open_run(folder)
    return _opened[key]


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
    """Return images that have what was asked, (n, C, H, W) float32 on [0, 1].

    What is not asked for is drawn at random, as is the style. See docs/control.md for the words.

    Args:
        text: the request in words, such as ``"small seven in the top rotated 30 degrees"``.
        model: a run folder, a Run or a Controller; the pretrained model of digits if None.
        n: how many images.
        seed: draws what is free.
        clip: take the nearest value for a number out of the model's range.
        candidates: images tried for each one, of which the one that reads closest is kept.
        correct: try once more with the reading's error added to the request.
        **factors: the request by factor, such as ``digit=7, size="small", y="top", angle=30``.

    Raises:
        UnbraidError: a word, factor or value that is not understood, a contradiction, a number out
            of range, or a model that cannot be asked.

    >>> generate("small seven", angle=30, n=4).shape  # doctest: +SKIP
    (4, 1, 32, 32)
    """
    controller = controller_of(model)
    request = build_request(controller.specs, clip, text=text, **factors)
    return draw(controller, request, n, seed, candidates, correct)


def draw(
    controller: Controller,
    request: Request,
    n: int = 16,
    seed: int = 0,
    candidates: int = 1,
    correct: bool = True,
) -> NDArray[np.float32]:
    """Return images of a request already understood, as ``generate`` does.

    A warning says so if the model draws the same image whatever is asked, or reads most of its
    images as something else.
    """
    if candidates < 1:
        raise UnbraidError(f"candidates is {candidates}, expected 1 or more.")
    examples = controller.examples if isinstance(controller, Native) else None
    rows = request.rows(controller.specs, n, seed, examples)
    styles = np.random.default_rng([seed, _STYLES]).integers(2**63 - 1, size=n)
    if isinstance(controller, Native):
        candidates = max(candidates, controller.candidates)
        correct = correct or controller.correct
        controller = Native(controller.model, reject=controller.reject)
    images = obeying(
        controller.draw, controller.read, controller.specs, rows, styles, candidates, correct
    )
    if doubt := doubts(controller, request, rows, images):
        warnings.warn(doubt, stacklevel=3)
    return images


def edit(
    images: Any,
    text: str = "",
    *,
    model: Model | Run | None = None,
    clip: bool = False,
    **factors: Any,
) -> NDArray[np.float32]:
    """Return images with what was asked changed and all else kept, (N, C, H, W) on [0, 1].

    Args:
        images: (N, C, H, W), uint8 or floats on [0, 1]; of another size or colour than the model's
            they are brought to it, with a warning (``unbraid.pictures.fitted``).
        text: the changes in words, such as ``"bigger, in the bottom left"``.
        model: a run folder, a Run or a Controller; the pretrained model of digits if None.
        clip: take the nearest value for a number out of the model's range.
        **factors: the changes by factor.

    Raises:
        UnbraidError: as ``generate``, or no images.

    >>> edit(images, "bigger, in the bottom left")  # doctest: +SKIP
    """
    controller = controller_of(model)
    request = build_request(controller.specs, clip, text=text, relative=True, **factors)
    return controller.edit(_fitted(images, controller), request)


def swap(
    a: Any, b: Any, names: str | Sequence[str], *, model: Model | Run | None = None
) -> NDArray[np.float32]:
    """Return images ``a`` with the named factors of images ``b``, (N, C, H, W) on [0, 1].

    Args:
        a: (N, C, H, W), uint8 or floats on [0, 1], brought to the model's size as in ``edit``.
        b: as many.
        names: factors, as a list or with commas between them.
        model: a run folder, a Run or a Controller; the pretrained model of digits if None.

    Raises:
        UnbraidError: an unknown factor, no images, or another number of them.

    >>> swap(a, b, ["size", "angle"])  # doctest: +SKIP
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",") if name.strip()]
    controller = controller_of(model)
    if not names:
        known = ", ".join(spec.name for spec in controller.specs)
        raise UnbraidError(f"no factor to swap was named: this model varies {known}.")
    return controller.swap(_fitted(a, controller), _fitted(b, controller), names)


def _fitted(images: Any, controller: Controller) -> Any:
    """Return images of the model's size and colour, with a warning if they were of another."""
    shape = controller.model.image_shape
    if np.shape(images)[1:] == shape:
        return images
    images, note = pictures.fitted(images, shape, "the image")
    warnings.warn(note, stacklevel=3)
    return images
