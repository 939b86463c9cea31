"""What the codes of a trained InfoGAN stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unbraid.strokes import MEASURES, rank_correlations

if TYPE_CHECKING:
    from unbraid.runs import Run


GENERATED = 4000  # generated images on which codes are correlated with slant and stroke width

HEADS = [f"z{code} and {what}" for code in range(2) for what in MEASURES]


@dataclass(frozen=True)
class Meanings:
    """What the codes of one training stand for.

    Args:
        accuracy: share of held-out images whose category is their digit, categories and digits
            matched one to one.
        digits: the digit of each category, (10,).
        rho: rank correlation of each continuous code with slant and with stroke width among
            generated images of one category, (2, 2).
    """

    accuracy: float
    digits: NDArray[np.int64]
    rho: NDArray[np.float64]


@torch.no_grad()
def interpret(run: Run) -> Meanings:
    """Measure what the codes of a training stand for."""
    model: Any = run.model()
    unseen = run.unseen()
    categories = model.layout.categories[0]
    guess = model.encode(np.asarray(unseen.images[:])).numpy()[:, :categories].argmax(1)
    counts = np.zeros((categories, 10), np.int64)
    np.add.at(counts, (guess, unseen.factor("digit").astype(int)), 1)
    rows, digits = linear_sum_assignment(counts, maximize=True)
    noise = torch.Generator().manual_seed(0)
    codes = model.prior_sample(GENERATED, noise)
    images = generate_images(model, codes, noise)
    category = codes[:, :categories].argmax(1).numpy()
    numbers = codes[:, categories:].numpy()
    rho = [rank_correlations(numbers, measure(images), category) for measure in MEASURES.values()]
    return Meanings(float(counts[rows, digits].sum() / counts.sum()), digits, np.stack(rho, 1)[:2])


@torch.no_grad()
def generate_images(
    model: Any, codes: torch.Tensor, noise: torch.Generator | torch.Tensor
) -> NDArray[np.float32]:
    """Return the images of codes (N, D), each with noise of its own, (N, C, H, W)."""
    free = model.draw_noise(len(codes), noise) if isinstance(noise, torch.Generator) else noise
    parts = zip(torch.split(codes, 500), torch.split(free, 500), strict=True)
    drawn: NDArray[np.float32] = torch.cat([model.pixel_mean(c, n) for c, n in parts]).numpy()
    return drawn
