"""What the tour's curves say of beta-TCVAE's claim, and how often the rule that says so errs.

``python benchmarks/claim.py`` trains nothing: it reads the curves that benchmarks/tour.py kept in
benchmarks/results/tour.json, and those of the full tour's ten seeds that benchmarks/curves.py kept,
applies the rule of ``unbraid.tour.statistics.claim`` to each scale, simulates the rule for several
numbers of seeds, and writes benchmarks/results/claim.json. The simulated differences are normal,
with the means and covariances measured at the scale with most seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from _common import RESULTS, load, write
from numpy.typing import NDArray

from unbraid.core.files import read_json
from unbraid.tour.statistics import claim, comparison
from unbraid.tour.statistics.curves import LABELS, SCORES, Curve, Point

SEEDS = (2, 3, 5, 10)
TRIALS = 20_000
PARTS = 1 + len(SCORES)
Floats = NDArray[np.float64]


def curves_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return both curves from the rows that benchmarks/tour.py keeps."""
    found: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["seed"]):
        found[row["method"], int(row["beta"])].append(row)
    curves: dict[str, dict[int, Point]] = {method: {} for method in LABELS}
    for (method, beta), each in found.items():
        curves[method][beta] = Point(
            [row["reconstruction"] for row in each],
            [row["kl"] for row in each],
            {name: [row[name] for row in each] for name in SCORES},
            [row["active_units"] for row in each],
        )
    return {method: dict(sorted(points.items())) for method, points in curves.items()}


def whole_seeds(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of seeds of which all points are there."""
    seeds = [row["seed"] for row in rows]
    most = max(map(seeds.count, seeds))
    return [row for row in rows if seeds.count(row["seed"]) == most]


def answered(curves: Mapping[str, Curve]) -> dict[str, Any]:
    """Return what the rule says of two curves, and the numbers that it rests on."""
    found = comparison.compare(curves)
    answer, why = claim.verdict(found.betas, found.seeds)
    return {
        "seeds": found.seeds,
        "answer": answer,
        "why": why,
        "equal reconstruction": [
            {"difference in": label, **gap.interval._asdict(), "higher": gap.higher,
             "lower": gap.lower}
            for label, gap in found.gaps.items()
        ],
        "same beta": [
            {"beta": each.beta, "decision": each.decision, "holds": each.holds,
             "difference in": {name: part._asdict() for name, part in each.parts.items()},
             "fails": dict(each.fails)}
            for each in found.betas
        ],
        "any statement without a difference": found.chance,
    }  # fmt: skip


def measured(curves: Mapping[str, Curve]) -> tuple[list[int], Floats]:
    """Return the betas, and each seed's differences: parts by betas, then gaps (seeds, ...)."""
    betas, differences, gaps = comparison.differences(curves)
    return betas, np.concatenate([differences.reshape(-1, differences.shape[-1]), gaps]).T


def simulated(mean: Floats, covariance: Floats, betas: int, seeds: int) -> claim.PValues:
    """Return the p values of many experiments with so many seeds."""
    rng = np.random.default_rng(seeds)
    # by the eigenvectors, as the covariance of few seeds has no Cholesky factor
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(0))
    draws = mean + rng.normal(size=(TRIALS, seeds, len(mean))) @ root.T
    draws = np.moveaxis(draws, 1, -1)  # (trials, quantities, seeds)
    differences = draws[:, : PARTS * betas].reshape(TRIALS, PARTS, betas, seeds)
    return claim.assess(differences, draws[:, PARTS * betas :])


def error_rates(covariance: Floats, betas: int, seeds: int) -> dict[str, float]:
    """Return how often the rule says what is false, in two cases."""
    nothing = simulated(np.zeros(len(covariance)), covariance, betas, seeds)
    edge = np.zeros(len(covariance))
    edge[:betas] = -1e3  # far better reconstructions, and the last score on the edge everywhere
    edge[(PARTS - 1) * betas : PARTS * betas] = -claim.MARGIN
    worst = simulated(edge, covariance, betas, seeds)
    false = (worst.holds.min(-1) <= claim.ALPHA) | (worst.fails.min((-2, -1)) <= claim.ALPHA)
    return {
        "no difference: any statement": float(nothing.anything().mean()),
        "DCI lower by exactly the margin: any decision": float(false.mean()),
    }


def power(p: claim.PValues, betas: Sequence[int]) -> dict[str, Any]:
    """Return how often each statement is made."""
    holds, fails = (p.holds <= claim.ALPHA).mean(0), (p.fails.min(-2) <= claim.ALPHA).mean(0)
    labels = list(SCORES.values())
    return {
        "holds": dict(zip(map(str, betas), holds.tolist(), strict=True)),
        "fails": dict(zip(map(str, betas), fails.tolist(), strict=True)),
        "higher": dict(zip(labels, (p.higher <= claim.ALPHA).mean(0).tolist(), strict=True)),
        "lower": dict(zip(labels, (p.lower <= claim.ALPHA).mean(0).tolist(), strict=True)),
    }


def main() -> None:
    """Answer, simulate and write."""
    before = load()
    tours = read_json(RESULTS / "tour.json")
    curves = {scale: curves_of(each["curves"]) for scale, each in tours.items()}
    more = read_json(RESULTS / "curves.json")["rows"]
    # both methods are the VAE at beta 1, which is trained once
    more += [{**row, "method": "beta-tcvae"} for row in more if row["beta"] == 1]
    curves["full"] = curves_of(whole_seeds(more))
    answers = {
        scale: {"command": tours[scale]["command"], **answered(each)}
        for scale, each in curves.items()
    }
    most = max(answers, key=lambda scale: answers[scale]["seeds"])
    betas, rows = measured(curves[most])
    covariance = np.cov(rows.T)
    result = {
        "load_before": before,
        "answers": answers,
        "alpha": claim.ALPHA,
        "margin": claim.MARGIN,
        "trials": TRIALS,
        "simulated from": {"scale": most, "seeds": len(rows), "command": answers[most]["command"]},
        "errors": {n: error_rates(covariance, len(betas), n) for n in SEEDS},
        "power": {
            n: power(simulated(rows.mean(0), covariance, len(betas), n), betas) for n in SEEDS
        },
    }
    write("claim", result)
    for scale, each in answers.items():
        print(f"{scale}, {each['seeds']} seeds: {each['answer']}. {each['why']}")


if __name__ == "__main__":
    main()
