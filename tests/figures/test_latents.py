"""Latents by name or number, as figures take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.figures import draw, plane, scatter, traverse
from unbraid.runs import Run


@pytest.mark.parametrize("figure", [plane, scatter, traverse])
@pytest.mark.parametrize(
    ("given", "names"),
    [("z0", ("z0",)), ((0, 2), ("z0", "z2")), (["0", "c1"], ("z0", "c1"))],
)
def test_a_number_is_that_latent_and_a_name_is_one(
    figure: Any, given: Any, names: tuple[str, ...]
) -> None:
    assert figure.Config(latents=given).latents == names
    assert registry.build(figure.Config, {"latents": given}, "figure").latents == names


def test_latents_by_number_are_drawn(tiny_run: Run) -> None:
    labels = [
        [text.get_text() for text in draw("traverse", tiny_run, latents=given).axes[0].texts]
        for given in ("z1", [1], np.array([1]))
    ]
    assert labels[0] == labels[1] == labels[2]
    ticks = draw("traverse", tiny_run, latents=(1,)).axes[0].get_yticklabels()
    assert [tick.get_text().split(",")[0] for tick in ticks] == ["z1"]
    for figure in ("traverse", "scatter", "plane"):
        with pytest.raises(UnbraidError, match=r"z77|None"):
            draw(figure, tiny_run, latents=(77, None))
