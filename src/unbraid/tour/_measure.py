"""What the tour measures: where codes lie, which factors they follow, what samples look like."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import Dataset
from unbraid.evaluation.scores import Config
from unbraid.runs import Run
from unbraid.runs.evaluating import evaluate
from unbraid.tour._jobs import METRICS, has_scores

PRIOR_RADIUS = 2.4477  # the circle that holds 95% of a two-dimensional standard normal


@dataclass(frozen=True)
class Cloud:
    """A two-dimensional cloud of codes.

    Args:
        codes: (N, 2).
        data: the images they are of.
        centre: their mean, (2,).
        spread: standard deviations along the cloud's long and short axis.
        axis: direction of the long axis in degrees from the first latent's, in [0, 180).
        ones: direction in which the ones lie, seen from the centre, in degrees, in [0, 360).
    """

    codes: NDArray[Any]
    data: Dataset
    centre: NDArray[Any]
    spread: tuple[float, float]
    axis: float
    ones: float

    @property
    def inside_prior(self) -> float:
        """The share of codes in the circle that holds 95% of a standard normal."""
        return float((np.linalg.norm(self.codes, axis=1) < PRIOR_RADIUS).mean())

    @property
    def reach(self) -> float:
        """How far the farthest codes are from 0: the 99% quantile of their distances."""
        return float(np.quantile(np.linalg.norm(self.codes, axis=1), 0.99))


def cloud(run: Run) -> Cloud:
    """Measure the codes that a model with two latents gives to unseen digits."""
    data = run.unseen()
    return measure(run.model().encode(np.asarray(data.images[:])).numpy(), data)


def measure(codes: NDArray[Any], data: Dataset) -> Cloud:
    """Measure codes (N, 2) of a data set's images, whose factor is ``digit``."""
    codes = codes.astype(np.float64)
    centre = codes.mean(0)
    variances, axes = np.linalg.eigh(np.cov(codes.T))
    spread = float(variances[1] ** 0.5), float(max(variances[0], 0) ** 0.5)
    axis = np.degrees(np.arctan2(*axes[::-1, 1])) % 180
    to_ones = codes[data.factor("digit") == 1].mean(0) - centre
    ones = np.degrees(np.arctan2(*to_ones[::-1])) % 360
    return Cloud(codes, data, centre, spread, float(axis), float(ones))


def farthest_apart(clouds: Sequence[Cloud]) -> float:
    """Return the largest distance between two clouds' centres, 0 for one."""
    pairs = itertools.combinations(clouds, 2)
    return max((float(np.linalg.norm(a.centre - b.centre)) for a, b in pairs), default=0.0)


def centres_spread(clouds: Sequence[Cloud]) -> float:
    """Return the root mean square distance of the clouds' centres from their own mean."""
    centres = np.stack([each.centre for each in clouds])
    return float(np.sqrt(np.square(centres - centres.mean(0)).sum(1).mean()))


def agreement(degrees: Sequence[float]) -> float:
    """Return how much directions agree: 1 if all are the same, 0 if they cancel.

    The length of the mean of their unit vectors (Mardia & Jupp 2000, "Directional Statistics",
    section 2.3). Random directions agree by more than 0: see ``chance_agreement``.
    """
    return float(abs(np.exp(1j * np.radians(degrees)).mean()))


@functools.cache
def chance_agreement(count: int) -> tuple[float, float]:
    """Return by how much random directions agree: their mean, and what 5% of draws exceed.

    Simulated with 100,000 draws.

    >>> [round(each, 2) for each in chance_agreement(6)]
    [0.37, 0.69]
    """
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (100_000, count))
    found = np.abs(np.exp(1j * angles).mean(1))
    return float(found.mean()), float(np.quantile(found, 0.95))


def beside_chance(degrees: Sequence[float]) -> str:
    """Say how much directions agree, and whether chance alone explains it."""
    found, (mean, high) = agreement(degrees), chance_agreement(len(degrees))
    more = "more than chance explains" if found > high else "no more than chance explains"
    return (
        f"they agree by {found:.2f} (1 if all are the same), {more}: {len(degrees)} random "
        f"directions agree by {mean:.2f} on average, and by {high:.2f} or more in 5% of cases"
    )


def score(run: Run) -> None:
    """Measure a finished run's disentanglement, as ``unbraid evaluate`` does, into its result.

    The likelihood and the other figures of ``unbraid evaluate`` are not asked for here, and left
    out, since they take longer than these.
    """
    if has_scores(run):
        return
    evaluate([str(run.folder)], Config(metrics=",".join(METRICS)))


def digits_by_likeness(images: NDArray[Any], data: Dataset) -> NDArray[np.int64]:
    """Return for each image (N, C, H, W) on [0, 1] the digit of the real image it is most like."""
    return np.asarray(data.factor("digit")[nearest(images, data)[0]])


def nearest(images: NDArray[Any], data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which real image each image (N, C, H, W) on [0, 1] is most like, and how far it is.

    Distances are squared and summed over pixels, as squared errors are.
    """
    real = np.asarray(data.images[:]).reshape(len(data), -1).astype(np.float32) / 255
    flat = images.reshape(len(images), -1).astype(np.float32)
    # the squared distance without the part that is the same for all real images
    distance = np.square(real).sum(1) - 2 * flat @ real.T
    index = distance.argmin(1)
    far = distance[np.arange(len(flat)), index] + np.square(flat).sum(1)
    return index, far.clip(0)


def shares(digits: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of each digit, (10,)."""
    return np.bincount(digits, minlength=10) / len(digits)


def mismatch(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the share that would have to change for one distribution to be the other."""
    return float(np.abs(one - other).sum() / 2)
