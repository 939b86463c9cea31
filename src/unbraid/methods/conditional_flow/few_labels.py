"""What few labels leave to other images: how warps move what the glance reads.

With fewer labels than the reader takes a step, a fifth of them is too few to learn from how
readings move under warps: what the glance makes of these very images would count as what warps do.
Moves are learned from images without labels then, of which there are enough, as readings move there
(``observe``); labels only tell the slope of readings (see ``WarpAction``).

A glance that has learned from warped images moves as it was taught, whatever its slope. Where that
is small, to divide such moves by it would teach larger and larger ones. So the moves of a factor
are learned until it is read well enough to be taught under warps (``TEACHABLE``), and again once
its slope is larger (``TRUSTED``). What is taught is taught on images without labels, too
(``equivariance_loss``): without it, a glance learns moves of its labelled images by heart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unbraid.methods._layers import dropping
from unbraid.methods._step import Batch
from unbraid.methods.conditional_flow.warps import warp

if TYPE_CHECKING:
    from unbraid.methods.conditional_flow.reading import Reading

READ = 128  # images of a batch, labelled and others, that the reader takes
TEACHABLE = 0.25  # slope of readings from which on a factor is learned from warped images,
TRUSTED = 0.5  # and from which on the moves of what was learned so are learned from


def has_few_labels(batch: Batch, labels: int) -> bool:
    """Return whether there are fewer labels than the reader takes a step.

    Args:
        batch: of a step; its labelled images are more than its images where all are measured.
        labels: how many the training was given, 0 if that is not known.
    """
    if batch.labelled is None:
        return False
    count, images = len(batch.labelled[0]), len(batch.images)
    return count <= images and (0 < labels < READ or count < min(READ, images))


@torch.no_grad()
def observe(reading: Reading, images: Tensor, noise: torch.Generator) -> None:
    """Learn from images (B, C, H, W) without labels how warps move what the glance reads."""
    action = reading.action
    slope = action.slope()
    action.taught |= slope >= TEACHABLE
    images = reading.reader.shrunk(images).float()
    reals = reading.reader.glance(images)
    used = action.middle(reals) & (~action.taught | (slope >= TRUSTED))
    reading.observe(images, reals, used, noise)


def equivariance_loss(reading: Reading, images: Tensor, noise: torch.Generator) -> Tensor:
    """Return the loss of reading warped images (B, C, H, W) as far moved as warps move them."""
    reader, action = reading.reader, reading.action
    images = reader.shrunk(images).float()
    warps = reading.usable_warps(len(images), noise)
    with torch.no_grad():
        moved = action(warps, reader.glance(images))
        moved = torch.where(action.taught, moved, torch.nan)
    with dropping(reader, noise):
        found = reader.glance(warp(images, warps))
    return reader.real_loss(found, moved, reader.glance_width.detach()).mean()
