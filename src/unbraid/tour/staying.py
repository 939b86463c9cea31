"""The codes of a VAE lie where its prior says, whatever the seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unbraid.tour import _scatters
from unbraid.tour._measure import Cloud, cloud, farthest_apart
from unbraid.tour._page import commands, figure, paragraph

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "A variational autoencoder's codes stay"


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return [*tour.seeds("ae"), *tour.seeds("vae")]


def write(tour: Tour) -> str:
    """Return the chapter."""
    runs = {method: [tour.run(name) for name in tour.seeds(method)] for method in ("ae", "vae")}
    clouds = {method: [cloud(run) for run in runs[method]] for method in runs}
    lines = [line for method in runs for line in _scatters.rows(runs[method], clouds[method])]
    return "".join(
        [
            paragraph(
                "A variational autoencoder (VAE) makes two changes. The encoder names not a point "
                "but a small cloud, a Gaussian, and the decoder must cope with any code drawn from "
                "it. And the encoder pays for every nat by which that cloud differs from one and "
                "the same prior, a standard normal around 0: the Kullback-Leibler divergence, KL. "
                "What it is trained on is the sum of both, the reconstruction and the KL."
            ),
            figure(
                _scatters.panels(runs["vae"], clouds["vae"], prior=True),
                "Codes of unseen digits by the VAE, all on one scale (closer than the "
                "autoencoder's above). The dashed circle holds 95% of the prior.",
            ),
            _scatters.numbers(lines),
            paragraph(_found(clouds), finding=True),
            paragraph(
                "What stays free is the direction: the ones lie towards "
                + ", ".join(f"{each.ones:.0f}°" for each in clouds["vae"])
                + ". A round prior looks the same from every side, so a training may turn and "
                "mirror the whole map at no cost. Keep that in mind for later: to make each single "
                "number mean one thing, a round prior alone is not enough."
            ),
            commands([f"unbraid scatter {tour.folder(name)}" for name in tour.seeds("vae")]),
        ]
    )


def _found(clouds: dict[str, list[Cloud]]) -> str:
    """Say what the table shows, whichever way it came out."""
    vae, ae = clouds["vae"], clouds["ae"]
    text = (
        f"Along and across, the VAE's codes spread by {_range(vae, _spreads)}, where the prior "
        f"spreads by 1, and the autoencoder's by {_range(ae, _spreads)}; 99% of them lie within "
        f"{_range(vae, _reach)} of 0, the autoencoder's within {_range(ae, _reach)}. The VAE's "
        f"centres are {_range(vae, _away)} from 0, the autoencoder's {_range(ae, _away)}."
    )
    if len(vae) < 2:
        return text
    apart = {method: farthest_apart(clouds[method]) for method in clouds}
    # an honest yardstick: a model whose codes are all twice as far out wanders twice as far
    own = {method: apart[method] / np.mean(_all(clouds[method], _spreads)) for method in clouds}
    text += (
        f" Between trainings the VAE's centres differ by up to {apart['vae']:.2f}, the "
        f"autoencoder's by up to {apart['ae']:.2f}"
    )
    if own["vae"] > 0.8 * own["ae"]:
        return text + (
            f"; but against their own spread that is {own['vae']:.1f} and {own['ae']:.1f}. In "
            "these trainings the prior holds the scale of the codes more than their centre."
        )
    return text + f": {own['vae']:.1f} and {own['ae']:.1f} times their own spread."


def _spreads(cloud: Cloud) -> Sequence[float]:
    return cloud.spread


def _reach(cloud: Cloud) -> Sequence[float]:
    return [cloud.reach]


def _away(cloud: Cloud) -> Sequence[float]:
    return [float(np.linalg.norm(cloud.centre))]


def _all(clouds: Sequence[Cloud], of: Callable[[Cloud], Sequence[float]]) -> list[float]:
    return [value for cloud in clouds for value in of(cloud)]


def _range(clouds: Sequence[Cloud], of: Callable[[Cloud], Sequence[float]]) -> str:
    """Write the smallest and the largest of some numbers of all clouds."""
    values = _all(clouds, of)
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"
