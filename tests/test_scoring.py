"""``unbraid evaluate``: every metric of a run, in its result.json."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import kstest

from unbraid import cli, metrics
from unbraid.core import registry, store
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import cannot_write
from unbraid.core.latents import Categorical, Gaussian, Layout
from unbraid.core.subsets import some_rows
from unbraid.datasets import Dataset, load_dataset
from unbraid.evaluation import evidence, factor_draws, scores
from unbraid.evaluation.scores import Config
from unbraid.methods import Autoencoder, Method, build, configure
from unbraid.metrics import Score
from unbraid.runs import Run, evaluating, results
from unbraid.runs.evaluation_data import subject

SPECS = (
    FactorSpec("column", "ordinal", values=tuple(range(8))),
    FactorSpec("row", "ordinal", values=tuple(range(8))),
    FactorSpec("colour", "categorical", values=("grey",)),
)


def bars(count: int = 400) -> Dataset:
    """A cross of two bars on 16 by 16 pixels; the third factor never varies."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 8, (count, 2))
    images = np.zeros((count, 1, 16, 16), np.uint8)
    for image, (column, row) in zip(images[:, 0], places, strict=True):
        image[:, 2 * column : 2 * column + 2] = 255
        image[2 * row : 2 * row + 2] = 255
    factors = np.column_stack([places, np.zeros(count, np.int64)])
    return Dataset("bars", images, factors, SPECS, "test")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("scoring")
    data = bars(1000)
    np.savez(
        tmp_path / "bars.npz",
        images=data.images[:],
        factors=data.factors,
        factor_names=[spec.name for spec in SPECS],
    )
    folder = tmp_path / "run"
    options = ["--net", "mlp", "--latent-dim", "3", "--epochs", "1", "--batch-size", "32"]
    source = ["--data", str(tmp_path / "bars.npz"), "--out", str(folder)]
    assert cli.main(["train", "vae", *options, *source]) == 0
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_every_metric_that_can_be_had_is_written_and_printed(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(run), "--samples", "5"]) == 0
    printed = capsys.readouterr().out
    result = json.loads((run / "result.json").read_text())
    expected = set(registry.names("metrics")) - {"udr", "clustering-accuracy"}
    assert {score["metric"] for score in result["scores"].values()} == expected
    assert all(name in printed for name in ("mig", "dci disentanglement", "factorvae"))
    assert result["reconstruction_stats"]["kl"] > 0  # what training wrote is still there


def test_several_runs_are_compared(run: Path) -> None:
    found = evaluating.evaluate([str(run), str(run)], Config(metrics="udr,mig"))
    assert 0.5 < found[str(run)]["udr"].value <= 1


def test_a_run_gets_its_own_udr() -> None:
    pairs = np.array([[np.nan, 0.9, 0.1], [0.5, np.nan, 0.1], [0.3, 0.9, np.nan]])
    detail = {"pairs": pairs, "per_run": np.array([0.4, 0.9, 0.1])}
    found = scores.of_run(Score("udr", "lasso", 0.47, 0.2, {}, detail=detail), 0)
    assert found.value == 0.4
    assert np.isnan(found.standard_error)  # of two others it says nothing
    assert found.parts["mean of the runs"].value == 0.47


def test_the_error_of_a_runs_udr_is_that_of_a_median() -> None:
    agreements = np.array([0.2, 0.4, 0.5, 0.7, 0.8])
    pairs = np.full((6, 6), 0.3)
    pairs[1:, 0] = agreements
    detail = {"pairs": pairs, "per_run": np.full(6, 0.5)}
    found = scores.of_run(Score("udr", "lasso", 0.5, 0.2, {}, detail=detail), 0)
    wanted = agreements.std(ddof=1) / np.sqrt(5) * np.sqrt(np.pi / 2)
    assert found.standard_error == pytest.approx(wanted)


def test_json_is_printed_as_asked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["evaluate", str(run), "--metrics", "mig", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[str(run)]["mig"]["metric"] == "mig"


def test_the_likelihood_is_of_images_drawn_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bars(600)
    order = np.lexsort(np.asarray(data.factors).T)  # sorted by row, then by column
    data = data.take(order)
    model = build(configure("vae", net="mlp", latent_dim=2), (1, 16, 16)).eval()
    monkeypatch.setattr(evidence, "WEIGHED", 200)
    seen: list[torch.Tensor] = []

    def weigh(_: object, images: torch.Tensor, *__: object) -> np.ndarray:
        seen.append(images)
        return np.zeros((len(images), 2))

    monkeypatch.setattr(evidence, "log_weights", weigh)
    scores.measure(model, data, Config(metrics="log-likelihood"))
    assert len(seen[0]) == 200
    rows = (seen[0][:, 0, :, :].amin(2) == 1).float().argmax(1) // 2  # of each image's bar
    assert set(rows.tolist()) == set(range(8))
    share = torch.bincount(rows, minlength=8) / 200
    whole = np.bincount(data.factor("row"), minlength=8) / 600
    assert abs(share.numpy() - whole).max() < 3 * (0.125 * 0.875 / 200) ** 0.5


def test_scores_are_those_of_metrics_measured_one_by_one(run: Path) -> None:
    names = ("mig", "dci", "factorvae", "reconstruction", "total-correlation")
    data, model = Run(run).unseen(), Run(run).model()
    together = scores.measure(model, data, Config(metrics=",".join(names)))
    assert list(together) == list(names)
    for name in names:
        alone = scores.measure(model, data, Config(metrics=name))[name]
        assert alone.to_json() == together[name].to_json()


def test_only_what_is_needed_is_prepared(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(evidence, "log_weights", unwanted)
    monkeypatch.setattr(Method, "decode", unwanted)
    assert evaluating.evaluate([str(run)], Config(metrics="mig"))[str(run)]


def test_one_model_is_in_memory_at_a_time_and_each_is_loaded_once(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[weakref.ref[Method]] = []
    load = Run.model

    def model(self: Run) -> Method:
        assert not any(each() is not None for each in opened)
        found = load(self)
        opened.append(weakref.ref(found))
        return found

    monkeypatch.setattr(Run, "model", model)
    found = evaluating.evaluate([str(run)] * 5, Config(metrics="mig,udr"))
    assert len(opened) == 5
    assert set(found[str(run)]) == {"mig", "udr"}


def test_evidence_is_prepared_once_for_all_metrics(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    own = type(Run(run).model())
    posterior = own.posterior

    def count(self: Autoencoder, images: torch.Tensor) -> object:
        passes.append(len(images))
        return posterior(self, images)

    monkeypatch.setattr(own, "posterior", count)
    names = "mig,sap,infomec,total-correlation,reconstruction"
    assert len(evaluating.evaluate([str(run)], Config(metrics=names))[str(run)]) == 5
    assert passes == [100]


def test_a_run_compared_in_its_place_gets_the_udr_of_a_comparison_of_its_own(
    trained: Path, tmp_path: Path
) -> None:
    folders = [str(shutil.copytree(trained, tmp_path / str(index))) for index in range(3)]
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        opened = Run(folder)
        state = build(opened.config.method, opened.image_shape).state_dict()
        store.write_tensors(Path(folder) / "model.safetensors", state, {"format": "pt"})
    found = evaluating.evaluate(folders, Config(metrics="udr"))
    images = Run(folders[0]).unseen().images
    codes = [evidence.Encoding(Run(folder).model(), images).coded for folder in folders]
    for index, folder in enumerate(folders):
        order = [codes[index], *(each for other, each in enumerate(codes) if other != index)]
        alone = scores.of_run(scores.compare(order, Config(metrics="udr"))["udr"], 0)
        assert found[folder]["udr"].value == pytest.approx(alone.value)
        assert found[folder]["udr"].standard_error == pytest.approx(
            alone.standard_error, nan_ok=True
        )
        stored = Run(folder).scores()["udr"]
        assert stored["value"] == found[folder]["udr"].value
        assert stored["compared_with"] == [each for each in folders if each != folder]


def test_a_run_that_cannot_be_written_is_measured_all_the_same(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / "result.json").read_bytes()

    def refuse(path: Path, _: object) -> None:
        raise cannot_write(path, PermissionError(13, "Permission denied"))

    monkeypatch.setattr(results, "write_json", refuse)
    capsys.readouterr()
    assert cli.main(["evaluate", str(run), "--metrics", "mig,sap", "--json"]) == 2
    printed = capsys.readouterr()
    assert set(json.loads(printed.out)[str(run)]) == {"mig", "sap"}
    sentence = f"unbraid: the scores of {run} were not stored: cannot write {run}/result.json: "
    assert printed.err.startswith(sentence + "Permission denied;")
    assert cli.main(["evaluate", str(run), "--metrics", "mig"]) == 2
    assert "mig" in capsys.readouterr().out
    assert (run / "result.json").read_bytes() == before


# -- which images ---------------------------------------------------------------------------------


def test_a_run_without_held_out_images_says_so_in_its_scores(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((run / "config.json").read_text())
    config["data"]["full"], config["training"]["validation"] = True, 0.0
    del config["fingerprint"]  # of the split that it was trained on in fact
    (run / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    assert cli.main(["evaluate", str(run), "--metrics", "mig,sap"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("no images were held out") == 1
    about = Run(run).scores()["mig"]["data"]
    assert about["split"] == "train"
    assert "no images were held out" in about["note"]
    assert cli.main(["evaluate", str(run), "--metrics", "mig", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)[str(run)]["mig"]["notes"]
    assert notes[0].startswith("no images were held out")


def test_other_data_are_read_as_the_model_takes_them(run: Path, tmp_path: Path) -> None:
    for kind, shade in (("dark", 20), ("light", 230)):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for index in range(300):
            pixels = np.random.default_rng(index).integers(shade - 20, shade + 20, (40, 50, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "mine" / kind / f"{index}.png")
    chosen = Config(metrics="mig", data=str(tmp_path / "mine"))
    assert "mig" in evaluating.evaluate([str(run)], chosen)[str(run)]
    about = Run(run).scores()["mig"]["data"]
    assert (about["name"], about["split"], about["images"]) == ("mine", "test", 60)


def test_its_own_data_named_are_those_it_was_not_trained_on(run: Path) -> None:
    opened = Run(run)
    path = opened.config.data_options["path"]
    own = subject(opened, path, "none", 10_000, 0)
    np.testing.assert_array_equal(own.images[:], opened.unseen().images[:])
    config = dataclasses.replace(opened.config, data_options={"path": path, "split_seed": 5})
    opened.config, opened.data_options = config, config.data_options  # another tenth was held out
    opened.fingerprints = {}
    again = subject(opened, path, "none", 10_000, 0)
    np.testing.assert_array_equal(again.images[:], opened.unseen().images[:])
    assert not np.array_equal(again.images[:], own.images[:])


# -- published protocols --------------------------------------------------------------------------


def test_locatello2019_draws_factors_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes that are the factors, read off sprites: what they tell is the same in all draws."""
    data = load_dataset("dsprites", split="test", original=False).take(some_rows(73_728, 500))
    model = build(configure("vae", net="mlp", latent_dim=3), (1, 64, 64)).eval()
    monkeypatch.setattr(metrics, "SIZES", {"locatello2019": (400, 200)})
    cheap = {"train": 60, "test": 40, "repeats": 1}
    protocol = {"betavae": cheap, "factorvae": cheap, "mig": {}, "explicitness": {}}
    monkeypatch.setattr(metrics, "PROTOCOLS", {"locatello2019": protocol})
    monkeypatch.setattr("unbraid.metrics.PROTOCOLS", {"locatello2019": protocol})
    drawn: list[np.ndarray] = []
    draw = type(data).draw

    def listen(self: Dataset, factors: np.ndarray, rng: np.random.Generator) -> object:
        drawn.append(np.asarray(factors))
        return draw(self, factors, rng)

    monkeypatch.setattr(type(data), "draw", listen)
    found = scores.measure(model, data, Config(protocol="locatello2019"))
    assert set(found) == set(protocol)
    for score in found.values():
        assert (score.settings["rows"], score.settings["test_rows"]) == (400, 200)
        assert score.notes[0].startswith("400 fresh draws of the factors to fit on and 200 to test")
        assert "training images among them" in score.notes[0]
    assert found["betavae"].settings["source"] == "encoder"
    assert found["factorvae"].settings["source"] == "encoder"
    rows = np.unique(np.concatenate(drawn), axis=0)
    assert len(rows) > 5000  # of the whole grid, far more than the images that were given
    assert [len(np.unique(column)) for column in rows.T] == [1, 3, 6, 40, 32, 32]


def test_locatello2019_says_where_it_takes_images_instead(run: Path) -> None:
    found = evaluating.evaluate([str(run)], Config(protocol="locatello2019"))[str(run)]
    assert set(found) == set(metrics.PROTOCOLS["locatello2019"])
    for score in found.values():
        assert (score.settings["rows"], score.settings["test_rows"]) == (67, 33)
        assert score.notes[0].startswith(
            "bars cannot be drawn by its factors: 67 of its images to fit on and 33 to test on "
            "replace the 10,000 and 5,000 fresh draws"
        )


def test_the_other_protocols_take_images(run: Path) -> None:
    for protocol in ("chen2018", "hsu2023"):
        found = evaluating.evaluate([str(run)], Config(protocol=protocol))[str(run)]
        assert set(found) == set(metrics.PROTOCOLS[protocol])
        assert all(not each.settings.get("test_rows") for each in found.values())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "one or more run folders"),
        (["--metrics", "mgi"], "did you mean 'mig'"),
        (["--metrics", "udr"], "metric udr needs"),
        (["--metrics", "clustering-accuracy"], "it has no categorical code"),
        (["--protocol", "chen2019"], "chen2018"),
    ],
)
def test_mistakes_get_a_sentence(
    run: Path, args: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(["evaluate", *([str(run)] if args else []), *args]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_an_unfinished_run_is_not_measured(run: Path) -> None:
    (run / "result.json").unlink()
    assert cli.main(["evaluate", str(run)]) == 2


def test_importance_weights_of_an_exact_posterior_are_the_evidence() -> None:
    """A decoder that ignores its codes has posterior = prior, so each weight is log p(x)."""
    model = build(configure("vae", net="mlp", latent_dim=2), (1, 16, 16)).eval()
    assert isinstance(model, Autoencoder)
    with torch.no_grad():
        for part in (model.encoder, model.decoder):
            for parameter in part.parameters():
                parameter.zero_()
    images = torch.rand(4, 1, 16, 16)
    weights = evidence.log_weights(model, images, samples=7, seed=0)
    assert weights.shape == (4, 7)
    np.testing.assert_allclose(weights, -256 * math.log(2), rtol=1e-5)


def test_a_category_is_one_column() -> None:
    codes = np.array([[0.2, 0.7, 0.1, 1.5], [0.9, 0.05, 0.05, -1.0]])
    expected = [[1, 1.5], [0, -1.0]]
    np.testing.assert_array_equal(Layout([Categorical(3), Gaussian()]).encode(codes), expected)


def test_factors_that_do_not_vary_are_left_out() -> None:
    assert evidence.varying(bars()).factor_names == ("column", "row")


def test_a_run_with_a_category_is_judged_by_its_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bars(1000)
    np.savez(tmp_path / "bars.npz", images=data.images[:], factors=data.factors[:, :1])
    folder, options = tmp_path / "run", ["--net", "mlp", "--epochs", "1", "--batch-size", "32"]
    source = ["--data", str(tmp_path / "bars.npz"), "--out", str(folder)]
    assert cli.main(["train", "joint-vae", "--categories", "8", *options, *source]) == 0
    assert cli.main(["evaluate", str(folder), "--metrics", "clustering-accuracy"]) == 0
    printed = capsys.readouterr().out
    assert "one-to-one (Hungarian)" in printed
    assert "majority vote" in printed
    stored = Run(folder).scores()["clustering-accuracy"]
    assert 1 / 8 <= stored["value"] <= stored["parts"]["majority vote"]["value"] <= 1


def test_a_factor_with_unknown_labels_is_kept() -> None:
    data = bars()
    factors = data.factors.astype(float)
    factors[:50, :] = np.nan
    found = evidence.varying(Dataset("bars", data.images, factors, SPECS, "test"))
    assert found.factor_names == ("column", "row")


def test_categories_of_compared_runs_are_compared_as_categories() -> None:
    torch.manual_seed(0)
    config = configure("joint-vae", net="mlp", latent_dim=2, categories=4)
    models = [build(config, (1, 16, 16)).eval() for _ in range(2)]
    others = evidence.Encoding(models[1], bars(100).images).coded
    found = scores.measure(models[0], bars(100), Config(metrics="udr"), [others])
    codes = [m.layout.encode(m.encode(bars(100).images).numpy()) for m in models]
    expected = metrics.evaluate(runs=codes, metrics="udr", run_categories=[(4,), (4,)])["udr"]
    assert found["udr"].value == expected.value


def test_sampled_codes_are_of_the_posterior_and_of_the_image_alone(run: Path) -> None:
    model, data = Run(run).model(), bars(900)
    encoding = evidence.Encoding(model, data.images, sampled=True, seed=3)
    mean, logvar = (part.double().numpy() for part in model.encode_posterior(data.images[:]))
    noise = (encoding.codes - mean) / np.exp(0.5 * logvar)
    assert len(np.unique(data.images.reshape(900, -1), axis=0)) == 64
    assert abs(noise.mean()) < 4 / math.sqrt(noise.size)
    assert noise.var() == pytest.approx(1, abs=4 * math.sqrt(2 / noise.size))
    # of equal images, too, whose noise would else tell them apart
    by_image = [noise[(data.images[:] == image).all((1, 2, 3))] for image in data.images[:20]]
    assert all(len(np.unique(own)) == own.size for own in by_image)
    # but not of those beside it
    different = np.sort(np.unique(data.images.reshape(900, -1), axis=0, return_index=True)[1])
    some = different[[7, 40, 5]]
    np.testing.assert_allclose(encoding.encode(data.images[some]), encoding.codes[some], atol=1e-5)
    other = evidence.Encoding(model, data.images, sampled=True, seed=4)
    assert not np.allclose(other.codes, encoding.codes)
    noise = evidence.image_noise(
        np.arange(60_000, dtype=np.uint16).view(np.uint8).reshape(-1, 2), 2, 0
    )
    assert kstest(noise.ravel(), "norm").pvalue > 0.001
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / math.sqrt(len(noise))


def test_sampled_codes_of_models_are_drawn_independently() -> None:
    """Else latents of different models that encode nothing would agree, in UDR perfectly."""
    images = np.random.default_rng(0).integers(0, 256, (400, 1, 16, 16)).astype(np.uint8)
    config = configure("vae", net="mlp", latent_dim=5)
    models = [build(config, (1, 16, 16), seed=seed).eval() for seed in range(3)]
    for model in models:
        for parameter in [*model.encoder.parameters()][-2:]:
            torch.nn.init.zeros_(parameter)  # posteriors are the prior
    codes = [evidence.Encoding(model, images, sampled=True).coded for model in models]
    assert abs(codes[0][0] - codes[1][0]).max() > 1
    found = scores.compare(codes, Config(metrics="udr", representation="sampled"))["udr"]
    assert found.value < 0.05


def test_factors_drawn_anew_have_codes_drawn_anew() -> None:
    """The noise of a small grid's images would else tell them apart."""
    data, rng = load_dataset("dsprites", split="test", original=False), np.random.default_rng(0)
    model = build(configure("vae", net="mlp", latent_dim=2), (1, 64, 64)).eval()
    encoding = evidence.Encoding(model, data.images[:1], sampled=True)
    draw = factor_draws.encoder(data, encoding.described, np.arange(1, 6), encoding.drawn)
    codes = draw(np.tile(np.array(data.factors[0, 1:], float), (300, 1)), rng)
    mean, deviation = np.split(encoding.described(data.images[:1]), 2, axis=1)
    noise = (codes - mean) / deviation
    assert len(np.unique(noise)) == noise.size
    assert abs(noise.mean()) < 4 / math.sqrt(noise.size)


def test_scores_of_sampled_codes_are_kept_beside_those_of_means(run: Path) -> None:
    for representation in ("mean", "sampled", "sampled"):
        words = ["evaluate", str(run), "--metrics", "mig", "--representation", representation]
        assert cli.main(words) == 0
    result = Run(run).result
    mean, sampled = (
        results.scores_by_metric(result, representation=name)["mig"] for name in ("mean", "sampled")
    )
    assert "representation" not in mean  # as earlier versions stored it
    assert sampled["representation"] == "sampled"
    assert sampled["value"] != mean["value"]
    assert len(result["scores"]) == 2


def test_points_cannot_be_sampled() -> None:
    model = build(configure("ae", latent_dim=2, net="mlp"), (1, 16, 16))
    with pytest.raises(UnbraidError, match="ae has no Gaussian posterior"):
        evidence.Encoding(model, bars(10).images, sampled=True)


def test_too_few_labels_leave_the_metrics_that_need_none(squares: Dataset) -> None:
    assert squares.factors is not None
    factors = squares.factors.astype(float)
    factors[np.arange(len(factors)) % 10 > 0, 0] = np.nan
    data = dataclasses.replace(squares, factors=factors)
    model = build(configure("vae", latent_dim=3, net="mlp"), (1, 16, 16))
    with pytest.warns(UserWarning, match=r"not measured: .*mig.*too few to measure anything"):
        found = scores.measure(model, data, Config(metrics="all", images=200))
    assert {"active-units", "reconstruction", "total-correlation"} <= found.keys()
    assert "mig" not in found
    with pytest.raises(UnbraidError, match="too few to measure anything"):
        scores.measure(model, data, Config(metrics="mig,active-units", images=200))
