"""Each option of a method has an effect, or the method says that the others leave it none."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from tests.methods.test_all import SPECS, all_terms, pictures
from tests.methods.test_all import small as small_config
from unbraid import train
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.methods import Method, MethodConfig, build, configure

TRAINERS = {"labels", "label_seed", "label_factors"}  # the trainer's to look at, not the model's
# what the type of an option does not tell
OTHERS: dict[str, Any] = {
    "net": "mlp",
    "likelihood": "gaussian",
    "quantiser": "fsq",
    "ratio": "image",
    "estimator": "mws",
    "kernel": "rbf",
    "variance": "harmonic",
    "pairs": "one",
    "prior": "none",
    "width": 16,
    "hide": 0.9,
    "sure": 0.1,
    "latent_pairs": 2,
    "discrete_capacity": 1.0,
    "warmup": 3.0,
    "sparse_from": 3.0,
}
BASE: dict[str, dict[str, Any]] = {
    "annealed-vae": {"threshold": 0},  # the terms looked at are those of a first step
    "conditional-vae": {"prior": "none"},
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, BASE.get(name, {})) for name in registry.names("methods")),
    ("vae", {"likelihood": "gaussian", "warmup": 3.0}),
    ("vae", {"likelihood": "gaussian-learned"}),
    ("qlae", {"quantiser": "fsq"}),
    ("infogan", {"invariance": 1.0, "steadiness": 1.0, "sparseness": 1.0, "sparse_from": 0.2}),
]


def other(name: str, value: Any) -> Any:
    """Return another value of an option."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value * 0.9 if value else 0.5


def fingerprint(config: MethodConfig) -> list[Any]:
    """Return what a model of these options computes, and how it is trained."""
    torch.manual_seed(0)
    model: Method = build(config, (1, 16, 16), SPECS)
    found: list[Any] = [model.pair_rule]
    found += [
        [v for k, v in phase._asdict().items() if k not in ("parameters", "decayed", "rates")]
        + [[v for v in rate if isinstance(v, float | tuple)] for rate in phase.rates]
        for phase in model.phases().values()
    ]
    found += [
        {name: round(value.item(), 5) for name, value in terms.items()}
        for terms in all_terms(model.train(), pictures(16, (1, 16, 16))).values()
    ]
    try:
        found.append(model.eval().sample(2, seed=0).sum().item())
    except UnbraidError as error:  # it has no prior
        found.append(str(error))
    return found


@pytest.mark.parametrize(("name", "given"), VARIANTS, ids=str)
def test_an_option_without_effect_is_told(name: str, given: dict[str, Any]) -> None:
    base = small_config(name, **given)
    before = fingerprint(base)
    for field in dataclasses.fields(base):
        value = other(field.name, getattr(base, field.name))
        if field.name in TRAINERS or value == getattr(base, field.name):
            continue
        try:
            changed = dataclasses.replace(base, **{field.name: value})
        except UnbraidError:
            continue  # it needs another option, and says so
        said = field.name in base.without_effect() and field.name in changed.without_effect()
        assert (fingerprint(changed) == before) == said, (
            f"{field.name}: {getattr(base, field.name)} and {value} are the same: OTHERS can name "
            "another value, Config.without_effect the reason; or it has an effect in spite of that"
        )


def test_sentences_name_the_option_and_the_reason() -> None:
    config = configure("qlae", quantiser="fsq", commitment=0.5, sigma=0.2)
    assert config.given_without_effect() == [
        "sigma is 0.2, but has no effect: likelihood is bernoulli.",
        "commitment is 0.5, but has no effect: quantiser is fsq, whose values are fixed.",
    ]
    assert not configure("qlae", commitment=0.5).given_without_effect()
    assert configure("s2-vae", label_seed=3).given_without_effect()
    assert not configure("s2-vae", labels=100, label_seed=3).given_without_effect()


def test_a_training_says_so(squares: Dataset) -> None:
    with pytest.warns(UserWarning, match="warmup_start is 2.0, but has no effect: warmup is 0"):
        train("vae", squares, warmup_start=2.0, steps=2, batch_size=8)
