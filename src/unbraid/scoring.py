"""Every metric of a trained run: ``unbraid evaluate RUN``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid import metrics, registry
from unbraid.batches import generator
from unbraid.datasets import Dataset
from unbraid.distributions import Layout, gaussian_log_density
from unbraid.errors import UnbraidError
from unbraid.methods import Autoencoder, Method
from unbraid.metrics import Estimate, Score
from unbraid.nets import as_pixels
from unbraid.runs import Run

WEIGHED = 500  # images whose likelihood is estimated: each costs a decoding per sample


@dataclass(frozen=True)
class Config:
    """What to measure, and on what.

    Args:
        metrics: ``all``, or names with commas between them (``mig,dci``).
        protocol: a published set of settings: ``locatello2019``, ``chen2018``, ``hsu2023``.
        data: another data set than the run's own, by name or path; images the run did not train
            on are used of its own, also if they have moved to this path.
        images: at most so many are encoded.
        samples: importance samples an image for the log-likelihood.
        seed: of every draw, split and predictor.
        json: print the scores as JSON instead of a table.
    """

    metrics: str = "all"
    protocol: Literal["none", "locatello2019", "chen2018", "hsu2023"] = "none"
    data: str = ""
    images: int = 10_000
    samples: int = 100
    seed: int = 0
    json: bool = False


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
    kept = np.flatnonzero(np.ptp(data.factors, axis=0) > 0)
    specs = tuple(data.specs[j] for j in kept)
    factors = data.factors[:, kept] if len(kept) else None
    return dataclasses.replace(data, factors=factors, specs=specs)


def chosen_rows(data: Dataset, limit: int, seed: int) -> Dataset:
    """Return at most ``limit`` rows of a data set, drawn by the seed and in their order."""
    rows = np.random.default_rng(seed).permutation(len(data))[:limit]
    return data.take(np.sort(rows))


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


def inputs(model: Method, data: Dataset, config: Config) -> dict[str, dict[str, Any]]:
    """Return the arguments of ``metrics.evaluate``, in groups measured apart."""
    images = np.asarray(data.images[:])
    codes = model.encode(images)
    group: dict[str, Any] = {"codes": as_factors(codes.double().numpy(), model.layout)}
    if data.factors is not None:
        group |= {"factors": data.factors, "specs": data.specs}
    if model.layout.categories:
        group["categories"] = model.layout.categories
    gaussian = isinstance(model, Autoencoder) and not model.layout.categories
    with torch.no_grad():
        gaussian = gaussian and model.posterior(model.to_pixels(images[:1])) is not None
    groups = {"codes": group}
    if gaussian:
        group["logvar"] = model.encode_posterior(images)[1].double().numpy()
    pixels = as_pixels(torch.tensor(images)).numpy()  # a copy: files are mapped read-only
    groups["images"] = {"images": pixels, "reconstructions": model.decode(codes).numpy()}
    if gaussian and isinstance(model, Autoencoder):
        some = torch.as_tensor(pixels[:WEIGHED])
        weights = log_weights(model, some, config.samples, config.seed)
        groups["likelihood"] = {"log_weights": weights}
    return groups


def measure(
    model: Method, data: Dataset, config: Config, others: Sequence[Method] = ()
) -> dict[str, Score]:
    """Return the scores of a model on a data set, by metric.

    Args:
        model: any method's model.
        data: images, with factors where there are some.
        config: what to measure.
        others: models of other trainings, for the metrics that compare several.

    Raises:
        UnbraidError: an unknown metric, or one whose inputs this model or data cannot give.
    """
    data = varying(data)
    groups = inputs(model, data, config)
    if others:
        codes = [m.encode(np.asarray(data.images[:])).double().numpy() for m in others]
        runs = [as_factors(c, m.layout) for c, m in zip(codes, others, strict=True)]
        groups["runs"] = {"runs": [groups["codes"]["codes"], *runs]}
    protocol = None if config.protocol == "none" else config.protocol
    asked = None if config.metrics == "all" else [n.strip() for n in config.metrics.split(",")]
    if protocol and asked is None:
        asked = sorted(metrics.PROTOCOLS[protocol])
    wanted = [registry.check("metrics", n) for n in asked or registry.names("metrics")]
    scores: dict[str, Score] = {}
    for name in wanted:
        needed = set(metrics.needs(registry.load("metrics", name)))
        group = next((g for g in groups.values() if needed <= set(g)), None)
        if group is not None:
            options = {k: v for k, v in group.items() if v is not None}
            scores |= metrics.evaluate(
                metrics=[name], protocol=protocol, seed=config.seed, **options
            )
        elif asked is not None:
            raise UnbraidError(_not_applicable(name, needed, groups, data))
    return scores


def _not_applicable(
    name: str, needed: set[str], groups: Mapping[str, Mapping[str, Any]], data: Dataset
) -> str:
    """Say why a metric that was asked for cannot be had."""
    said = f"metric {name} needs {' and '.join(sorted(needed))}, which"
    if "categories" in needed and "categories" not in groups["codes"]:
        return f"{said} this run's method does not give: it has no categorical code."
    return f"{said} {data.name} and this run do not give together."


def of_first_run(score: Score) -> Score:
    """Return a UDR whose value is that of the first of the compared runs, beside their mean.

    The error is the spread of the run's agreement with each of the others; one other tells none.
    """
    agreements = np.delete(score.detail["pairs"][:, 0], 0)
    spread = math.nan
    if len(agreements) > 1:
        spread = float(agreements.std(ddof=1) / math.sqrt(len(agreements)))
    own = Estimate(float(score.detail["per_run"][0]), spread)
    everyone = Estimate(score.value, score.standard_error)
    return dataclasses.replace(
        score,
        value=own.value,
        standard_error=own.standard_error,
        parts={"of this run": own, "mean of the runs": everyone},
    )


def evaluate(names: Sequence[str], config: Config) -> dict[str, dict[str, Score]]:
    """Measure runs, write each one's scores into its result.json and return them by folder.

    Args:
        names: run folders; several are also compared with each other (UDR).
        config: what to measure.

    Raises:
        UnbraidError: a folder that is not a finished run, or a metric that cannot be had.
    """
    runs = [Run(name) for name in names]
    for run in runs:
        if not run.finished:
            raise UnbraidError(f"{run.folder} is not finished: train it to its end, with --resume.")
    models = [run.model() for run in runs]
    found = {}
    for index, run in enumerate(runs):
        data = run.other(config.data) if config.data else run.unseen()
        data = chosen_rows(data, config.images, config.seed)
        others = [model for i, model in enumerate(models) if i != index]
        scores = measure(models[index], data, config, others)
        if "udr" in scores:
            scores["udr"] = of_first_run(scores["udr"])
        stored: Mapping[str, Any] = {name: score.to_json() for name, score in scores.items()}
        told = {"name": data.name, "split": data.split, "images": len(data)}
        run.record(partial(with_scores, scores=stored, data=told))
        found[str(run.folder)] = scores
    return found


def with_scores(
    result: Mapping[str, Any], scores: Mapping[str, Any], data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a run's result with scores in it, beside others that are there."""
    return {**result, "metrics": {**result.get("metrics", {}), **scores}, "metrics_data": data}


def table_rows(scores: Mapping[str, Score]) -> list[tuple[str, str, str, str]]:
    """Return (metric, value, standard error, variant) of each number, as text."""
    return [
        (label, _text(value), _text(error), score.variant)
        for score in scores.values()
        for label, value, error in score.rows()
    ]


def _text(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"
