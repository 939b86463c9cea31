"""What a page needs to draw and read codes by a linear-Gaussian model, as ``control.Fitted`` does.

A request draws the mean of the codes that have the factors, and with each hand other values of the
latents that do not depend on factors. The factors of an image are read from its code, so that
factors of two images can be swapped.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from unbraid.control.linear_gaussian import inference
from unbraid.control.linear_gaussian.controller import Fitted


def about(fitted: Fitted, hands: int) -> dict[str, Any]:
    """Return the means of codes given factors, the other latents, and what reads factors.

    Args:
        fitted: the controller.
        hands: number of styles in a page.
    """
    params, layout = fitted.params, fitted.model.layout
    normal, gumbel = fitted.noise(np.arange(hands))
    mean, deviation = params.free_moments
    free = 2 * ndtr(normal) - 1 if layout.prior == "uniform" else mean + normal * deviation
    links = [
        {
            "factor": link.factor,
            "logits": packed(np.log(link.table)) if link.factor >= 0 else None,
        }
        for link in params.links
    ]
    return {
        "kind": "linear",
        "blocks": _blocks(fitted),
        "mean": packed(params.code_mean - params.phi_mean @ params.weights),
        "weights": packed(params.weights),
        "informative": [bool(each) for each in params.informative],
        "categories": list(fitted.categories),
        "links": links,
        "others": packed(free),  # (hands, continuous), for latents that no factor explains
        "gumbel": packed(gumbel),
        "reading": reading(fitted),
    }


def _blocks(fitted: Fitted) -> list[dict[str, Any]]:
    """Return the blocks of regressors, with the origin and length of their factor's range."""
    design, found = fitted.design, []
    for block in design.blocks:
        levels = block.kind == "levels"
        periodic = not levels and design.is_periodic(block.factor)
        low, length = (0.0, 1.0) if levels else design.origin_and_length(block.factor)
        found.append(
            {
                "factor": block.factor,
                "kind": block.kind,
                "count": block.columns.stop - block.columns.start,
                "periodic": periodic,
                "low": low,
                "length": length,
                "wrap": design.specs[block.factor].wrap_level if periodic else None,
            }
        )
    return found


def reading(fitted: Fitted) -> dict[str, Any]:
    """Return the constants of ``inference.infer_factors``, whose steps the page takes itself."""
    params, design = fitted.params, fitted.design
    informative, numeric = params.informative, design.numeric_columns
    weights = params.weights[:, informative]
    noise = params.noise_cov[np.ix_(informative, informative)]
    phi_cov = inference.regularised_cov(params, numeric)
    marginal = noise + weights[numeric].T @ phi_cov @ weights[numeric]
    solved: list[NDArray[Any]] = [np.zeros((len(marginal), 0))]
    bias: list[NDArray[Any]] = [np.zeros(0)]
    for factor in design.categorical:
        own = design.columns_of(factor)
        centres = weights[own] - params.phi_mean[own] @ weights[own]
        solved.append(np.linalg.solve(marginal, centres.T))
        prior = np.log(np.maximum(params.phi_mean[own], 1e-9))
        bias.append(prior - 0.5 * np.sum(centres.T * solved[-1], 0))
    linear = inference.regularised_cov(params, design.linear_columns)
    evidence = [
        (latent, column, packed(added), packed(added * expected))
        for latent, link in enumerate(params.links)
        if link.factor in design.numeric
        for column, added, expected in inference.link_evidence(design, link)
    ]
    return {
        "centre": packed(params.code_mean),
        "phi": packed(params.phi_mean),
        "solved": packed(np.concatenate(solved, 1)),  # (S, levels of all factors)
        "bias": packed(np.concatenate(bias)),
        "gain": packed(np.linalg.solve(marginal, weights[numeric].T @ phi_cov)),  # (S, R)
        "precision": packed(np.linalg.inv(noise)),  # (S, S)
        "prior": packed(np.linalg.inv(linear)),  # (L, L), a precision
        "evidence": evidence,  # of categorical latents that depend on numeric factors
        "sweeps": inference.SWEEPS if len(design.categorical) > 1 else 1,
        "steps": inference.STEPS,
    }


def packed(values: ArrayLike) -> dict[str, Any]:
    """Return an array as JSON holds it: its shape, and float32 in base64."""
    array = np.ascontiguousarray(values, "<f4")
    return {"shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}
