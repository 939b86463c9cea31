"""The fixed codes of ``data/``, their published scores, and the encoders that made them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from unbraid.metrics import Evidence, gather

DATA = Path(__file__).parent / "data"
SIZES = np.array([3, 6, 40, 32, 32])
SETS = (
    "perfect",
    "perfect_plus_dead",
    "rotated",
    "redundant",
    "missing",
    "noisy",
    "nonlinear_mixed",
    "quantised",
    "quantised_plus_constant",
)


@cache
def arrays() -> dict[str, np.ndarray]:
    with np.load(DATA / "codes.npz") as file:
        return {name: file[name] for name in file.files}


@cache
def scores() -> dict:
    return json.loads((DATA / "scores.json").read_text())


def codes(name: str, part: str) -> np.ndarray:
    """Return the codes of a set; several are put together from the stored ones, exactly."""
    data = arrays()
    perfect = data[f"perfect_{part}"]
    if name == "perfect_plus_dead":
        return np.hstack([perfect, data[f"dead_{part}"]])
    if name == "redundant":
        return np.hstack([perfect, perfect * data["param_redundant_sign2"].astype(np.float32)])
    if name == "missing":
        return perfect[:, data["param_perm"] != 3]
    if name == "quantised_plus_constant":
        return np.insert(data[f"quantised_{part}"], 2, np.float32(1 / 9), axis=1)
    return data[f"{name}_{part}"]


@cache
def evidence(name: str) -> Evidence:
    data = arrays()
    return gather(
        codes(name, "train"),
        data["factors_train"],
        test=(codes(name, "test"), data["factors_test"]),
    )


def encode(name: str, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Encode factors (n, 5) as the set's codes were made, with fresh noise."""
    data = arrays()
    standard = (factors - (SIZES - 1) / 2) / np.sqrt((SIZES**2 - 1) / 12)
    c = data["param_sign"] * standard[:, data["param_perm"]]
    noise = rng.standard_normal
    if name == "perfect":
        return c
    if name == "perfect_plus_dead":
        return np.hstack([c, 1e-3 * noise((len(c), 3)), noise((len(c), 2))])
    if name == "rotated":
        return c @ data["param_rotation"]
    if name == "missing":
        return c[:, data["param_perm"] != 3]
    if name == "noisy":
        return c + 0.3 * noise(c.shape)
    assert name == "nonlinear_mixed"
    hidden = np.tanh(c @ data["param_mlp_w1"] + data["param_mlp_b1"])
    return 0.6 * c + hidden @ data["param_mlp_w2"]
