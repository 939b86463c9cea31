"""Codes of models with two latents as clouds of points: centre, spread and direction."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.datasets import Dataset
from unbraid.runs import Run

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
        """The 99% quantile of the codes' distances from 0."""
        return float(np.quantile(np.linalg.norm(self.codes, axis=1), 0.99))


def cloud(run: Run) -> Cloud:
    """Measure the codes that a model with two latents gives to held-out digits."""
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


def largest_distance(clouds: Sequence[Cloud]) -> float:
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


def compared_with_chance(degrees: Sequence[float]) -> str:
    """Return a sentence on how much directions agree, beside random directions."""
    found, (mean, high) = agreement(degrees), chance_agreement(len(degrees))
    more = "more than chance explains" if found > high else "no more than chance explains"
    return (
        f"they agree by {found:.2f} (1 if all are the same), {more}: {len(degrees)} random "
        f"directions agree by {mean:.2f} on average, and by {high:.2f} or more in 5% of cases"
    )


def both_spreads(cloud: Cloud) -> Sequence[float]:
    """Return the standard deviations along and across a cloud."""
    return cloud.spread


def reach_of(cloud: Cloud) -> Sequence[float]:
    """Return the radius that 99% of a cloud's codes are within."""
    return [cloud.reach]


def distance_from_origin(cloud: Cloud) -> Sequence[float]:
    """Return the distance of a cloud's centre from 0."""
    return [float(np.linalg.norm(cloud.centre))]


def collect(clouds: Sequence[Cloud], of: Callable[[Cloud], Sequence[float]]) -> list[float]:
    """Return the values of all clouds in one list."""
    return [value for cloud in clouds for value in of(cloud)]


def direction_of(cloud: Cloud, digit: int) -> tuple[float, float]:
    """Return the direction, in degrees, and the distance from 0 of a digit's mean code."""
    x, y = cloud.codes[cloud.data.factor("digit") == digit].mean(0)
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.hypot(x, y))
