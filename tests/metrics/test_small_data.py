"""Few rows, few rows of a level, one factor, one code: a right score or none, with a note."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.metrics import Score, evaluate, gather, irs, needs
from unbraid.metrics._fixed import TableSampler, different, level_sizes
from unbraid.metrics._trees import leaf_rows

LABELLED = [
    name
    for name in registry.names("metrics")
    if needs(registry.load("metrics", name)) == ("codes", "factors")
]
DRAWN = {"train": 200, "test": 200}


def clean(rows: int, levels: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return factors, and codes that are these but for a little noise."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(k, size=rows) for k in levels], axis=1)
    standard = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    return standard + 0.05 * rng.standard_normal(factors.shape), factors


def balanced(rows: int, levels: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(np.arange(rows) % k) for k in levels], axis=1)


@pytest.mark.parametrize("levels", [(2, 3, 4), (3, 6), (2, 12)])
@pytest.mark.parametrize("rows", [58, 200])
@pytest.mark.parametrize("name", LABELLED)
def test_near_perfect_codes_score_high_or_not_at_all(
    name: str, rows: int, levels: tuple[int, ...]
) -> None:
    score = evaluate(*clean(rows, levels), metrics=name)[name]
    if math.isnan(score.value):
        assert score.notes
    else:
        # a linear SVM tells two of twelve ordered levels; 58 rows cannot show what twelve are
        least = 0.3 if name == "sap" else 0.5
        assert score.value > (0.6 * least if rows / max(levels) < 10 else least)


@pytest.mark.parametrize("name", LABELLED)
def test_twenty_rows_are_refused(name: str) -> None:
    with pytest.raises(UnbraidError, match=r"found 20 rows of codes, too few .* at least 50"):
        evaluate(*clean(20, (2, 3)), metrics=name)


def test_the_least_rows_of_runs_images_and_weights() -> None:
    with pytest.raises(UnbraidError, match="found 20 rows of every run's codes, too few"):
        evaluate(runs=[clean(20, (2, 3))[0]] * 3, metrics="udr")
    with pytest.raises(UnbraidError, match="found 1 row of codes, too few"):
        evaluate(np.zeros((1, 2)))
    image = np.full((1, 4, 4), 0.5)
    for score in evaluate(
        images=image, reconstructions=image, log_weights=np.zeros((1, 5))
    ).values():
        assert math.isnan(score.standard_error)
        assert score.notes == ("there is a single image, so the standard error is unknown",)


def test_leaves_are_those_of_the_published_scores_at_usual_sizes() -> None:
    assert [leaf_rows(rows) for rows in (1, 39, 133, 999, 1000, 6667)] == [1, 1, 2, 19, 20, 20]


def test_trees_use_all_of_a_small_set() -> None:
    score = evaluate(*clean(58, (3, 4)), metrics="dci")["dci"]
    for part in score.parts.values():
        assert part.value > 0.9


# FactorVAE and BetaVAE


def fixed(name: str, codes: np.ndarray, factors: np.ndarray, seed: int = 0, **more: Any) -> Score:
    return evaluate(codes, factors, metrics=name, seed=seed, options={name: {**DRAWN, **more}})[
        name
    ]


@pytest.mark.parametrize(
    ("name", "rows", "levels"),
    [
        ("betavae", 200, (2, 100)),  # two rows a level
        ("betavae", 200, (2, 10)),
        ("betavae", 58, (2, 4)),
        ("factorvae", 200, (2, 10)),
        ("factorvae", 58, (2, 4)),
    ],
)
def test_noise_is_at_chance(name: str, rows: int, levels: tuple[int, ...]) -> None:
    scores = [
        fixed(
            name,
            np.random.default_rng(100 + seed).standard_normal((rows, 3)),
            balanced(rows, levels, seed),
            seed,
        )
        for seed in range(8)
    ]
    for score in scores:
        assert abs(score.value - 0.5) < 3 * score.standard_error
    values = np.array([score.value for score in scores])
    assert abs(values.mean() - 0.5) < 4 * values.std(ddof=1) / math.sqrt(8)


@pytest.mark.parametrize(
    ("name", "rows", "levels"),
    [
        ("betavae", 200, (2, 100)),
        ("factorvae", 200, (3, 5)),
        ("factorvae", 1500, (2, 100)),
        ("factorvae", 3000, (3, 5, 8)),
    ],
)
def test_perfect_codes_reach_one(name: str, rows: int, levels: tuple[int, ...]) -> None:
    factors = balanced(rows, levels, 0)
    assert fixed(name, 1.0 * factors, factors).value == pytest.approx(1, abs=1e-3)


def test_levels_with_too_few_rows_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(0)
    often, rare = rng.integers(5, size=400), np.arange(40) + 5
    level = np.concatenate([often, rare])
    factors = np.stack([level, rng.integers(3, size=440)], axis=1)
    for name, least in (("betavae", 2), ("factorvae", 40)):
        score = fixed(name, 1.0 * factors, factors)
        assert score.value == pytest.approx(1, abs=0.01)
        assert score.detail["levels_used"].tolist() == pytest.approx([5, 3], abs=1)
        assert any("levels of factor 'factor 0' with fewer than" in note for note in score.notes)
        if name == "factorvae":
            assert 5 <= score.settings["group"] <= least


def test_a_factor_that_cannot_be_held_fixed_is_left_out() -> None:
    rng = np.random.default_rng(0)
    factors = np.stack([np.arange(600) // 3, rng.integers(4, size=600), rng.integers(3, size=600)])
    score = fixed("factorvae", 1.0 * factors.T, factors.T)
    assert score.value == pytest.approx(1, abs=0.01)
    assert score.settings["fixed_factors"] == 2
    assert "factor 'factor 0' is left out: no level of it has 5 rows" in score.notes[0]
    both = fixed("factorvae", 1.0 * factors[:2].T, factors[:2].T)
    assert math.isnan(both.value)
    assert both.notes[-1] == "fewer than two factors can be held fixed, so the score is undefined"


def test_rows_of_pairs_and_batches_are_different_ones() -> None:
    rng = np.random.default_rng(0)
    levels = np.stack([rng.integers(4, size=100), np.arange(100) // 2], axis=1)
    number = np.arange(100.0)[:, None]
    source = TableSampler(number, levels, 2)
    factor = np.repeat([0, 1], 200)
    first, second = (rows[..., 0].astype(int) for rows in source.pairs(factor, 16, rng))
    assert (first != second).all()
    for j in (0, 1):
        own = factor == j
        assert (levels[first[own], j] == levels[second[own], j]).all()
    batches = source.batches(np.repeat(0, 300), 15, rng)[..., 0].astype(int)
    assert all(len(set(batch)) == 15 for batch in batches)
    assert (levels[batches, 0] == levels[batches[:, :1], 0]).all()
    # every row as often as any other
    counts = np.bincount(batches.ravel(), minlength=100)
    assert counts.min() > 0.5 * counts.mean()
    assert level_sizes(levels)[:, 1].tolist() == [2] * 100


@pytest.mark.parametrize("name", ["betavae", "factorvae"])
def test_the_error_covers_other_rows(name: str) -> None:
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        factors = np.stack([rng.integers(k, size=600) for k in (2, 5, 8)], axis=1)
        standard = (factors - factors.mean(axis=0)) / factors.std(axis=0)
        codes = standard + 2 * rng.standard_normal(factors.shape)
        score = fixed(name, codes, factors, seed)
        found.append((score.value, score.standard_error))
    values, errors = np.array(found).T
    assert 0.6 < errors.mean() / values.std(ddof=1) < 3.5  # on the safe side


@pytest.mark.parametrize("name", ["betavae", "factorvae"])
def test_given_test_rows_are_the_ones_scored(name: str) -> None:
    codes, factors = clean(600, (3, 5))
    options = {name: DRAWN}
    swapped = evaluate(
        codes, factors, metrics=name, options=options, test=(codes[:, ::-1], factors)
    )
    assert swapped[name].value < 0.1
    right = evaluate(codes, factors, metrics=name, options=options, test=(codes, factors))
    assert right[name].value == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", ["betavae", "factorvae"])
def test_a_single_repeat_has_no_standard_error_and_says_so(name: str) -> None:
    score = fixed(name, *clean(600, (3, 5)), repeats=1)
    assert math.isnan(score.standard_error)
    note = "the score was found once (repeats=1), so its standard error is unknown"
    assert score.notes[-1] == note


# UDR


def test_two_runs_have_no_standard_error() -> None:
    z = np.random.default_rng(0).standard_normal((200, 3))
    score = evaluate(runs=[z, z + 0.5], metrics="udr")["udr"]
    assert math.isnan(score.standard_error)
    assert "two runs make a single comparison, so the standard error is unknown" in score.notes


def test_udr_error_matches_the_spread_over_trainings() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        z = rng.standard_normal((100, 3))
        runs = [z + rng.uniform(0, 2) * rng.standard_normal(z.shape) for _ in range(6)]
        score = evaluate(runs=runs, metrics="udr", options={"udr": {"relation": "spearman"}})
        found.append((score["udr"].value, score["udr"].standard_error))
    values, errors = np.array(found).T
    assert 0.7 < errors.mean() / values.std(ddof=1) < 1.6


# IRS


def test_a_row_alone_with_its_level_tells_nothing_about_robustness() -> None:
    rng = np.random.default_rng(0)
    level = np.concatenate([np.repeat(np.arange(5), 20), np.arange(5, 105)])
    factors = np.stack([level, rng.integers(2, size=200)], axis=1)
    score = evaluate(rng.standard_normal((200, 2)), factors, metrics="irs")["irs"]
    assert score.value < 0.5  # noise; 0.9 if lone rows counted as robust
    assert "100 of 105 levels of 'factor 0' have a single row: they are left out" in score.notes
    alone = np.stack([np.arange(200), factors[:, 1]], axis=1)
    undefined = evaluate(factors * 1.0, alone, metrics="irs")["irs"]
    assert math.isnan(undefined.value)
    assert "200 of 200 levels of 'factor 0' have a single row: so IRS is undefined" in (
        undefined.notes
    )


def test_irs_by_hand() -> None:
    # Levels of factor 0 keep the code to within 1 of their means, -4 and 4.
    codes = np.array([-5.0, -3.0, 3.0, 5.0] * 15)[:, None]
    factors = np.stack([codes[:, 0] > 0, np.arange(60) // 30], axis=1)
    config = irs.Config(quantile=1.0, resamples=0)
    assert irs.compute(gather(codes, factors), config, 0).value == pytest.approx(1 - 1 / 5)


# A single code


@pytest.mark.parametrize("name", ["mig", "jemmig", "sap"])
def test_gaps_of_a_single_code_are_noted(name: str) -> None:
    codes, factors = clean(300, (3, 4))
    score = evaluate(codes[:, :1], factors, metrics=name)[name]
    note = "with a single code there is no runner-up: all that it tells counts as the gap"
    assert note in score.notes


def test_what_a_single_code_leaves_undefined() -> None:
    codes, factors = clean(300, (3, 4))
    edi = evaluate(codes[:, :1], factors, metrics="edi")["edi"]
    assert math.isnan(edi.parts["compactness"].value)
    assert math.isnan(edi.value)
    assert edi.parts["modularity"].value > 0.9
    votes = fixed("factorvae", codes[:, :1], factors)
    assert votes.value == pytest.approx(0.5, abs=0.1)
    assert "with a single active code every vote is the same: the score is chance" in votes.notes


def test_a_factor_that_no_code_shares_anything_with_is_named() -> None:
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(3, size=300), np.arange(300) % 2], axis=1)
    codes = np.stack([factors[:, 0], factors[:, 0]], axis=1) + 0.1 * rng.standard_normal((300, 2))
    score = evaluate(codes, factors, metrics="infomec")["infomec"]
    if math.isnan(score.parts["InfoC"].value):
        assert "no active code shares anything with factor 1, so InfoC is undefined" in score.notes


def test_different_numbers_are_different_and_all_sets_as_likely() -> None:
    found = different(np.full(20_000, 5), 3, np.random.default_rng(0))
    assert ((found >= 0) & (found < 5)).all()
    sets, counts = np.unique(np.sort(found, axis=1), axis=0, return_counts=True)
    assert len(sets) == 10
    assert (np.diff(sets, axis=1) > 0).all()
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)
    few = different(np.array([3, 1000]), 3, np.random.default_rng(0))
    assert sorted(few[0].tolist()) == [0, 1, 2]
