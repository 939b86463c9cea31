"""What the comparison of methods is expected to show: orders of methods, and no levels.

A row is one training: ``data``, ``method``, ``setting``, ``seed``, ``scores`` by name, and
``gaussian_tc`` of sampled codes and of means. A gate whose rows are not there is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from unbraid.studies import statistics

# methods that are given images alone, and have a posterior
UNSUPERVISED = (
    "vae",
    "beta-vae",
    "annealed-vae",
    "factor-vae",
    "dip-vae-i",
    "dip-vae-ii",
    "beta-tcvae",
    "info-vae",
    "hfs",
)
PAIRS = ("ada-gvae", "ada-ml-vae", "slow-vae")
OF_ONE = ("net=conv",)  # settings of a single method: the others are as published
MOST_STEP = 2.2  # times a step of the VAE, for FactorVAE's
# (better, than all of these, score): published orders
ORDERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("factor-vae", ("vae",), "mig"),
    ("beta-tcvae", ("vae",), "mig"),
    ("ada-gvae", UNSUPERVISED, "dci disentanglement"),
    ("ada-gvae", UNSUPERVISED, "mig"),
    ("qlae", (*UNSUPERVISED, *PAIRS), "infomec InfoM"),
)
Row = dict[str, Any]
Gate = dict[str, Any]


def scores_of(rows: Iterable[Row], method: str, score: str) -> dict[int, float]:
    """Return a score of each seed of a method; what is undefined or not measured is left out."""
    found = {
        row["seed"]: row["scores"].get(score, [None])[0] for row in rows if row["method"] == method
    }
    return {
        seed: value for seed, value in found.items() if value is not None and not math.isnan(value)
    }


def interval(values: Sequence[float]) -> dict[str, float | None]:
    """Return mean, ends of the 95% t interval (None of one value) and number of values.

    >>> found = interval([1.0, 2.0, 3.0])
    >>> found["mean"], round(found["low"], 2), round(found["high"], 2)
    (2.0, -0.48, 4.48)
    """
    mean, *ends = statistics.interval(values)
    low, high = ends if len(values) > 1 else (None, None)
    return {"mean": mean, "low": low, "high": high, "seeds": len(values)}


def order(rows: Sequence[Row], better: str, others: Sequence[str], score: str) -> Gate | None:
    """Return whether a method's mean is above those of all others, None if that is not known.

    The difference is to the best of them, of the seeds that both have.
    """
    own = scores_of(rows, better, score)
    means = {}
    for other in others:
        theirs = scores_of(rows, other, score)
        shared = sorted(own.keys() & theirs.keys())
        if shared:
            means[other] = (float(np.mean([theirs[seed] for seed in shared])), theirs, shared)
    if not means:
        return None
    best = max(means, key=lambda name: means[name][0])
    _, theirs, shared = means[best]
    differences = [own[seed] - theirs[seed] for seed in shared]
    of = "the VAE" if list(others) == ["vae"] else f"the best of {len(means)} ({best})"
    missing = [name for name in others if name not in means]
    return {
        "gate": f"{better} above {of} in {score}",
        "met": bool(np.mean(differences) > 0),
        "difference": interval(differences),
        "compared with": best,
        "not measured": missing,
    }


def total_correlation(rows: Iterable[Row]) -> Gate | None:
    """Return whether sampled codes' total correlation falls with beta-TCVAE's weight, means' not.

    Locatello et al. 2019, figure 3. It is of the seeds that all weights have; None without one, or
    with fewer than three weights.
    """
    by_weight: dict[float, list[Row]] = {}
    for row in rows:
        if (
            row["method"] == "beta-tcvae"
            and row["setting"].startswith("beta=")
            and row.get("gaussian_tc")
        ):
            by_weight.setdefault(float(row["setting"].removeprefix("beta=")), []).append(row)
    if len(by_weight) < 3:
        return None
    seeds = set.intersection(*({row["seed"] for row in each} for each in by_weight.values()))
    if not seeds:
        return None
    by_weight = {w: [row for row in each if row["seed"] in seeds] for w, each in by_weight.items()}
    weights = sorted(by_weight)
    found = {
        kind: [float(np.mean([row["gaussian_tc"][kind] for row in by_weight[w]])) for w in weights]
        for kind in ("sampled", "means")
    }
    trend = {kind: float(np.polyfit(range(len(weights)), v, 1)[0]) for kind, v in found.items()}
    falls = trend["sampled"] < 0 and found["sampled"][-1] < found["sampled"][0]
    means_fall = trend["means"] < 0 and found["means"][-1] < found["means"][0]
    return {
        "gate": "total correlation of sampled codes falls with beta-TCVAE's weight, of means not",
        "met": bool(falls and not means_fall),
        "weights": weights,
        "seeds": len(seeds),
        **found,
    }


def ratio(of_a_step: Mapping[str, float]) -> float | None:
    """Return a step of FactorVAE as a multiple of one of the VAE, None unless both are known."""
    if not {"vae", "factor-vae"} <= of_a_step.keys():
        return None
    return of_a_step["factor-vae"] / of_a_step["vae"]


def speed(milliseconds: Mapping[str, float], operations: Mapping[str, float]) -> Gate | None:
    """Return whether a step of FactorVAE takes at most 2.2 times one of the VAE.

    It also tells how many times the floating-point operations it has: with networks that reach the
    same rate, no implementation of the algorithm is faster than that.
    """
    found = ratio(milliseconds)
    if found is None:
        return None
    gate = f"a step of factor-vae at most {MOST_STEP} times one of the VAE"
    told = {"gate": gate, "met": found <= MOST_STEP, "ratio": found}
    return told | {"ratio of operations": ratio(operations)}


def evaluate(
    rows: Sequence[Row],
    milliseconds: Mapping[str, Mapping[str, float]],
    operations: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Gate]:
    """Return every gate that can be told, for each data set and of orders for each setting.

    Args:
        rows: trainings.
        milliseconds: a step of each method, by data set.
        operations: floating-point operations of a step, likewise, in any unit.
    """
    found: list[Gate] = []
    for data in dict.fromkeys(row["data"] for row in rows):
        mine = [row for row in rows if row["data"] == data]
        for setting in ("published", "tuned"):
            chosen = [row for row in mine if row["setting"] == setting]
            for each in ORDERS:
                _add(found, lambda each=each, chosen=chosen: order(chosen, *each), data, setting)
        for setting in OF_ONE:
            own = [row for row in mine if row["setting"] == setting]
            names = {row["method"] for row in own}
            rest = [r for r in mine if r["setting"] == "published" and r["method"] not in names]
            for each in ORDERS:
                if each[0] in names:
                    _add(found, lambda e=each, o=[*own, *rest]: order(o, *e), data, setting)
        _add(found, lambda mine=mine: total_correlation(mine), data, "")
    for data, times in milliseconds.items():
        counts = (operations or {}).get(data, {})
        _add(found, lambda times=times, counts=counts: speed(times, counts), data, "")
    return found


def _add(found: list[Gate], gate: Callable[[], Gate | None], data: str, setting: str) -> None:
    if (told := gate()) is not None:
        found.append({"data": data, "setting": setting, **told})
