"""Labels in training: which images keep theirs, and a batch of those for every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid.datasets import Dataset
from unbraid.errors import UnbraidError
from unbraid.methods import Context, LabelledConfig
from unbraid.training.batches import LABELLED, LABELS, Batches, generator

CPU = torch.device("cpu")


def labelled_rows(factors: NDArray[Any], rows: Tensor, count: int, seed: int) -> Tensor:
    """Return the rows, sorted, that keep their labels: ``count`` of those with any, 0 for all.

    Args:
        factors: (N, F), NaN where unknown.
        rows: what to choose from.
        count: how many; the first of one order, so that fewer are among the more.
        seed: of that order.

    Raises:
        UnbraidError: there are fewer than ``count``, or none.

    >>> factors = np.array([[0.0], [np.nan], [2.0], [3.0]])
    >>> labelled_rows(factors, torch.arange(4), 0, seed=0).tolist()
    [0, 2, 3]
    """
    known = torch.from_numpy(~np.isnan(factors[rows.numpy()]).all(1))
    able = rows[known]
    if len(able) < max(count, 1):
        raise UnbraidError(
            f"labels is {count:,}, but {len(able):,} of the {len(rows):,} images to train on have "
            "labels: ask for fewer (0 takes all there are), or give more of them."
        )
    order = torch.randperm(len(able), generator=generator(CPU, seed, LABELS))
    return able[order[: count or len(able)]].sort().values


def named(data: Dataset, config: LabelledConfig) -> NDArray[np.float32]:
    """Return the factors of all images, (N, F), NaN for those whose labels are not to be used.

    Raises:
        UnbraidError: no labels, or no factor of a name.
    """
    if data.factors is None:
        raise UnbraidError(f"{data.name} has no labels to learn from.")
    factors = np.array(data.factors, np.float32)
    for name in config.label_factors:
        data.factor(name)  # raises if there is none
    if config.label_factors:
        factors[:, [name not in config.label_factors for name in data.factor_names]] = np.nan
    return factors


class Labels:
    """The labels a training is given, NaN for all others, which nothing looks at.

    Where a number of labels was asked for, these are all: none of a held-out image is among them.
    Where all are given, those of held-out images are, too; they serve the validation.

    Args:
        data: images and their factors.
        rows: those trained on, some of which keep their labels.
        config: how many, and of which factors.
        batches: takes images by row.
        batch_size: at most so many labelled images a step.

    Raises:
        UnbraidError: no labels, fewer than asked for, or no factor of a name.
    """

    def __init__(
        self,
        data: Dataset,
        rows: Tensor,
        config: LabelledConfig,
        batches: Batches,
        batch_size: int,
    ) -> None:
        factors = named(data, config)
        self.rows = labelled_rows(factors, rows, config.labels, config.label_seed)
        if config.labels:
            hidden = np.ones(len(factors), bool)
            hidden[self.rows.numpy()] = False
            factors[hidden] = np.nan
        self.factors = torch.from_numpy(factors).to(batches.device)
        self.batches = batches
        self.size = min(batch_size, len(self.rows))
        self.all = len(self.rows) == len(rows)

    def take(self, rows: Tensor) -> Tensor:
        """Return the factors of images by row, (B, F) float32, NaN where unknown."""
        return self.factors.index_select(0, rows.to(self.factors.device))

    def added(self, context: Context, rows: Tensor, images: Tensor, *key: int) -> Context:
        """Return the context of a training step with its labels.

        Args:
            context: of the step.
            rows: of the batch.
            images: of the batch; they are the labelled ones, too, where all have labels.
            key: of the draw of labelled images, such as (seed, step).
        """
        factors = self.take(rows)
        if self.all:
            return context._replace(factors=factors, labelled=(images, factors))
        order = torch.randperm(len(self.rows), generator=generator(CPU, key[0], LABELLED, *key[1:]))
        drawn = self.rows[order[: self.size]]
        labelled = self.batches.take(drawn), self.take(drawn)
        return context._replace(factors=factors, labelled=labelled)

    def shown(self, context: Context, rows: Tensor, images: Tensor) -> Context:
        """Return the context of a validation step: with labels of its images, if all are given."""
        factors = self.take(rows)
        known = ~torch.isnan(factors).all(1)
        labelled = (images[known], factors[known]) if known.any() else None
        return context._replace(factors=factors, labelled=labelled)
