"""Every score against the published implementation, on fixed codes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics import oracle
from unbraid.metrics import (
    betavae,
    dci,
    explicitness,
    factorvae,
    gather,
    infomec,
    irs,
    mig,
    modularity,
    sap,
)
from unbraid.metrics._predictors import fit_factor

each_set = pytest.mark.parametrize("name", oracle.SETS)


@each_set
def test_mig_and_modularity(name: str) -> None:
    evidence, expected = oracle.evidence(name), oracle.scores()[name]
    assert mig.compute(evidence, mig.Config(), 0).value == pytest.approx(expected["mig"], abs=1e-6)
    got = modularity.compute(evidence, modularity.Config(), 0).value
    assert got == pytest.approx(expected["modularity"], abs=1e-6)


@each_set
def test_explicitness(name: str) -> None:
    expected = oracle.scores()[name]["explicitness"]
    got = explicitness.compute(oracle.evidence(name), explicitness.Config(), 0)
    if expected["test"] is None:  # the published code divides by the constant code's deviation
        rest = oracle.scores()["quantised"]["explicitness"]
        assert got.value == pytest.approx(rest["test"], abs=5e-4)
    else:
        assert got.value == pytest.approx(expected["test"], abs=5e-4)
        on_train = got.parts["on training rows"].value
        assert on_train == pytest.approx(expected["train"], abs=5e-4)


@each_set
def test_sap(name: str) -> None:
    expected = oracle.scores()[name]
    got = sap.compute(oracle.evidence(name), sap.Config(), 0)
    np.testing.assert_allclose(got.matrix, expected["sap"]["score_matrix"], atol=1e-3)
    assert got.value == pytest.approx(expected["sap"]["score"], abs=1e-3)
    continuous = sap.compute(oracle.evidence(name), sap.Config(kind="r2"), 0).value
    assert continuous == pytest.approx(expected["sap_continuous"], abs=1e-6)


@each_set
@pytest.mark.parametrize("quantile", [0.99, 1.0])
@pytest.mark.parametrize("binned", [False, True])
def test_irs(name: str, quantile: float, binned: bool) -> None:
    grouping = "binned_20" if binned else "raw"
    expected = oracle.scores()[name]["irs"][f"factors_{grouping}_q{quantile}"]
    config = irs.Config(quantile=quantile, bin_levels=binned, resamples=0)
    got = irs.compute(oracle.evidence(name), config, 0).value
    assert got == pytest.approx(expected, abs=1e-6)


TIED = ("perfect", "redundant", "perfect_plus_dead", "missing")


@each_set
def test_infomec(name: str) -> None:
    expected = oracle.scores()[name]["infomec"]
    config = infomec.Config(discrete_codes=expected["discrete_latents"])
    got = infomec.compute(oracle.evidence(name), config, 0)
    # Ties make the neighbour estimate depend on the jitter; a factor that is not encoded makes
    # InfoC a ratio of noise. Both tolerances come with the reference values.
    close = 1e-6 if expected["discrete_latents"] else 0.01 if name in TIED else 1e-3
    infom = expected["infom"] or expected["infom_zero_rows_excluded"]
    assert got.value == pytest.approx(infom, abs=close)
    compact = 0.05 if name == "missing" else close
    assert got.parts["InfoC"].value == pytest.approx(expected["infoc"], abs=compact)
    explicit = 0.01 if expected["discrete_latents"] else 1e-3
    assert got.parts["InfoE"].value == pytest.approx(expected["infoe"], abs=explicit)
    np.testing.assert_array_equal(got.detail["active"], expected["active_latents"])


def test_infoe_of_a_converged_solver() -> None:
    expected = oracle.scores()["quantised"]["infomec"]
    config = infomec.Config(discrete_codes=True, max_iterations=2000)
    got = infomec.compute(oracle.evidence("quantised"), config, 0).parts["InfoE"].value
    assert got == pytest.approx(expected["infoe_max_iter_2000"], abs=1e-3)


@pytest.mark.parametrize("name", [n for n in oracle.SETS if n not in TIED and "quant" not in n])
def test_neighbour_information_is_that_of_scikit_learn(name: str) -> None:
    got = infomec.compute(oracle.evidence(name), infomec.Config(), 0).matrix
    expected = np.array(oracle.scores()[name]["infomec"]["nmi"]).T
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("silent", "key"),
    [
        ("exclude", "infom_zero_rows_excluded"),
        ("uniform", "infom_zero_rows_count_as_uniform_share"),
    ],
)
@each_set
def test_infom_conventions_from_the_stored_matrix(name: str, silent: str, key: str) -> None:
    expected = oracle.scores()[name]["infomec"]
    shares = np.array(expected["nmi"]).T[None][:, expected["active_latents"]]
    got = infomec.largest_share(shares, 2, silent)[0]
    assert got == pytest.approx(expected[key], abs=1e-9)


def test_infomec_names_the_codes_it_leaves_out() -> None:
    got = infomec.compute(oracle.evidence("perfect_plus_dead"), infomec.Config(), 0)
    assert any("left out as inactive" in note and "5, 6, 7" in note for note in got.notes)


def test_infom_left_undefined_on_request() -> None:
    config = infomec.Config(silent_codes="undefined")
    assert np.isnan(infomec.compute(oracle.evidence("perfect_plus_dead"), config, 0).value)


@each_set
def test_dci_scores_from_the_stored_importances(name: str) -> None:
    expected = oracle.scores()[name]["dci"]
    importance = np.array(expected["importance"])
    assert dci.disentangle(importance)[1] == pytest.approx(expected["disentanglement"], abs=1e-9)
    assert dci.complete(importance)[1] == pytest.approx(expected["completeness"], abs=1e-9)


@pytest.mark.parametrize("name", ["rotated", "quantised"])
def test_sklearn_trees_give_the_stored_importances(name: str) -> None:
    whole = oracle.evidence(name)
    # The two small factors: 900 trees instead of 11,300.
    evidence = gather(whole.codes, whole.factors[:, :2])
    importance = np.array(oracle.scores()[name]["dci"]["importance"])[:, :2]
    got = [fit_factor(evidence, j, 100, "sklearn", 3).importance for j in range(2)]
    np.testing.assert_allclose(np.stack(got, axis=1), importance, atol=0.005)


# LightGBM's Newton boosting is another estimator than scikit-learn's gradient boosting: on
# codes with few values (quantised) they are 0.09 apart.
@pytest.mark.parametrize("name", ["redundant", "noisy"])
def test_lightgbm_agrees_with_the_reference_roughly(name: str) -> None:
    expected = oracle.scores()[name]["dci"]["summary"]
    got = dci.compute(oracle.evidence(name), dci.Config(refits=0), 0).parts
    for part, key in (
        ("disentanglement", "disentanglement"),
        ("completeness", "completeness"),
        ("informativeness", "informativeness_test"),
    ):
        assert got[part].value == pytest.approx(expected[key]["mean"], abs=0.03)


def agrees(repeats: np.ndarray, expected: dict[str, float]) -> bool:
    """Whether two means of 10 seeds differ by less than four standard errors and a bit."""
    error = np.sqrt(expected["sd"] ** 2 / 10 + repeats.std(ddof=1) ** 2 / len(repeats))
    return bool(abs(repeats.mean() - expected["mean"]) < 4 * error + 0.003)


ENCODERS = ("perfect_plus_dead", "rotated", "missing", "noisy", "nonlinear_mixed")


@pytest.mark.parametrize("name", ENCODERS)
def test_factorvae_by_the_published_protocol(name: str) -> None:
    evidence = gather(
        oracle.codes(name, "train"),
        oracle.arrays()["factors_train"],
        encoder=lambda factors, rng: oracle.encode(name, factors, rng),
    )
    for threshold in ("0", "0.05"):
        config = factorvae.Config(min_std=float(threshold))
        got = factorvae.compute(evidence, config, 0)
        assert agrees(got.detail["repeats"], oracle.scores()[name]["factorvae"][threshold])


@pytest.mark.parametrize("name", ENCODERS)
def test_betavae_by_the_published_protocol(name: str) -> None:
    evidence = gather(
        oracle.codes(name, "train"),
        oracle.arrays()["factors_train"],
        encoder=lambda factors, rng: oracle.encode(name, factors, rng),
    )
    got = betavae.compute(evidence, betavae.Config(), 0)
    assert agrees(got.detail["repeats"], oracle.scores()[name]["betavae"])


def test_factorvae_pruning_hides_a_faint_clean_copy() -> None:
    def encoder(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        clean, mixed = (oracle.encode(name, factors, rng) for name in ("perfect", "rotated"))
        return np.hstack([mixed, 1e-3 * clean])

    factors = oracle.arrays()["factors_train"]
    evidence = gather(encoder(factors, np.random.default_rng(0)), factors, encoder=encoder)
    key = "rotated plus an exact copy of perfect scaled by 1e-3; prune sd "
    for threshold in ("0", "0.05"):
        got = factorvae.compute(evidence, factorvae.Config(min_std=float(threshold)), 0)
        assert agrees(got.detail["repeats"], oracle.scores()["_pruning"][key + threshold])


@pytest.mark.parametrize("threshold", [0.0, 0.05])
def test_factorvae_never_lets_an_all_zero_code_vote(threshold: float) -> None:
    # The published code at threshold 0 gives 0.2, chance: 0/0 wins every vote.
    codes = np.insert(oracle.codes("perfect", "train"), 0, 0.0, axis=1)
    evidence = gather(codes, oracle.arrays()["factors_train"])
    got = factorvae.compute(evidence, factorvae.Config(min_std=threshold, repeats=2), 0)
    assert got.value == 1.0
    assert got.settings["active_codes"] == 5
