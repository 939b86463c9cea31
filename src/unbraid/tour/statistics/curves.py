"""Results of beta-VAE and beta-TCVAE at each beta, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.runs import scores_by_metric
from unbraid.tour.statistics import spread

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


LABELS = {"beta-vae": "β-VAE", "beta-tcvae": "β-TCVAE"}
SCORES = {"mig": "MIG", "dci": "DCI"}
EXAMPLE_BETA = 4  # the beta of examples


@dataclass(frozen=True)
class Point:
    """A method at one beta: each number over seeds, in the seeds' order.

    Args:
        reconstruction, kl: nats per held-out image.
        scores: of each metric, 0 to 1.
        active: latents in use.
    """

    reconstruction: Sequence[float]
    kl: Sequence[float]
    scores: Mapping[str, Sequence[float]]
    active: Sequence[float]


Curve = Mapping[int, Point]


def read_curve(tour: Tour, method: str) -> Curve:
    """Return a method's points by beta, from the results of its trainings."""
    points = {}
    for beta, names in tour.curve(method).items():
        results = [tour.run(name).result for name in names]
        figures = [result["reconstruction_stats"] for result in results]
        points[beta] = Point(
            [each["reconstruction"] for each in figures],
            [each["kl"] for each in figures],
            {name: [score(result, name) for result in results] for name in SCORES},
            [each["active_units"] for each in figures],
        )
    return points


def score(result: Mapping[str, Any], name: str) -> float:
    """Return a metric's value; a code that is too constant for it to be defined has none of it."""
    value = scores_by_metric(result)[name]["value"]
    return 0.0 if value is None else float(value)


def curve_trainings(tour: Tour) -> list[str]:
    """Return the trainings of both curves."""
    names = (each for method in LABELS for each in tour.curve(method).values())
    return list(dict.fromkeys(name for each in names for name in each))


def best_beta(points: Curve) -> int:
    """Return the beta at which the mean MIG is highest."""
    return max(points, key=lambda beta: spread.mean(points[beta].scores["mig"]))


def example_beta(tour: Tour) -> int:
    """Return the beta whose trainings are shown as an example: 4, or the highest."""
    return EXAMPLE_BETA if EXAMPLE_BETA in tour.scale.betas else tour.scale.betas[-1]


def factor_gaps(tour: Tour, method: str, beta: int) -> NDArray[np.float64]:
    """Return MIG's gap of each factor, (seeds, factors)."""
    results = [tour.run(name).result for name in tour.curve(method)[beta]]
    gaps = np.array(
        [scores_by_metric(result)["mig"]["per_factor"] for result in results], np.float64
    )
    return np.nan_to_num(gaps)  # undefined where a code is too constant to tell of anything
