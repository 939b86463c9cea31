"""What papers print of a study: the mean of each score over the seeds of each setting."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from unbraid.core import registry, text_tables
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.metrics import needs
from unbraid.studies.results import (
    UNSUPERVISED,
    Floats,
    Results,
    Score,
    most_images,
    read_results,
)
from unbraid.studies.statistics import Interval, interval
from unbraid.studies.study import Study
from unbraid.studies.table import CSV

Spread = Literal["interval", "std", "none"]
ALL = "all"
SAYS = {
    "interval": "means over seeds, with 95% intervals by Student's t in brackets.",
    "std": "means over seeds ± their standard deviation.",
    "none": "means over seeds.",
}
RECORD = (  # the columns of CSV
    *("data", "method", "setting", "metric", "representation", "protocol", "images"),
    *("mean", "std", "low", "high", "seeds", "finished", "diverged", "failed"),
)
WORDS = 2  # columns of words: method and setting


@dataclass(frozen=True)
class Mean:
    """A score of a setting: its mean over the seeds of which it is known, with its interval.

    Args:
        over: mean and ends of the 95% interval, NaN where there are too few seeds.
        std: standard deviation of the seeds, with n - 1 in the denominator.
        seeds: how many.
    """

    over: Interval
    std: float
    seeds: int


@dataclass(frozen=True)
class Setting:
    """A row: a method's setting.

    Args:
        method: its name.
        setting: the options that the grid varies, as text.
        finished, diverged, failed: how many of its runs are.
        means: of each score.
    """

    method: str
    setting: str
    finished: int
    diverged: int
    failed: int
    means: tuple[Mean, ...]

    @property
    def seeds(self) -> str:
        """The number of finished runs, and of those that were lost."""
        lost = {"diverged": self.diverged, "failed": self.failed}
        return " + ".join(
            [f"{self.finished}", *(f"{count} {kind}" for kind, count in lost.items() if count)]
        )


@dataclass(frozen=True)
class Summary:
    """The table of one data set.

    Args:
        data: its name.
        scores: the columns.
        settings: the rows.
        missing: how many runs of the study are not done.
    """

    data: str
    scores: tuple[Score, ...]
    settings: tuple[Setting, ...]
    missing: int = 0

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return ["method", "setting", "seeds", *(score.label for score in self.scores)]

    def lines(self, spread: Spread = "interval") -> list[list[str]]:
        """Return the rows as text."""
        columns = [[row.means[place] for row in self.settings] for place in range(len(self.scores))]
        digits = [
            digits_of(score, means) for score, means in zip(self.scores, columns, strict=True)
        ]
        return [
            [row.method, row.setting, row.seeds]
            + [
                cell_text(mean, count, spread, row.finished)
                for mean, count in zip(row.means, digits, strict=True)
            ]
            for row in self.settings
        ]

    def notes(self, spread: Spread = "interval") -> list[str]:
        """Return sentences on what the numbers are, and on runs that are not in them."""
        if not self.settings:
            return [f"{self.data}: no run is finished."]
        found = [f"{self.data}: {SAYS[spread]}"]
        if any(_is_loss(score) for score in self.scores):
            found.append("Reconstruction, KL, ELBO and total correlation are in nats per image.")
        if spread == "interval" and any(score.metric.startswith("udr") for score in self.scores):
            found.append(
                "UDR compares runs with each other, so that those of two seeds are not "
                "independent, and its intervals are too narrow."
            )
        if any(row.diverged or row.failed for row in self.settings):
            found.append("Runs that diverged or failed have no scores, and are not in the means.")
        if self.missing:
            found.append(f"{self.missing} of its runs are not done.")
        return found

    def to_markdown(self, spread: Spread = "interval") -> str:
        """Return the table as Markdown, and its notes."""
        return text_tables.markdown(self.header, self.lines(spread), self.notes(spread), WORDS)

    def to_latex(self, spread: Spread = "interval") -> str:
        """Return the table as LaTeX, with a rule between methods and the notes as comments."""
        groups = [list(of) for _, of in groupby(self.lines(spread), lambda line: line[0])]
        return text_tables.latex(self.header, groups, self.notes(spread), WORDS)


def summarise(study: Study, wanted: Sequence[str] = (), table: Path | None = None) -> list[Summary]:
    """Return the table of each data set of a study.

    Args:
        study: its runs.
        wanted: names of scores, or ``all``; those by labels, and the reconstruction, if none are
            named. Of a score on several numbers of images, it is that on the most.
        table: the study's table of all runs, if it is not in the study's folder.

    Raises:
        UnbraidError: there is no table, or a score that no run has.
    """
    every = {r.data: r for r in read_results(table or study.folder / CSV, study.cells)}
    known = {each for r in every.values() for score in r.scores for each in _names(score)}
    for name in wanted:
        if name not in (ALL, *known):
            raise UnbraidError(
                f"the study has no score '{name}'{did_you_mean(name, known)}: it has "
                f"{', '.join(sorted(known))}."
            )
    found = []
    for data in dict.fromkeys(cell.data for cell in study.cells):
        runs = sum(cell.data == data for cell in study.cells)
        results = every.get(data)
        found.append(
            Summary(data, (), (), runs) if results is None else _summary(results, wanted, runs)
        )
    return found


def _names(score: Score) -> tuple[str, str]:
    return score.metric, score.label


def _summary(results: Results, wanted: Sequence[str], runs: int) -> Summary:
    scores = _columns(results, wanted)
    rows = []
    for method in results.methods:
        for setting in results.settings(method):
            own = results.rows(method, setting)
            diverged, failed = (
                sum(cell.method == method and cell.setting == setting for cell in lost)
                for lost in (results.diverged, results.failed)
            )
            means = tuple(_mean(results.of(score)[own]) for score in scores)
            rows.append(Setting(method, setting, len(own), diverged, failed, means))
    missing = runs - len(results.cells) - len(results.lost)
    return Summary(results.data, scores, tuple(rows), missing)


def _columns(results: Results, wanted: Sequence[str]) -> tuple[Score, ...]:
    if ALL in wanted:
        return tuple(most_images(results.scores))
    named = [score for name in wanted for score in results.scores if name in _names(score)]
    if not wanted:
        named = [*results.supervised, *(each for each in results.scores if _is_error(each))]
    return tuple(dict.fromkeys(most_images(named)))


def _is_error(score: Score) -> bool:
    return (score.metric, score.protocol) == ("reconstruction", "training")


def _is_loss(score: Score) -> bool:
    return score.protocol == "training" and score.metric in UNSUPERVISED


def _mean(values: Floats) -> Mean:
    known = values[~np.isnan(values)]
    if not len(known):
        return Mean(Interval(math.nan, math.nan, math.nan), math.nan, 0)
    std = float(known.std(ddof=1)) if len(known) > 1 else math.nan
    return Mean(interval(known), std, len(known))


def digits_of(score: Score, means: Sequence[Mean]) -> int:
    """Return the decimals of a column: three of scores by labels, of others three digits or more.

    >>> digits_of(Score("kl", "training", "", 10_000), [Mean(Interval(25.0, 24.0, 26.0), 1.0, 3)])
    1
    """
    metric = score.metric.split()[0]  # of a part, the metric that it is of
    known = metric in registry.usable("metrics") and score.protocol != "training"
    if known and "factors" in needs(registry.load("metrics", metric)):
        return 3
    size = max((abs(mean.over.mean) for mean in means if mean.seeds), default=0.0)
    return max(1, 2 - math.floor(math.log10(size))) if size else 3


def cell_text(mean: Mean, digits: int, spread: Spread, finished: int) -> str:
    """Return a mean as text, with its number of seeds if it is not that of the finished runs.

    >>> cell_text(Mean(Interval(0.25, 0.2, 0.3), 0.04, 5), 3, "interval", 5)
    '0.250 [0.200, 0.300]'
    >>> cell_text(Mean(Interval(0.25, 0.2, 0.3), 0.04, 4), 3, "std", 5)
    '0.250 ± 0.040 (4 seeds)'
    """
    value, low, high = mean.over
    if math.isnan(value):
        return ""
    text = f"{value:,.{digits}f}"
    if spread == "interval" and not math.isnan(low):
        text += f" [{low:,.{digits}f}, {high:,.{digits}f}]"
    if spread == "std" and not math.isnan(mean.std):
        text += f" ± {mean.std:,.{digits}f}"
    few = f" ({mean.seeds} seed{'s' if mean.seeds > 1 else ''})" if mean.seeds < finished else ""
    return text + few


def as_csv(summaries: Sequence[Summary]) -> str:
    """Return a row for each score of each setting of all data sets, with full precision."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(RECORD)
    for summary in summaries:
        writer.writerows(_records(summary))
    return file.getvalue()


def _records(summary: Summary) -> Iterator[list[object]]:
    for row in summary.settings:
        for score, mean in zip(summary.scores, row.means, strict=True):
            about = [summary.data, row.method, row.setting, score.metric, score.representation]
            numbers = (mean.over.mean, mean.std, mean.over.low, mean.over.high)
            yield [
                *about,
                score.protocol,
                score.images,
                *("" if math.isnan(number) else number for number in numbers),
                mean.seeds,
                row.finished,
                row.diverged,
                row.failed,
            ]
