"""The codes of an autoencoder lie somewhere else after each training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.tour import _scatters
from unbraid.tour._measure import cloud, farthest_apart
from unbraid.tour._page import commands, figure, paragraph

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "An autoencoder's codes wander"


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return tour.seeds("ae")


def write(tour: Tour) -> str:
    """Return the chapter."""
    names = tour.seeds("ae")
    runs = [tour.run(name) for name in names]
    clouds = [cloud(run) for run in runs]
    reaches = [each.reach for each in clouds]
    found = (
        f"Over {len(runs)} trainings the centres end up to {farthest_apart(clouds):.1f} apart, the "
        f"farthest codes lie between {min(reaches):.1f} and {max(reaches):.1f} from 0, and the "
        "ones, to take one digit, lie towards "
        + ", ".join(f"{each.ones:.0f}°" for each in clouds)
        + "."
    )
    return "".join(
        [
            paragraph(
                "An autoencoder is two networks in a row. The encoder turns an image into a code, "
                "here of two numbers; the decoder has to draw the image again from those two "
                "alone. Trained together to make the drawing like the original, they find a code "
                "by themselves, without labels: in the pictures below, colour says which digit an "
                "image was, which the model was never told."
            ),
            paragraph(
                "But nothing in that goal says where codes should lie. Here are the same data, the "
                "same networks and the same training, started from different random weights:"
            ),
            figure(
                _scatters.panels(runs, clouds),
                "Codes of unseen digits by trainings that differ only in their seed, all on one "
                "scale. Each figure stands where most codes of its digit are; the cross marks the "
                "mean of all.",
            ),
            _scatters.numbers(_scatters.rows(runs, clouds)),
            paragraph(found, finding=True),
            paragraph(
                "So one cannot know beforehand where to look for a code: which ones belong to "
                "digits, and which to nothing at all, is only found by asking the encoder."
            ),
            commands([f"unbraid scatter {tour.folder(name)}" for name in names]),
        ]
    )
