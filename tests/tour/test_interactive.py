"""What can be touched in the page: decoders in 8 bits, and requests with their answers."""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from unbraid.control.language.parser import parse
from unbraid.datasets.digits import Config, factor_specs
from unbraid.nn import nets
from unbraid.tour.exhibits import interactive

SPECS = factor_specs(Config())


def test_a_decoder_in_8_bits_decodes_as_the_one_it_was() -> None:
    torch.manual_seed(0)
    net = nets.decoder("mlp", (1, 16, 16), 5)
    codes = torch.randn(20, 5)
    values = codes.numpy()
    for index, layer in enumerate(found := interactive.layers(net)):
        shape = (layer["outputs"], layer["inputs"])
        weight = np.frombuffer(base64.b64decode(layer["weight"]), np.int8).reshape(shape)
        scale, bias = (
            np.frombuffer(base64.b64decode(layer[name]), "<f4") for name in ("scale", "bias")
        )
        values = values @ (weight * scale[:, None]).T + bias
        values = np.maximum(values, 0) if index + 1 < len(found) else 1 / (1 + np.exp(-values))
    with torch.no_grad():
        exact = torch.sigmoid(net(codes)).flatten(1).numpy()
    assert np.abs(values - exact).max() < 0.02
    assert all(one["outputs"] == other["inputs"] for one, other in pairwise(found))


def test_every_request_names_all_but_the_thickness() -> None:
    asked = [parse(interactive.sentence(choice), SPECS).values for choice in interactive.choices()]
    assert {frozenset(values) for values in asked} == {
        frozenset(["digit", "size", "x", "y", "angle"])
    }
    assert len({tuple(sorted(values.items())) for values in asked}) == len(asked)


def test_answers_and_readings_stand_where_the_page_looks_for_them() -> None:
    def draw(rows: Any, styles: Any) -> Any:
        images = np.zeros((len(rows), 1, 32, 32), np.float32)
        images[:, 0, 0, 0] = rows[:, 0] / 9  # the digit
        return images

    def read(images: Any) -> Any:
        found = np.zeros((len(images), 6))
        found[:, 0] = images[:, 0, 0, 0] * 9
        found[:, 1:4] = 30, -4, 6
        return found

    html = interactive.request_picker(
        SimpleNamespace(specs=SPECS), draw, SimpleNamespace(read=read), "Ask!"
    )
    (held,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    data = json.loads(held)
    for choice in ((0, 7, 1, 5), (2, 3, 8, 0)):
        tile = 0
        for words, index in zip(data["words"], choice, strict=True):
            tile = tile * len(words) + index
        assert data["read"][tile][0] == choice[1]
        assert data["read"][tile][1:4] == [15.0, -2.0, 3.0]  # pixels of these 32, not of 64
