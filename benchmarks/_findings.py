"""The findings of Locatello et al. 2019, as far as a study of a few hundred runs can tell them.

Each function takes the results of the study's data sets, and returns figures of this study and a
verdict: ``supported``, ``not supported`` or ``inconclusive``. A verdict needs an interval that
excludes the contrary. Intervals are of 95% and over seeds: Student's t of a mean, the jackknife of
what is none, the bootstrap of shares of variance. A choice is judged by seeds that it was not made
by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from _study_tables import (
    DOWNSTREAM,
    Floats,
    Seeds,
    above,
    below,
    best,
    by_t,
    disentanglement,
    grid,
    halves,
    jackknifed,
    named,
    rows_by_seed,
    seeds_in_all,
    settings_of,
    shared,
    text,
)

from unbraid.studies.results import Results
from unbraid.studies.statistics import PARTS, chance_of_beating, rank_correlations

Finding = dict[str, Any]
SUPPORTED, NOT, UNKNOWN = "supported", "not supported", "inconclusive"
UNMEASURED = "not measured"
ODD = "modularity"  # the metric that the paper found to be unlike others
SELECTS = 0.5  # mean rank correlation from which on a score without labels selects runs
AGREE = 0.3  # mean rank correlation of metrics that agree mildly
LITTLE = 2 / 3  # chance of beating a random run below which a choice is of little use
TOLD = 0.1  # above chance, for a best setting to be known on its own data
BY = {  # what a setting is chosen by: whether metric and data are those that it is judged by
    (True, False): "same metric, other data",
    (False, True): "other metric, same data",
    (False, False): "both other",
}


# -- findings -------------------------------------------------------------------------------------


def correlated_means(every: Sequence[Results]) -> Finding:
    """Codes drawn from the posterior become uncorrelated with strength, their means do not."""
    rows = []
    settings = settings_of(every)
    for results, method in product(every, dict.fromkeys(name for name, _ in settings)):
        own = [i for i, (name, _) in enumerate(settings) if name == method]
        row: dict[str, Any] = {"data": results.data, "method": method}
        for kind in ("sampled", "mean"):
            score = named(results, "gaussian-correlation total correlation", kind)
            table = grid(every, results, score)[own]
            table[np.isinf(table)] = np.nan
            row[kind] = by_t(table[-1] - table[0])  # of each seed
        rows.append(row)
    falls = [row for row in rows if below(row["sampled"])]
    rises = sum(above(row["sampled"]) for row in rows)
    unlike = sum(above(row["mean"]) for row in falls)
    alike = sum(below(row["mean"]) for row in falls)
    verdict = UNKNOWN
    if 2 * max(unlike, alike + rises) > len(rows):
        verdict = SUPPORTED if unlike > alike + rises else NOT
    told = (
        "From the weakest to the strongest setting, the total correlation of sampled codes falls "
        f"in {len(falls)} of {len(rows)} cases (method and data) and rises in {rises}. Where it "
        f"falls, that of means rises in {unlike} and falls, too, in {alike}."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def seeds_and_settings(every: Sequence[Results]) -> Finding:
    """Seeds and settings matter more than the method."""
    rows = []
    for results, score in ((r, s) for r in every for s in disentanglement(r)):
        found = results.components(score)
        if found is None:
            continue
        shares = dict(zip(PARTS, found.shares.tolist(), strict=True))
        ends = {"low": float(found.low[0]), "high": float(found.high[0])}
        rows.append({"data": results.data, "score": score.label, **shares, **ends})
    less, more = sum(below(row, 0.5) for row in rows), sum(above(row, 0.5) for row in rows)
    verdict = UNKNOWN
    if 2 * max(less, more) > len(rows):
        verdict = SUPPORTED if less > more else NOT
    medians = ", ".join(
        f"{part} {np.median([row[part] for row in rows]):.0%}" for part in PARTS if rows
    )
    told = (
        f"The method's share of the variance is below one half in {less} of {len(rows)} cases "
        f"(score and data), and above in {more}. Medians: {medians or 'none'}."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def settings_transfer(every: Sequence[Results]) -> Finding:
    """The best setting of a method differs between data sets.

    Both on other data and on the same, the best setting by half of the seeds is compared with that
    by the other half, so that both have the same noise. Seeds are those that all data sets have.
    """
    settings, seeds = settings_of(every), seeds_in_all(every)
    cases = []  # of each score and method, the table of each data set
    for score, method in product(shared(every), dict.fromkeys(name for name, _ in settings)):
        own = [i for i, (name, _) in enumerate(settings) if name == method]
        cases.append([grid(every, results, score)[np.ix_(own, seeds)] for results in every])

    @cache
    def means(k: tuple[int, ...]) -> Floats:
        """Return how often choices by seeds agree: on the same data, on other, by chance."""
        found = [each for tables in cases if (each := agreement(tables, np.array(k))) is not None]
        return np.mean(found, axis=0) if found else np.full(3, np.nan)

    whole = means(tuple(range(len(seeds))))
    gap = jackknifed(lambda k: means(tuple(k))[0] - means(tuple(k))[1], len(seeds))
    over = jackknifed(lambda k: means(tuple(k))[0] - means(tuple(k))[2], len(seeds))
    if gap["value"] is None:
        return {"verdict": UNKNOWN, "told": "There are no two data sets of two seeds each."}
    verdict = UNKNOWN
    if above(over, TOLD):  # otherwise the best setting is not known on its own data, either
        verdict = SUPPORTED if above(gap) else NOT if below(gap, TOLD) else UNKNOWN
    told = (
        "The best setting of a method by half of the seeds is that by the other half in "
        f"{whole[0]:.0%} of the cases on the same data and in {whole[1]:.0%} on the other, by "
        f"chance in {whole[2]:.0%} (difference {text(gap)})."
    )
    return {"verdict": verdict, "told": told, "gap": gap, "over chance": over}


def agreement(tables: Sequence[Floats], seeds: Seeds) -> tuple[float, float, float] | None:
    """Return how often the best setting by half of the seeds is that by the other half.

    Args:
        tables: of each data set, the scores (S, K) of settings and seeds.
        seeds: the columns to choose by.

    Returns:
        The share on the same data, that on other data, and that by chance; None if unknown.
    """
    same: dict[bool, list[bool]] = {True: [], False: []}
    for first, second in halves(seeds):
        chosen = [(best(table, first), best(table, second)) for table in tables]
        for (a, (one, _)), (b, (_, two)) in product(enumerate(chosen), repeat=2):
            if one is not None and two is not None:
                same[a == b].append(one == two)
    if not (same[True] and same[False]):
        return None
    return float(np.mean(same[True])), float(np.mean(same[False])), 1 / len(tables[0])


def without_labels(every: Sequence[Results]) -> Finding:
    """Scores that need no labels do not tell which run is disentangled."""
    rows = []
    for results, score in product(every, shared(every, lambda r: r.unsupervised)):
        top = [other for other in disentanglement(results) if other.metric != ODD]
        table = np.stack([results.of(each) for each in (score, *top)], axis=1)
        of = rows_by_seed(results)

        def mean(k: Seeds, table: Floats = table, of: list[Seeds] = of) -> float:
            found = rank_correlations(table[np.concatenate([of[i] for i in k])])[0, 1:]
            return float(np.nanmean(found)) if not np.isnan(found).all() else np.nan

        rows.append({"data": results.data, "score": score.label, "mean": jackknifed(mean, len(of))})
    names = list(dict.fromkeys(row["score"] for row in rows))
    intervals = {name: [row["mean"] for row in rows if row["score"] == name] for name in names}
    selecting = [
        name
        for name, each in intervals.items()
        if all(above(i, SELECTS) for i in each) or all(below(i, -SELECTS) for i in each)
    ]
    useless = [
        name
        for name, each in intervals.items()
        if any(below(i, SELECTS) for i in each) and any(above(i, -SELECTS) for i in each)
    ]
    verdict = NOT if selecting else SUPPORTED if len(useless) == len(names) else UNKNOWN
    told = (
        f"Mean rank correlation with metrics other than Modularity: beyond {SELECTS:g} on all data "
        f"of {', '.join(selecting) or 'no score'}; within it on some data of {len(useless)} of "
        f"{len(names)} scores without labels."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def choice_transfers(every: Sequence[Results]) -> Finding:
    """A setting chosen by another metric on other data is hardly better than a random one.

    It is chosen by half of the seeds that all data sets have, and judged by the others.
    """
    seeds = seeds_in_all(every)
    tables = {
        (results.data, score.metric): grid(every, results, score)[:, seeds]
        for results in every
        for score in shared(every)
    }

    @cache
    def means(k: tuple[int, ...]) -> dict[str, float]:
        """Return the mean chance of each kind of choice, over halves of some seeds."""
        found: dict[str, list[float]] = {kind: [] for kind in BY.values()}
        for first, second in halves(np.array(k)):
            chosen = {key: best(table, first) for key, table in tables.items()}
            for (data, name), (other, score) in product(tables, tables):
                kind = BY.get((name == score, data == other))
                row, target = chosen[data, name], tables[other, score][:, second]
                if kind is not None and row is not None:
                    found[kind].append(
                        chance_of_beating(target[row].tolist(), target.ravel().tolist())
                    )
        known = {kind: np.array(each)[~np.isnan(each)] for kind, each in found.items()}
        return {kind: float(each.mean()) if len(each) else np.nan for kind, each in known.items()}

    rows = [
        {"choice by": kind, **jackknifed(lambda k, of=kind: means(tuple(k))[of], len(seeds))}
        for kind in BY.values()
    ]
    last = rows[-1]
    verdict = SUPPORTED if below(last, LITTLE) else NOT if above(last, LITTLE) else UNKNOWN
    told = (
        "A run of the setting that is best by half of the seeds beats a random run of the other "
        "half: " + "; ".join(f"{row['choice by']} {text(row, '.0%')}" for row in rows) + "."
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def metrics_agree(every: Sequence[Results]) -> Finding:
    """Metrics agree mildly with each other, but for Modularity."""
    rows = []
    for results in every:
        scores = disentanglement(results)
        table = np.stack([results.of(score) for score in scores], axis=1)
        odd = np.array([score.metric == ODD for score in scores])
        of = rows_by_seed(results)

        def means(k: Seeds, table: Floats = table, odd: Any = odd, of: Any = of) -> Floats:
            found = rank_correlations(table[np.concatenate([of[i] for i in k])])
            np.fill_diagonal(found, np.nan)
            parts = found[~odd][:, ~odd], found[odd][:, ~odd]
            return np.array([np.nan if np.isnan(p).all() else np.nanmean(p) for p in parts])

        count = len(of)
        rows.append(
            {
                "data": results.data,
                "others": jackknifed(lambda k, m=means: float(m(k)[0]), count),
                "modularity": jackknifed(lambda k, m=means: float(m(k)[1]), count),
                "gap": jackknifed(lambda k, m=means: float(m(k)[0] - m(k)[1]), count),
            }
        )
    verdict = UNKNOWN
    if all(above(row["gap"]) and above(row["others"], AGREE) for row in rows):
        verdict = SUPPORTED
    elif any(below(row["gap"]) or below(row["others"], AGREE) for row in rows):
        verdict = NOT
    told = " ".join(
        f"{row['data']}: mean rank correlation {text(row['others'])} of metrics other than "
        f"Modularity, {text(row['modularity'])} of these with it (difference {text(row['gap'])})."
        for row in rows
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def few_labels(every: Sequence[Results]) -> Finding:
    """Predictors of the factors need no fewer labels where codes are disentangled.

    Efficiency is the accuracy with the fewest labels over that with the most.
    """
    if not all(map(few, every)):
        return {"verdict": UNMEASURED, "told": "The downstream score was not measured."}
    rows = []
    for results in every:
        scores = [score for score in disentanglement(results) if score.metric != ODD]
        by = {kind: named(results, f"{DOWNSTREAM} {kind}") for kind in ("efficiency", few(results))}
        table = np.stack([results.of(score) for score in (*by.values(), *scores)], axis=1)
        of = rows_by_seed(results)

        def means(k: Seeds, table: Floats = table, of: list[Seeds] = of) -> Floats:
            found = rank_correlations(table[np.concatenate([of[i] for i in k])])[:2, 2:]
            return np.array([np.nan if np.isnan(f).all() else np.nanmean(f) for f in found])

        row: dict[str, Any] = {"data": results.data}
        for place, kind in enumerate(by):
            row[kind] = jackknifed(lambda k, m=means, p=place: float(m(k)[p]), len(of))
        rows.append(row)
    verdict = UNKNOWN
    if all(above(row["efficiency"], AGREE) for row in rows):
        verdict = NOT
    elif any(below(row["efficiency"], AGREE) for row in rows):
        verdict = SUPPORTED
    told = " ".join(
        f"{data}: mean rank correlation of metrics other than Modularity with the efficiency "
        f"{text(efficiency)}, with the {kind} {text(accuracy)}."
        for (_, data), (_, efficiency), (kind, accuracy) in (row.items() for row in rows)
    )
    return {"verdict": verdict, "told": told, "rows": rows}


def few(results: Results) -> str:
    """Return the part of the downstream score of the fewest labels, an accuracy; "" without."""
    parts = [s.metric.removeprefix(f"{DOWNSTREAM} ") for s in results.scores]
    counts = {
        int(part.split()[2].replace(",", "")): part
        for part in parts
        if part.startswith("accuracy with")
    }
    return counts[min(counts)] if counts else ""


FINDINGS: dict[str, Callable[[Sequence[Results]], Finding]] = {
    "Codes drawn from the posterior become uncorrelated with the strength of the penalty, their "
    "means do not": correlated_means,
    "Seeds and settings matter more than the method": seeds_and_settings,
    "No setting is best on all data sets": settings_transfer,
    "Scores without labels do not select disentangled runs": without_labels,
    "A choice by another metric on other data is hardly better than a random one": choice_transfers,
    "Metrics agree mildly with each other, but for Modularity": metrics_agree,
    "Disentangled codes need no fewer labels downstream": few_labels,
}
