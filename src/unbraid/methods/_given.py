"""Images and codes as users give them, brought to arrays or tensors of rows."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.nn import nets

FEW = 500  # images looked at first


def images_given(images: Any, shape: nets.ImageShape) -> Any:
    """Return images in rows (N, C, H, W), where it is clear what they are.

    Lists become arrays, and (N, H, W) gets its one channel.

    Args:
        images: what a user gave.
        shape: (C, H, W) of the model's.

    Raises:
        UnbraidError: what is no array, tensor or list of images.
    """
    if isinstance(images, list | tuple):
        images = _stacked(images)
    elif hasattr(images, "__array__") and not isinstance(images, Tensor | np.ndarray):
        # what is read from a file as it is sliced, such as h5py's arrays, is not read whole
        in_parts = hasattr(images, "ndim") and not hasattr(images, "columns")
        images = images if in_parts else np.asarray(images)
    if not isinstance(images, Tensor | np.ndarray):
        _check_source(images)
        return images
    if images.ndim == 3 and shape[0] == 1 and tuple(images.shape[1:]) == shape[1:]:
        images = images[:, None]
    if isinstance(images, np.ndarray) and images.dtype.kind not in "buif":
        raise UnbraidError(
            f"images are of type {images.dtype}, expected uint8 or floats on [0, 1]: give "
            "images of numbers."
        )
    if images.dtype in (np.uint8, torch.uint8) and not nets.is_transformed():
        _warn_if_dark(images)
    return images


def codes_given(codes: Any, width: int) -> Tensor | np.ndarray[Any, Any]:
    """Return codes in rows (N, D) of numbers, of an array, a tensor or a list.

    Args:
        codes: what a user gave.
        width: D.

    Raises:
        UnbraidError: another shape, or what are no numbers.
    """
    rows = codes
    if not isinstance(rows, Tensor):
        try:
            if isinstance(rows, list | tuple) and any(isinstance(row, Tensor) for row in rows):
                rows = [np.asarray(torch.as_tensor(row).detach().cpu()) for row in rows]
            rows = np.asarray(rows)
            if rows.dtype.kind not in "buif":
                raise ValueError
        except ValueError as error:
            raise UnbraidError(
                f"codes are of type {type(codes).__name__} and hold no rows of numbers: give an "
                f"array, a tensor or a list of shape (N, {width})."
            ) from error
    if rows.ndim != 2 or rows.shape[1] != width:
        raise UnbraidError(f"codes have shape {tuple(rows.shape)}, expected (N, {width}).")
    # of tensors not, which are exported and differentiated
    if isinstance(rows, np.ndarray) and (bad := int((~np.isfinite(rows)).sum())):
        raise UnbraidError(
            f"codes hold {bad} values that are NaN or infinite: decode the others alone."
        )
    found: Tensor | np.ndarray[Any, Any] = rows
    return found


def _stacked(images: list[Any] | tuple[Any, ...]) -> Any:
    """Return a list of images, or of lists of numbers, as an array or a tensor."""
    try:
        if images and all(isinstance(image, Tensor) for image in images):
            return torch.stack(list(images))
        return np.asarray([np.asarray(image) for image in images])
    except (ValueError, RuntimeError, TypeError) as error:
        raise UnbraidError(
            "images are a list of several shapes, expected images of one: bring them to the "
            "shape that the model was trained on."
        ) from error


def _check_source(images: Any) -> None:
    """Raise an UnbraidError unless images are made on demand, as those of a data set may be."""
    if hasattr(images, "shape") and hasattr(images, "__getitem__") and hasattr(images, "__len__"):
        return
    advice = "give the images themselves"
    if hasattr(images, "images") and hasattr(images, "specs"):
        advice = "give its images, as in model.encode(data.images)"
    elif isinstance(images, str | os.PathLike):
        advice = "load them before, as in unbraid.load_dataset(path).images"
    elif isinstance(images, Iterator):
        advice = "make a list of them before, as in list(images)"
    raise UnbraidError(
        f"images are of type {type(images).__name__}, expected an array or a tensor "
        f"(N, C, H, W), or a list: {advice}."
    )


def _warn_if_dark(images: Any) -> None:
    """Warn of binarised images in uint8, whose 1 is nearly black; training reads it as white."""
    if 0 in images.shape or images[:FEW].max() > 1 or images.max() != 1:
        return
    warnings.warn(
        "images are uint8 and hold 0 and 1 alone, which a model reads as black and nearly black, "
        "as uint8 goes to 255: give floats or truth values, or multiply them by 255.",
        stacklevel=4,
    )
