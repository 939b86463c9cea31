"""What the explorer's page holds of a run besides its networks: latents, codes, images, factors.

Everything is measured on one seeded random sample of held-out images. JSON holds what is short;
numbers and pictures are bytes, see ``Bundle``.
"""

from __future__ import annotations

import dataclasses
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unbraid import __version__, methods
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import specs_to_json
from unbraid.core.signals import Signal
from unbraid.core.subsets import some_rows
from unbraid.explorer import latents
from unbraid.explorer.preparation import preparation
from unbraid.figures import encode, one_of_each
from unbraid.methods import HasPosterior, Method

if TYPE_CHECKING:
    from unbraid.datasets import Dataset
    from unbraid.figures import Codes
    from unbraid.runs import Run

IMAGES = 1500  # held-out images in a page
SHEET = 1 << 20  # bytes of a lossless sheet of images; a larger one is stored as JPEG
LARGEST = 2_250_000  # bytes of any sheet: above it, fewer images are taken
ACROSS = 50  # images in a row of the sheet
STARTS = 10  # held-out images that are offered to start from
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """What a page holds of a run.

    Args:
        about: what JSON holds.
        codes: (N, D) float16, of the sample in its order.
        factors: (N, F) float32, NaN where unknown; (N, 0) without any.
        sheet: the images as one PNG or JPEG file.
    """

    about: dict[str, Any]
    codes: NDArray[np.float16]
    factors: Floats
    sheet: bytes


def sample(run: Run, limit: int = IMAGES) -> Dataset:
    """Return the held-out images that a page holds: a seeded random sample."""
    unseen = run.unseen()
    return unseen.take(some_rows(len(unseen), limit))


def bundle(run: Run, model: Method, data: Dataset) -> Bundle:
    """Return what the page holds of a run.

    Args:
        run: a run, or a model in memory as a run.
        model: its model, on the CPU.
        data: the images, see ``sample``.

    Raises:
        UnbraidError: images of another shape than the model's.
    """
    if data.image_shape != model.image_shape:
        raise UnbraidError(
            f"images of {data.name} have shape {data.image_shape}, expected {model.image_shape}, "
            f"as the model of {run.folder} was trained on."
        )
    packed, data = sheet(data)
    codes = encode(model, data, len(data))
    images = np.asarray(data.images[:])
    about = {
        **described(run),
        "shape": list(model.image_shape),
        "width": model.latent_dim,
        "signal": shown(run.signal),
        "preparation": preparation(run, images),
        "latents": latents.described(model, codes),
        "unit": "nats" if isinstance(model, HasPosterior) else "variance",
        "prior": model.prior_kind,
        "posterior": isinstance(model, HasPosterior),
        "errors": error_quantiles(model, images, codes),
        "plane": plane(codes.mean),
        "factors": specs_to_json(data.specs) if data.factors is not None else [],
        "images": {
            "count": len(data),
            "split": data.split,
            "across": ACROSS,
            "kind": "image/png" if packed.startswith(b"\x89PNG") else "image/jpeg",
            "starts": one_of_each(data, STARTS, 0).tolist(),
        },
    }
    factors = np.zeros((len(data), 0)) if data.factors is None else data.factors
    return Bundle(about, codes.mean.astype(np.float16), factors.astype(np.float32), packed)


def described(run: Run) -> dict[str, Any]:
    """Return what the page tells of a run: its method, data and options."""
    config = run.config
    options = {
        field.name: getattr(config.method, field.name)
        for field in dataclasses.fields(config.method)
    }
    training = config.training
    folder = os.fspath(run.folder)
    return {
        "method": methods.name_of(config.method),
        "folder": "" if folder == "." else folder,
        "name": run.folder.name or methods.name_of(config.method),
        "data": config.data,
        "stage": run.stage,
        "options": {name: str(value) for name, value in options.items()},
        "seed": training.seed,
        "unbraid": __version__,
    }


def error_quantiles(model: Method, images: NDArray[np.uint8], codes: Codes) -> list[float]:
    """Return the percentiles 0 to 100 of the mean squared error of a pixel, by image."""
    errors = []
    for start in range(0, len(images), methods.ROWS):
        part = slice(start, start + methods.ROWS)
        drawn = model.decode(codes.mean[part])
        truth = torch.from_numpy(images[part]).float() / 255
        errors.append((drawn - truth).square().mean((1, 2, 3)))
    found = np.quantile(torch.cat(errors).numpy(), np.linspace(0, 1, 101))
    return [float(f"{error:.4g}") for error in found]


def plane(codes: Floats) -> dict[str, Any] | None:
    """Return centre, axes (2, D) and shares of variance of the two principal components."""
    if codes.shape[1] < 3 or len(codes) < 3:
        return None
    centre = codes.mean(0)
    _, spread, axes = np.linalg.svd(codes - centre, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2].sum(1, keepdims=True) + 1e-12)
    shares = spread**2 / max(float((spread**2).sum()), 1e-12)
    return {
        "centre": centre.round(5).tolist(),
        "axes": axes.round(6).tolist(),
        "shares": shares[:2].round(3).tolist(),
    }


def shown(signal: Signal) -> dict[str, Any]:
    """Return how images are shown: for a sound, its colours, (256, 3), and its caption."""
    about: dict[str, Any] = {"kind": signal.kind}
    if signal.kind == "sound":
        from matplotlib import colormaps

        table = colormaps[signal.colormap](np.arange(256))[:, :3]
        about |= {
            "colours": np.rint(table * 255).astype(int).tolist(),
            "upwards": signal.upwards,
            "caption": signal.caption(),
        }
    return about


def sheet(data: Dataset) -> tuple[bytes, Dataset]:
    """Return a sheet of the images as PNG or, if that is large, JPEG; and the images in it.

    Images of other than three channels lie in it with their channels one below the other.
    """
    packed = _packed(np.asarray(data.images[:]), "PNG")
    if len(packed) > SHEET:
        packed = _packed(np.asarray(data.images[:]), "JPEG")
    if len(packed) <= LARGEST:
        return packed, data
    fewer = max(int(len(data) * LARGEST / len(packed)), 1)
    data = data.take(some_rows(len(data), fewer))
    return _packed(np.asarray(data.images[:]), "JPEG"), data


def _packed(images: NDArray[np.uint8], kind: str) -> bytes:
    count, channels, height, width = images.shape
    if channels != 3:
        images, height = images.reshape(count, 1, channels * height, width), channels * height
    down = -(-count // ACROSS)
    tiles = np.zeros((down * ACROSS, *images.shape[1:]), np.uint8)
    tiles[:count] = images
    grid = tiles.reshape(down, ACROSS, -1, height, width).transpose(0, 3, 1, 4, 2)
    pixels = grid.reshape(down * height, ACROSS * width, -1)
    file = io.BytesIO()
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if kind == "PNG":
        picture.save(file, format="png", optimize=True)
    else:
        picture.save(file, format="jpeg", quality=88, subsampling=0)
    return file.getvalue()
