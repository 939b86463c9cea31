"""Suggestions for misspelt names."""

from __future__ import annotations

from typing import Any

import pytest

from unbraid.core.errors import did_you_mean

KNOWN = ["mnist", "mig", "beta-vae", "Size", "size"]


@pytest.mark.parametrize(
    ("found", "nearest"),
    [
        ("MNIST", "mnist"),
        ("MIG", "mig"),
        ("Beta-VAE", "beta-vae"),
        ("BETA", "beta-vae"),
        ("SIZE", "Size"),
        ("nothing like it", ""),
        (0, ""),
        (None, ""),
        (("mnist",), "mnist"),
    ],
)
def test_the_nearest_name_of_anything(found: Any, nearest: str) -> None:
    assert did_you_mean(found, KNOWN) == (f" (did you mean '{nearest}'?)" if nearest else "")
