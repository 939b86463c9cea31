"""What Python users give in place of plain values: numbers of NumPy, names, other arrays."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unbraid
from unbraid.core import hardware, registry
from unbraid.methods import Method, configure
from unbraid.sklearn import Encoder
from unbraid.training import TrainingConfig, new_model

IMAGES = np.random.default_rng(0).integers(0, 256, (96, 16, 16), np.uint8)
SHORT: dict[str, Any] = {"steps": 2, "batch_size": 32, "precision": "f32"}
SMALL = configure("vae", latent_dim=3, net="mlp")


@pytest.fixture(scope="module")
def model() -> Method:
    return unbraid.train(SMALL, IMAGES, **SHORT)


def test_numbers_of_numpy_are_options() -> None:
    given = unbraid.train(
        "beta-vae",
        IMAGES,
        latent_dim=np.int64(3),
        net="mlp",
        beta=np.float32(2),
        seed=np.int64(1),
        epochs=np.int8(1),
        batch_size=np.int64(32),
        lr=np.float64(1e-3),
        device=torch.device("cpu"),
        precision="f32",
    )
    plain: dict[str, Any] = {"epochs": 1, "batch_size": 32, "precision": "f32", "device": "cpu"}
    config = configure("beta-vae", latent_dim=3, net="mlp", beta=2.0)
    same = unbraid.train(config, IMAGES, seed=1, lr=1e-3, **plain)
    assert given.config == config
    assert json.dumps(asdict(given.config)) == json.dumps(asdict(config))
    assert torch.equal(given.encode(IMAGES[:5, None]), same.encode(IMAGES[:5, None]))
    made = TrainingConfig(seed=np.int64(3), device=torch.device("cpu"))  # type: ignore[arg-type]
    assert json.dumps(asdict(made)) == json.dumps(asdict(TrainingConfig(seed=3, device="cpu")))


def test_numbers_of_numpy_are_counts_and_seeds(model: Method, tmp_path: Path) -> None:
    assert torch.equal(model.sample(np.int64(4), seed=np.int64(3)), model.sample(4, seed=3))
    data = unbraid.Dataset.from_arrays(IMAGES, size=np.int64(20))
    assert data.image_shape == (1, 20, 20)
    encoder = Encoder(SMALL, epochs=np.int64(1), batch_size=np.int64(32)).fit(IMAGES)
    assert encoder.model_.latent_dim == 3
    run = unbraid.save(model, tmp_path / "run", data=IMAGES)
    loaded = unbraid.load(run.folder, device=torch.device("cpu"))
    assert torch.equal(loaded.encode(IMAGES[:5, None]), model.encode(IMAGES[:5, None]))


@pytest.mark.parametrize("count", [-1, 2.0, "4", None, True])
def test_samples_of_no_whole_number_are_refused(model: Method, count: Any) -> None:
    with pytest.raises(unbraid.UnbraidError, match=r"the number of images is .*, expected a whole"):
        model.sample(count)
    with pytest.raises(unbraid.UnbraidError, match=r"seed is .*, expected a whole number"):
        model.sample(2, seed=count)


def test_what_nothing_is_made_of_is_refused(model: Method) -> None:
    data = unbraid.as_dataset(IMAGES)
    refused: list[tuple[Any, str]] = [
        (lambda: model.sample(2, seed=2**70), r"seed is \d+, expected a whole number, \d+ or less"),
        (lambda: model.decode(np.full((2, 3), np.nan)), "codes hold 6 values that are NaN or inf"),
        (lambda: configure(3), "the method is 3, expected a name"),  # type: ignore[arg-type]
        (lambda: unbraid.load_dataset(3), "the data set is 3, expected a name"),  # type: ignore[arg-type]
        (
            lambda: configure("vae", latent_dim=10**9),
            "latent_dim is 1,000,000,000, expected at",
        ),
        (lambda: configure("infogan", noise=10**9), "noise is 1,000,000,000, expected at most"),
        (
            lambda: unbraid.edit("seven.png", "bigger"),
            r"images are str \('seven.png'\), expected an",
        ),
        (
            lambda: data.take(np.array([100])),
            r"96 images, and rows .*100.* are none of them: give",
        ),
        (
            lambda: data.take(np.ones(3, bool)),
            "are none of them: give whole numbers from 0 to 95, or 96 tr",
        ),
        (
            lambda: unbraid.Dataset("none", np.zeros((5, 1, 0, 0), np.uint8), None, (), "train"),
            r"none: images have shape \(5, 1, 0, 0\), and so no pixels",
        ),
    ]
    for make, sentence in refused:
        with pytest.raises(unbraid.UnbraidError, match=sentence):
            make()
    assert len(data.take(np.array([3, 1]))) == 2
    with pytest.raises(unbraid.UnbraidError, match="there are no images in it"):
        data.take(np.array([]))


def test_a_model_is_built_of_a_name_and_by_a_seed() -> None:
    state = torch.get_rng_state()
    one, same, other = (unbraid.build(SMALL, (1, 16, 16), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    sample = one.sample(2)
    assert torch.equal(sample, same.sample(2))
    assert not torch.equal(sample, other.sample(2))
    first = new_model(SMALL, unbraid.as_dataset(IMAGES), 3)
    assert torch.equal(sample, first.sample(2))
    torch.manual_seed(5)
    drawn = unbraid.build("vae", (1, 16, 16))
    torch.manual_seed(5)
    assert torch.equal(drawn.sample(2), unbraid.build(configure("vae"), [1, 16, 16]).sample(2))  # type: ignore[arg-type]


def test_first_weights_are_those_of_earlier_versions() -> None:
    model = new_model(SMALL, unbraid.as_dataset(IMAGES), 3)
    state = np.random.SeedSequence((3, 0)).generate_state(1, np.uint64)
    with torch.random.fork_rng():
        torch.manual_seed(int(state[0]) >> 1)
        expected = unbraid.build(SMALL, (1, 16, 16))
    assert torch.equal(model.sample(2), expected.sample(2))


def test_opening_a_run_leaves_the_generator_of_torch_alone(model: Method, tmp_path: Path) -> None:
    run = unbraid.save(model, tmp_path / "run", data=IMAGES)
    state = torch.get_rng_state()
    unbraid.load(run.folder)
    run.model()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((28, 28), r"shape of images is \(28, 28\), expected three numbers, \(C, H, W\)"),
        (28, "shape of images is 28, expected three numbers"),
        ("abc", "shape of images is 'abc', expected three numbers"),
        ((1, 28.0, 28), r"a side of images is 28\.0, expected a whole number"),
        ((28, 28, 1), r"put the channels first, as in \(1, 28, 28\)"),
        ((7, 28, 28), "images have 7 channels, expected 1 to 4"),
        ((1, 8, 8), "at least 16 by 16"),
    ],
)
def test_shapes_that_are_none_are_refused(shape: Any, sentence: str) -> None:
    with pytest.raises(unbraid.UnbraidError, match=sentence):
        unbraid.build("vae", shape)


@pytest.mark.parametrize("thing", [None, 3, IMAGES])
def test_what_is_no_method_is_refused(thing: Any) -> None:
    kind = type(thing).__name__
    with pytest.raises(unbraid.UnbraidError, match=f"method is of type {kind}, expected the conf"):
        unbraid.build(thing, (1, 28, 28))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (("beta-vae", "mnist"), r"method is 'beta-vae', .* unbraid\.configure\('beta-vae'\)"),
        ((SMALL, IMAGES), "data is of type ndarray, expected the name or path"),
        ((SMALL, "mnist", 3), "data_options is 3, expected a dict"),
        ((SMALL, "mnist", {}, 3), "training is 3, expected its options"),
    ],
)
def test_a_config_of_a_run_says_what_it_takes(parts: Any, sentence: str) -> None:
    with pytest.raises(unbraid.UnbraidError, match=sentence):
        unbraid.RunConfig(*parts)
    with pytest.raises(unbraid.UnbraidError, match=r"config is of type str.*configure\('vae'\), "):
        unbraid.train_run("vae", "runs/none")  # type: ignore[arg-type]
    made = unbraid.RunConfig(SMALL, "digits", {"seed": np.int64(3)})
    assert json.dumps(made.to_json((1, 16, 16)))


def test_trainings_in_threads_give_the_weights_of_trainings_in_turns() -> None:
    options = {**SHORT, "steps": 1}
    seeds = range(4)
    alone = [unbraid.train(SMALL, IMAGES, seed=seed, **options).sample(2) for seed in seeds]
    state = torch.get_rng_state()
    for _ in range(3):
        with ThreadPoolExecutor(4) as threads:
            jobs = [threads.submit(unbraid.train, SMALL, IMAGES, seed=s, **options) for s in seeds]
        for job, expected in zip(jobs, alone, strict=True):
            assert torch.equal(job.result().sample(2), expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_option_of_neither_names_the_options_of_both() -> None:
    with pytest.raises(unbraid.UnbraidError) as refused:
        unbraid.train("vae", IMAGES, z_dim=3)
    sentence = str(refused.value)
    assert sentence.startswith("unknown option 'z_dim': those of the method vae are latent_dim, ")
    assert "; those of the training are epochs, steps, batch_size, " in sentence
    with pytest.raises(unbraid.UnbraidError, match=r"'epoch' of training \(did you mean 'epochs'"):
        unbraid.train("vae", IMAGES, epoch=3)
    with pytest.raises(unbraid.UnbraidError, match="unknown option 'z_dim' of training"):
        unbraid.train(SMALL, IMAGES, z_dim=3)


def test_what_hears_of_a_training_has_the_methods_of_a_recorder() -> None:
    heard = []

    class Duck:
        def __getattr__(self, name: str) -> Any:
            return lambda *given: heard.append(name)

    unbraid.train(SMALL, IMAGES, recorder=Duck(), **SHORT)  # type: ignore[arg-type]
    assert {"start", "step", "epoch"} <= set(heard)
    for thing in (print, 3, type(Duck())):
        with pytest.raises(unbraid.UnbraidError, match=r"^recorder is of type .*, expected an obj"):
            unbraid.train(SMALL, IMAGES, recorder=thing, **SHORT)  # type: ignore[arg-type]


def test_a_model_is_saved_before_the_folder(model: Method, tmp_path: Path) -> None:
    save: Any = unbraid.save
    with pytest.raises(unbraid.UnbraidError, match=r"of type str, expected a model .*: swap the"):
        save(tmp_path.name, model)
    with pytest.raises(unbraid.UnbraidError, match=r"of type NoneType, .*: give one that unbraid"):
        save(None, "runs/c")
    with pytest.raises(unbraid.UnbraidError, match="folder is of type int, expected a path"):
        save(model, 3)


def test_data_sets_and_runs_are_shown_in_a_line(model: Method, tmp_path: Path) -> None:
    data = unbraid.Dataset.from_arrays(IMAGES, {"kind": ["a", "b"] * 48}, name="mine")
    assert repr(data) == "Dataset('mine': 96 train images (1, 16, 16), factors kind)"
    assert repr(unbraid.as_dataset(IMAGES)) == "Dataset('images': 96 train images (1, 16, 16))"
    assert repr(unbraid.load_dataset("digits")).startswith("Dataset('digits': ")
    part = data.take(np.arange(96))
    assert data == data
    assert data != part
    assert len({data, part, data}) == 2
    run = unbraid.save(model, tmp_path / "run", data=data)
    assert repr(run) == f"Run('{tmp_path / 'run'}': vae on mine)"


def test_the_device_of_a_model_is_one_that_may_be_given() -> None:
    assert hardware.device(torch.device("cpu", 0)) == torch.device("cpu")
    made = TrainingConfig(device=torch.device("cpu", 0))  # type: ignore[arg-type]
    assert made.device == "cpu"
    assert registry.plain_value(torch.device("cuda", 0)) == "cuda"
    assert registry.plain_value(torch.device("cuda", 1)) == "cuda:1"


def test_generators_of_torch_and_numpy_are_left_alone(tmp_path: Path) -> None:
    """What the quickstart says of training, loading, sampling and measuring."""

    def states() -> tuple[list[int], list[int]]:
        numpy: Any = np.random.get_state()  # noqa: NPY002  # the one that users may rely on
        return torch.get_rng_state().tolist(), numpy[1].tolist()

    before = states()
    trained = unbraid.train(SMALL, IMAGES, **SHORT)
    trained.sample(3)
    unbraid.evaluate(trained, "reconstruction", data=IMAGES)
    unbraid.load(unbraid.save(trained, tmp_path / "run").folder)
    assert states() == before
