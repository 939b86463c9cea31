"""What makes one doubt that a model does what it is asked: found cheaply, said in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from unbraid.control._loop import gap
from unbraid.control.controller import Controller, Native
from unbraid.control.requests import Request
from unbraid.methods import Method

PROBES = 16  # random requests, drawn in one style
ALIKE = 0.02  # share of the pixels' variance that lies between them; less is the same image
OFF = 0.25  # of a factor's range: a reading further from the request than this is of another value
CHANCE = 0.3  # of readings are off in every factor, if images say nothing of any: two values, half

_stubborn: WeakKeyDictionary[Method, bool] = WeakKeyDictionary()


def doubts(
    controller: Controller, request: Request, rows: NDArray[np.float64], images: NDArray[np.float32]
) -> str:
    """Return a sentence if images do not follow what was asked, else ``""``.

    Args:
        controller: what drew the images.
        request: what was asked.
        rows: the factors of each image, the free ones drawn at random, (N, F).
        images: (N, C, H, W).
    """
    if _draws_the_same(controller):
        return (
            "the model draws nearly the same image whatever is asked: train it longer, with more "
            "labels, or with another method."
        )
    found = controller.read(images)
    for name, share in _off(controller, request.values, rows, found):
        if share > 0.5:
            return (
                f"the model itself reads another {name} than was asked in {share:.0%} of the "
                "images: train it longer, with more labels, or with another method."
            )
    return ""


def _off(
    controller: Controller,
    asked: Iterable[str],
    rows: NDArray[np.float64],
    found: NDArray[np.float64],
) -> Iterable[tuple[str, float]]:
    """Yield each factor asked for, and the share of images that read as another value of it."""
    for column, spec in enumerate(controller.specs):
        if spec.name in asked:
            read = rows.copy()
            read[:, column] = found[:, column]
            yield spec.name, float((gap(controller.specs, rows, read) > OFF).mean())


def _draws_the_same(controller: Controller) -> bool:
    """Whether random requests give images that hardly differ, and that do not read as asked."""
    if controller.model not in _stubborn:
        drawer = Native(controller.model) if isinstance(controller, Native) else controller
        examples = controller.examples if isinstance(controller, Native) else None
        rows = Request({}).rows(controller.specs, PROBES, examples=examples)
        images = drawer.draw(rows, np.zeros(PROBES, np.int64))
        alike = float(images.var(axis=0).mean()) <= ALIKE * float(images.var())
        names = [spec.name for spec in controller.specs]
        _stubborn[controller.model] = alike and all(
            share > CHANCE for _, share in _off(controller, names, rows, controller.read(images))
        )
    return _stubborn[controller.model]
