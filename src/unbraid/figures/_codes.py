"""Codes of held-out images, and latents in the order of their KL, for figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from unbraid.core import latents as kinds
from unbraid.core.errors import UnbraidError
from unbraid.core.subsets import drawing, some_rows
from unbraid.datasets import Dataset
from unbraid.figures._style import which
from unbraid.methods import HasLikelihood, HasPosterior, Method
from unbraid.nn.nets import as_pixels

ROWS = 500  # images encoded at once
Floats = NDArray[np.float32]


class Latent(NamedTuple):
    """One latent: ``z3`` a number, ``c0`` categorical, each counted from 0.

    ``weight`` is its mean KL in nats, or where codes are points the variance of the code.
    """

    name: str
    columns: slice
    weight: float
    label: str
    kind: kinds.Latent

    @property
    def categories(self) -> int:
        """How many values a categorical latent has; 1 if it is a number."""
        return self.kind.width


@dataclass(frozen=True)
class Codes:
    """Codes of held-out images.

    Args:
        data: the images, with their factors.
        mean: (N, D), as ``Method.encode`` gives them.
        drawn: (N, D), one draw of each image's posterior: together, the aggregate posterior.
        latents: in falling order of their KL, or of the code's variance.
        gaussian: whether the codes' prior is a Gaussian.
    """

    data: Dataset
    mean: Floats
    drawn: Floats
    latents: tuple[Latent, ...]
    gaussian: bool

    def numbers(self) -> list[Latent]:
        """Return the latents that are not categorical, in the order of ``latents``."""
        return [latent for latent in self.latents if not latent.kind.categorical]


def encode(model: Method, data: Dataset, limit: int, seed: int = 0) -> Codes:
    """Encode at most ``limit`` of the images, drawn by the seed and kept in their order."""
    noise = torch.Generator().manual_seed(seed)
    data = data.take(some_rows(len(data), limit, seed))
    mean, drawn, kl = [], [], []
    with torch.no_grad():
        for start in range(0, len(data), ROWS):
            images = as_pixels(torch.tensor(np.asarray(data.images[start : start + ROWS])))
            mean.append(model.codes(images))
            if isinstance(model, HasLikelihood):
                drawn.append(model.draw(images, noise))
            if isinstance(model, HasPosterior):
                kl.append(model.kl(images))
    codes = torch.cat(mean)
    nats = torch.cat(kl).mean(0).tolist() if kl else None
    return Codes(
        data,
        codes.numpy(),
        (torch.cat(drawn) if drawn else codes).numpy(),
        _ranked(model.layout, codes, nats),
        model.prior_kind == "gaussian",
    )


def _ranked(
    layout: kinds.Layout, codes: torch.Tensor, nats: list[float] | None
) -> tuple[Latent, ...]:
    """Return the latents in falling order of KL, or of the code's variance where there is none."""
    latents = []
    parts = zip(layout.names, layout.columns, layout.latents, strict=True)
    for index, (name, columns, kind) in enumerate(parts):
        weight = nats[index] if nats else float(codes[:, columns].var(0, correction=0).sum())
        said = f"{weight:.1f} nats" if nats else f"variance {weight:.2g}"
        latents.append(Latent(name, columns, weight, f"{name}, {said}", kind))
    return tuple(sorted(latents, key=lambda latent: -latent.weight))


def one_of_each(data: Dataset, count: int, seed: int) -> NDArray[np.int64]:
    """Return random rows: of each class the same number if possible, in the classes' order."""
    count = min(count, len(data))
    order = drawing(seed).permutation(len(data))
    if data.factors is None or data.specs[0].kind != "categorical":
        return order[:count]
    classes = np.nan_to_num(data.factors[order, 0], nan=len(data.specs[0].values or ()))
    # how often each image's class came before it; the first of each class, then the second, ...
    place = np.zeros(len(order), np.int64)
    for value in np.unique(classes):
        mine = classes == value
        place[mine] = np.arange(mine.sum())
    first = np.lexsort((np.arange(len(order)), place))[:count]
    chosen = first[np.lexsort((classes[first], place[first]))]
    return order[chosen]


def unseen_image(data: Dataset, index: int) -> NDArray[np.uint8]:
    """Return one held-out image, (1, C, H, W)."""
    if not 0 <= index < len(data):
        raise UnbraidError(
            f"image is {index}, but {data.name} has {len(data):,} {which(data)} images: "
            f"expected 0 to {len(data) - 1}."
        )
    return np.asarray(data.images[index : index + 1])
