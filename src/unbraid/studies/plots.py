"""The figures of a study, each with the numbers it shows as CSV."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.files import atomic
from unbraid.figures import GREY, PALETTE, WIDTH, new_figure, styled
from unbraid.studies.panels import (
    ACROSS,
    Drawn,
    Rows,
    head,
    heading_of,
    measured,
    name_methods,
    panel_grid,
    spread,
    spread_out,
    write_cells,
)
from unbraid.studies.results import Results, Score, read_results
from unbraid.studies.statistics import (
    PARTS,
    chance_of_beating,
    choice_by,
    rank_correlations,
)
from unbraid.studies.study import Study
from unbraid.studies.table import CSV

MOST_LETTERS = 80  # of the name of data in the names of files


def write_plots(study: Study, table: Path | None = None) -> list[Path]:
    """Write each figure of a study as PNG, and its numbers as CSV; return the paths.

    A figure whose scores were not measured, or that needs more settings or seeds, is left out.

    Args:
        study: its runs.
        table: the study's table, if it is not in the study's folder.
    """
    folder = study.folder / "plots"
    written: list[Path] = []
    for results in read_results(table or study.folder / CSV, study.cells):
        for name, draw in FIGURES.items():
            drawn = draw(results)
            if drawn is None:
                continue
            figure, rows = drawn
            path = folder / f"{_stem(name, results.data)}.png"
            if path in written:  # of data whose name differs in other characters
                path = path.with_stem(f"{path.stem}-{len(written)}")
            with atomic(path) as temporary:
                figure.savefig(temporary, dpi=150)
            written += [path, _write_csv(path.with_suffix(".csv"), rows)]
    return written


def _stem(figure: str, data: str) -> str:
    """Return the name of a figure's files, which any file system takes.

    >>> _stem("violins", "my data: 3/4")
    'violins-my-data-3-4'
    """
    plain = re.sub(r"[^\w.-]+", "-", data)
    return f"{figure}-{plain[:MOST_LETTERS]}"


def _write_csv(path: Path, rows: Rows) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (
        atomic(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        # no value is an empty field, as in the table of the study
        writer.writerows(
            {name: None if value != value else value for name, value in row.items()} for row in rows
        )
    return path


def _median(ranked: NDArray[np.float64]) -> float:
    """Return the median of scores, NaN where it is that of a run that diverged."""
    median = float(np.median(ranked)) if len(ranked) else math.nan
    return median if math.isfinite(median) else math.nan


@styled
def violins(results: Results) -> Drawn:
    """Draw the scores of all runs by method: a violin, its median, and a dot a run."""
    scores, methods = results.supervised, results.methods
    if not scores:
        return None
    figure, panels = panel_grid(len(scores), heading_of(results, "scores of all runs, by method"))
    rows: Rows = []
    for ax, score in zip(panels, scores, strict=True):
        column = results.of(score)
        lost = [results.lost_of(score, method) for method in methods]
        for place, method in enumerate(methods):
            values = measured(column[results.rows(method)])
            color = PALETTE[place % len(PALETTE)]
            if len(values) > 1 and np.ptp(values) > 0:
                body = ax.violinplot([values], [place], widths=0.9, showextrema=False)
                bodies: Any = body["bodies"]
                for part in bodies:
                    part.set(facecolor=color, alpha=0.3)
            ax.scatter(place + spread_out(len(values)), values, s=4, color=color, linewidths=0)
            median = _median(results.ranked(score, method))
            ax.plot([place - 0.3, place + 0.3], [median, median], color=color, lw=1.5)
            rows += [
                {"score": score.label, "method": method, "median": median, **spread(values),
                 "lost": lost[place]}
            ]  # fmt: skip
        ax.set_title(score.title, loc="left")
        name_methods(ax, methods, lost)
    return figure, rows


@styled
def strengths(results: Results) -> Drawn:
    """Draw scores against what each method's grid varies first: medians, and seeds as dots."""
    scores = results.supervised
    swept = [m for m in results.methods if results.strengths(m)[1]]
    if not scores or not swept:
        return None
    what = "scores against strength, from the lowest to the highest setting"
    if results.without_strength:
        what += f"; without {results.without_strength} runs that have no such number"
    heading = heading_of(results, what)
    figure, panels = panel_grid(len(scores), heading, foot=0.3)
    rows: Rows = []
    for ax, score in zip(panels, scores, strict=True):
        column = results.of(score)
        for number, method in enumerate(results.methods):
            option, values = results.strengths(method)
            if not values:
                continue
            color = PALETTE[number % len(PALETTE)]
            middles = []
            for place, value in enumerate(values):
                kept = [
                    i
                    for i, cell in enumerate(results.cells)
                    if cell.method == method and cell.strength == (option, value)
                ]
                found = measured(column[kept])
                middles.append(_median(results.ranked(score, method, strength=(option, value))))
                lost = results.lost_of(score, method, (option, value))
                shift = 0.05 * (number - len(results.methods) / 2)
                ax.scatter(
                    np.full(len(found), place + shift), found, s=5, color=color, linewidths=0
                )
                rows += [
                    {"score": score.label, "method": method, "option": option, "strength": value,
                     "median": middles[-1], **spread(found),
                     "lost": lost}
                ]  # fmt: skip
                if lost:
                    ax.text(
                        place,
                        0.02 + 0.07 * number,
                        f"{lost} lost",
                        fontsize=5,
                        color=color,
                        ha="center",
                        transform=ax.get_xaxis_transform(),
                    )
            label = f"{method} ({option} {values[0]:g} to {values[-1]:g})"
            ax.plot(range(len(values)), middles, color=color, lw=1, label=label)
        most = max(len(results.strengths(m)[1]) for m in results.methods)
        ax.set_xticks(range(most), [str(place + 1) for place in range(most)])
        ax.set_xlabel("setting", fontsize=7)
        ax.set_title(score.title, loc="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7)
    return figure, rows


@styled
def metric_ranks(results: Results) -> Drawn:
    """Draw the rank correlation of each two metrics over all runs."""
    scores = results.supervised
    return _ranks(results, scores, scores, "rank correlation of metrics")


@styled
def unsupervised_ranks(results: Results) -> Drawn:
    """Draw the rank correlation of scores that need no labels with metrics."""
    heading = "rank correlation of scores without labels and metrics"
    return _ranks(results, results.unsupervised, results.supervised, heading)


def _ranks(results: Results, left: list[Score], top: list[Score], heading: str) -> Drawn:
    """Draw a matrix of rank correlations."""
    if len(left) < 1 or len(top) < 1 or len({*left, *top}) < 2 or len(results.cells) < 3:
        return None
    table = np.stack([results.of(score) for score in (*left, *top)], axis=1)
    found = rank_correlations(table)[: len(left), len(left) :]
    cell = 0.5
    size = (1.9 + cell * len(top) + 0.4, 1.6 + cell * len(left))
    figure = new_figure(max(size[0], 4.8), size[1], layout="constrained")
    ax = figure.subplots()
    ax.imshow(found, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set_xticks(range(len(top)), [s.title for s in top], rotation=35, ha="right")
    ax.set_yticks(range(len(left)), [s.title for s in left])
    write_cells(ax, found, lambda value: f"{value:.2f}", 0.6)
    head(figure, heading_of(results, heading))
    rows = [
        {"first": a.label, "second": b.label, "rank_correlation": found[i, j],
         "runs": int((~np.isnan(results.of(a)) & ~np.isnan(results.of(b))).sum())}
        for i, a in enumerate(left)
        for j, b in enumerate(top)
    ]  # fmt: skip
    return figure, rows


@styled
def variances(results: Results) -> Drawn:
    """Draw the shares of method, setting and seed in each score's variance, with intervals."""
    rows: Rows = []
    labels = []
    for score in results.supervised:
        found = results.components(score)
        if found is None:
            continue
        labels.append(score.label)
        for part, name in enumerate(PARTS):
            rows += [
                {"score": score.label, "part": name, "variance": found.values[part],
                 "share": found.shares[part], "low": found.low[part], "high": found.high[part]}
            ]  # fmt: skip
    if not rows:
        return None
    figure = new_figure(WIDTH, 1.1 + 0.42 * len(labels), layout="constrained")
    ax = figure.subplots()
    for part, name in enumerate(PARTS):
        own = [row for row in rows if row["part"] == name]
        places = np.arange(len(own)) + 0.22 * (part - 1)
        shares = np.array([row["share"] for row in own])
        ends = np.array([[row["low"], row["high"]] for row in own]).T
        ax.errorbar(
            shares,
            places,
            xerr=np.maximum([shares - ends[0], ends[1] - shares], 0),
            fmt="o",
            ms=4,
            lw=1,
            color=PALETTE[part],
            label=name,
        )
    ax.axvline(0, color=GREY, lw=0.6)
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.set_xlabel("share of variance; bars: 95% over seeds")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    head(figure, heading_of(results, "variance of method, setting and seed"))
    return figure, rows


@styled
def chances(results: Results) -> Drawn:
    """Draw the chance that a random seed of one method beats one of another.

    Each method has the setting of its best median. A run that diverged loses to any other.
    """
    scores, methods = results.supervised, results.methods
    if not scores or len(methods) < 2:
        return None
    heading = "chance that a seed of the row beats one of the column, each at its best setting"
    figure, panels = panel_grid(len(scores), heading_of(results, heading))
    rows: Rows = []
    for ax, score in zip(panels, scores, strict=True):
        best = {method: results.best_setting(score, method) for method in methods}
        found = np.full((len(methods), len(methods)), math.nan)
        for (i, first), (j, second) in permutations(enumerate(methods), 2):
            own, other = best[first], best[second]
            if own is None or other is None:
                continue
            found[i, j] = chance_of_beating(
                own[1].tolist(), other[1].tolist(), score.lower_is_better
            )
            rows += [
                {"score": score.label, "first": first, "its_setting": own[0],
                 "second": second, "other_setting": other[0], "chance": found[i, j]}
            ]  # fmt: skip
        ax.imshow(found, cmap="RdBu_r", vmin=0, vmax=1)
        write_cells(ax, found, lambda value: f"{value:.2f}".removeprefix("0"), 0.35, 0.5)
        ax.set_title(score.title, loc="left")
        name_methods(ax, methods)
        ax.set_yticks(range(len(methods)), methods if ax in panels[::ACROSS] else [])
    return figure, rows


@styled
def choices(results: Results) -> Drawn:
    """Draw what choosing a run by few labels gives, against the best and the median run."""
    scores = [score for score in results.supervised if results.by_few(score)]
    if not scores:
        return None
    heading = "score of the run chosen by few labels"
    figure, panels = panel_grid(len(scores), heading_of(results, heading), foot=0.2)
    rows: Rows = []
    for ax, score in zip(panels, scores, strict=True):
        few = results.by_few(score)
        column, gone = results.of(score).tolist(), len(results.diverged)
        lower = score.lower_is_better
        found = [choice_by(results.of(f).tolist(), column, gone, lower) for f in few]
        counts = [f.images for f in few]
        ax.plot(counts, [each.chosen for each in found], "o-", ms=4, lw=1, label="chosen")
        ax.plot(counts, [each.best for each in found], "--", lw=1, color=PALETTE[2], label="best")
        middles = [each.median if math.isfinite(each.median) else math.nan for each in found]
        ax.plot(counts, middles, ":", lw=1, color=GREY, label="median")
        ax.set_xscale("log")
        ax.set_xticks(counts, [f"{count:,}" for count in counts], minor=False)
        ax.minorticks_off()
        ax.set_title(score.title, loc="left")
        ax.set_xlabel("labels")
        rows += [
            {"score": score.label, "labels": count, "chosen": each.chosen, "best": each.best,
             "median": median, "rank_correlation": each.correlation}
            for count, each, median in zip(counts, found, middles, strict=True)
        ]  # fmt: skip
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=7
    )
    return figure, rows


FIGURES: dict[str, Callable[[Results], Drawn]] = {
    "violins": violins,
    "strengths": strengths,
    "metric-ranks": metric_ranks,
    "unsupervised-ranks": unsupervised_ranks,
    "variances": variances,
    "chances": chances,
    "choices": choices,
}
