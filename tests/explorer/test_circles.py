"""Periodic factors with levels in the page: a turn of dSprites' orientation is 39 of its levels."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

import numpy as np
import pytest
import torch

from unbraid.control.native import Native
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.datasets import Dataset
from unbraid.datasets.dsprites import SPECS
from unbraid.explorer import asking, latents
from unbraid.figures import encode
from unbraid.methods import build, configure


@pytest.fixture(scope="module")
def native() -> Native:
    torch.manual_seed(0)
    small = {"hidden": 32, "width": 8, "layers": 1, "path_steps": 1, "latent_dim": 2}
    return Native(build(configure("conditional-flow", **small), (1, 16, 16), SPECS))


def test_the_closed_loop_goes_round_by_stored_levels(native: Native) -> None:
    orientation = asking._loop(native)[3]
    assert orientation["period"] == orientation["length"] == 39
    assert orientation["symmetries"] == [(1, 0, 39 / 4), (1, 1, 39 / 2)]


def test_a_slider_says_the_level_and_the_last_is_the_first(native: Native, browser: Any) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 16, 16), np.uint8)
    data = Dataset("noise", images, np.zeros((40, 6)), SPECS)
    rows = latents.described(native.model, encode(native.model, data, 40))
    row = next(each for each in rows if each.get("label") == "orientation")
    assert row["range"] == [0, 39]
    page = browser.new_page()
    static = files("unbraid.explorer") / "static"
    scripts = [(static / name).read_text() for name in ("ui-core.js", "ui-row.js")]
    page.add_script_tag(content="\n".join(scripts))
    said = page.evaluate(
        "row => [0, 19.6, 38.4, 38.6].map(at => new Row(row).physical(at))", cast(Any, row)
    )
    page.close()
    assert said == ["0", "3.22", "6.12", "0"]


def test_colours_of_the_map_go_round_the_circle(browser: Any) -> None:
    page = browser.new_page()
    static = files("unbraid.explorer") / "static"
    page.add_script_tag(
        content="\n".join((static / f"ui-{n}.js").read_text() for n in ("core", "map"))
    )
    turns = (
        FactorSpec("hue", "periodic", range=(0, 360), period=360),
        SPECS[3],  # of 40 levels, the last of which is the first one
        FactorSpec("size", "continuous", range=(0, 360)),
    )
    levels = ([-1e-9, 359.999, 180], [0, 39, 20], [0, 360, 180])
    shades = page.evaluate(
        """([specs, levels]) => {
            const { shade, share, ramp, listed } = CodeMap.prototype;
            const map = { share, ramp, listed };
            return specs.map((spec, at) => levels[at].map((level) => shade.call(map, spec, level)));
        }""",
        [json.loads(json.dumps(specs_to_json(turns), default=float)), levels],
    )
    page.close()
    for first, last, middle in shades[:2]:
        assert first == last != middle
    assert len(set(shades[2])) == 3
