from __future__ import annotations

from typing import Any

import pytest

from unbraid.tour import trading


def figures(reconstruction: float, correlation: float, information: float = 7.0) -> dict[str, Any]:
    """What trading reads of a result.json; every standard error is 0.05."""
    values = {"index_code_mi": information, "total_correlation": correlation, "dimwise_kl": 0.2}
    parts = {name: {"value": v, "standard_error": 0.05} for name, v in values.items()}
    return {"reconstruction": reconstruction, "decomposition": parts}


@pytest.mark.parametrize(
    ("tcvae", "said"),
    [
        (figures(90, 0.3), "agree with it"),
        (figures(90, 0.6), "agree with it"),  # 0.1 more, with an error of 0.07
        (figures(90, 0.8), "bear out half of it"),
        (figures(100, 0.1), "do not bear it out"),
        (figures(101, 0.9), "do not bear it out"),
    ],
)
def test_the_claim_is_held_against_the_figures(tcvae: dict[str, Any], said: str) -> None:
    assert said in trading._verdict(tcvae, figures(100, 0.5))


def test_differences_are_told_with_their_direction_and_error() -> None:
    found = {"A": figures(101.5, 0.2), "B": figures(100, 0.5)}
    assert trading._against(found, "A", "B") == (
        "Against the B, the A reconstructs 1.5 nats worse, and its total correlation is "
        "0.30 ± 0.07 nats lower."
    )
    assert "1.5 nats better" in trading._against(found, "B", "A")
    assert "higher" in trading._against(found, "B", "A")


def test_a_mutual_information_at_its_ceiling_is_told() -> None:
    found = {"A": figures(1, 1, information=9.0), "B": figures(1, 1, information=8.0)}
    (sentence,) = trading._ceiling(found, 10_000)  # log 10,000 is 9.21
    assert "9.21" in sentence
    assert "information of A is" in sentence
    assert trading._ceiling({"B": found["B"]}, 10_000) == []
