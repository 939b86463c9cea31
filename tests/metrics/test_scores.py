"""Results, standard errors, protocols, and what ``evaluate`` chooses to run."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unbraid.core import registry
from unbraid.metrics import PROTOCOLS, Evidence, Score, evaluate, gather, needs

NAMES = registry.names("metrics")


def noisy(seed: int, rows: int = 800) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(k, size=rows) for k in (3, 6, 10)], axis=1)
    standard = (factors - [1, 2.5, 4.5]) / [0.82, 1.71, 2.87]
    mixing = np.eye(3) + 0.4 * np.roll(np.eye(3), 1, axis=1)
    return standard @ mixing + 0.4 * rng.standard_normal((rows, 3)), factors


def test_standard_errors_match_the_spread_over_data_sets() -> None:
    metrics = ["mig", "modularity", "dcimig", "edi", "sap", "explicitness", "infomec", "irs"]
    options = {"sap": {"kind": "r2"}}
    results: dict[str, list[tuple[float, float]]] = {}
    for seed in range(20):
        for score in evaluate(*noisy(seed), metrics=metrics, options=options, seed=seed).values():
            for label, value, error in score.rows():
                results.setdefault(label, []).append((value, error))
    for label, pairs in results.items():
        values, errors = np.array(pairs).T
        # 20 data sets pin the spread to about 16 percent.
        assert 0.5 < errors.mean() / values.std(ddof=1) < 2, label


def test_dci_error_matches_the_spread_over_data_sets() -> None:
    pairs = [
        (score.value, score.standard_error)
        for seed in range(10)
        for score in evaluate(*noisy(seed), metrics="dci", seed=seed).values()
    ]
    values, errors = np.array(pairs).T
    assert 0.5 < errors.mean() / values.std(ddof=1) < 3  # refits are short: on the safe side


def test_thinning_is_recorded_and_widens_the_error() -> None:
    codes, factors = noisy(0, 4000)
    whole, part = (
        evaluate(codes, factors, metrics="explicitness", options={"explicitness": o})
        for o in ({}, {"max_rows": 400})
    )
    assert part["explicitness"].settings["rows"] == 400
    assert part["explicitness"].standard_error > 2 * whole["explicitness"].standard_error
    difference = part["explicitness"].value - whole["explicitness"].value
    assert abs(difference) < 4 * part["explicitness"].standard_error


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_a_config_needs_and_a_summary(name: str) -> None:
    module = registry.load("metrics", name)
    assert dataclasses.is_dataclass(module.Config)
    assert module.Config.__dataclass_params__.frozen
    module.Config()  # every option has a default
    known = {field.name for field in dataclasses.fields(Evidence)}
    assert set(needs(module)) <= known
    assert registry.summary("metrics", name).endswith((".", "?"))


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_is_documented(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert f"`{name}`" in page.read_text(encoding="utf-8")


def test_all_means_all_that_the_inputs_allow() -> None:
    codes, factors = noisy(0, 100)
    assert list(evaluate(codes)) == ["active-units", "gaussian-correlation"]
    unlabelled = evaluate(
        codes,
        logvar=codes * 0 - 1,
        runs=[codes, codes],
        images=factors / 10,
        reconstructions=factors / 10,
        log_weights=codes,
    )
    quick = {"dci": {"rounds": 3, "refits": 0}}
    labelled = evaluate(codes, factors, options=quick)
    sure = np.eye(2)[np.arange(len(codes)) % 2]
    categorical = evaluate(np.column_stack([sure, codes]), factors, options=quick, categories=[2])
    assert sorted({*unlabelled, *categorical}) == NAMES
    assert set(categorical) - set(labelled) == {"clustering-accuracy"}
    assert set(unlabelled) & set(labelled) == {"active-units", "gaussian-correlation"}


def test_json_holds_everything_and_no_nan() -> None:
    codes, factors = noisy(0, 200)
    score = evaluate(codes, factors[:, :1], metrics="modularity")["modularity"]
    assert math.isnan(score.value)
    plain = json.loads(json.dumps(score.to_json(), allow_nan=False))
    assert plain["value"] is None
    assert {f.name for f in dataclasses.fields(Score)} <= set(plain)
    assert plain["settings"]["bins"] == 20


def test_protocols_set_what_they_say() -> None:
    codes, factors = noisy(0, 200)
    scores = evaluate(
        codes,
        factors,
        protocol="locatello2019",
        options={
            "dci": {"rounds": 5, "refits": 0},
            "betavae": {"train": 200, "test": 100},
            "factorvae": {"train": 200, "test": 100},
        },
    )
    assert sorted(scores) == sorted(PROTOCOLS["locatello2019"])
    assert scores["dci"].settings["backend"] == "sklearn"
    assert scores["factorvae"].settings["min_std"] == 0.05
    assert scores["factorvae"].settings["repeats"] == 1
    assert scores["irs"].settings["bin_levels"] is True
    assert list(evaluate(codes, factors, protocol="hsu2023")) == ["infomec"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocols_name_real_options(protocol: str) -> None:
    for name, options in PROTOCOLS[protocol].items():
        registry.build(registry.load("metrics", name).Config, options, name)


def test_a_protocol_can_be_asked_for_one_metric() -> None:
    scores = evaluate(*noisy(0, 200), metrics="irs", protocol="locatello2019")
    assert scores["irs"].settings["bin_levels"] is True


def test_given_test_rows_are_used() -> None:
    codes, factors = noisy(0, 400)
    scrambled = np.random.default_rng(0).permutation(factors)
    good = evaluate(codes, factors, metrics="explicitness", test=(codes, factors))
    bad = evaluate(codes, factors, metrics="explicitness", test=(codes, scrambled))
    assert good["explicitness"].settings["test_rows"] == 400
    assert bad["explicitness"].value == pytest.approx(0.5, abs=0.05)


def test_importances_do_not_depend_on_the_order_of_copies() -> None:
    codes, factors = noisy(0, 400)
    doubled = np.hstack([codes, -codes])
    options = {"dci": {"rounds": 10, "refits": 0}}
    matrix = evaluate(doubled, factors, metrics="dci", options=options)["dci"].matrix
    np.testing.assert_allclose(matrix[:3], matrix[3:])


def test_intermediate_results_are_shared() -> None:
    evidence = gather(*noisy(0, 200))
    assert evidence.levels(20, "quantile") is evidence.levels(20, "quantile")


def test_metrics_never_import_torch() -> None:
    code = (
        "import sys; from unbraid.core import registry; "
        "[registry.load('metrics', n) for n in registry.names('metrics')]; "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
