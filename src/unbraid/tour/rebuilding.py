"""Reconstructions: what two numbers keep of an image, and what ten do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.figures import reconstruct
from unbraid.tour._page import commands, figure, paragraph, picture, table

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "Two numbers, or ten"
SHOWN = {
    "ae-2d-0": "autoencoder, 2 latents",
    "vae-2d-0": "VAE, 2 latents",
    "vae-10d-0": "VAE, 10 latents",
}


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return list(SHOWN)


def write(tour: Tour) -> str:
    """Return the chapter."""
    found = {name: tour.run(name).result["figures"] for name in SHOWN}
    images = [
        picture(
            reconstruct.draw(tour.run(name), reconstruct.Config(rows=1)),
            f"One unseen image of each digit above its reconstruction by the {label}; squared "
            f"error over all unseen images: {found[name]['squared_error']:.1f}.",
        )
        for name, label in SHOWN.items()
    ]
    lines = [
        [
            label,
            f"{found[name]['squared_error']:.1f}",
            f"{found[name]['reconstruction']:.1f}",
            f"{found[name]['kl']:.1f}" if "kl" in found[name] else "none",
        ]
        for name, label in SHOWN.items()
    ]
    two, ten = (found[name]["squared_error"] for name in ("vae-2d-0", "vae-10d-0"))
    floor = found["vae-2d-0"]["floor"]
    return "".join(
        [
            paragraph(
                "How good is a code? Have the image drawn again from it and compare. All digits "
                "below are ones the models have not seen in training."
            ),
            figure(
                images,
                f"The same ten unseen digits, from above by: {'; '.join(SHOWN.values())}.",
                grid=True,
            ),
            table(
                "Means over all unseen images: squared error summed over pixels; reconstruction, "
                "the negative log-likelihood of the pixels, and KL, both in nats",
                ["", "squared error", "reconstruction", "KL"],
                lines,
            ),
            paragraph(
                f"With two latents the VAE's squared error is {two:.1f}, with ten it is {ten:.1f}. "
                f"The reconstruction cannot get below {floor:.1f} nats, the entropy of grey pixels "
                "taken as probabilities.",
                finding=True,
            ),
            paragraph(
                "The networks are the same but for the width of the code; the model with ten "
                "latents was trained for longer. How many latents are right is a question of its "
                "own, which the loss does not answer; but a VAE at least tells how much each of "
                "them says, as the next chapter shows."
            ),
            commands([f"unbraid reconstruct {tour.folder(name)} --rows 1" for name in SHOWN]),
        ]
    )
