"""The codes of a VAE lie where its prior says, whatever the seed."""

from __future__ import annotations

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
    away = {
        method: [float(np.linalg.norm(each.centre)) for each in clouds[method]] for method in clouds
    }
    reach = {method: [each.reach for each in clouds[method]] for method in clouds}
    text = (
        f"The VAE's centres are at most {max(away['vae']):.2f} from 0, the autoencoder's up to "
        f"{max(away['ae']):.2f}. "
    )
    if len(clouds["vae"]) > 1:
        text += (
            f"Between trainings, centres differ by up to {farthest_apart(clouds['vae']):.2f} "
            f"(autoencoder: {farthest_apart(clouds['ae']):.2f}). "
        )
    return text + (
        f"99% of the VAE's codes lie within {min(reach['vae']):.1f} to {max(reach['vae']):.1f} of "
        f"0, the autoencoder's within {min(reach['ae']):.1f} to {max(reach['ae']):.1f}."
    )
