"""What a study shows of the findings of 2019: known answers."""

from __future__ import annotations

import dataclasses
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import benchmark
from unbraid.studies.cells import Cell
from unbraid.studies.results import Results, Score

findings = benchmark("_findings")
tables = benchmark("_study_tables")

ROOT = Path(__file__).parent.parent
METHODS, SETTINGS, SEEDS = 4, 3, 5
METRICS = ("mig", "sap", "modularity")
RANDOM = np.random.default_rng(0)


def score(metric: str, protocol: str = "none", representation: str = "mean") -> Score:
    return Score(metric, protocol, representation, 10_000)


TC = "gaussian-correlation total correlation"
SCORES = (
    *map(score, METRICS),
    score(TC),
    score(TC, representation="sampled"),
    score("elbo", "training"),
    score("downstream efficiency"),
    score("downstream accuracy with 100 labels"),
    score("downstream accuracy with 1,000 labels"),
    score("downstream"),
)


def study(data: str, *columns: Any) -> Results:
    """Return results whose columns are of (method, setting, seed), and random where not given."""
    cells = [
        Cell(f"{data}{m}{s}{k}", "", data, f"m{m}", f"s={s}", ("s", s), k, {}, {})
        for m, s, k in product(range(METHODS), range(SETTINGS), range(SEEDS))
    ]
    shape = (METHODS, SETTINGS, SEEDS)
    given = [
        np.broadcast_to(RANDOM.normal(size=shape) if c is None else c, shape).ravel()
        for c in (*columns, *[None] * (len(SCORES) - len(columns)))
    ]
    return Results(data, tuple(cells), SCORES, np.stack(given, axis=1))


def noise(size: float = 0.1) -> np.ndarray:
    return size * RANDOM.normal(size=(METHODS, SETTINGS, SEEDS))


def both(*columns: Any) -> list[Results]:
    return [study("a", *columns), study("b", *columns)]


STRENGTH = np.arange(SETTINGS)[None, :, None]
METHOD = np.arange(METHODS)[:, None, None]


def test_limits_are_those_that_the_page_names() -> None:
    page = " ".join((ROOT / "docs/study_2019.md").read_text(encoding="utf-8").split())
    assert f"rank correlation of {findings.SELECTS:g} for a score that selects runs" in page
    assert f"and of {findings.AGREE:g} for metrics that agree" in page
    assert f"and {findings.TOLD:g} above chance for a best setting" in page
    assert "a chance of two thirds to beat a random run" in page
    assert findings.LITTLE == 2 / 3


def test_correlations_of_codes_and_means() -> None:
    plain = [None] * 3
    falls, rises = -STRENGTH + noise(), STRENGTH + noise()
    found = findings.correlated_means(both(*plain, rises, falls))
    assert found["verdict"] == "supported"
    assert len(found["rows"]) == 2 * METHODS
    assert found["rows"][0]["sampled"]["value"] == pytest.approx(-2, abs=0.2)
    assert findings.correlated_means(both(*plain, falls, falls))["verdict"] == "not supported"
    assert findings.correlated_means(both(*plain, noise(), noise()))["verdict"] == "inconclusive"
    # means that may fall or rise do not support it
    open_means = findings.correlated_means(both(*plain, noise(5), falls))
    assert open_means["verdict"] == "inconclusive"


def test_a_larger_capacity_is_weaker_and_one_order_holds_for_all_data() -> None:
    results = both(None, None, None, STRENGTH + noise(), STRENGTH + noise())
    capacity = [
        dataclasses.replace(
            r,
            cells=tuple(
                dataclasses.replace(c, strength=("capacity", c.strength[1])) for c in r.cells
            ),
        )
        for r in results
    ]
    assert findings.settings_of(capacity)[0] == ("m0", "s=2")
    row = findings.correlated_means(capacity)["rows"][0]
    assert row["sampled"]["value"] == pytest.approx(-2, abs=0.2)


def without(results: Results, method: str, setting: str) -> Results:
    """Return results in which all runs of a setting have diverged."""
    gone = [c.method == method and c.setting == setting for c in results.cells]
    kept = tuple(c for c, lost in zip(results.cells, gone, strict=True) if not lost)
    diverged = tuple(c for c, lost in zip(results.cells, gone, strict=True) if lost)
    return dataclasses.replace(
        results, cells=kept, values=results.values[~np.array(gone)], diverged=diverged
    )


def test_a_setting_that_diverged_on_one_data_set_keeps_its_place() -> None:
    same = [METHOD * SETTINGS + STRENGTH + noise() for _ in METRICS]
    first, second = both(*same)
    results = [without(first, "m0", "s=0"), second]
    assert findings.choice_transfers(results)["rows"][2]["value"] > 0.9
    assert findings.settings_transfer(results)["verdict"] == "not supported"
    # one that diverged is never the best
    worst = [-STRENGTH + noise() for _ in METRICS]
    lost = without(study("a", *worst), "m0", "s=0")
    table = findings.grid([lost], lost, SCORES[0])
    assert findings.best(table[:SETTINGS], np.arange(SEEDS)) == 1


def test_shares_of_variance() -> None:
    by_seed = [noise(1) for _ in METRICS]
    assert findings.seeds_and_settings(both(*by_seed))["verdict"] == "supported"
    by_method = [METHOD + noise() for _ in METRICS]
    found = findings.seeds_and_settings(both(*by_method))
    assert found["verdict"] == "not supported"
    assert found["rows"][0]["method"] > 0.9


def test_the_jackknife_of_a_mean_is_the_interval_of_students_t() -> None:
    values = np.array([0.1, 0.4, 0.35, 0.8, 0.2])
    found = findings.jackknifed(lambda k: float(values[k].mean()), len(values))
    known = tables.by_t(values)
    assert found["value"] == pytest.approx(values.mean())
    half = 2.7764 * values.std(ddof=1) / 5**0.5
    for interval in (found, known):
        assert interval["low"] == pytest.approx(values.mean() - half, abs=1e-4)
        assert interval["high"] == pytest.approx(values.mean() + half, abs=1e-4)
    assert findings.jackknifed(lambda k: float(values[k].mean()), 2)["low"] is None


def test_halves_share_no_seed_and_are_all_there_are() -> None:
    for seeds, count in ((2, 2), (3, 6), (4, 6), (5, 30), (20, tables.SPLITS)):
        found = findings.halves(np.arange(seeds) + 7)
        assert len(found) == count
        assert all(len(a) == len(b) == seeds // 2 and not {*a} & {*b} for a, b in found)
        assert len({(tuple(a), tuple(b)) for a, b in found}) == count
    five = findings.halves(np.arange(5))
    assert {len([a for a, _ in five if seed in a]) for seed in range(5)} == {12}


def test_whether_the_best_setting_is_that_of_other_data() -> None:
    up = [STRENGTH + noise() for _ in METRICS]
    down = [-STRENGTH + noise() for _ in METRICS]
    found = findings.settings_transfer([study("a", *up), study("b", *up)])
    assert found["verdict"] == "not supported"
    assert "100% of the cases on the same data and in 100% on the other" in found["told"]
    found = findings.settings_transfer([study("a", *up), study("b", *down)])
    assert found["verdict"] == "supported"
    assert found["gap"]["value"] == 1
    by_seed = [noise(1) for _ in METRICS]
    assert findings.settings_transfer(both(*by_seed))["verdict"] == "inconclusive"


def test_whether_a_score_without_labels_selects() -> None:
    good = METHOD + STRENGTH + noise()
    columns = [good + noise() for _ in METRICS]
    found = findings.without_labels(both(*columns, None, None, good))
    assert found["verdict"] == "not supported"
    assert "beyond 0.5 on all data of elbo" in found["told"]
    assert findings.without_labels(both(*columns))["verdict"] == "supported"
    unlike = [study("a", *columns, None, None, good), study("b", *columns, None, None, -good)]
    assert findings.without_labels(unlike)["verdict"] == "supported"
    # what Modularity says does not count
    found = findings.without_labels(both(good + noise(), good + noise(), None, None, None, good))
    assert found["verdict"] == "not supported"


def test_whether_a_choice_transfers() -> None:
    same = [METHOD * SETTINGS + STRENGTH + noise() for _ in METRICS]
    found = findings.choice_transfers(both(*same))
    assert found["verdict"] == "not supported"
    assert found["rows"][2]["value"] > 0.95
    unlike = [RANDOM.normal(size=(METHODS, SETTINGS, 1)) + noise(0.01) for _ in range(6)]
    found = findings.choice_transfers([study("a", *unlike[:3]), study("b", *unlike[3:])])
    assert found["rows"][2]["value"] < 0.8
    assert [row["choice by"] for row in found["rows"]] == list(findings.BY.values())


def test_whether_metrics_agree() -> None:
    good = METHOD + STRENGTH
    apart = findings.metrics_agree(both(good + noise(), good + noise(), None))
    assert apart["verdict"] == "supported"
    assert apart["rows"][0]["others"]["value"] > 0.9
    odd = findings.metrics_agree(both(good + noise(), None, good + noise()))
    assert odd["verdict"] == "not supported"
    # metrics that do not agree with each other do not "agree, but for Modularity"
    assert findings.metrics_agree(both(None, None, None))["verdict"] != "supported"


def test_whether_disentangled_codes_need_fewer_labels() -> None:
    good = METHOD + STRENGTH
    metrics = [good + noise() for _ in METRICS]
    between = [None] * 3
    found = findings.few_labels(both(*metrics, *between, good + noise(), good + noise()))
    assert found["verdict"] == "not supported"
    assert found["rows"][0]["efficiency"]["value"] > 0.9
    found = findings.few_labels(both(*metrics, *between, -good + noise(), good + noise()))
    assert found["verdict"] == "supported"  # the accuracy is higher, with any number of labels
    assert found["rows"][0]["accuracy with 100 labels"]["value"] > 0.9
    assert "with the accuracy with 100 labels +" in found["told"]


def test_what_was_not_measured_downstream_is_said() -> None:
    results = study("a")
    kept = [not score.metric.startswith("downstream") for score in SCORES]
    scores = tuple(score for score, keep in zip(SCORES, kept, strict=True) if keep)
    bare = dataclasses.replace(results, scores=scores, values=results.values[:, kept])
    assert findings.few_labels([bare, results])["verdict"] == "not measured"


def test_what_is_measured_downstream_is_no_metric_of_disentanglement() -> None:
    (results,) = [study("a")]
    assert "downstream" in {score.metric for score in results.supervised}
    names = [score.metric for score in findings.disentanglement(results)]
    assert names == list(METRICS)


def test_runs_that_are_missing_are_left_out() -> None:
    mig = METHOD + STRENGTH + noise()
    mig[0, 0, 1] = np.nan
    mig[1, :, 2] = np.nan
    columns = both(mig, mig + noise(), mig + noise())
    for find in findings.FINDINGS.values():
        found = find(columns)
        assert found["verdict"] in ("supported", "not supported", "inconclusive")
        assert "nan" not in found["told"]
        json.dumps(found, allow_nan=False)


def test_choices_are_of_the_seeds_that_all_data_have() -> None:
    columns = [METHOD + STRENGTH + noise(1) for _ in METRICS]
    first, second = both(*columns)

    def of(results: Results, seeds: set[int]) -> Results:
        kept = [cell.seed in seeds for cell in results.cells]
        cells = tuple(cell for cell in results.cells if cell.seed in seeds)
        return dataclasses.replace(results, cells=cells, values=results.values[np.array(kept)])

    few = of(second, {1, 2, 4})
    for find in (findings.settings_transfer, findings.choice_transfers):
        assert find([first, few]) == find([of(first, {1, 2, 4}), few])
        assert find([first, few]) != find([first, second])
    for find in findings.FINDINGS.values():
        assert "nan" not in find([first, few])["told"]
