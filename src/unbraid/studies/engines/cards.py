"""GPUs of this machine, shared out to the workers of the local engine."""

from __future__ import annotations

import os

from unbraid.core.errors import UnbraidError

ROUNDING = 1e-9  # so that ten runs of a tenth of a card fit on one


def visible() -> list[str]:
    """Return the cards that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return named[:count] if named[0] else [str(number) for number in range(count)]


def fitting(room: float, each: float) -> int:
    """Return how many runs fit that need so much each.

    >>> fitting(4, 2), fitting(1, 0.1), fitting(1, 2)
    (2, 10, 0)
    """
    return int(room / each + ROUNDING)


def shared_out(gpus: float, jobs: int = 0) -> list[str]:
    """Return ``CUDA_VISIBLE_DEVICES`` of each of the runs side by side: the cards in turn.

    Args:
        gpus: of each run; a whole number, or a share of a card.
        jobs: at most so many runs; 0 is as many as the cards hold.

    Raises:
        UnbraidError: this machine has fewer cards than a run needs.
    """
    cards = visible()
    each = max(1, int(gpus))
    groups = [cards[start : start + each] for start in range(0, len(cards) - each + 1, each)]
    if not groups:
        raise UnbraidError(
            f"gpus of [resources] is {gpus:g}, and of GPUs this machine has {len(cards)} to use: "
            "leave gpus out, or choose --on slurm or --on ray."
        )
    fit = len(groups) * fitting(each, gpus)
    return [",".join(groups[number % len(groups)]) for number in range(min(jobs or fit, fit))]
