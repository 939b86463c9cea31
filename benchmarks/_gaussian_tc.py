"""The total correlation of Gaussians fitted to a run's codes, sampled and mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unbraid import methods
from unbraid.core.subsets import some_rows
from unbraid.methods import HasPosterior
from unbraid.nn.nets import as_pixels
from unbraid.runs import Run


def gaussian_tc(run: Run, images: int = 10_000) -> dict[str, float] | None:
    """Return the total correlation of Gaussians fitted to sampled codes and to means, nats.

    Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of
    Disentangled Representations", section 5.2. None without posteriors.
    """
    model = run.model()
    if not isinstance(model, HasPosterior):
        return None
    unseen = run.unseen()
    rows = some_rows(len(unseen), images)
    noise, parts = torch.Generator().manual_seed(0), []
    with torch.no_grad():
        for start in range(0, len(rows), methods.ROWS):
            batch = np.asarray(unseen.images[rows[start : start + methods.ROWS]])
            pixels = as_pixels(torch.tensor(batch))
            parts.append(torch.stack([model.draw(pixels, noise), model.codes(pixels)]))
    sampled, means = (correlation(codes.numpy()) for codes in torch.cat(parts, 1))
    return {"sampled": sampled, "means": means}


def correlation(codes: np.ndarray[Any, Any]) -> float:
    """Return the total correlation of a Gaussian with the codes' covariance, nats.

    >>> codes = np.random.default_rng(0).standard_normal((100_000, 2))
    >>> codes[:, 1] = 0.8 * codes[:, 0] + 0.6 * codes[:, 1]
    >>> round(correlation(codes), 2)
    0.51
    """
    codes = codes[:, codes.std(axis=0) > 1e-6].astype(np.float64)
    if codes.shape[1] < 2:
        return 0.0
    return -0.5 * float(np.linalg.slogdet(np.corrcoef(codes.T))[1])
