"""What a model in training reaches on the images that are held out of it."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unbraid.core import hardware
from unbraid.methods import Context, HasPosterior
from unbraid.training.batches import VALIDATION, generator

if TYPE_CHECKING:
    from unbraid.training.loop import Loop

ACTIVE_VARIANCE = 0.01  # Burda et al. 2016: a latent is active if Var_x E[z|x] is above this


@torch.no_grad()
def held_out_terms(loop: Loop) -> dict[str, float]:
    """Return the held-out images' mean terms and the number of active latents.

    The weights are those of the moving average, where the method keeps one.

    Args:
        loop: the training; its model is in training mode afterwards.

    Returns:
        Terms by the names that records have, in nats per image; nothing if no image is held out.
    """
    total, model = len(loop.held_out), loop.model
    if not total:
        return {}
    size = min(loop.config.batch_size, total)
    # not in the data's order: a batch of one class alone has other terms than a mixed one
    shuffle = generator(torch.device("cpu"), 0, VALIDATION, total, 1)
    order = loop.held_out[torch.randperm(total, generator=shuffle)]
    noise = generator(loop.device, loop.config.seed, VALIDATION)
    context = Context(noise, math.inf, total=len(loop.rows), step=sys.maxsize)
    found: dict[str, list[Tensor]] = defaultdict(list)
    means = []
    model.eval()
    with loop.optimizers.averaged(), hardware.autocast(loop.device, loop.precision):
        for number, rows in enumerate(torch.split(order, size)):
            batch = loop.supervision.held_out(rows, number)
            if isinstance(model, HasPosterior):
                means.append(model.posterior(batch.images)[0])
            if len(rows) < size:  # estimates from smaller batches are biased differently
                continue
            for phase in loop.optimizers:
                for name, value in model.terms(batch, context._replace(phase=phase)).items():
                    found[loop.key(phase, name)].append(value)
    model.train()
    figures = {name: float(torch.stack(values).mean()) for name, values in found.items()}
    if means:
        figures["active_units"] = int((torch.cat(means).var(0) > ACTIVE_VARIANCE).sum())
    return figures
