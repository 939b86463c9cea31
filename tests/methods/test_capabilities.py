"""What every method declares of itself is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unbraid
from tests.methods.test_all import NAMES, SPECS, factors_of, model_of, pictures, small
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.methods import (
    LABELS,
    Batch,
    Context,
    HasLikelihood,
    HasPosterior,
    LabelledConfig,
    TakesFactors,
    labels_of,
    needs_of,
)
from unbraid.methods import (
    model_of as class_of,
)

ROOT = Path(unbraid.__file__).parent
SHAPE = (1, 16, 16)


@pytest.mark.parametrize("name", NAMES)
def test_a_posterior_is_declared_where_there_is_one(name: str) -> None:
    model, images = model_of(name).eval(), pictures(4, SHAPE)
    if not isinstance(model, HasPosterior):
        assert not hasattr(model, "posterior")
        with pytest.raises(UnbraidError, match=f"{name} has no posterior"):
            model.encode_posterior(images)
        return
    mean, logvar = model.encode_posterior(images)
    assert mean.shape == logvar.shape == (4, model.layout.continuous)
    torch.testing.assert_close(mean, model.layout.split(model.encode(images))[1])
    with torch.no_grad():
        kl = model.kl(model.to_pixels(images))
    assert kl.shape == (4, len(model.layout.latents))
    assert (kl >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_likelihood_is_declared_where_there_is_one(name: str) -> None:
    model, images = model_of(name).eval(), pictures(4, SHAPE)
    if not isinstance(model, HasLikelihood):
        assert not hasattr(model, "log_likelihood")
        return
    pixels, noise = model.to_pixels(images), torch.Generator().manual_seed(0)
    with torch.no_grad():
        z = model.draw(pixels, noise)
        log_p, floor = model.log_likelihood(z, pixels), model.floor(pixels)
    assert z.shape == (4, model.latent_dim)
    assert torch.equal(z, model.encode(images)) != isinstance(model, HasPosterior)
    assert log_p.shape == (4,)
    assert floor is None or (-log_p >= floor - 1e-3).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_prior_is_what_is_declared(name: str) -> None:
    model = model_of(name).eval()
    codes = model.prior_sample(20_000, torch.Generator().manual_seed(0)).double()
    free = model.layout.split(codes)[1]
    if model.prior_kind == "levels":
        counts = [np.unique(column, return_counts=True)[1] / 20_000 for column in free.T.numpy()]
        for share, levels in zip(counts, model.layout.levels, strict=True):
            np.testing.assert_allclose(share, np.full(levels, 1 / levels), atol=0.02)
    elif model.prior_kind == "uniform":
        assert float(free.abs().amax()) <= 1
        torch.testing.assert_close(
            free.std(0), torch.full_like(free[0], 3**-0.5), atol=0.02, rtol=0
        )
    elif model.prior_kind in ("gaussian", "none"):
        torch.testing.assert_close(free.mean(0), torch.zeros_like(free[0]), atol=0.04, rtol=0)
        torch.testing.assert_close(free.std(0), torch.ones_like(free[0]), atol=0.04, rtol=0)
    else:
        assert model.prior_kind == "own"
        assert type(model).prior_sample is not unbraid.methods.Method.prior_sample
    if isinstance(model, HasPosterior):  # its KL is to a standard normal
        assert model.prior_kind == "gaussian"


@pytest.mark.parametrize("name", NAMES)
def test_quantised_latents_have_the_values_that_are_declared(name: str) -> None:
    model = model_of(name).eval()
    codes = model.layout.split(model.encode(pictures(16, SHAPE)).double().numpy())[1]
    kinds = model.layout.latents[len(model.layout.categories) :]
    for kind, column in zip(kinds, codes.T, strict=True):
        if kind.discrete:
            np.testing.assert_allclose(column, kind.encode(column[:, None]), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_factors_are_taken_where_it_is_declared(name: str) -> None:
    model = model_of(name).eval()
    if not isinstance(model, TakesFactors):
        assert not hasattr(model, "factor_codes")
        return
    rows = torch.tensor([[0.0, -1.0, 90.0], [1.0, 1.0, 10.0]])
    columns, base = model.factor_codes(rows), torch.randn(2, model.style_dim + 1)
    assert columns.shape == (2, model.factor_width)
    assert model.factor_width + model.style_dim == model.latent_dim
    for style in (model.style_from(base, rows), model.first_style(base, rows)):
        assert style.shape == (2, model.style_dim)
        found = model.factors_of(torch.cat([columns, style], 1))
        torch.testing.assert_close(found, rows, atol=1e-3, rtol=0)
        assert model.restyle(style, rows, rows).shape == style.shape
    for style_from in (model.style_from, model.first_style):  # categories alone decide it
        other = rows + torch.tensor([0.0, 0.5, 40.0])
        torch.testing.assert_close(style_from(base, other), style_from(base, rows))
    own = type(model).first_style is not TakesFactors.first_style
    assert model.rejects == own
    assert model.examples().ndim == 2
    assert model.specs == SPECS
    images = pictures(3, SHAPE)
    torch.testing.assert_close(model.read_factors(images), model.factors_of(model.encode(images)))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_that_needs_labels_says_which(name: str) -> None:
    config = registry.load("methods", name).Config()
    kind = class_of(config)
    assert kind is registry.load("methods", name).Model
    assert needs_of(config) == kind.needs
    assert isinstance(config, LabelledConfig) == bool(kind.needs & LABELS)
    assert labels_of(config) is (config if kind.needs & LABELS else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_looks_at_nothing_that_it_does_not_declare(name: str) -> None:
    model = model_of(name).eval()
    pixels = model.to_pixels(pictures(16, SHAPE))
    other, factors = pixels.flip(0), factors_of(16)
    given: dict[str, Any] = {"factors": factors, "labelled": (other, factors.flip(0))}
    given["pairs"] = (other, torch.ones(16, 3, dtype=torch.bool))
    declared = {need: value for need, value in given.items() if need in model.needs}
    for phase in model.phases():
        found = []
        for held in (given, declared):
            context = Context(torch.Generator().manual_seed(0), 0.5, 1000, phase)
            with torch.no_grad():
                found.append(model.terms(Batch(pixels, **held), context))
        assert found[0].keys() == found[1].keys()
        assert all(torch.equal(value, found[1][term]) for term, value in found[0].items())


def test_nothing_detects_what_methods_declare() -> None:
    """Outside of methods: no test for an attribute, a config's class or a method's name."""
    detected = []
    for path in ROOT.rglob("*.py"):
        if "methods" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.Compare) else ""
            if re.match(r"(hasattr|getattr)\((cast\(\w+, )?(self\.)?model\b", text):
                detected.append(f"{path.name}: {text}")
            if re.match(r"isinstance\(.*\b(LabelledConfig|Autoencoder|vae)\b", text):
                detected.append(f"{path.name}: {text}")
            if isinstance(node, ast.Compare) and re.match(r"(methods\.)?name_of\(", text):
                detected.append(f"{path.name}: {text}")
    assert not detected


COMPARING = "beta-tcvae dip-vae-i dip-vae-ii factor-vae hfs info-vae infogan s2-beta-tcvae wae-mmd"


@pytest.mark.parametrize("name", COMPARING.split())
def test_what_compares_the_images_of_a_batch_needs_two(name: str) -> None:
    """Of one image, these objectives are those of a plain VAE, or constants."""
    assert class_of(small(name)).least_batch == 2
