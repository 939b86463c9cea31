"""S2-VAE: a VAE with some labels, each factor predicted from its own latent.

Locatello et al. 2020, "Disentangling Factors of Variation Using Few Labels", section 3.2, with
R_s averaged over the labelled images and all else over all images:

    loss = -E_q log p(x|z) + beta KL(q(z|x) || p(z)) + gamma_sup R_s(mean(x), v)

R_s is the cross-entropy of s(mean_i) and the label v_i scaled to [0, 1]; a category's label is its
index over the highest one. At beta = 1 and gamma_sup = 0 it is the VAE. The public code divides the
index by the number of levels, and adds up R_s over labelled images: its gamma_sup is ours over
their number in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from unbraid.methods import beta_vae
from unbraid.methods._few_labels import FewLabels, FewLabelsConfig


@dataclass(frozen=True)
class Config(FewLabelsConfig, beta_vae.Config):
    """Options of S2-VAE.

    Args:
        beta: weight of the KL term; other than 1 it is the paper's S2-beta-VAE.

    >>> Config(labels=100, label_factors=("digit",)).gamma_sup
    10.0
    """

    beta: float = 1.0


class Model(FewLabels, beta_vae.Model):
    """S2-VAE; latent i is that of factor i, and latents beyond the last factor are free."""
