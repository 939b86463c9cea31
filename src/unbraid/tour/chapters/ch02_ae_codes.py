"""The codes of autoencoders that differ in their seed: location, scale and direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unbraid.pages.html import paragraph
from unbraid.tour.exhibits.clouds import cloud_panels, cloud_rows, cloud_sheet, cloud_table
from unbraid.tour.exhibits.files import exhibit
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics import spread
from unbraid.tour.statistics.clouds import (
    Cloud,
    centres_spread,
    cloud,
    compared_with_chance,
    largest_distance,
)

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "An autoencoder's codes differ between trainings"
FIGURES = ("wander",)


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
    return tour.plane("ae")


def write(tour: Tour) -> str:
    """Return the chapter."""
    names = tour.plane("ae")
    runs = [tour.run(name) for name in names]
    clouds = [cloud(run) for run in runs]
    reaches = [each.reach for each in clouds]
    ones = [each.ones for each in clouds]
    if len(runs) < 2:
        found = (
            f"99% of the codes are within {reaches[0]:.1f} of 0, and the mean code of the ones, as "
            f"an example, is in the direction of {ones[0]:.0f}°. A single training cannot be "
            "compared: take more seeds."
        )
    else:
        found = _apart(clouds, reaches, ones)
    return "".join(
        [
            paragraph(
                "Codes of two latents can be plotted. Each dot is the code of a held-out image; "
                "colour and numeral give its digit, a label that the model was not given. Some "
                "digits separate without labels, the ones above all; others overlap."
            ),
            paragraph(
                "But nothing in the loss determines where codes lie."
                + (
                    " Here are trainings with the same data and networks that start from different "
                    f"random weights, as in the article ({cite(ARTICLE)}, figure 3):"
                    if len(runs) > 1
                    else ""
                )
            ),
            exhibit(
                tour,
                "wander",
                cloud_panels(runs, clouds),
                "Codes of held-out digits by trainings that differ only in their seed, all on one "
                "scale. Each numeral stands at the median of its digit's codes; the cross marks "
                "the mean of all.",
                cloud_sheet(runs, clouds),
                also=[f"unbraid scatter {tour.folder(name)}" for name in names],
            ),
            cloud_table(cloud_rows(runs, clouds)),
            paragraph(found, finding=True),
            paragraph(
                "So it is not known in advance which codes decode to digits. Only the encoder "
                "shows it, after training."
            ),
        ]
    )


def _apart(clouds: Sequence[Cloud], reaches: Sequence[float], ones: Sequence[float]) -> str:
    """Return a sentence on how much the codes of several trainings differ."""
    return (
        f"Over {spread.trainings(len(clouds))} the centres end up to "
        f"{largest_distance(clouds):.1f} apart ({centres_spread(clouds):.1f} from their mean, root "
        f"mean square); 99% of the codes are within {min(reaches):.1f} to {max(reaches):.1f} of 0; "
        "and the mean code of the ones, as an example, is in the directions "
        + ", ".join(f"{each:.0f}°" for each in ones)
        + f" as seen from the centre: {compared_with_chance(ones)} ({cite('mardia2000')})."
    )
