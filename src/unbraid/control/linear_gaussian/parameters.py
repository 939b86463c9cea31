"""The parameters of the linear-Gaussian model of codes given factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.control.linear_gaussian.categorical_links import CategoricalLink

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """Parameters for P regressors, D continuous latents and F factors.

    Args:
        phi_mean: (P,), mean of the regressors phi.
        phi_cov: (P, P), their covariance.
        code_mean: (D,), mean of the continuous latents.
        weights: (P, D), W; 0 for latents outside S.
        noise_cov: (D, D), C; 0 outside S.
        informative: (D,), whether a latent is in S, which means that factors explain part of it.
        free_moments: (2, D), mean and standard deviation that latents outside S are drawn with.
        explained_variance: (D, F), the share of a latent's variance that each factor explains.
        links: of each categorical latent.
        label_count: number of labelled images they were estimated from.
    """

    phi_mean: Array
    phi_cov: Array
    code_mean: Array
    weights: Array
    noise_cov: Array
    informative: NDArray[np.bool_]
    free_moments: Array
    explained_variance: Array
    links: tuple[CategoricalLink, ...] = ()
    label_count: int = 0

    def labelled(self, columns: slice) -> bool:
        """Whether the factor with these regressors had labels; without any they are all 0."""
        return bool(self.phi_mean[columns].any() or self.phi_cov[columns, columns].any())
