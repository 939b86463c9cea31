"""The order in which a figure shows the values of a categorical latent, the same for all seeds.

The number of a category depends on the seed. Where the data have as many classes as there are
categories, each is shown in the place of the class that it matches best; elsewhere categories are
sorted by the mean brightness of their images.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from unbraid.figures._codes import Codes, Latent
from unbraid.figures._style import short, which
from unbraid.methods import Method
from unbraid.metrics.clustering_accuracy import contingency, match


class Order(NamedTuple):
    """Categories in the order they are shown, a name for each, and what the order is."""

    categories: list[int]
    names: list[str]
    note: str


def order_of(model: Method, codes: Codes, latent: Latent) -> Order:
    """Return the order of a categorical latent's values.

    Args:
        model: decodes them.
        codes: of held-out images, with their factors.
        latent: the categorical latent.
    """
    by_class = _by_class(codes, latent)
    return by_class if by_class is not None else _by_ink(model, latent)


def _by_class(codes: Codes, latent: Latent) -> Order | None:
    """Return the order of the classes that categories match, one to one; None without classes."""
    size, data = latent.categories, codes.data
    if data.factors is None:
        return None
    found = [
        (spec.name, spec.values, column)
        for spec, column in zip(data.specs, np.asarray(data.factors).T, strict=True)
        if spec.kind == "categorical" and spec.values is not None and len(spec.values) == size
    ]
    if not found:
        return None
    name, values, column = found[0]
    known = ~np.isnan(column)
    category, column = codes.mean[known][:, latent.columns].argmax(1), column[known]
    if not len(column):
        return None
    table = contingency(category, column.astype(np.int64), (size, size))
    labels = match(table)
    order = np.argsort(labels, kind="stable")
    agreeing = table[np.arange(size), labels]
    doubtful = agreeing * 2 < table.sum(axis=1)  # most of its images are of another class
    doubtful |= agreeing == 0
    names = [f"{values[labels[k]]}{'?' if doubtful[k] else ''}" for k in order]
    share = agreeing.sum() / len(category)
    matched = f"the {short(name)} each category of {latent.name} matches"
    note = f"{matched}: {share:.0%} of {which(data)} images"
    return Order(order.tolist(), names, note)


def _by_ink(model: Method, latent: Latent) -> Order:
    """Return the order of the categories' mean brightness, other latents at zero."""
    codes = model.layout.snap(np.zeros((latent.categories, model.latent_dim), np.float32))
    codes[:, latent.columns] = np.eye(latent.categories)
    ink = model.decode(codes).numpy().mean((1, 2, 3))
    order = np.argsort(ink, kind="stable").tolist()
    note = f"category of {latent.name}, by mean brightness"
    return Order(order, [str(k) for k in order], note)
