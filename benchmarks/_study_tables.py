"""A study's table with runs of other machines, scores by setting and seed, and intervals."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from _gates import interval
from numpy.typing import NDArray
from scipy.stats import t

from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell
from unbraid.studies.results import Results, Score
from unbraid.studies.study import Study
from unbraid.studies.table import Row, table

Floats = NDArray[np.float64]
Seeds = NDArray[np.intp]
SPLITS = 200  # of the seeds in halves, at most
WEAKER = ("capacity",)  # options of which a larger value is a weaker constraint
DOWNSTREAM = "downstream"  # a score by labels that is none of disentanglement


def rows_of(study: Study, kept: Path, drop: bool = False) -> tuple[list[str], list[Row]]:
    """Return columns and rows of a study's table; of runs that are not here, the kept rows.

    Args:
        study: its runs.
        kept: the table as it was written last.
        drop: leave out kept runs that are none of the study's, or lack one of its measurements.

    Raises:
        UnbraidError: there are such runs, and they are not to be dropped.
    """
    columns, rows = table(study)
    here = {row["run"] for row in rows}
    away: dict[str, list[Row]] = {}
    if kept.is_file():
        with kept.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                away.setdefault(row["run"], []).append(row)
    place = {cell.id: number for number, cell in enumerate(study.cells)}
    away = {run: found for run, found in away.items() if run not in here}
    for cell in study.cells:
        if measured_whole(cell, away.get(cell.id, [])):
            rows += away.pop(cell.id)
    if away and not drop:
        raise UnbraidError(
            f"{kept} has {len(away)} runs, such as {next(iter(away))}, whose folders are not here "
            "and that are none of the study's or lack one of its measurements: restore their "
            "folders, or give --drop to leave them out."
        )
    return columns, sorted(rows, key=lambda row: place[row["run"]])


def measured_whole(cell: Cell, rows: list[Row]) -> bool:
    """Whether a run's rows, as a CSV file has them, hold all that a study measures of it."""
    if rows and rows[0]["status"] in ("diverged", "failed"):
        return True
    return bool(rows) and all(
        any(
            row["metric"].split()[0] == told["metrics"]
            and row["status"] == "finished"
            and row["protocol"] == told["protocol"]
            and row["representation"] == told["representation"]
            and (told["protocol"] != "none" or row["images"] == str(told["images"]))
            for row in rows
        )
        for told in cell.wanted.values()
    )


def settings_of(every: Sequence[Results]) -> list[tuple[str, str]]:
    """Return all settings (method, setting), each method's from the weakest to the strongest.

    It is one order for all data sets, and has those of which all runs are lost, too.
    """
    found: dict[tuple[str, str], tuple[int, float]] = {}
    methods = list(dict.fromkeys(name for results in every for name in results.methods))
    for results in every:
        for cell in (*results.cells, *results.lost):
            name, value = cell.strength or ("", 0.0)
            strength = -value if name in WEAKER else value
            found[cell.method, cell.setting] = methods.index(cell.method), strength
    return sorted(found, key=lambda key: found[key])


def seeds_of(every: Sequence[Results]) -> list[int]:
    """Return the seeds of all runs."""
    return sorted({cell.seed for results in every for cell in (*results.cells, *results.lost)})


def seeds_in_all(every: Sequence[Results]) -> Seeds:
    """Return the places, among the seeds of all runs, of those that all data sets have."""
    own = [seeds_of([results]) for results in every]
    return np.flatnonzero([all(seed in each for each in own) for seed in seeds_of(every)])


def grid(every: Sequence[Results], results: Results, score: Score) -> Floats:
    """Return scores (S, K) of settings and seeds: -inf of a run that diverged, NaN if missing."""
    settings, seeds = settings_of(every), seeds_of(every)
    table = np.full((len(settings), len(seeds)), np.nan)
    for cell, value in zip(results.cells, results.of(score), strict=True):
        table[settings.index((cell.method, cell.setting)), seeds.index(cell.seed)] = value
    for cell in results.diverged:
        table[settings.index((cell.method, cell.setting)), seeds.index(cell.seed)] = -np.inf
    return table


def named(results: Results, metric: str, representation: str = "mean") -> Score:
    """Return the score of a metric on the most images."""
    found = [s for s in results.scores if (s.metric, s.representation) == (metric, representation)]
    return max(found, key=lambda score: score.images)


def by_t(values: Floats) -> dict[str, float | None]:
    """Return mean and 95% interval of one value a seed, None without two of them."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {"value": None, "low": None, "high": None}
    found = interval(known.tolist())
    return {"value": found["mean"], "low": found["low"], "high": found["high"]}


def jackknifed(figure: Callable[[Seeds], float], seeds: int) -> dict[str, float | None]:
    """Return a figure of all seeds, and its 95% interval by leaving out one seed in turn."""
    whole = float(figure(np.arange(seeds)))
    without = (
        [figure(np.delete(np.arange(seeds), out)) for out in range(seeds)] if seeds > 2 else []
    )
    if not without or not np.isfinite([whole, *without]).all():
        return {"value": whole if np.isfinite(whole) else None, "low": None, "high": None}
    spread = float(np.sqrt((seeds - 1) * np.var(without)))
    half = float(t.ppf(0.975, seeds - 1)) * spread
    return {"value": whole, "low": whole - half, "high": whole + half}


def above(over: dict[str, Any], limit: float = 0.0) -> bool:
    """Whether a whole interval is above a limit."""
    return over["low"] is not None and over["low"] > limit


def below(over: dict[str, Any], limit: float = 0.0) -> bool:
    """Whether a whole interval is below a limit."""
    return over["high"] is not None and over["high"] < limit


def text(over: dict[str, Any], form: str = "+.2f") -> str:
    """Return a figure and its interval as text."""
    value, low, high = over["value"], over["low"], over["high"]
    if value is None:
        return "unknown"
    return f"{value:{form}}" + ("" if low is None else f" ({low:{form}} to {high:{form}})")


def halves(seeds: Seeds) -> list[tuple[Seeds, Seeds]]:
    """Return all ordered pairs of disjoint halves of the seeds; of many, random ones.

    Of an odd number of seeds, each pair leaves one out.
    """
    size = len(seeds) // 2
    if comb(len(seeds), size) * comb(len(seeds) - size, size) > SPLITS:
        drawn = [np.random.default_rng(number).permutation(seeds) for number in range(SPLITS)]
        return [(each[:size], each[size : 2 * size]) for each in drawn]
    return [
        (np.array(first, np.intp), np.array(second, np.intp))
        for first in combinations(seeds.tolist(), size)
        for second in combinations([seed for seed in seeds.tolist() if seed not in first], size)
    ]


def best(table: Floats, seeds: Seeds) -> int | None:
    """Return the row of the highest median over seeds, None if nothing is known of any."""
    known = [row[seeds][~np.isnan(row[seeds])] for row in table]
    medians = [np.median(row) if len(row) else np.nan for row in known]
    return None if np.isnan(medians).all() else int(np.nanargmax(medians))


def disentanglement(results: Results) -> list[Score]:
    """Return the scores by labels that measure disentanglement."""
    return [score for score in results.supervised if score.metric != DOWNSTREAM]


def rows_by_seed(results: Results) -> list[Seeds]:
    """Return the rows of the runs of each seed."""
    seeds = np.array([cell.seed for cell in results.cells])
    return [np.flatnonzero(seeds == seed) for seed in sorted(set(seeds.tolist()))]


def shared(
    every: Sequence[Results], of: Callable[[Results], list[Score]] = disentanglement
) -> list[Score]:
    """Return the scores of a kind that all data sets have."""
    first, *others = map(of, every)
    return [score for score in first if all(score in other for other in others)]
