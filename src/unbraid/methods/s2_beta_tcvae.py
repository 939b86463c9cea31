"""S2-beta-TCVAE: a beta-TCVAE with some labels, each factor predicted from its own latent.

Locatello et al. 2020, "Disentangling Factors of Variation Using Few Labels", section 3.2, with
R_s averaged over the labelled images and all else over all images:

    loss = (that of beta-TCVAE) + gamma_sup R_s(mean(x), v)

R_s is the cross-entropy of s(mean_i) and the label v_i scaled to [0, 1]; a category's label is its
index over the highest one. On the public code see ``s2_vae``.
"""

from __future__ import annotations

from dataclasses import dataclass

from unbraid.methods import beta_tcvae
from unbraid.methods._few_labels import FewLabels, FewLabelsConfig


@dataclass(frozen=True)
class Config(FewLabelsConfig, beta_tcvae.Config):
    """Options of S2-beta-TCVAE.

    >>> Config(labels=100).beta
    6.0
    """


class Model(FewLabels, beta_tcvae.Model):
    """S2-beta-TCVAE; latent i is that of factor i, and latents beyond the last factor are free."""
