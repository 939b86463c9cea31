"""``unbraid evaluate``: every metric of a run, in its result.json."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from unbraid import cli, metrics, registry, scoring
from unbraid.datasets import Dataset
from unbraid.distributions import Layout
from unbraid.factors import FactorSpec
from unbraid.methods import Autoencoder, build, configure
from unbraid.metrics import Score

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
    data = bars()
    np.savez(
        tmp_path / "bars.npz",
        images=data.images[:],
        factors=data.factors,
        factor_names=[spec.name for spec in SPECS],
    )
    folder = tmp_path / "run"
    options = ["--net", "mlp", "--latent-dim", "3", "--epochs", "1", "--batch-size", "32"]
    source = ["--data", str(tmp_path / "bars.npz"), "--data.full", "--out", str(folder)]
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
    assert set(result["metrics"]) == expected
    assert all(name in printed for name in ("mig", "dci disentanglement", "factorvae"))
    assert result["figures"]["kl"] > 0  # what training wrote is still there


def test_several_runs_are_compared(run: Path) -> None:
    scores = scoring.evaluate([str(run), str(run)], scoring.Config(metrics="udr,mig"))
    assert 0.5 < scores[str(run)]["udr"].value <= 1


def test_a_run_gets_its_own_udr() -> None:
    pairs = np.array([[np.nan, 0.9, 0.1], [0.5, np.nan, 0.1], [0.3, 0.9, np.nan]])
    detail = {"pairs": pairs, "per_run": np.array([0.4, 0.9, 0.1])}
    found = scoring.of_first_run(Score("udr", "lasso", 0.47, 0.2, {}, detail=detail))
    assert found.value == 0.4
    assert found.standard_error == pytest.approx(0.1)
    assert found.parts["mean of the runs"].value == 0.47


def test_json_is_printed_as_asked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["evaluate", str(run), "--metrics", "mig", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[str(run)]["mig"]["metric"] == "mig"


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
    weights = scoring.log_weights(model, images, samples=7, seed=0)
    assert weights.shape == (4, 7)
    np.testing.assert_allclose(weights, -256 * math.log(2), rtol=1e-5)


def test_a_category_is_one_column() -> None:
    codes = np.array([[0.2, 0.7, 0.1, 1.5], [0.9, 0.05, 0.05, -1.0]])
    expected = [[1, 1.5], [0, -1.0]]
    np.testing.assert_array_equal(scoring.as_factors(codes, Layout((3,), 1)), expected)


def test_factors_that_do_not_vary_are_left_out() -> None:
    assert scoring.varying(bars()).factor_names == ("column", "row")


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
    stored = json.loads((folder / "result.json").read_text())["metrics"]["clustering-accuracy"]
    assert 1 / 8 <= stored["value"] <= stored["parts"]["majority vote"]["value"] <= 1


def test_a_factor_with_unknown_labels_is_kept() -> None:
    data = bars()
    factors = data.factors.astype(float)
    factors[:50, :] = np.nan
    found = scoring.varying(Dataset("bars", data.images, factors, SPECS, "test"))
    assert found.factor_names == ("column", "row")


def test_categories_of_compared_runs_are_compared_as_categories() -> None:
    torch.manual_seed(0)
    config = configure("joint-vae", net="mlp", latent_dim=2, categories=4)
    models = [build(config, (1, 16, 16)).eval() for _ in range(2)]
    found = scoring.measure(models[0], bars(100), scoring.Config(metrics="udr"), models[1:])
    codes = [scoring.as_factors(m.encode(bars(100).images).numpy(), m.layout) for m in models]
    expected = metrics.evaluate(runs=codes, metrics="udr", run_categories=[(4,), (4,)])["udr"]
    assert found["udr"].value == expected.value
