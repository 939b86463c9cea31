"""First weights of models, drawn by torch's own generator without disturbing others who use it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

INIT = 0  # purpose of this randomness; those of training are the numbers after it
_lock = threading.RLock()  # layers draw from a generator that all threads share


@contextmanager
def drawing_weights(seed: int | None) -> Iterator[None]:
    """Have layers that are made within it draw their weights by a seed alone.

    Of several threads one is within it at a time. The generator is then as it was before, unless
    the seed is None: weights are drawn from where it stands.
    """
    with _lock:
        if seed is None:
            yield
            return
        with torch.random.fork_rng(devices=[]):
            state = np.random.SeedSequence((seed, INIT)).generate_state(1, np.uint64)
            # not torch.manual_seed, which seeds the generators of GPUs, too
            torch.default_generator.manual_seed(int(state[0]) >> 1)
            yield
