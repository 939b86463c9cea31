"""The codes of an autoencoder lie somewhere else after each training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unbraid.tour import _scatters, _spread
from unbraid.tour._exhibits import exhibit
from unbraid.tour._measure import Cloud, beside_chance, centres_spread, cloud, farthest_apart
from unbraid.tour._page import paragraph
from unbraid.tour._references import ARTICLE, cite

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "An autoencoder's codes differ between trainings"
FIGURES = ("wander",)


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
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
            f"99% of the codes are within {reaches[0]:.1f} of 0, and the ones, as an example, are "
            f"towards {ones[0]:.0f}°. With a single training there is nothing to compare: take "
            "more seeds."
        )
    else:
        found = _apart(clouds, reaches, ones)
    return "".join(
        [
            paragraph(
                "Two numbers can be plotted, so here are codes of two. Every dot is an unseen "
                "image, placed where the encoder puts it; colour and numeral say which digit it "
                "was, which the model was never told. Some digits separate without labels, the "
                "ones above all; others overlap."
            ),
            paragraph(
                "But nothing in the training says where codes should lie."
                + (
                    " Here are the same data, networks and training, started from different "
                    f"random weights, as the article shows them ({cite(ARTICLE)}, figure 3):"
                    if len(runs) > 1
                    else ""
                )
            ),
            exhibit(
                tour,
                "wander",
                _scatters.panels(runs, clouds),
                "Codes of unseen digits by trainings that differ only in their seed, all on one "
                "scale. Each numeral stands at the median of its digit's codes; the cross marks "
                "the mean of all.",
                _scatters.sheet(runs, clouds),
                also=[f"unbraid scatter {tour.folder(name)}" for name in names],
            ),
            _scatters.numbers(_scatters.rows(runs, clouds)),
            paragraph(found, finding=True),
            paragraph(
                "So one cannot know in advance which codes belong to digits and which to nothing: "
                "only the encoder tells."
            ),
        ]
    )


def _apart(clouds: Sequence[Cloud], reaches: Sequence[float], ones: Sequence[float]) -> str:
    """Say how far apart the codes of several trainings are."""
    return (
        f"Over {_spread.trainings(len(clouds))} the centres end up to "
        f"{farthest_apart(clouds):.1f} apart ({centres_spread(clouds):.1f} from their mean, root "
        f"mean square); 99% of the codes are within {min(reaches):.1f} to {max(reaches):.1f} of 0; "
        "and the ones, as an example, are towards "
        + ", ".join(f"{each:.0f}°" for each in ones)
        + f" as seen from the centre: {beside_chance(ones)} ({cite('mardia2000')})."
    )
