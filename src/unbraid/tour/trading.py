"""What independence costs: VAE, beta-VAE and beta-TCVAE in numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from unbraid.figures._style import PALETTE, new_figure, styled
from unbraid.tour._jobs import BETA
from unbraid.tour._page import commands, figure, number, paragraph, picture, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.tour._report import Tour

TITLE = "What it costs"
SHOWN = {"vae-10d-0": "VAE", "beta-vae-10d-0": "β-VAE", "beta-tcvae-10d-0": "β-TCVAE"}
TERMS = {
    "index_code_mi": "mutual information",
    "total_correlation": "total correlation",
    "dimwise_kl": "dimension-wise KL",
}
Figures = dict[str, Any]  # of a result.json


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return list(SHOWN)


def write(tour: Tour) -> str:
    """Return the chapter."""
    found = {label: tour.run(name).result["figures"] for name, label in SHOWN.items()}
    lines = [
        [
            label,
            f"{part['reconstruction']:.1f}",
            f"{part['kl']:.2f}",
            *(_with_error(part, term) for term in TERMS),
            f"{part['active_units']} of {len(part['kl_by_latent'])}",
        ]
        for label, part in found.items()
    ]
    images, samples = found["VAE"]["images"], found["VAE"]["decomposition"]["samples"]
    alt = "Bars of the three parts of the KL. " + " ".join(
        f"{label}: "
        + ", ".join(f"{TERMS[term]} {_with_error(part, term)}" for term in TERMS)
        + f" nats; reconstruction {part['reconstruction']:.1f} nats."
        for label, part in found.items()
    )
    return "".join(
        [
            paragraph(
                f"The VAE's loss is reconstruction + KL. The β-VAE weighs the second: "
                f"reconstruction + {BETA:g} KL. The prior's numbers are independent of each other, "
                "so pressing codes towards it presses them to be independent too. But it also "
                "presses codes to say less, and the images suffer."
            ),
            paragraph(
                "The β-TCVAE takes the KL apart. One part is the mutual information of image and "
                "code: what the code says. One is the total correlation: how far the latents "
                "together are from independent. The last is how far each latent by itself is from "
                f"the prior. Its loss weighs the total correlation alone, here {BETA:g} times, and "
                "so should lose less of the image."
            ),
            figure(
                [picture(_bars(found), alt)],
                f"The parts of the KL on {images:,} unseen images; whiskers: two standard errors.",
                grid=True,
            ),
            table(
                f"Figures on {images:,} unseen images, in nats per image; the parts of the KL with "
                f"their standard errors, over {samples:,} sampled codes",
                ["", "reconstruction", "KL", *TERMS.values(), "active latents"],
                lines,
            ),
            paragraph(
                f"{_against(found, 'β-VAE', 'VAE')} {_against(found, 'β-TCVAE', 'β-VAE')}",
                finding=True,
            ),
            paragraph(_verdict(found["β-TCVAE"], found["β-VAE"])),
            paragraph(
                "<strong>One training of each is no proof.</strong> The standard errors above are "
                "those of measuring these three models; how much another seed would change them is "
                "not measured here, and it may be more than the differences. Nor is independence "
                "the same as disentanglement: that would need data whose factors are known."
            ),
            *_ceiling(found, images),
            commands(
                [tour.jobs[name].command for name in SHOWN],
                "These trainings wrote the figures into their result.json; try another --seed "
                "with another --out:",
            ),
        ]
    )


def _with_error(part: Figures, term: str) -> str:
    value = part["decomposition"][term]
    return f"{number(value['value'], 2)} ± {value['standard_error']:.2f}"


def _gap(one: Figures, other: Figures) -> tuple[float, float, float]:
    """Return the gaps in reconstruction and in total correlation, and the latter's error."""
    a, b = (part["decomposition"]["total_correlation"] for part in (one, other))
    error = math.hypot(a["standard_error"], b["standard_error"])
    return one["reconstruction"] - other["reconstruction"], a["value"] - b["value"], error


def _against(found: dict[str, Figures], one: str, other: str) -> str:
    """Say how one model's figures differ from another's."""
    worse, more, error = _gap(found[one], found[other])
    return (
        f"Against the {other}, the {one} reconstructs {abs(worse):.1f} nats "
        f"{'worse' if worse > 0 else 'better'}, and its total correlation is "
        f"{abs(more):.2f} ± {error:.2f} nats {'higher' if more > 0 else 'lower'}."
    )


def _verdict(tcvae: Figures, beta_vae: Figures) -> str:
    """Hold the claim against the figures, whichever way they came out."""
    worse, more, error = _gap(tcvae, beta_vae)
    claim = (
        "The claim made for β-TCVAE is better reconstruction than β-VAE's at similar "
        "disentanglement. Taking independence for disentanglement, "
    )
    if worse >= 0:
        return claim + "these two models do not bear it out: the reconstruction is not better."
    if more <= 2 * error:
        return claim + (
            "these two models agree with it: the reconstruction is better, and the latents are no "
            "less independent than measurement can tell."
        )
    return claim + (
        "these two models bear out half of it: the reconstruction is better, but the latents are "
        "less independent, so one was traded for the other. At which β of either the comparison "
        "would be fair is a question of a whole curve, not of two points."
    )


def _ceiling(found: dict[str, Figures], images: int) -> list[str]:
    """Say where the mutual information is at its ceiling, which spoils the total correlation."""
    limit = math.log(images)
    at = [
        label
        for label, part in found.items()
        if part["decomposition"]["index_code_mi"]["value"] > limit - 0.5
    ]
    if not at:
        return []
    text = (
        f"A caution on the numbers: no code can tell {images:,} images apart by more than "
        f"log {images:,} = {limit:.2f} nats, and the mutual information of {' and '.join(at)} is "
        "there or nearly. Each image's cloud then stands alone, and the total correlation is that "
        "of a set of points: large, and no measure of how the latents depend on each other. "
        "Compare it between models well below the ceiling."
    )
    return [paragraph(text)]


@styled
def _bars(found: dict[str, Figures]) -> Figure:
    """Draw the parts of each model's KL as bars."""
    chart = new_figure(6.5, 2.6, layout="constrained")
    ax = chart.subplots()
    labels = list(found)
    for place, (term, name) in enumerate(TERMS.items()):
        parts = [found[label]["decomposition"][term] for label in labels]
        ax.bar(
            [index + 0.26 * (place - 1) for index in range(len(labels))],
            [part["value"] for part in parts],
            0.24,
            yerr=[2 * part["standard_error"] for part in parts],
            error_kw={"linewidth": 0.8},
            color=PALETTE[place],
            hatch=("", "//", "..")[place],
            edgecolor="white",
            label=name,
        )
    ticks = [f"{label}\nreconstruction {found[label]['reconstruction']:.1f}" for label in labels]
    ax.set_xticks(range(len(labels)), ticks)
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_ylabel("nats per image")
    ax.set_title("mnist, seed 0: where the KL goes", loc="left")
    ax.set_ylim(top=1.2 * ax.get_ylim()[1])  # room for the legend
    ax.legend(loc="upper right", ncols=3, columnspacing=1.2)
    return chart
