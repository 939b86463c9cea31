"""What holds for every method. A new one is tested here by being in the folder."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets import Dataset
from unbraid.methods import (
    LABELS,
    Autoencoder,
    Batch,
    Context,
    Method,
    MethodConfig,
    build,
    configure,
    name_of,
)
from unbraid.runs import Run, RunConfig, load, train_run
from unbraid.runs.restarts import train_restarts
from unbraid.training import (
    Interrupted,
    Loop,
    Recorder,
    TrainingConfig,
    labelled_rows,
    new_model,
    split_rows,
    train,
)

NAMES = registry.names("methods")
LABELLED = [name for name in NAMES if registry.load("methods", name).Model.needs & LABELS]
SHAPES = [(1, 16, 16), (3, 28, 28), (4, 45, 33), (1, 64, 64)]
# Small enough to be quick; a method takes those it knows.
SMALL = {
    **{"latent_dim": 3, "channels": 8, "hidden": 64, "noise": 8, "net": "conv"},
    **{"discriminator_hidden": 100, "discriminator_layers": 2},
}
# What a method that learns from labels is told of: one factor of each kind.
REPEATS = (Symmetry("kind", "b", 180.0), Symmetry("kind", "c", 0.0))
SPECS = (
    FactorSpec("kind", "categorical", values=("a", "b", "c")),
    FactorSpec("x", "continuous", range=(-2.0, 2.0)),
    FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0, symmetries=REPEATS),
)
VARIANTS = {
    "net": ("conv", "mlp", "conv-2019", "style", "residual"),
    "likelihood": ("bernoulli", "gaussian", "gaussian-learned"),
}
# more levels and a lower learning rate, as tanh saturates at the usual one: seeds then fail
STEADY = {"tripod": ({"levels": 100}, {"epochs": 300, "lr": 2e-3})}
PUBLISHED = VARIANTS["net"][2:]  # they cost more: the last two with one method


def options_of(name: str) -> set[str]:
    return {field.name for field in dataclasses.fields(registry.load("methods", name).Config)}


def small(name: str, **options: Any) -> MethodConfig:
    wanted = {**SMALL, **options}
    return configure(name, **{k: v for k, v in wanted.items() if k in options_of(name)})


def variants() -> list[Any]:
    """Return every method with every quick net and likelihood, and with the published ones."""
    found = []
    for name in NAMES:
        known = {k: v for k, v in VARIANTS.items() if k in options_of(name)}
        if "net" in known:
            known["net"] = ("conv", "mlp")
            own = registry.load("methods", name).Config.net
            for net in PUBLISHED if name == "vae" else sorted({"conv-2019", own} - {"conv", "mlp"}):
                found.append(pytest.param(name, {"net": net}, id=f"{name}-{net}"))
        for chosen in itertools.product(*known.values()):
            given = dict(zip(known, chosen, strict=True))
            found.append(pytest.param(name, given, id="-".join([name, *chosen])))
    return found


def model_of(name: str, shape: tuple[int, int, int] = (1, 16, 16), **options: Any) -> Method:
    torch.manual_seed(0)
    return build(small(name, **options), shape, SPECS)


def pictures(count: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def factors_of(count: int) -> torch.Tensor:
    """Return factors of SPECS, (count, 3)."""
    ends = [[0.0, -2.0, 0.0], [2.0, 2.0, 360.0]]
    factors = np.random.default_rng(0).uniform(*ends, (count, 3))
    factors[:, 0] = factors[:, 0].round()
    return torch.from_numpy(factors.astype(np.float32))


def all_terms(model: Method, images: NDArray[np.uint8]) -> dict[str, dict[str, torch.Tensor]]:
    """Return the terms of each phase on some images."""
    noise = torch.Generator().manual_seed(0)
    context = Context(noise, epoch=0.5, total=1000)
    pixels = model.to_pixels(images)
    batch = Batch(pixels)
    if "pairs" in model.needs:
        batch = Batch(pixels, pairs=(pixels.flip(0), torch.ones(len(images), 3).bool()))
    if model.needs & {
        "factors",
        "labelled",
    }:  # some are unknown, and the labelled images are others than the batch
        factors = factors_of(len(images))
        factors[::2, 0], factors[1::3, 1], factors[::5] = np.nan, np.nan, np.nan
        batch = Batch(pixels, factors, (pixels.flip(0), factors.flip(0)))
    return {phase: model.terms(batch, context._replace(phase=phase)) for phase in model.phases()}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "options"), variants())
def test_shapes(name: str, options: dict[str, Any], shape: tuple[int, int, int]) -> None:
    model, images = model_of(name, shape, **options).eval(), pictures(3, shape)
    codes = model.encode(images)
    assert codes.shape == (3, model.latent_dim)
    assert codes.dtype == torch.float32
    for drawn in (model.decode(codes), model.reconstruct(images), model.sample(3, seed=1)):
        assert drawn.shape == (3, *shape)
        assert drawn.dtype == torch.float32
        assert drawn.min() >= 0
        assert drawn.max() <= 1
    assert not model.decode(codes).requires_grad
    assert model.prior_sample(5, torch.Generator().manual_seed(0)).shape == (5, model.latent_dim)
    assert torch.equal(model.sample(3, seed=1), model.sample(3, seed=1))
    assert not torch.equal(model.sample(3, seed=1), model.sample(3, seed=2))


@pytest.mark.parametrize(("name", "options"), variants())
def test_terms_are_finite_named_scalars_and_every_parameter_gets_a_gradient(
    name: str, options: dict[str, Any]
) -> None:
    model = model_of(name, **options)
    moved = set()
    for phase, terms in all_terms(model, pictures(16, (1, 16, 16))).items():
        assert "loss" in terms
        for term, value in terms.items():
            assert re.fullmatch(r"[a-z]\w*", term)
            assert value.shape == (), term
            assert value.dtype == torch.float32, term
            assert torch.isfinite(value), term
        model.zero_grad()
        terms["loss"].backward()
        for parameter in model.phases()[phase].parameters:
            moved.add(parameter)
            assert parameter.grad is not None
            assert torch.isfinite(parameter.grad).all()
            assert parameter.grad.any()
    unmoved = [name for name, value in model.named_parameters() if value not in moved]
    assert not unmoved, "no phase moves these"


@pytest.mark.parametrize("name", NAMES)
def test_terms_are_drawn_from_the_given_noise_alone(name: str) -> None:
    model, images = model_of(name).eval(), pictures(16, (1, 16, 16))
    first = all_terms(model, images)
    torch.rand(7)
    for phase, terms in all_terms(model, images).items():
        for term, value in terms.items():
            assert torch.equal(value, first[phase][term]), term


@pytest.mark.parametrize("name", NAMES)
def test_terms_are_finite_in_bf16_and_still_f32(name: str) -> None:
    model, images = model_of(name), pictures(16, (1, 16, 16))
    with torch.autocast("cpu", torch.bfloat16):
        found = all_terms(model, images)
    for terms in found.values():
        for term, value in terms.items():
            assert value.dtype == torch.float32, term
            assert torch.isfinite(value), term


@pytest.mark.parametrize("name", NAMES)
def test_encode_depends_on_nothing_but_the_image(name: str) -> None:
    model, images = model_of(name, (3, 28, 28)), pictures(520, (3, 28, 28))
    codes = model.encode(images)  # of a model fresh from build, in training mode
    assert torch.equal(codes, model.encode(images))
    for rows in (slice(0, 1), slice(7, 20), slice(510, 520)):
        torch.testing.assert_close(model.encode(images[rows]), codes[rows], atol=1e-5, rtol=0)
    torch.testing.assert_close(model.encode(images[::-1]), codes.flip(0), atol=1e-5, rtol=0)
    assert model.encode(images[:0]).shape == (0, model.latent_dim)
    drawn = model.decode(codes[:20])
    torch.testing.assert_close(model.decode(codes[7:9]), drawn[7:9], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_numpy_and_torch_bytes_and_floats_agree(name: str) -> None:
    model, images = model_of(name).eval(), pictures(6, (1, 16, 16))
    codes = model.encode(images)
    same: list[Any] = [
        torch.from_numpy(images),
        images / 255,
        (images / 255).astype(np.float32),
        torch.from_numpy(images / 255),
        torch.from_numpy(images).float() / 255,
        np.asfortranarray(images),
    ]
    for each in same:
        torch.testing.assert_close(model.encode(each), codes, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.decode(codes.numpy()), model.decode(codes))


@pytest.mark.parametrize("name", NAMES)
def test_wrong_inputs_get_a_sentence(name: str) -> None:
    model, images = model_of(name).eval(), pictures(4, (1, 16, 16))
    wrong: list[tuple[Any, str]] = [
        (images[:, :, :15], r"shape \(4, 1, 15, 16\), expected \(N, C, H, W\)"),
        (images[0, 0], "shape"),
        (np.repeat(images, 3, 1), "shape"),
        (images.astype(np.float32), r"run from 0 to 255, expected uint8 or floats on \[0, 1\]"),
        (np.full((4, 1, 16, 16), np.nan), "from nan to nan"),
        (images.astype(np.int64), "int64"),
    ]
    for each, sentence in wrong:
        with pytest.raises(UnbraidError, match=sentence):
            model.encode(each)
    with pytest.raises(UnbraidError, match=rf"expected \(N, {model.latent_dim}\)"):
        model.decode(torch.zeros(4, model.latent_dim + 1))


@pytest.mark.parametrize("shape", [(5, 28, 28), (0, 28, 28), (1, 15, 28), (1, 28, 8)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_images_of_unfit_shape_are_refused(name: str, shape: tuple[int, int, int]) -> None:
    with pytest.raises(UnbraidError, match=r"expected 1 to 4|at least 16 by 16"):
        build(small(name), shape, SPECS)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_gives_back_the_very_model(
    name: str, squares: Dataset, squares_npz: Path, tmp_path: Path
) -> None:
    training = TrainingConfig(epochs=1, batch_size=64)
    config = RunConfig(small(name), "npz", {"path": str(squares_npz), "full": True}, training)
    run = train_run(config, tmp_path)
    assert isinstance(run, Run)
    assert run.config == config
    model = load(tmp_path)
    trained = train(small(name), squares, epochs=1, batch_size=64)
    assert not model.training
    assert not trained.training
    for key, value in trained.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key
    assert torch.equal(model.encode(squares.images), trained.encode(squares.images))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "checkpoint.safetensors",
        "config.json",
        "metrics.jsonl",
        "model.safetensors",
        "result.json",
    ]
    assert (
        run.result["reconstruction_stats"]["images"] == 30
    )  # those held out: both splits are all images
    assert run.result["data"] == {"name": "npz", "split": "validation"}


class StopAfter(Recorder):
    """Asks to stop after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def stop_requested(self) -> bool:
        """Whether they are done."""
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_has_the_weights_of_one_never_stopped(
    name: str, squares_npz: Path, tmp_path: Path
) -> None:
    training = TrainingConfig(steps=5, batch_size=32, precision="f32")
    data = {"path": str(squares_npz), "full": True}
    config = RunConfig(small(name), "npz", data, training)
    whole = train_run(config, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train_run(config, tmp_path / "part", display=StopAfter(2))
    part = train_run(config, tmp_path / "part", resume=True)
    files = [run.folder / "model.safetensors" for run in (whole, part)]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_overfits_64_images(name: str, squares: Dataset) -> None:
    few = squares.take(np.random.default_rng(0).permutation(300)[:64])
    at_once = {"capacity_epochs": 0.0, "discrete_epochs": 0.0, "threshold": 0}
    weak = {"beta": 1.0, "gamma": 1.0, "scale": 10.0}
    own, steady = STEADY.get(name, ({}, {"epochs": 150, "lr": 4e-3}))
    config = small(name, latent_dim=6, net="mlp", **weak, **at_once, **own)
    before = all_terms(new_model(config, few, 0), few.images[:])
    model = train(config, few, batch_size=64, validation=0.0, precision="f32", **steady)
    after = all_terms(model, few.images[:])
    start, end = (
        sum(float(t["loss"].detach()) for t in terms.values()) for terms in (before, after)
    )
    if not isinstance(model, Autoencoder):
        assert end < start - 2  # nats
        return
    assert end < start / 3
    pixels = few.images[:] / 255
    error = np.square(pixels - model.reconstruct(few.images[:]).numpy()).sum()
    assert error < 0.2 * np.square(pixels - pixels.mean(0)).sum()  # that of the best one image


@pytest.mark.parametrize("name", LABELLED)
def test_what_learns_from_labels_asks_for_them(name: str, squares: Dataset) -> None:
    with pytest.raises(UnbraidError, match=f"{name} learns from labels, but there are none"):
        train(small(name), dataclasses.replace(squares, factors=None, specs=()), epochs=1)
    with pytest.raises(UnbraidError, match="labels is 271, but 270 of the 270 images to train on"):
        train(small(name, labels=271), squares)
    with pytest.raises(UnbraidError, match=r"no factor 'gray' \(did you mean 'grey'\?\)"):
        train(small(name, label_factors=("gray",)), squares)
    model = train(small(name, labels=20, label_factors=("row",)), squares, epochs=1, batch_size=32)
    assert model.specs == squares.specs


@pytest.mark.parametrize("name", LABELLED)
def test_labels_that_were_not_given_have_no_say_in_a_run_or_its_score(
    name: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = split_rows(squares, 0.1)
    given = labelled_rows(np.asarray(squares.factors), rows, 20, 0).numpy()
    other = np.random.default_rng(1).permuted(np.asarray(squares.factors), axis=0)
    other[given] = np.asarray(squares.factors)[given]
    found = []
    for factors in (squares.factors, other):
        data = dataclasses.replace(squares, factors=factors)
        for module in ("run", "train", "restarts"):
            place = f"unbraid.runs.{module}.load_dataset"
            monkeypatch.setattr(place, lambda *_, data=data, **__: data)
        training = TrainingConfig(epochs=3, batch_size=64, precision="f32")
        config = RunConfig(small(name, labels=20), "squares", {}, training)
        folder = tmp_path / str(len(found))
        run = train_restarts(config, folder, 2)
        records = [{**each, "images_per_second": 0} for each in run.history()]
        weights = (folder / "model.safetensors").read_bytes()
        found.append((records, weights, run.result["restarts"], run.result["reconstruction_stats"]))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", NAMES)
def test_what_seeds_are_ranked_by_is_there(name: str, squares: Dataset) -> None:
    model = new_model(small(name), squares, 0)
    training = TrainingConfig(epochs=1, batch_size=64)
    terms = Loop(model, squares, training, Recorder()).validate()
    found = model.restart_score(squares.images[:])
    if model.selection == "restart_score":
        assert found is not None
        assert math.isfinite(found)
    else:
        assert found is None
        assert math.isfinite(terms[model.selection])
    several = len(model.phases()) > 1
    for term in terms:  # each of several phases has its own
        assert several == (term.split(".")[0] in model.phases()) or term == "active_units"


@pytest.mark.parametrize("name", NAMES)
def test_documentation(name: str) -> None:
    module = registry.load("methods", name)
    doc = module.__doc__
    assert re.fullmatch(r"[^.]+: [^.]+\.", registry.summary("methods", name))
    assert re.search(r"\b(19|20)\d\d, \"\w", doc), 'name the paper: Author year, "Title"'
    assert re.search(r"equation \d|loss = ", doc), "name the equation"
    assert ">>>" in module.Config.__doc__
    described = " ".join(cls.__doc__ or "" for cls in module.Config.__mro__)
    for option in options_of(name):
        assert re.search(rf"^\s+(\w+, )*{option}(, \w+)*: \S", described, re.M), option


@pytest.mark.parametrize("name", NAMES)
def test_a_config_knows_its_method_and_refuses_what_it_has_not(name: str) -> None:
    assert name_of(small(name)) == name
    with pytest.raises(UnbraidError, match=rf"unknown option 'nosuch' of method {name}"):
        configure(name, nosuch=1)
    for field in dataclasses.fields(registry.load("methods", name).Config):
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            for bad in (-1, float("nan"), float("inf"), "many", None):
                with pytest.raises(UnbraidError, match=field.name):
                    configure(name, **{field.name: bad})
        if field.name in VARIANTS:
            with pytest.raises(UnbraidError, match=rf"{field.name}.*did you mean"):
                configure(name, **{field.name: VARIANTS[field.name][0][:-1]})
            with pytest.raises(UnbraidError, match=rf"{field.name}.*did you mean"):
                dataclasses.replace(small(name), **{field.name: VARIANTS[field.name][0][:-1]})
