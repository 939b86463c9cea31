"""How many images of a data set match a request."""

from __future__ import annotations

import numpy as np

from unbraid.control.language.request import Request
from unbraid.datasets import Dataset

NEAR = 0.1  # of a factor's range: an image closer than that to the requested value matches


def matching(data: Dataset, request: Request) -> tuple[int, dict[str, int]]:
    """Return how many images match the whole request, and how many match each factor of it."""
    fits = np.ones(len(data), bool)
    counts = {}
    for spec in data.specs:
        if spec.name in request.values:
            wanted, have = request.values[spec.name], data.factor(spec.name)
            if spec.values is None and spec.range is not None:
                near = abs(have - wanted) <= NEAR * (spec.range[1] - spec.range[0])
            else:
                near = have == wanted
            counts[spec.name] = int(near.sum())
            fits &= near
    return int(fits.sum()), counts
