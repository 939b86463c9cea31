"""Checks that a model follows requests, with a warning if it does not."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from unbraid.control.controller import Controller
from unbraid.control.factor_distance import factor_distance
from unbraid.control.language.request import Request
from unbraid.control.native import Native
from unbraid.datasets import remeasured
from unbraid.methods import Method

PROBES = 16  # random requests, drawn in one style
MIN_VARIANCE = 0.02  # share of the pixels' variance between images; less counts as the same image
MAX_DISTANCE = 0.25  # of a factor's range; a larger reading error counts as another value
CHANCE = 0.3  # misread share in every factor if images are independent of requests; 2 levels: 0.5

_unresponsive: WeakKeyDictionary[Method, bool] = WeakKeyDictionary()


def warning_for(
    controller: Controller, request: Request, rows: NDArray[np.float64], images: NDArray[np.float32]
) -> str:
    """Return a warning if images do not follow the request, otherwise ``""``.

    Args:
        controller: that drew the images, without a closed loop.
        request: the request.
        rows: the factors of each image, with random free factors, (N, F).
        images: (N, C, H, W).
    """
    if _is_unresponsive(controller):
        return (
            "the model draws nearly the same image for all requests: train it longer, with more "
            "labels, or with another method."
        )
    read = remeasured(images, controller.specs, controller.read(images))
    for name, share in _misread_shares(controller, request.values, rows, read):
        if share > 0.5:
            return (
                f"the model itself reads another {name} than requested in {share:.0%} of the "
                "images: train it longer, with more labels, or with another method."
            )
    return ""


def _misread_shares(
    controller: Controller,
    names: Iterable[str],
    rows: NDArray[np.float64],
    read: NDArray[np.float64],
) -> Iterable[tuple[str, float]]:
    """Yield each named factor, and the share of images that are read as another value of it."""
    for column, spec in enumerate(controller.specs):
        if spec.name in names:
            only = rows.copy()
            only[:, column] = read[:, column]
            distance = factor_distance(controller.specs, rows, only)
            yield spec.name, float((distance > MAX_DISTANCE).mean())


def _is_unresponsive(controller: Controller) -> bool:
    """Whether images of random requests hardly differ, and are not read as requested."""
    if controller.model not in _unresponsive:
        unfiltered = Native(controller.model) if isinstance(controller, Native) else controller
        examples = controller.examples if isinstance(controller, Native) else None
        rows = Request({}).rows(controller.specs, PROBES, examples=examples)
        images = unfiltered.draw(rows, np.zeros(PROBES, np.int64))
        alike = float(images.var(axis=0).mean()) <= MIN_VARIANCE * float(images.var())
        names = [spec.name for spec in controller.specs]
        shares = _misread_shares(controller, names, rows, controller.read(images))
        _unresponsive[controller.model] = alike and all(share > CHANCE for _, share in shares)
    return _unresponsive[controller.model]
