"""What a step is given besides images: labels of those that keep theirs, and pairs of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid import methods
from unbraid.core.errors import UnbraidError
from unbraid.datasets import GROUPED, Dataset, check_partners
from unbraid.methods import Batch, LabelledConfig, Method, labels_of, name_of
from unbraid.nn.nets import as_pixels
from unbraid.training.batches import LABELLED, LABELS, PAIRS, Batches, generator

CPU = torch.device("cpu")
Labelled = tuple[Tensor, Tensor] | None


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
            "labels: ask for fewer (0 takes all; measured factors need none), or give more of them."
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


def given_columns(data: Dataset, factors: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which factors (N, F) are labels that somebody gave: known, and not measured, (F,)."""
    found: NDArray[np.bool_] = np.array([not spec.measured for spec in data.specs])
    found &= ~np.isnan(factors).all(0)
    return found


def given_labels(data: Dataset, factors: NDArray[Any]) -> NDArray[Any]:
    """Return the columns of factors (N, F) that images are chosen by: labels, or all if none.

    Measured factors are known of all images, and would crowd out those that have labels.
    """
    given = given_columns(data, factors)
    return factors[:, given] if given.any() else factors


class Labels:
    """The labels a training is given, NaN for all others, which nothing looks at.

    Where a number of labels was asked for, these are all: none of a held-out image is among them.
    Where all are given, those of held-out images are, too; they serve the validation. Factors that
    are measured from the images need no label, and are known of all images.

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
        given = given_columns(data, factors)
        asked = factors[:, given] if config.labels else given_labels(data, factors)
        self.rows = labelled_rows(asked, rows, config.labels, config.label_seed)
        if config.labels:
            hidden = np.ones(len(factors), bool)
            hidden[self.rows.numpy()] = False
            factors[np.ix_(hidden, given)] = np.nan
        self.factors = torch.from_numpy(factors).to(batches.device)
        self.batches = batches
        self.size = min(batch_size, len(self.rows))
        self.all = len(self.rows) == len(rows)
        self.measured = bool(given.any() and (~np.isnan(factors[:, ~given])).any())

    def take(self, rows: Tensor) -> Tensor:
        """Return the factors of images by row, (B, F) float32, NaN where unknown."""
        return self.factors.index_select(0, rows.to(self.factors.device))

    def drawn(self, images: Tensor, factors: Tensor, *key: int) -> tuple[Tensor, Tensor]:
        """Return the labelled images of a training step and their factors.

        Where other images have measured factors, the batch follows them.

        Args:
            images: of the batch; they are the labelled ones, too, where all have labels.
            factors: of the batch.
            key: of the draw of labelled images, such as (seed, step).
        """
        if self.all:
            return images, factors
        order = torch.randperm(len(self.rows), generator=generator(CPU, key[0], LABELLED, *key[1:]))
        drawn = self.rows[order[: self.size]]
        shown, known = self.batches.take(drawn), self.take(drawn)
        if self.measured:
            shown, known = torch.cat([shown, images]), torch.cat([known, factors])
        return shown, known

    def shown(self, images: Tensor, factors: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return those images of a validation step of which something is known: given, measured."""
        known = ~torch.isnan(factors).all(1)
        return (images[known], factors[known]) if known.any() else None


class GivesPairs(Protocol):
    """A data set of known factors that gives images differing in some of them."""

    def pairs(
        self,
        rows: NDArray[np.int64],
        rule: int | str,
        seed: int,
        among: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return a partner of each row's image, (B, C, H, W), and what differs, (B, F)."""


class Pairs:
    """Partners of images, drawn by key.

    In training they are images trained on, or drawn anew where the data set can; in validation
    they are any images of the split.

    Args:
        data: a data set whose factors are known.
        rows: those trained on.
        rule: how many factors differ, as ``Dataset.pairs`` takes it.
        device: where images are wanted.

    Raises:
        UnbraidError: a data set that cannot give pairs.
    """

    def __init__(self, data: Dataset, rows: Tensor, rule: int | str, device: torch.device) -> None:
        source: GivesPairs | None = getattr(data, "pairs", None) and data  # type: ignore[assignment]
        if source is None or (data.factors is None and rule not in GROUPED):
            raise UnbraidError(
                f"{data.name} cannot give pairs of images that differ in some factors: choose a "
                "data set whose factors are known, such as digits or dsprites, data with groups of "
                "images (--data.group) and --pairs group, or a method that needs no pairs."
            )
        if rule in GROUPED and data.groups is not None:
            check_partners(data)  # before the first step, not when a batch draws the image
        self.source, self.rule, self.device = source, rule, device
        self.trained = rows.numpy()

    def take(self, rows: Tensor, *key: int, training: bool) -> tuple[Tensor, Tensor]:
        """Return the partner of each row's image, (B, C, H, W) on [0, 1], and what differs."""
        seed = int(np.random.SeedSequence((key[0], PAIRS, *key[1:])).generate_state(1)[0])
        images, changed = self.source.pairs(
            rows.numpy(), self.rule, seed, self.trained if training else None
        )
        pixels = torch.from_numpy(images).to(self.device)
        pixels = as_pixels(pixels.contiguous(memory_format=torch.channels_last))
        return pixels, torch.from_numpy(changed).to(self.device)


class Supervision:
    """Makes each step's batch: images, and what the method declares that it needs.

    Args:
        data: images and their factors.
        rows: those trained on.
        model: whose ``needs`` are met.
        batches: takes images by row.
        batch_size: images a step.
        seed: of the training.

    Raises:
        UnbraidError: data that have not what the method needs.
    """

    def __init__(
        self,
        data: Dataset,
        rows: Tensor,
        model: Method,
        batches: Batches,
        batch_size: int,
        seed: int,
    ) -> None:
        self.batches, self.seed, self.needs = batches, seed, model.needs
        if unknown := self.needs - {"factors", "labelled", "pairs"}:
            raise UnbraidError(
                f"{name_of(model.config)} needs {', '.join(sorted(unknown))}, but a batch can hold "
                "factors, labelled and pairs: correct its needs."
            )
        asked = labels_of(model.config) if self.needs & methods.LABELS else None
        self.labels = Labels(data, rows, asked, batches, batch_size) if asked else None
        self.pairs: Pairs | None = None
        if "pairs" in self.needs:
            self.pairs = Pairs(data, rows, model.pair_rule, batches.device)

    def batch(self, rows: Tensor, step: int) -> Batch:
        """Return the batch of a training step from the given rows."""

        def drawn(labels: Labels, images: Tensor, factors: Tensor) -> Labelled:
            return labels.drawn(images, factors, self.seed, step)

        return self._made(rows, drawn, (self.seed, step), training=True)

    def held_out(self, rows: Tensor, number: int) -> Batch:
        """Return a batch of validation: the same for every seed, with the labels it was given."""
        return self._made(rows, Labels.shown, (0, number, 1), training=False)

    def _made(
        self,
        rows: Tensor,
        labelled: Callable[[Labels, Tensor, Tensor], Labelled],
        key: tuple[int, ...],
        training: bool,
    ) -> Batch:
        images, factors, others = self.batches.take(rows), None, None
        if self.labels is not None:
            factors = self.labels.take(rows)
            if "labelled" in self.needs:
                others = labelled(self.labels, images, factors)
        pairs = None if self.pairs is None else self.pairs.take(rows, *key, training=training)
        return Batch(images, factors if "factors" in self.needs else None, others, pairs)
