"""Randomness by key, the rows held out, and images taken by row onto a device."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, ImageSource, whole_groups
from unbraid.nn.nets import as_pixels

VALIDATION_LIMIT = 5000  # images; more would cost time and add no precision
GPU_RESIDENT = 8 << 30  # bytes of images kept on the device; larger sets are sent batch by batch

# Purposes of randomness: the second entry of a key. 0 is that of first weights, methods.build.
ORDER, NOISE, VALIDATION, LABELS, LABELLED, SAMPLES, PAIRS = range(1, 8)


def generator(device: torch.device, *key: int) -> torch.Generator:
    """Return a generator seeded by a key such as (seed, purpose, counter)."""
    return reseed(torch.Generator(device), *key)


def reseed(noise: torch.Generator, *key: int) -> torch.Generator:
    """Seed an existing generator by a key; nearby keys give unrelated streams."""
    state = np.random.SeedSequence(key).generate_state(2, np.uint32)
    return noise.manual_seed(int(state[0]) << 32 | int(state[1]))


def split_rows(data: Dataset, share: float) -> tuple[Tensor, Tensor]:
    """Return the rows to train on and the rows held out, the same for every seed.

    Of images in groups, whole groups are held out; of one image they would be none.
    """
    total = len(data)
    held_out = min(int(total * share), VALIDATION_LIMIT)
    if held_out == 1:  # tells nothing of spread, and some estimators need two
        held_out = 0
    if data.groups is not None:
        out = torch.from_numpy(whole_groups(data.groups, held_out, VALIDATION))
        if out.sum() == 1:
            out[:] = False
        return (~out).nonzero().flatten(), out.nonzero().flatten()
    order = torch.randperm(total, generator=generator(torch.device("cpu"), 0, VALIDATION, total))
    return order[held_out:].sort().values, order[:held_out].sort().values


def shuffled(rows: Tensor, seed: int, epoch: int) -> Tensor:
    """Return the rows in the order of an epoch."""
    shuffle = generator(torch.device("cpu"), seed, ORDER, epoch)
    return rows[torch.randperm(len(rows), generator=shuffle)]


def drawn(rows: Tensor, count: int, seed: int, step: int) -> Tensor:
    """Return rows drawn for a step with replacement, (count,)."""
    draws = generator(torch.device("cpu"), seed, SAMPLES, step)
    return rows[torch.randint(len(rows), (count,), generator=draws)]


class Batches:
    """Images held once, as uint8, and taken by row onto the device."""

    def __init__(self, images: ImageSource, device: torch.device) -> None:
        if (dtype := images[:1].dtype) != np.uint8:
            raise UnbraidError(f"images are of type {dtype}, expected uint8 with values 0 to 255.")
        self.device = device
        self.source = images
        self.resident: Tensor | None = None
        self.there: Tensor | None = None  # which of them are, if they come as they are asked for
        if isinstance(images, np.ndarray) and (
            device.type == "cpu" or images.nbytes <= GPU_RESIDENT
        ):
            with warnings.catch_warnings():  # a memory-mapped file is read-only, and only read
                warnings.filterwarnings("ignore", message=".*not writable.*")
                self.resident = torch.from_numpy(np.ascontiguousarray(images)).to(device)
        elif device.type != "cpu" and math.prod(images.shape) <= _room(device):
            self.resident = torch.empty(images.shape, dtype=torch.uint8, device=device)
            self.there = torch.zeros(len(images), dtype=torch.bool)

    def take(self, rows: Tensor) -> Tensor:
        """Return the images of the given rows as floats on [0, 1], (len(rows), C, H, W)."""
        if self.there is not None:
            self._fill(torch.from_numpy(np.unique(rows[~self.there[rows]])))
        if self.resident is not None:
            images = self.resident.index_select(0, rows.to(self.device))
        else:
            images = torch.from_numpy(self.source[rows.numpy()]).to(self.device)
        return as_pixels(images.contiguous(memory_format=torch.channels_last))

    def _fill(self, rows: Tensor) -> None:
        """Make images that are made on demand, for good."""
        if self.resident is not None and self.there is not None and len(rows):
            made = torch.from_numpy(np.ascontiguousarray(self.source[rows.numpy()]))
            self.resident[rows.to(self.device)] = made.to(self.device)
            self.there[rows] = True


def _room(device: torch.device) -> float:
    """Return how many bytes of images made on demand a device may keep: half of what is free."""
    if device.type != "cuda":
        return GPU_RESIDENT
    return min(GPU_RESIDENT, torch.cuda.mem_get_info(device)[0] / 2)


def check_images_differ(data: Dataset) -> None:
    """Raise an UnbraidError if a data set shows the same image over and over."""
    first = np.asarray(data.images[:1])
    for start in range(0, len(data), 100):  # as a rule it ends at once
        if (np.asarray(data.images[start : start + 100]) != first).any():
            return
    if len(data) > 1:
        raise UnbraidError(
            f"the {len(data):,} images of {data.name} are all the same, so there is nothing to "
            "learn from them: check how they were made or read."
        )
