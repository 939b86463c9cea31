from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unbraid.studies.statistics import Interval, interval
from unbraid.tour.statistics import claim
from unbraid.tour.statistics.claim import (
    ALPHA,
    MARGIN,
    Comparison,
    at_equal_reconstruction,
    below,
    holm,
    verdict,
)

NONE = Interval(0.0, -1.0, 1.0)
TRIALS = 8_000
ERROR = 3 * (ALPHA * (1 - ALPHA) / TRIALS) ** 0.5  # of a simulated rate of 5%


def at(beta: int, holds: float = 1.0, **fails: float) -> Comparison:
    """A comparison with these corrected p values."""
    p = {"reconstruction": 1.0, "MIG": 1.0, "DCI": 1.0} | fails
    return Comparison(beta, dict.fromkeys(p, NONE), holds, p)


def experiments(
    seeds: int, betas: int, spread: tuple[float, ...], mean: tuple[float, ...] = (0, 0, 0)
) -> tuple[np.ndarray, np.ndarray]:
    """Simulated differences of reconstruction, MIG and DCI, and gaps without a difference."""
    rng = np.random.default_rng(seeds)
    noise = rng.normal(size=(TRIALS, 3, betas, seeds))
    shape = (3, 1, 1)
    return (
        noise * np.reshape(spread, shape) + np.reshape(mean, shape),
        rng.normal(size=(TRIALS, 2, seeds)),
    )


# -- the rule, simulated ---------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("spread", [(1, 0.001, 0.001), (1, 0.03, 0.03), (1, 0.2, 0.2)])
def test_without_a_difference_anything_is_said_in_5_percent_at_most(
    seeds: int, spread: tuple[float, ...]
) -> None:
    said = claim.assess(*experiments(seeds, 6, spread)).anything()
    assert said.mean() <= ALPHA + ERROR


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_a_score_lower_by_the_margin_is_hardly_ever_called_similar(seeds: int) -> None:
    # the least favourable case: far better reconstructions, equal MIG, DCI lower by the margin
    found = claim.assess(*experiments(seeds, 6, (1, 1e-4, 0.03), (-1e3, 0, -MARGIN)))
    assert (found.holds.min(-1) <= ALPHA).mean() <= ALPHA / 4 + ERROR
    assert (found.fails.min((-2, -1)) <= ALPHA).mean() <= ALPHA / 4 + ERROR


def test_ten_seeds_see_a_difference_as_large_as_those_measured_and_two_do_not() -> None:
    def decided(seeds: int, mean: tuple[float, ...]) -> tuple[float, float]:
        found = claim.assess(*experiments(seeds, 6, (0.7, 0.02, 0.03), mean))
        fails = found.fails.min(-2)
        return (found.holds <= ALPHA).mean(), (fails <= ALPHA).mean()

    holds, fails = decided(10, (-30.0, 0.0, 0.02))
    assert holds > 0.95
    assert fails < 0.01
    holds, fails = decided(10, (-15.0, -0.04, -0.13))
    assert holds < 0.01
    assert fails > 0.95
    assert max(decided(2, (-30.0, 0.0, 0.02))) < 0.05


def test_the_rate_on_the_page_is_that_of_its_rule() -> None:
    spread = np.repeat([[1.0], [0.03], [0.03]], 6, axis=1)
    rate = claim.chance(spread, np.ones(2), 5, TRIALS)
    said = claim.assess(*experiments(5, 6, (1, 0.03, 0.03))).anything()
    assert rate == pytest.approx(said.mean(), abs=2 * ERROR)
    assert 0 < rate <= ALPHA + ERROR


# -- the tests it is made of -----------------------------------------------------------------------


def test_p_values_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).normal(-0.3, 1.0, (4, 7))
    found = below(values, 0.1)
    known = [stats.ttest_1samp(row, 0.1, alternative="less").pvalue for row in values]
    np.testing.assert_allclose(found, known, rtol=1e-12)


def test_a_single_seed_has_no_p_value_below_1_and_no_spread_is_certain() -> None:
    assert below(np.array([[-5.0]])).tolist() == [1.0]
    assert below(np.full(3, -5.0)) == 0.0
    assert below(np.full(3, 5.0)) == 1.0
    assert below(np.zeros(3)) == 0.5


def test_holm_corrects_along_the_last_axis() -> None:
    p = np.array([[0.01, 0.04, 0.03, 0.005], [0.2, 0.9, 0.9, 0.9]])
    np.testing.assert_allclose(holm(p), [[0.03, 0.06, 0.06, 0.02], [0.8, 1, 1, 1]])


def test_intervals_hold_the_truth_as_often_as_they_say_with_three_seeds_too() -> None:
    samples = np.random.default_rng(0).normal(size=(4000, 3))
    found = [interval(row) for row in samples]
    held = np.mean([each.low <= 0 <= each.high for each in found])
    assert held == pytest.approx(0.95, abs=0.012)
    assert np.isnan(interval([1.0]).low)


def test_all_parts_must_pass_for_the_claim_and_one_is_enough_to_fail_it() -> None:
    noise = np.array([-1.0, 0.0, 1.0, 0.5, -0.5]) * 1e-3
    good = np.stack([noise - 5, noise, noise])[:, None]  # (parts, betas, seeds)
    gaps = np.stack([noise, noise])
    assert claim.assess(good, gaps).holds[0] <= ALPHA
    for part, bad in enumerate((0.0, -MARGIN, -MARGIN)):
        changed = good.copy()
        changed[part] = noise + bad
        assert claim.assess(changed, gaps).holds[0] > ALPHA
    changed[2] = noise - 0.1
    found = claim.assess(changed, gaps)
    assert (found.fails[:, 0] <= ALPHA).tolist() == [False, False, True]


def test_pairing_takes_out_what_a_seed_does_to_both() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 10, 8)  # far larger than what the methods differ by
    one, other = seeds + 1 + rng.normal(0, 0.1, 8), seeds + rng.normal(0, 0.1, 8)
    assert interval(one - other).low > 0.8


# -- the answer ------------------------------------------------------------------------------------


def test_confirmed_and_refuted_at_every_beta() -> None:
    assert verdict([at(2, 0.01), at(4, 0.05)], 10)[0] == "confirmed at every β"
    answer, why = verdict([at(2, DCI=0.01), at(4, reconstruction=0.02, MIG=0.03)], 10)
    assert answer == "refuted at every β"
    assert why == (
        "At β = 2 DCI is lower by 0.05 or more; at β = 4 the reconstruction is worse, and MIG is "
        "lower by 0.05 or more."
    )


def test_two_seeds_that_cannot_decide_say_so() -> None:
    answer, why = verdict([at(2, 0.4), at(4, 0.06)], 2)
    assert answer == "cannot be decided with 2 seeds"
    assert why == "The differences vary too much between the 2 seeds to decide, either way."
    answer, why = verdict([at(2, 0.001)], 1)
    assert answer == "cannot be decided"
    assert "take more seeds" in why


def test_each_beta_is_told_with_neighbours_joined() -> None:
    found = [at(2), at(4, MIG=0.01, DCI=0.01), at(6, 0.01), at(8, 0.01), at(12, 0.01), at(16, 0.02)]
    answer, why = verdict(found, 10)
    assert answer == "confirmed at β = 6 to 16, refuted at β = 4, not decided at β = 2"
    assert why == (
        "At β = 4 MIG and DCI are lower by 0.05 or more. The differences vary too much between "
        "the 10 seeds to decide at β = 2, either way."
    )
    found = [at(2, 0.01), at(4), at(8, 0.01), at(16, 0.01)]
    assert verdict(found, 10)[0] == "confirmed at β = 2, 8 and 16, not decided at β = 4"


def test_curves_are_compared_where_both_reach() -> None:
    lower = {1: (10.0, 0.0), 4: (20.0, 0.5)}
    above = {1: (15.0, 0.35), 4: (30.0, 1.1)}  # the same line, 0.1 higher
    assert at_equal_reconstruction(above, lower) == pytest.approx(0.1)
    assert at_equal_reconstruction(lower, {1: (40.0, 0.0), 2: (50.0, 1.0)}) is None
