"""The findings of Locatello et al. 2019, as far as a study of a few hundred runs can tell them.

Each function takes the results of the study's data sets, and returns what the paper found, figures
of this study, and a verdict: ``shows``, ``does not show`` or ``cannot be told``. Intervals are of
95%, of a bootstrap over seeds; a verdict needs one that excludes the contrary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.studies.results import Results, Score
from unbraid.studies.statistics import chance_of_beating, rank_correlations, variance_components

Floats = NDArray[np.float64]
Finding = dict[str, Any]
SHOWS, NOT, UNKNOWN = "shows", "does not show", "cannot be told"
DRAWS = 1000  # of the bootstrap
BY = {  # what a setting is chosen by: whether metric and data are those that it is judged by
    (True, False): "same metric, other data",
    (False, True): "other metric, same data",
    (False, False): "both other",
}
LITTLE = 2 / 3  # chance of beating a random run below which a choice is of little use
SELECTS = 0.5  # rank correlation from which on a score without labels would select runs


def grid(results: Results, score: Score) -> tuple[list[tuple[str, str]], Floats]:
    """Return the settings (method, setting) and their scores (S, K) of K seeds, NaN if missing."""
    settings = [(m, s) for m in results.methods for s in results.settings(m)]
    seeds = sorted({cell.seed for cell in results.cells})
    table = np.full((len(settings), len(seeds)), np.nan)
    for cell, value in zip(results.cells, results.of(score), strict=True):
        table[settings.index((cell.method, cell.setting)), seeds.index(cell.seed)] = value
    return settings, table


def interval(figure: Callable[[NDArray[np.intp]], float], seeds: int) -> dict[str, float]:
    """Return a figure of all seeds, and the ends of its interval over draws of seeds.

    Args:
        figure: of the columns of seeds that are drawn.
        seeds: how many there are.
    """
    rng = np.random.default_rng(0)
    drawn = [figure(rng.integers(0, seeds, seeds)) for _ in range(DRAWS)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"value": float(figure(np.arange(seeds))), "low": float(low), "high": float(high)}


def named(results: Results, metric: str, representation: str = "mean") -> Score:
    """Return the score of a metric on the most images."""
    found = [s for s in results.scores if (s.metric, s.representation) == (metric, representation)]
    return max(found, key=lambda score: score.images)


def shared_scores(every: Sequence[Results]) -> list[str]:
    """Return the metrics by labels that all data sets have."""
    names = [{score.metric for score in results.supervised} for results in every]
    return sorted(set.intersection(*names))


def correlated_means(every: Sequence[Results]) -> Finding:
    """Codes drawn from the posterior become independent with strength, their means do not."""
    rows = []
    for results in every:
        for method in results.methods:
            row: dict[str, Any] = {"data": results.data, "method": method}
            for representation in ("sampled", "mean"):
                score = named(results, "gaussian-correlation total correlation", representation)
                settings, table = grid(results, score)
                own = table[[i for i, (name, _) in enumerate(settings) if name == method]]
                rise = own[-1] - own[0]  # of each seed, from the weakest setting to the strongest
                row[representation] = interval(lambda k, r=rise: float(np.nanmean(r[k])), len(rise))
            rows.append(row)
    falls = [row["sampled"]["high"] < 0 for row in rows]
    means_fall = [row["mean"]["high"] < 0 for row in rows]
    unlike = sum(a and not b for a, b in zip(falls, means_fall, strict=True))
    both = sum(a and b for a, b in zip(falls, means_fall, strict=True))
    verdict = UNKNOWN
    if 2 * max(unlike, both) > len(rows):
        verdict = SHOWS if unlike > both else NOT
    told = (
        f"From the weakest to the strongest setting, the total correlation of sampled codes falls "
        f"in {sum(falls)} of {len(rows)} cases (method and data); in {both} of these, that of "
        "means falls, too."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def seeds_and_settings(every: Sequence[Results]) -> Finding:
    """Seeds and settings matter more than the method."""
    rows = []
    for results in every:
        for score in results.supervised:
            column = results.of(score)
            kept = np.flatnonzero(~np.isnan(column))
            cells = [results.cells[i] for i in kept]
            names = [c.method for c in cells], [c.setting for c in cells]
            try:
                found = variance_components(column[kept].tolist(), *names)
            except ValueError:
                continue
            rows.append(
                {"data": results.data, "score": score.label, "method": float(found.shares[0]),
                 "setting": float(found.shares[1]), "seed": float(found.shares[2]),
                 "low": float(found.low[0]), "high": float(found.high[0])}
            )  # fmt: skip
    below = sum(row["high"] < 0.5 for row in rows)
    above = sum(row["low"] > 0.5 for row in rows)
    verdict = UNKNOWN
    if 2 * max(below, above) > len(rows):
        verdict = SHOWS if below > above else NOT
    shares = {part: float(np.median([row[part] for row in rows])) for part in ("method", "setting")}
    told = (
        f"The method's share of the variance is below one half in {below} of {len(rows)} cases "
        f"(score and data), above in {above}. Medians: method {shares['method']:.0%}, setting "
        f"{shares['setting']:.0%}."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def _best(tables: dict[Any, Floats], columns: NDArray[np.intp]) -> dict[Any, int]:
    """Return the best setting of each key, by the mean over columns of (S, K), if there is one."""
    means = {key: _means(table[:, columns]) for key, table in tables.items()}
    return {key: int(np.nanargmax(m)) for key, m in means.items() if not np.isnan(m).all()}


def _agreement(tables: Sequence[dict[Any, Floats]], *columns: NDArray[np.intp]) -> float:
    """Return the share of keys whose best setting is the same in two tables."""
    a, b = (_best(own, k) for own, k in zip(tables, columns, strict=True))
    return float(np.mean([a[key] == b[key] for key in a.keys() & b.keys()] or np.nan))


def settings_transfer(every: Sequence[Results]) -> Finding:
    """The best setting of a method differs between data sets."""
    first, second = every[:2]
    names = shared_scores(every)
    tables: list[dict[Any, Floats]] = []
    for results in (first, second):
        own = {}
        for name, method in product(names, results.methods):
            settings, table = grid(results, named(results, name))
            own[name, method] = table[[i for i, (m, _) in enumerate(settings) if m == method]]
        tables.append(own)
    seeds = min(table.shape[1] for own in tables for table in own.values())
    choices = min(table.shape[0] for own in tables for table in own.values())

    across = interval(lambda k: _agreement(tables, k, k), seeds)
    halves = [
        _agreement([own, own], drawn[: seeds // 2], drawn[seeds // 2 :])
        for own in tables
        for drawn in (np.random.default_rng(i).permutation(seeds) for i in range(100))
    ]
    within, chance = float(np.nanmean(halves)), 1 / choices
    verdict = UNKNOWN
    if within - chance > 0.1:  # otherwise the best setting is not known on one data set, either
        verdict = SHOWS if across["high"] < within else NOT if across["low"] > chance else UNKNOWN
    told = (
        f"The best of {choices} settings of a method is the same on both data sets in "
        f"{across['value']:.0%} of the cases (method and score; {across['low']:.0%} to "
        f"{across['high']:.0%}; chance {chance:.0%}). Two halves of the seeds on the same data "
        f"agree in {within:.0%}."
    )
    return {"verdict": verdict, "told": told, "across": across, "within": within, "chance": chance}


def without_labels(every: Sequence[Results]) -> Finding:
    """Scores that need no labels do not tell which run is disentangled."""
    rows = []
    for results in every:
        left, top = results.unsupervised, results.supervised
        table = np.stack([results.of(score) for score in (*left, *top)], axis=1)
        found = rank_correlations(table)[: len(left), len(left) :]
        for score, line in zip(left, found, strict=True):
            known = line[~np.isnan(line)]
            if len(known):
                rows.append(
                    {"data": results.data, "score": score.label,
                     "mean": float(known.mean()), "least": float(known.min()),
                     "most": float(known.max())}
                )  # fmt: skip
    selecting = []
    for name in dict.fromkeys(row["score"] for row in rows):
        own = [row for row in rows if row["score"] == name]
        same = all(r["least"] > SELECTS for r in own) or all(r["most"] < -SELECTS for r in own)
        if same and len(own) == len(every):
            selecting.append(name)
    largest = max(rows, key=lambda row: abs(row["mean"]))
    told = (
        f"Scores without labels whose rank correlation with every metric is beyond {SELECTS:g} on "
        f"all data: {', '.join(selecting) or 'none'}. The largest mean over metrics is "
        f"{largest['mean']:+.2f} ({largest['score']} on {largest['data']})."
    )
    return {"verdict": NOT if selecting else SHOWS, "told": told, "rows": rows}


def choice_transfers(every: Sequence[Results]) -> Finding:
    """A setting chosen by another metric or on other data is hardly better than a random one."""
    names = shared_scores(every)
    tables = {
        (results.data, name): grid(results, named(results, name))[1]
        for results in every
        for name in names
    }
    seeds = min(table.shape[1] for table in tables.values())

    def chance(kind: str, k: NDArray[np.intp]) -> float:
        found = []
        for (data, name), (other, score) in product(tables, tables):
            if BY.get((name == score, data == other)) == kind:
                best = _best({"": tables[data, name]}, k)
                target = tables[other, score]
                chosen = target[best[""]] if best else np.array([])
                found.append(chance_of_beating(chosen.tolist(), target.ravel().tolist()))
        return float(np.nanmean(found))

    rows = [
        {"choice by": kind, **interval(lambda k, kind=kind: chance(kind, k), seeds)}
        for kind in BY.values()
    ]
    last = rows[-1]
    verdict = SHOWS if last["high"] < LITTLE else NOT if last["low"] > LITTLE else UNKNOWN
    told = "A run of the setting that is chosen beats a random run: " + "; ".join(
        f"{r['choice by']} {r['value']:.0%} ({r['low']:.0%} to {r['high']:.0%})" for r in rows
    )
    return {"verdict": verdict, "told": told + ".", "rows": rows}


def metrics_agree(every: Sequence[Results]) -> Finding:
    """Metrics agree with each other, but for Modularity."""
    rows = [_ranks_of(results) for results in every]
    verdict = UNKNOWN
    if all(row["gap"]["low"] > 0 for row in rows):
        verdict = SHOWS
    elif any(row["gap"]["high"] < 0 for row in rows):
        verdict = NOT
    told = " ".join(
        f"{row['data']}: mean rank correlation {row['others']:.2f} of metrics other than "
        f"Modularity, {row['modularity']:.2f} with it (difference {row['gap']['low']:+.2f} to "
        f"{row['gap']['high']:+.2f})."
        for row in rows
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def _ranks_of(results: Results) -> dict[str, Any]:
    """Return mean rank correlations of metrics without Modularity and with it."""
    scores = results.supervised
    odd = next(i for i, score in enumerate(scores) if score.metric == "modularity")
    table = np.stack([results.of(score) for score in scores], axis=1)
    seeds = np.array([cell.seed for cell in results.cells])
    of = [np.flatnonzero(seeds == seed) for seed in sorted(set(seeds.tolist()))]

    def gap(k: NDArray[np.intp]) -> float:
        others, own = _mean_ranks(table[np.concatenate([of[i] for i in k])], odd)
        return float(others - own)

    others, own = _mean_ranks(table, odd).tolist()
    both = {"others": others, "modularity": own}
    return {"data": results.data, **both, "gap": interval(gap, len(of))}


def _means(table: Floats) -> Floats:
    """Return the means of rows over what is not NaN; NaN of none."""
    known = ~np.isnan(table)
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(known, table, 0).sum(axis=1) / known.sum(axis=1)
    return means


def _mean_ranks(table: Floats, odd: int) -> Floats:
    """Return the mean rank correlation of columns (N, M) but one, and that of the one with them."""
    found = rank_correlations(table)
    np.fill_diagonal(found, np.nan)
    others = np.delete(np.delete(found, odd, 0), odd, 1)
    return np.array([np.nanmean(others), np.nanmean(found[odd])])


FINDINGS: dict[str, Callable[[Sequence[Results]], Finding]] = {
    "Codes drawn from the posterior become uncorrelated with the strength of the penalty, their "
    "means do not": correlated_means,
    "Seeds and settings matter more than the method": seeds_and_settings,
    "No setting is best on all data sets": settings_transfer,
    "Scores without labels do not select disentangled runs": without_labels,
    "A choice by another metric on other data is hardly better than a random one": choice_transfers,
    "Metrics agree with each other, but for Modularity": metrics_agree,
}
UNMEASURED = (
    "Disentangled codes need no fewer labels downstream",
    "The study has no downstream task.",
)
