"""What the metrics cost, what the approaches they replace cost, and what they say of known codes.

``python benchmarks/metrics_speed.py`` takes about 15 minutes, most of them in the gradient boosting
of scikit-learn, and writes benchmarks/results/metrics_speed.json. Costs are processor seconds of
one thread, which other programs on the machine change little; wall times are there, too.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
from _common import load, write
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score, roc_auc_score
from sklearn.svm import LinearSVC

from unbraid.core import registry
from unbraid.metrics import Score, evaluate, needs

SIZES = (3, 6, 40, 32, 32)
SEED = 0
LABELLED = [
    name
    for name in registry.names("metrics")
    if needs(registry.load("metrics", name)) == ("codes", "factors")
]


def factors(rows: int, seed: int = SEED) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=rows) for size in SIZES], axis=1)


def standard(v: np.ndarray) -> np.ndarray:
    sizes = np.array(SIZES)
    return (v - (sizes - 1) / 2) / np.sqrt((sizes**2 - 1) / 12)


def noisy(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 10 codes, 5 of them noise and 5 a factor each with noise of sd 0.3, and factors."""
    v = factors(rows)
    rng = np.random.default_rng(SEED + 1)
    codes = np.hstack([standard(v), np.zeros_like(v)]) + rng.standard_normal((rows, 10)) * (
        [0.3] * 5 + [1.0] * 5
    )
    return codes, v


def known(rows: int) -> dict[str, np.ndarray]:
    """Return codes of known quality."""
    c = standard(factors(rows))
    rng = np.random.default_rng(SEED + 1)
    dead = np.hstack([c, 1e-3 * rng.standard_normal((rows, 3)), np.zeros((rows, 1))])
    return {
        "perfect": c,
        "perfect + dead": dead,
        "twice": np.hstack([c, -c]),
        "one missing": c[:, :4],
        "rotated": c @ np.linalg.qr(rng.standard_normal((5, 5)))[0],
        "random": rng.standard_normal((rows, 5)),
    }


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, dict[str, Any]]:
    """Run ``work`` up to ``repeats`` times, less often if it is slow; the least counts."""
    costs: list[tuple[float, float]] = []
    while len(costs) < repeats and sum(cpu for _, cpu in costs) < 60:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        costs.append((round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3)))
    return result, {
        "wall_seconds": min(wall for wall, _ in costs),
        "cpu_seconds": min(cpu for _, cpu in costs),
        "all_wall_seconds": [w for w, _ in costs],
    }


def figures(score: Score) -> dict[str, Any]:
    return {
        "name": score.name,
        "numbers": {
            label: {"value": value, "standard_error": error} for label, value, error in score.rows()
        },
        "rows": score.settings["rows"],
    }


# The approaches replaced: straight loops over the same definitions, with scikit-learn.


def loop_information(codes: np.ndarray, v: np.ndarray) -> np.ndarray:
    binned = [np.digitize(code, np.histogram(code, 20)[1][:-1]) for code in codes.T]
    return np.array([[mutual_info_score(level, code) for level in v.T] for code in binned])


def loop_infomec(codes: np.ndarray, v: np.ndarray) -> None:
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    for level in v.T:
        for code in z.T:
            mutual_info_classif(code[:, None], level, n_neighbors=10, random_state=0)
        model = LogisticRegression(C=np.inf, class_weight="balanced").fit(z, level)
        log_loss(level, model.predict_proba(z))


def loop_explicitness(codes: np.ndarray, v: np.ndarray) -> None:
    for level in v.T:
        model = LogisticRegression().fit(codes[::2], level[::2])
        chance = model.predict_proba(codes[1::2])
        for k in range(chance.shape[1]):
            roc_auc_score(level[1::2] == k, chance[:, k])


def loop_sap(codes: np.ndarray, v: np.ndarray) -> None:
    for level in v.T:
        for code in codes.T[:, :, None]:
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False)
            model.fit(code[: 2 * len(code) // 3], level[: 2 * len(code) // 3])
            model.score(code[2 * len(code) // 3 :], level[2 * len(code) // 3 :])


def loop_fixed(codes: np.ndarray, v: np.ndarray, pairs: bool) -> None:
    """Draw 30,000 batches one by one, as many as ten repeats of FactorVAE or BetaVAE take."""
    rng = np.random.default_rng(0)
    for _ in range(30_000):
        level = v[:, rng.integers(v.shape[1])]
        rows = np.flatnonzero(level == rng.choice(level))
        batch = codes[rng.choice(rows, 64)]
        if pairs:
            np.abs(batch - codes[rng.choice(rows, 64)]).mean(axis=0)
        else:
            batch.var(axis=0, ddof=1).argmin()


def loop_irs(codes: np.ndarray, v: np.ndarray) -> None:
    for level in v.T:
        for k in np.unique(level):
            group = codes[level == k]
            np.percentile(np.abs(group - group.mean(axis=0)), 99, axis=0)


LOOPS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], Any]]] = {
    "mig": ("mutual_info_score in a double loop", loop_information),
    "infomec": ("mutual_info_classif in a double loop", loop_infomec),
    "explicitness": ("roc_auc_score for each value", loop_explicitness),
    "sap": ("LinearSVC for each pair", loop_sap),
    "factorvae": ("batches drawn one by one", lambda z, v: loop_fixed(z, v, pairs=False)),
    "betavae": ("pairs drawn one by one", lambda z, v: loop_fixed(z, v, pairs=True)),
    "irs": ("np.percentile for each value, no standard error", loop_irs),
    "dci": (
        "GradientBoostingClassifier, no standard error",
        lambda z, v: evaluate(
            z, v, metrics="dci", options={"dci": {"backend": "sklearn", "refits": 0}}
        ),
    ),
}


def speed() -> dict[str, Any]:
    codes, v = noisy(10_000)
    evaluate(codes[:500], v[:500])  # imports and first calls
    result: dict[str, Any] = {}
    for name in LABELLED:
        scores, cost = timed(lambda name=name: evaluate(codes, v, metrics=name, seed=SEED), 3)
        result[name] = {**cost, **figures(scores[name])}
        if name in LOOPS:
            label, loop = LOOPS[name]
            _, loop_cost = timed(lambda loop=loop: loop(codes, v), 3)
            result[name]["replaces"] = {"approach": label, **loop_cost}
        report(name, result[name])
    _, whole = timed(lambda: evaluate(codes, v, seed=SEED), 3)
    print(f"full suite: {whole['cpu_seconds']:.1f} s")
    return {"metrics": result, "full_suite": whole}


def report(name: str, entry: dict[str, Any]) -> None:
    print(f"{name:14} {entry['cpu_seconds']:8.2f} s", entry.get("replaces", ""), flush=True)


def scale(rows: Iterable[int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for count in rows:
        codes, v = noisy(count)
        result[str(count)] = {}
        for name in LABELLED:
            scores, cost = timed(
                lambda name=name, z=codes, v=v: evaluate(z, v, metrics=name, seed=SEED)
            )
            result[str(count)][name] = {**cost, **figures(scores[name])}
            report(f"{count} {name}", result[str(count)][name])
    return result


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "MIG, 20 bins": ("mig", {}),
    "MIG, neighbours": ("mig", {"estimator": "knn"}),
    "MIG-sup": ("mig-sup", {}),
    "MIG-sup, sd >= 0.05": ("mig-sup", {"min_std": 0.05}),
    "JEMMIG": ("jemmig", {}),
    "DCIMIG": ("dcimig", {}),
    "Modularity": ("modularity", {}),
    "Modularity, sd >= 0.05": ("modularity", {"min_std": 0.05}),
    "EDI": ("edi", {}),
    "Explicitness": ("explicitness", {}),
    "SAP, SVM": ("sap", {"kind": "svm"}),
    "SAP, variance": ("sap", {"kind": "r2"}),
    "DCI": ("dci", {}),
    "Downstream": ("downstream", {}),
    "InfoMEC": ("infomec", {}),
    "IRS": ("irs", {}),
    "FactorVAE": ("factorvae", {}),
    "FactorVAE, sd >= 0": ("factorvae", {"min_std": 0.0}),
    "BetaVAE": ("betavae", {}),
}


def known_codes() -> dict[str, Any]:
    v = factors(4000)
    table: dict[str, Any] = {}
    for kind, codes in known(4000).items():
        for label, (name, options) in VARIANTS.items():
            score = evaluate(codes, v, metrics=name, options={name: options}, seed=SEED)[name]
            parts = score.parts if name in ("dci", "infomec") else {"": score}
            for part, number in parts.items():
                row = f"{label} {part}".strip()
                table.setdefault(row, {})[kind] = {
                    "value": number.value,
                    "standard_error": number.standard_error,
                }
    return table


def main() -> None:
    """Measure and write."""
    before = load()
    result = {
        "load_before": before,
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "lightgbm": version("lightgbm"),
        "seed": SEED,
        "data": "10 codes (5 factors with noise of sd 0.3, 5 of noise), factors of "
        + ", ".join(map(str, SIZES))
        + " values",
        "speed": speed(),
        "scale": scale([10_000, 100_000, 1_000_000]),
        "known_codes": known_codes(),
    }
    write("metrics_speed", _finite(result))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


if __name__ == "__main__":
    main()
