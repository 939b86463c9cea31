"""InfoGAN: digit, thickness and slant, found without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unbraid.figures._style import as_pictures, image_grid, styled, title
from unbraid.strokes import MEASURES, rank_correlations
from unbraid.tour import _spread
from unbraid.tour._exhibits import Numbers, Picture, exhibit
from unbraid.tour._jobs import PLAIN
from unbraid.tour._page import number, paragraph, table
from unbraid.tour._references import cite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.runs import Run
    from unbraid.tour._report import Tour

TITLE = "Codes found without labels: InfoGAN"
FIGURES = ("infogan",)
DRAWN = 4000  # generated images on which codes are held against slant and stroke width
HEADS = [f"z{code} and {what}" for code in range(2) for what in MEASURES]
FAR = 2.0  # how far continuous codes are moved: beyond the [-1, 1] of training, as the paper does


@dataclass(frozen=True)
class Found:
    """What one training's codes came to mean.

    Args:
        accuracy: share of unseen images whose category is their digit, categories and digits
            matched one to one.
        digits: the digit of each category, (10,).
        rho: rank correlation of each continuous code with slant and with stroke width among
            generated images of one category, (2, 2).
    """

    accuracy: float
    digits: NDArray[np.int64]
    rho: NDArray[np.float64]


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return [*tour.seeds("infogan"), *tour.seeds(PLAIN)]


def write(tour: Tour) -> str:
    """Return the chapter."""
    runs = {name: tour.run(name) for name in needs(tour)}
    found = {name: understand(run) for name, run in runs.items()}
    ours, plain = tour.seeds("infogan"), tour.seeds(PLAIN)
    channels = getattr(runs[ours[0]].config.method, "channels", 0)
    compare = " The trainings called <em>as published</em> go without it, to compare."
    return "".join(
        [
            paragraph(
                "One way to get such controls: give them to a generator, and penalise it when they "
                f"cannot be read back. InfoGAN ({cite('chen2016')}) trains a generator against a "
                "discriminator that tells its images from real ones. The generator gets noise, a "
                "category of ten values and two numbers; a second network must read category and "
                "numbers back from the image. So they must change something visible, and tend to "
                "control what varies most: which digit, its rotation (measured as slant) and its "
                "thickness (as stroke width). No label is used."
            ),
            paragraph(
                "As published, this reading network sees only generated images. Here it also sees "
                "real ones, each with a copy slightly rotated, sheared, scaled and shifted: "
                f"both must get the same category ({cite('ji2019')}); the numbers must not change "
                "with size or place, and only one of them may change with rotation (compare "
                f"{cite('klindt2021')}). That needs no label either." + (compare if plain else "")
            ),
            _shown(tour, runs, found, [*ours[:2], *plain[:1]]),
            table(
                "Accuracy: unseen images whose category is their digit, matched one to one. Then "
                f"rank correlations of the numbers with what {DRAWN:,} generated images show, "
                "within a category: 1 or \N{MINUS SIGN}1 follows it fully, 0 not at all",
                ["training", "accuracy", *HEADS],
                [
                    [
                        f"{_kind(name)}, seed {runs[name].config.training.seed}",
                        f"{each.accuracy:.1%}",
                        *(number(value, 2) for value in each.rho.reshape(-1)),
                    ]
                    for name, each in found.items()
                ],
            ),
            paragraph(_summary([found[name] for name in ours]), finding=True),
            paragraph(f"As published: {_summary([found[name] for name in plain])}", finding=True)
            if plain
            else "",
            paragraph(
                "The paper's networks are larger and were trained for longer: here, "
                f"{channels} channels and {_times(tour.scale.infogan)} over the data. And nothing "
                "in the loss says that the category is the digit: two digits can share a value, "
                "and one can have two. What each code controls was found, not chosen: one has to "
                "look to know it."
            ),
        ]
    )


def _shown(
    tour: Tour, runs: Mapping[str, Run], found: Mapping[str, Found], names: Sequence[str]
) -> str:
    last = ", lastly as published" if names[-1].startswith(PLAIN) else ""
    return exhibit(
        tour,
        "infogan",
        [
            Picture(
                _drawn(runs[name], found[name], _kind(name)),
                _alt(runs[name], found[name], _kind(name)),
                name.removeprefix("infogan-"),
            )
            for name in names
        ],
        f"Images generated by InfoGAN{last}. Above: a column for each category, in the order of "
        "the digits they were matched with; each row has one noise. Below: each of the two numbers "
        f"from {number(-FAR, 0)} to {number(FAR, 0)}, all else fixed.",
        Numbers(
            ("training", "seed", "accuracy", *HEADS),
            [
                [_kind(name), runs[name].config.training.seed, e.accuracy, *e.rho.reshape(-1)]
                for name, e in found.items()
            ],
        ),
        also=[f"unbraid traverse {tour.folder(name)}" for name in names],
        grid=True,
    )


def _times(count: int) -> str:
    return f"{count} pass{'' if count == 1 else 'es'}"


def _kind(name: str) -> str:
    return "as published" if name.startswith(PLAIN) else "with real images"


@torch.no_grad()
def understand(run: Run) -> Found:
    """Find out what a training's codes came to mean."""
    model: Any = run.model()
    unseen = run.unseen()
    categories = model.layout.categories[0]
    guess = model.encode(np.asarray(unseen.images[:])).numpy()[:, :categories].argmax(1)
    counts = np.zeros((categories, 10), np.int64)
    np.add.at(counts, (guess, unseen.factor("digit").astype(int)), 1)
    rows, digits = linear_sum_assignment(counts, maximize=True)
    noise = torch.Generator().manual_seed(0)
    codes = model.prior_sample(DRAWN, noise)
    images = make(model, codes, noise)
    category = codes[:, :categories].argmax(1).numpy()
    numbers = codes[:, categories:].numpy()
    rho = [rank_correlations(numbers, measure(images), category) for measure in MEASURES.values()]
    return Found(float(counts[rows, digits].sum() / counts.sum()), digits, np.stack(rho, 1)[:2])


@torch.no_grad()
def make(
    model: Any, codes: torch.Tensor, noise: torch.Generator | torch.Tensor
) -> NDArray[np.float32]:
    """Return the images of codes (N, D), each with noise of its own, (N, C, H, W)."""
    free = model.draw_noise(len(codes), noise) if isinstance(noise, torch.Generator) else noise
    parts = zip(torch.split(codes, 500), torch.split(free, 500), strict=True)
    drawn: NDArray[np.float32] = torch.cat([model.pixel_mean(c, n) for c, n in parts]).numpy()
    return drawn


def _summary(found: Sequence[Found]) -> str:
    """Say what the codes came to mean, whichever way it came out."""
    accuracy = _spread.written([100 * each.accuracy for each in found])
    text = (
        f"The category is the digit for {accuracy}% of unseen images ({_spread.said(len(found))})."
    )
    over = f" over {_spread.trainings(len(found))}" if len(found) > 1 else ""
    strengths = [np.nan_to_num(np.abs(each.rho)) for each in found]
    for column, what in enumerate(MEASURES):
        best = [float(rho[:, column].max()) for rho in strengths]
        text += f" The number that follows {what} most does so by {_spread.between(best)}{over}."
    apart = sum(len(set(rho.argmax(0))) == len(MEASURES) for rho in strengths)
    return f"{text} {_apart(apart, len(found))}"


def _apart(apart: int, count: int) -> str:
    """Say in how many trainings slant and stroke width are followed by different numbers."""
    if count == 1:
        return "These are two different numbers." if apart else "One number does both."
    if not apart:
        return f"In none of {count} trainings are they different numbers: one number does both."
    return f"In {apart} of {count} trainings these are two different numbers."


def _alt(run: Run, found: Found, kind: str) -> str:
    seed = run.config.training.seed
    told = "; ".join(
        f"z{code} follows {what} by {number(found.rho[code, column], 2)}"
        for code in range(2)
        for column, what in enumerate(MEASURES)
    )
    return (
        f"Three grids of digits generated by InfoGAN ({kind}), seed {seed}: ten categories, "
        f"which are the digit for {found.accuracy:.1%} of unseen images; {told}."
    )


@styled
def _drawn(run: Run, found: Found, kind: str) -> Figure:
    """Draw the categories beside each other, and both numbers through their range."""
    model: Any = run.model()
    categories = model.layout.categories[0]
    order = np.argsort(found.digits)  # the category matched with 0, with 1, ...
    noise = model.draw_noise(4, torch.Generator().manual_seed(1))
    blocks = [np.stack([_row(model, order, noise[k], None, 0.0) for k in range(4)])]
    turns = np.linspace(-FAR, FAR, 10)
    for code in range(2):
        shown = [order[d % categories] for d in (2, 7)]
        blocks.append(np.stack([_row(model, [k] * 10, noise[0], code, turns) for k in shown]))
    figure, axes = image_grid(blocks, title(run, f"its codes moved ({kind})"), below=0.3)
    axes[0].set_xticks(np.arange(len(order)) + 0.5, [f"c0={k}" for k in order])
    for code, ax in enumerate(axes[1:]):
        told = ", ".join(
            f"{what} {number(found.rho[code, column], 2)}" for column, what in enumerate(MEASURES)
        )
        ax.set_xlabel(
            f"z{code} from {number(-FAR, 0)} to {number(FAR, 0)}; rank correlations: {told}"
        )
    return figure


def _row(model: Any, values: Any, noise: torch.Tensor, code: int | None, turns: Any) -> Any:
    """Return pictures of categories with one noise, one continuous code moved."""
    layout = model.layout
    codes = torch.zeros(len(values), layout.width)
    codes[range(len(values)), torch.as_tensor(np.asarray(values))] = 1.0
    if code is not None:
        codes[:, layout.categories[0] + code] = torch.as_tensor(turns).float()
    return as_pictures(make(model, codes, noise.expand(len(codes), -1)))
