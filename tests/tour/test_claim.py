from __future__ import annotations

import numpy as np
import pytest

from unbraid.tour._claim import (
    MARGIN,
    Comparison,
    Interval,
    at_equal_reconstruction,
    bootstrap,
    coverage,
    verdict,
)


def at(beta: int, reconstruction: tuple[float, float], *lows: float) -> Comparison:
    """A comparison whose scores' intervals start at ``lows``."""
    low, high = reconstruction
    scores = {f"score {i}": Interval(low + 0.1, low, low + 0.2) for i, low in enumerate(lows)}
    return Comparison(beta, Interval((low + high) / 2, low, high), scores)


BETTER, WORSE, UNSURE = (-5.0, -1.0), (1.0, 5.0), (-5.0, 0.5)


def test_confirmed_needs_both_halves_at_every_beta() -> None:
    answer, why = verdict([at(2, BETTER, 0.0, -0.01), at(4, BETTER, 0.1, 0.0)], 3)
    assert answer == "confirmed"
    assert "every β" in why


@pytest.mark.parametrize("reconstruction", [WORSE, UNSURE])
def test_an_unsure_reconstruction_confirms_nothing(reconstruction: tuple[float, float]) -> None:
    answer, why = verdict([at(2, reconstruction, 0.1), at(4, reconstruction, 0.1)], 3)
    assert answer == "not confirmed"
    surely = "worse" if reconstruction == WORSE else "not surely better"
    assert f"At β = 2 the reconstruction is {surely}; at β = 4" in why


def test_one_score_that_may_be_lower_is_enough_to_refuse() -> None:
    answer, why = verdict([at(4, BETTER, 0.1, -MARGIN)], 3)
    assert answer == "not confirmed"
    assert why == "At β = 4 it is better, but score 1 may be lower by 0.05 or more."


def test_what_is_lower_for_sure_is_told_from_what_may_be() -> None:
    def scores(**ends: tuple[float, float]) -> Comparison:
        found = {name: Interval(sum(both) / 2, *both) for name, both in ends.items()}
        return Comparison(4, Interval(-3.0, *BETTER), found)

    both = scores(MIG=(-0.075, -0.041), DCI=(-0.136, -0.099))
    assert both.why_not == (
        "it is better, but DCI is lower by 0.05 or more, and MIG may be lower by 0.05 or more"
    )
    assert "MIG and DCI are lower" in scores(MIG=(-0.2, -0.1), DCI=(-0.2, -0.1)).why_not
    assert scores(MIG=(-0.04, 0.1), DCI=(0.0, 0.1)).why_not == ""


def test_a_single_seed_decides_nothing() -> None:
    answer, why = verdict([at(2, BETTER, 0.1)], 1)
    assert answer == "not decided"
    assert "more seeds" in why


def test_where_it_holds_is_told_as_ranges_of_neighbours() -> None:
    good, bad = (BETTER, 0.0), (WORSE, 0.0)
    found = [at(2, *good), at(4, *good), at(8, *bad), at(16, *good)]
    assert verdict(found, 3)[0] == "confirmed only in this range: β = 2 to 4 and 16"
    assert verdict([at(2, *bad), at(4, *good)], 3)[0] == "confirmed only in this range: β = 4"
    # 2 and 8 are not neighbours, since 4 was tried
    assert verdict([at(2, *good), at(4, *bad), at(8, *good)], 3)[0].endswith("β = 2 and 8")


def test_nothing_compared_confirms_nothing() -> None:
    assert verdict([], 3) == ("not confirmed", "")


def test_the_bootstrap_finds_the_spread_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = bootstrap(values.tolist())
    assert found.mean == pytest.approx(values.mean())
    error = values.std() / 20
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.02)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.02)


def test_pairing_takes_out_what_a_seed_does_to_both() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 10, 8)  # far larger than what the methods differ by
    one, other = seeds + 1 + rng.normal(0, 0.1, 8), seeds + rng.normal(0, 0.1, 8)
    assert bootstrap((one - other).tolist()).low > 0.8


def test_few_seeds_cover_less_than_they_claim() -> None:
    found = [coverage(seeds) for seeds in (3, 5, 40)]
    assert found == sorted(found)
    assert 0.6 < found[0] < 0.85
    assert found[2] == pytest.approx(0.95, abs=0.02)


def test_curves_are_compared_where_both_reach() -> None:
    below = {1: (10.0, 0.0), 4: (20.0, 0.5)}
    above = {1: (15.0, 0.35), 4: (30.0, 1.1)}  # the same line, 0.1 higher
    assert at_equal_reconstruction(above, below) == pytest.approx(0.1)
    assert at_equal_reconstruction(below, {1: (40.0, 0.0), 2: (50.0, 1.0)}) is None
