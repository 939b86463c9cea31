"""What a run is measured on, and what metrics are told of it: codes, images, likelihoods."""

from __future__ import annotations

import dataclasses
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid import datasets, fresh, metrics, registry
from unbraid.batches import generator
from unbraid.datasets import OWN, Dataset, ImageSource
from unbraid.distributions import Layout, gaussian_log_density
from unbraid.errors import UnbraidError
from unbraid.files import expand
from unbraid.methods import Autoencoder, Method
from unbraid.nets import ImageShape, as_pixels
from unbraid.runs import Run
from unbraid.subsets import some_rows

WEIGHED = 500  # images whose likelihood is estimated: each costs a decoding per sample
Groups = dict[str, dict[str, Any]]
Coded = tuple[NDArray[np.float64], tuple[int, ...]]  # codes, and the levels of their categories

SPLITTING = {"split_seed", "full"}  # options that choose among the same images

# -- which images ---------------------------------------------------------------------------------


def chosen_rows(data: Dataset, limit: int, seed: int) -> Dataset:
    """Return at most ``limit`` rows of a data set, drawn by the seed and in their order."""
    return data.take(some_rows(len(data), limit, seed))


def subject(run: Run, other: str, protocol: str, limit: int, seed: int) -> Dataset:
    """Return the images a run is measured on: those it was not trained on, or others.

    Args:
        run: a finished run.
        other: another data set, as a user names it; empty for the run's own.
        protocol: of the metrics, which may ask for a number of images itself.
        limit: at most so many, drawn at random.
        seed: of the draw.
    """
    data = other_data(run, other) if other else run.unseen()
    sizes = metrics.SIZES.get(protocol)
    if sizes and not fresh.can_draw(data):
        limit = sum(sizes)
    return chosen_rows(data, limit, seed)


def other_data(run: Run, name: str) -> Dataset:
    """Load data that a user names, in the shape that the run's model takes.

    If it is the run's own, wherever it lies now, these are images that the run was not trained on:
    another split of it would hold others.

    Args:
        run: a finished run.
        name: a data set's name, or a path.
    """
    kind, implied = datasets.resolve(name)
    path = {key: str(expand(each).absolute()) for key, each in implied.items()}
    own = run.config.data_options if kind == run.config.data else {}
    same = kind == run.config.data and path.items() <= own.items()
    if same and (path or own.get("full") or not own.keys() - SPLITTING):
        return run.unseen()
    if path and run.config.data in OWN and (found := _moved(run, path["path"])) is not None:
        return found
    # its own split, or other files read in the same way
    left = ("labels", "split_seed", "full")
    kept = {
        key: own[key] for key in own if (key in ("path", "split_seed") if same else key not in left)
    }
    config = registry.load("datasets", kind).Config
    return datasets.load_dataset(kind, "test", **fitting(config, run.image_shape) | kept | path)


def _moved(run: Run, path: str) -> Dataset | None:
    """Return the run's unseen images if its own data lie at a path now, None if others do."""
    if not run.fingerprints:
        return None
    with suppress(UnbraidError):  # they are other data
        moved = Run(run.folder, data=path)
        if "test" not in run.fingerprints:
            moved.dataset("train")
        return moved.unseen()
    if not Path(run.config.data_options["path"]).exists():
        warnings.warn(
            f"{path} is not the data that {run.folder} was trained on: it is measured as other "
            "data, though the model may have been trained on some of it.",
            stacklevel=2,
        )
    return None


def fitting(config: type[Any], shape: ImageShape) -> dict[str, Any]:
    """Return the options of a data set under which its images have a shape, where it has such.

    >>> fitting(registry.load("datasets", "folder").Config, (1, 28, 28))
    {'size': 28, 'channels': 1}
    """
    channels, height, _ = shape
    hints = get_type_hints(config)
    found = {name: height for name in ("size", "canvas") if hints.get(name) is int}
    return found | ({"channels": channels} if channels in get_args(hints.get("channels")) else {})


# -- what metrics are told of them ----------------------------------------------------------------


def as_factors(codes: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return codes with one column a latent: a category's probabilities become its index.

    >>> as_factors(np.array([[0.1, 0.9, 0.5]]), Layout((2,), 1))
    array([[1. , 0.5]])
    """
    blocks = np.split(codes, np.cumsum(layout.categories), axis=1)
    return np.column_stack([*(block.argmax(1) for block in blocks[:-1]), blocks[-1]])


def varying(data: Dataset) -> Dataset:
    """Return the data set without the factors that have a single value in it."""
    if data.factors is None:
        return data
    # NaN is a label that is not known
    kept = [j for j, v in enumerate(data.factors.T) if len(np.unique(v[~np.isnan(v)])) > 1]
    specs = tuple(data.specs[j] for j in kept)
    factors = data.factors[:, kept] if len(kept) else None
    return dataclasses.replace(data, factors=factors, specs=specs)


def encoded(model: Method, images: ImageSource) -> NDArray[np.float64]:
    """Return the codes of images as metrics take them, see ``as_factors``."""
    codes = model.encode(np.asarray(images[:])).double().numpy()
    return as_factors(codes, model.layout)


def coded(model: Method, images: ImageSource) -> Coded:
    """Return the codes of images as metrics take them, and the levels of their categories."""
    return encoded(model, images), model.layout.categories


@torch.no_grad()
def log_weights(model: Autoencoder, images: Tensor, samples: int, seed: int) -> NDArray[Any]:
    """Return log p(x|z) p(z) / q(z|x) at draws from the posterior, (N, samples), nats.

    Burda et al. 2016, "Importance Weighted Autoencoders", equation 8.

    Args:
        model: a method with a Gaussian posterior over all its latents.
        images: (N, C, H, W) on [0, 1].
        samples: draws an image.
        seed: of the draws.
    """
    noise = generator(model.device, seed)
    rows = []
    for image in torch.split(images.to(model.device), 1):
        posterior = model.posterior(image)
        assert posterior is not None  # callers ask only for methods that have one
        mean, logvar = posterior
        epsilon = torch.randn((samples, mean.shape[1]), generator=noise, device=model.device)
        z = mean + (0.5 * logvar).exp() * epsilon  # (samples, D)
        zero = z.new_zeros(())
        log_prior = gaussian_log_density(z, zero, zero).sum(1)
        log_q = gaussian_log_density(z, mean, logvar).sum(1)
        log_p = model.log_likelihood(z, image.expand(samples, -1, -1, -1))
        rows.append((log_p + log_prior - log_q).cpu())
    weights: NDArray[Any] = torch.stack(rows).double().numpy()
    return weights


def inputs(
    model: Method, data: Dataset, needed: set[str], protocol: str, samples: int, seed: int
) -> tuple[Groups, tuple[str, ...]]:
    """Return the arguments of ``metrics.evaluate``, in groups measured apart, and notes on codes.

    Args:
        model: any method's model.
        data: images, with factors where there are some.
        needed: names of arguments that some metric cannot do without: of what takes long, only
            these are made.
        protocol: ``"none"`` or a name of ``metrics.PROTOCOLS``.
        samples: importance samples an image.
        seed: of every draw.
    """
    images = np.asarray(data.images[:])
    gaussian = isinstance(model, Autoencoder) and not model.layout.categories
    with torch.no_grad():
        gaussian = gaussian and model.posterior(model.to_pixels(images[:1])) is not None
    known = varying(data)
    if protocol in metrics.SIZES and known.factors is not None:
        group, notes = _published(model, data, known, protocol, seed)
    else:
        group, notes = {"codes": encoded(model, images)}, ()
        if known.factors is not None:
            group["factors"] = known.factors
        if gaussian:
            group["logvar"] = model.encode_posterior(images)[1].double().numpy()
    if known.factors is not None:
        group["specs"] = known.specs
    if model.layout.categories:
        group["categories"] = model.layout.categories
    groups: Groups = {"codes": group}
    if "images" in needed:
        pixels = as_pixels(torch.tensor(images)).numpy()  # a copy: files are mapped read-only
        groups["images"] = {"images": pixels, "reconstructions": model.reconstruct(images).numpy()}
    if "log_weights" in needed and gaussian and isinstance(model, Autoencoder):
        some = as_pixels(torch.tensor(images[some_rows(len(images), WEIGHED, seed)]))
        groups["likelihood"] = {"log_weights": log_weights(model, some, samples, seed)}
    return groups, notes


def _published(
    model: Method, data: Dataset, known: Dataset, protocol: str, seed: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return codes and factors to fit on and to test on, as many as a protocol says, and a note.

    Factors are drawn anew and encoded, as published; where the data makes no images of given
    factors, rows of it stand in.

    Args:
        model: any method's model.
        data: images and factors.
        known: the same, with those factors that vary.
        protocol: a name of ``metrics.SIZES``.
        seed: of the draws.
    """
    train, test = metrics.SIZES[protocol]
    rng = np.random.default_rng(seed)
    group: dict[str, Any] = {}
    if fresh.can_draw(data):
        columns = np.array([data.factor_names.index(name) for name in known.factor_names])
        encoder = fresh.encoder(data, lambda images: encoded(model, images), columns)
        factors: NDArray[Any] = fresh.draw_factors(known.specs, train + test, rng)
        codes, group["encoder"] = encoder(factors, rng), encoder
        note = f"{train:,} fresh draws of the factors to fit on and {test:,} to test on"
        if data.one_each:
            note += f", from all images of {data.name}, those trained on among them, as published"
    else:
        factors = np.asarray(known.factors)
        order = rng.permutation(len(factors))
        codes, factors = encoded(model, data.images)[order], factors[order]
        asked = f"{train:,} and {test:,} fresh draws of the factors that {protocol} asks for"
        train = min(train, round(len(order) * train / (train + test)))
        note = (
            f"{data.name} cannot be drawn by its factors: {train:,} of its images to fit on and "
            f"{len(order) - train:,} to test on stand in for the {asked}"
        )
    group |= {"codes": codes[:train], "factors": factors[:train]}
    return group | {"test": (codes[train:], factors[train:])}, (note,)
