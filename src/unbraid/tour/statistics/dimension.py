"""Estimates of intrinsic dimension from the distances between neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from unbraid.core.errors import UnbraidError


def neighbour_distances(points: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Return the distances of each point to its ``count`` nearest others, ascending, (N, count).

    Points that are there twice count once, since a distance of 0 has no logarithm.
    """
    points = np.unique(np.asarray(points, np.float64).reshape(len(points), -1), axis=0)
    if len(points) <= count:
        raise UnbraidError(
            f"there are {len(points)} different points, expected more than the {count} neighbours."
        )
    nearest = NearestNeighbors(n_neighbors=count).fit(points).kneighbors(return_distance=False)
    # measured anew: the search rounds short distances to nothing
    offsets = (points[nearest[:, k]] - points for k in range(count))
    return np.sort(np.stack([np.linalg.norm(offset, axis=1) for offset in offsets], 1), axis=1)


def two_nn(points: NDArray[Any]) -> float:
    """Return the TwoNN estimate of the dimension of points (N, ...).

    Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal neighborhood
    information", equation 4: the ratio of a point's two nearest distances is Pareto distributed,
    its exponent the dimension; here by maximum likelihood over all points.

    >>> round(two_nn(np.random.default_rng(0).random((4000, 2))), 1)
    2.0
    """
    near = neighbour_distances(points, 2)
    ratios = np.log(near[:, 1] / near[:, 0])
    return float((len(ratios) - 1) / ratios.sum())


def levina_bickel(points: NDArray[Any], low: int = 10, high: int = 20) -> float:
    """Return the maximum likelihood estimate of the dimension of points (N, ...).

    Levina & Bickel 2004, "Maximum Likelihood Estimation of Intrinsic Dimension", equation 8,
    averaged over ``low`` to ``high`` neighbours; over points the inverses are averaged, as MacKay &
    Ghahramani 2005 correct it.

    >>> round(levina_bickel(np.random.default_rng(0).random((2000, 2))), 1)
    2.0
    """
    logs = np.log(neighbour_distances(points, high))
    inverse = [(logs[:, k - 1 : k] - logs[:, : k - 1]).mean() for k in range(low, high + 1)]
    return float(np.mean([1 / value for value in inverse]))
