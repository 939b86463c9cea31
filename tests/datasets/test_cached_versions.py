"""What is cached is made anew when the code that makes it changes: its version is raised then.

Each case holds a few numbers of what a version makes, computed here without a cache.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from unbraid.core.subsets import some_rows
from unbraid.datasets import _glyphs, _measured, _own_voices, _room, _voices, load_dataset
from unbraid.datasets._morphology import measure
from unbraid.datasets.speech import number

TAKES = [(7, 0, 6), (6, 1, 8), (2, 4, 11), (9, 2, 5)]  # word, speaker, take


def voices() -> list[float]:
    records = [_voices.prepare_take(number(*take)) for take in TAKES]
    arrays = [np.asarray(part, float) for record in records for part in record[:4]]
    return [float(array.mean()) for array in arrays]


def glyphs() -> list[float]:
    images = load_dataset("mnist", "test").images
    kept, records = _glyphs.prepare_glyphs(images[some_rows(len(images), 20)][:, 0])
    field, extent = (records[name].astype(float) for name in ("field", "extent"))
    return [float(kept.mean()), field.mean(), field.std(), extent.mean()]


def room() -> list[float]:
    return [float(_room.view(shape, 1.0, 15.0).mean()) for shape in _room.SHAPES]


def measured() -> list[float]:
    images = load_dataset("mnist", "test").images
    found = measure(images[some_rows(len(images), 40)])
    return [float(np.nanmean(part)) for part in found[:11]]  # the others are of colours


MADE: dict[str, tuple[Callable[[], list[float]], object, object, list[float]]] = {
    "voices": (
        voices,
        (_voices.VERSION, _own_voices.VERSION),
        (2, 3),
        [
            *(-34.673, 0.73493, 0.61211, 155.56, -28.988, 1.2425, 0.78017, 94.558),
            *(-31.612, -1.7956, 0.77124, 81.361, -27.535, 0.024056, 0.51362, 126.46),
        ],
    ),
    "glyphs": (glyphs, _glyphs.VERSION, 1, [1.0, 219.42, 68.745, 0.33772]),
    "room": (room, _room.VERSION, 1, [0.24872, 0.24826, 0.25086, 0.25025]),
    "measured": (
        measured,
        _measured.VERSION,
        1,
        [1, 0.56102, -0.47768, 23.382, -2.9503, -2.9335, 2.143, 2.6096, 37.524, 250.64, 225.23],
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_version_makes_stays(name: str) -> None:
    make, version, known, values = MADE[name]
    assert version == known, "a new version: record here what it makes"
    assert make() == pytest.approx(values, rel=1e-3, abs=1e-3), (
        "what is cached is made otherwise now: raise its VERSION, and record here what it makes"
    )
