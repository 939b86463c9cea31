"""The codes of an autoencoder lie somewhere else after each training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unbraid.tour import _scatters, _spread
from unbraid.tour._exhibits import exhibit
from unbraid.tour._measure import Cloud, agreement, centres_spread, cloud, farthest_apart
from unbraid.tour._page import paragraph

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "An autoencoder's codes wander"
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
            f"The farthest codes lie {reaches[0]:.1f} from 0, and the ones, to take one digit, "
            f"towards {ones[0]:.0f}°. With a single training there is nothing to compare: take "
            "more seeds."
        )
    else:
        found = _apart(clouds, reaches, ones)
    return "".join(
        [
            paragraph(
                "Two numbers can be seen on a page, so here are codes of two. Every dot is an "
                "unseen image, placed where the encoder puts it; colour and figure say which digit "
                "it was, which the model was never told. The digits come apart by themselves, and "
                "that is the good news."
            ),
            paragraph(
                "But nothing in the training says where codes should lie."
                + (
                    " Here are the same data, the same networks and the same training, started "
                    "from different random weights:"
                    if len(runs) > 1
                    else ""
                )
            ),
            exhibit(
                tour,
                "wander",
                _scatters.panels(runs, clouds),
                "Codes of unseen digits by trainings that differ only in their seed, all on one "
                "scale. Each figure stands where most codes of its digit are; the cross marks the "
                "mean of all.",
                _scatters.sheet(runs, clouds),
                also=[f"unbraid scatter {tour.folder(name)}" for name in names],
            ),
            _scatters.numbers(_scatters.rows(runs, clouds)),
            paragraph(found, finding=True),
            paragraph(
                "Where to look for a code cannot be known beforehand: which ones belong to digits, "
                "and which to nothing at all, is only found by asking the encoder."
            ),
        ]
    )


def _apart(clouds: Sequence[Cloud], reaches: Sequence[float], ones: Sequence[float]) -> str:
    """Say how far apart the codes of several trainings are."""
    return (
        f"Over {_spread.trainings(len(clouds))} the centres end up to "
        f"{farthest_apart(clouds):.1f} apart ({centres_spread(clouds):.1f} from their mean, root "
        f"mean square); the farthest codes lie between {min(reaches):.1f} and {max(reaches):.1f} "
        "from 0; and the ones, to take one digit, lie towards "
        + ", ".join(f"{each:.0f}°" for each in ones)
        + f": these directions agree by {agreement(ones):.2f}, where 1 is fully and 0 not at all."
    )
