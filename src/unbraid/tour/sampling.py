"""Drawing new digits: codes drawn blindly work where codes lie in a known place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unbraid.figures import sample
from unbraid.tour._measure import cloud, digits_by_likeness, mismatch, shares
from unbraid.tour._page import commands, figure, paragraph, picture, table

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "Drawing new digits"
DRAWN = 2000  # samples whose digits are counted
METHODS = {"ae": "autoencoder", "vae": "VAE"}


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return [tour.seeds(method)[0] for method in METHODS]


def write(tour: Tour) -> str:
    """Return the chapter."""
    runs = {method: tour.run(tour.seeds(method)[0]) for method in METHODS}
    inside = {method: cloud(runs[method]).inside_prior for method in METHODS}
    unseen = runs["vae"].unseen()
    real = shares(unseen.factor("digit"))
    counts = {
        method: shares(digits_by_likeness(runs[method].model().sample(DRAWN).numpy(), unseen))
        for method in METHODS
    }
    lines = [
        [f"{METHODS[method]}, {DRAWN:,} samples", *_percent(counts[method])] for method in METHODS
    ]
    wrong = {method: mismatch(counts[method], real) for method in METHODS}
    config = sample.Config(rows=4)
    images = [
        picture(
            sample.draw(runs[method], config),
            f"Forty images decoded from codes drawn from a standard normal by the {name}; by "
            f"likeness to real digits, its samples are {_most(counts[method])}.",
        )
        for method, name in METHODS.items()
    ]
    return "".join(
        [
            paragraph(
                "If codes lie in a known place, new digits come for free: draw a code from the "
                "prior and decode it. The autoencoder has no prior, but its decoder can be fed the "
                "same draws:"
            ),
            figure(
                images,
                "Both models, seed 0, two latents, fed with draws from the standard normal.",
                grid=True,
            ),
            table(
                "Which digit samples are most like (nearest unseen image, by squared difference), "
                "in percent",
                ["", *map(str, range(10))],
                [*lines, ["real digits", *_percent(real)]],
            ),
            paragraph(
                "The circle that holds 95% of these draws holds "
                f"{inside['vae']:.0%} of the codes that the VAE gives to real digits, and "
                f"{inside['ae']:.0%} of the autoencoder's. To have digits in their real shares, "
                f"{wrong['vae']:.0%} of the VAE's samples would have to change, and "
                f"{wrong['ae']:.0%} of the autoencoder's.",
                finding=True,
            ),
            paragraph(
                "Still, that is drawing, not asking. Nothing here lets one say <em>a seven, "
                "please</em>: where in the plane sevens are was up to the training. To ask, one "
                "needs to know what each number of a code stands for."
            ),
            commands(
                [
                    f"unbraid sample {tour.folder(tour.seeds(method)[0])} --rows 4"
                    for method in METHODS
                ]
            ),
        ]
    )


def _percent(values: np.ndarray) -> list[str]:
    return [f"{100 * value:.0f}" for value in values]


def _most(values: np.ndarray) -> str:
    """Say in words which digits are most and which least frequent."""
    order = values.argsort()[::-1]
    most, least = order[0], order[-1]
    return f"{values[most]:.0%} {most}s at most and {values[least]:.0%} {least}s at least"
