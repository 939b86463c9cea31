"""Traversals: turning one number of a code at a time, for three losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid import methods
from unbraid.figures import traverse
from unbraid.figures._codes import encode
from unbraid.runs import Run
from unbraid.tour._page import commands, figure, film, paragraph, picture

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "Turning one number at a time"
SHOWN = ("vae-10d-0", "beta-vae-10d-0", "beta-tcvae-10d-0")


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return list(SHOWN)


def write(tour: Tour) -> str:
    """Return the chapter."""
    parts = [
        paragraph(
            "A code is <em>disentangled</em> if each of its numbers stands for one thing that can "
            "vary by itself: turn it, and one property of the image changes while all others stay. "
            "That can be looked at. Take one image's code, move one latent through the range it "
            "has over real images, and decode."
        ),
        paragraph(
            "Three models with ten latents each are trained for it: a VAE; a β-VAE, whose KL "
            "counts four times; and a β-TCVAE, in which only one part of the KL counts four times, "
            "the part that says how far the latents are from independent. The next chapter has "
            "their formulas and figures."
        ),
    ]
    for name in SHOWN:
        parts.append(_figure(tour.run(name)))
    parts += [
        paragraph(
            "Look along a row for what changes: slant, boldness, width, the digit itself. A row of "
            "0.0 nats changes nothing: the model has switched that latent off. Where one row "
            "changes two things at once, or one property needs two rows, the code is still "
            "entangled. Looking is no measurement, though: MNIST does not say what "
            "slant an image was written with, so how well a code follows such factors cannot be "
            "computed here."
        ),
        commands([f"unbraid traverse {tour.folder(name)}" for name in SHOWN]),
    ]
    return "".join(parts)


def _figure(run: Run) -> str:
    """Return a model's traversals, still and moving."""
    method = methods.name_of(run.config.method)
    config = traverse.Config()
    latents = encode(run.model(), run.unseen(), traverse.LIMIT).latents
    active = run.result["figures"]["active_units"]
    told = ", ".join(latent.label for latent in latents)
    alt = (
        f"A row of eleven images for each of {len(latents)} latents of {method}, moved through its "
        f"range with the others still; in falling order of what they say of the image: {told}."
    )
    moving = film(
        traverse.animate(run, config),
        f"The same latents of {method}, each swinging from one end of its range to the other.",
        f"Play {method}'s latents as a film",
    )
    caption = (
        f"{method}: {active} of {len(latents)} latents in use. Each row moves one latent; on the "
        "left, the nats it says of an image on average."
    )
    return figure([picture(traverse.draw(run, config), alt), moving], caption, grid=True)
