"""What papers print of a study: the mean of each score over the seeds of each setting."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

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
    statuses,
)
from unbraid.studies.statistics import Interval, interval
from unbraid.studies.study import Study
from unbraid.studies.table import CSV

Spread = Literal["interval", "std", "none"]
ALL = "all"
OF_ALL_RUNS = "udr mean of the runs"  # a number of the setting, in each of its runs
TWICE = "udr of this run"  # a part that is the score itself
REPORTED = ("reconstruction", "training")  # beside the scores by labels, if none are named
SAYS = {
    "interval": "means over seeds, with 95% intervals by Student's t in brackets.",
    "std": "means over seeds ± their standard deviation.",
    "none": "means over seeds.",
}
WORDS = 2  # columns of words: method and setting
MOST_DIGITS = 4  # after the point; what needs more is written with a power of ten


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
        missing: how many of its runs are not in the study's table.
    """

    data: str
    scores: tuple[Score, ...]
    settings: tuple[Setting, ...]
    missing: int = 0

    @property
    def header(self) -> list[str]:
        """The names of the columns; those of equal names have what tells them apart."""
        labels = Counter(score.label for score in self.scores)
        return ["method", "setting", "seeds"] + [
            score.label
            if labels[score.label] == 1
            else f"{score.label}, {_kind(score)} on {score.images:,} images"
            for score in self.scores
        ]

    def lines(self, spread: Spread = "interval") -> list[list[str]]:
        """Return the rows as text."""
        digits = [
            digits_of(score, [row.means[place] for row in self.settings])
            for place, score in enumerate(self.scores)
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
        lost = any(row.diverged or row.failed for row in self.settings)
        says = SAYS[spread]
        if not self.scores:
            finished = any(row.finished for row in self.settings)
            says = "no run has such a score." if finished else "no run is finished."
        found = [f"{self.data}: {says}"]
        losses = [label for label, score in self._labelled() if _is_loss(score)]
        if losses:
            found.append(f"In nats per image: {', '.join(losses)}.")
        if lower := [label for label, score in self._labelled() if score.lower_is_better]:
            found.append(f"Lower is better: {', '.join(lower)}.")
        if spread != "none" and any(score.metric.startswith("udr") for score in self.scores):
            found.append(
                "UDR compares runs with each other: those of several seeds depend on each other, "
                "so that its spread is not that of independent seeds."
            )
        if lost and self.scores:
            found.append("Runs that diverged or failed have no scores, and are not in the means.")
        if self.missing:
            found.append(
                f"{self.missing} of its runs are not in the study's table: they are not done, or "
                "were done after unbraid study table wrote it."
            )
        return found

    def _labelled(self) -> Iterator[tuple[str, Score]]:
        return zip(self.header[3:], self.scores, strict=True)

    def to_markdown(self, spread: Spread = "interval") -> str:
        """Return the table as Markdown, and its notes."""
        return text_tables.markdown(self.header, self.lines(spread), self.notes(spread), WORDS)

    def to_latex(self, spread: Spread = "interval") -> str:
        """Return the table as LaTeX, with a rule between methods and the notes as comments."""
        groups = [list(of) for _, of in groupby(self.lines(spread), lambda line: line[0])]
        return text_tables.latex(self.header, groups, self.notes(spread), WORDS)


def summarise(study: Study, wanted: str = "", table: Path | None = None) -> list[Summary]:
    """Return the table of each data set of a study.

    Args:
        study: its runs.
        wanted: names of scores, with commas between them, or ``all``; those by labels, and the
            reconstruction, if none are named. A metric's name that is not a score's is all of its
            scores. Of a score on several numbers of images, it is that on the most.
        table: the study's table of all runs, if it is not in the study's folder.

    Raises:
        UnbraidError: there is no table, or a score that no run has.
    """
    path = table or study.folder / CSV
    every = {results.data: results for results in read_results(path, study.cells)}
    known = {name for r in every.values() for score in r.scores for name in _names(score)}
    names = split_names(wanted, known)
    for name in names:
        if name not in (ALL, *known):
            raise UnbraidError(
                f"the study has no score '{name}'{did_you_mean(name, known)}: it has "
                f"{'; '.join(sorted(known))}."
            )
    ended = statuses(path)
    found = []
    for data in dict.fromkeys(cell.data for cell in study.cells):
        cells = [cell for cell in study.cells if cell.data == data]
        diverged, failed = (
            tuple(cell for cell in cells if ended.get(cell.id) == kind)
            for kind in ("diverged", "failed")
        )
        lost = Results(data, (), (), np.zeros((0, 0)), diverged, failed)  # all of them, if any
        found.append(_summary(every.get(data, lost), names, len(cells)))
    return found


def split_names(text: str, known: Collection[str]) -> list[str]:
    """Return the names in a list with commas, which names may have, too.

    >>> split_names("mig, accuracy with 1,000 labels", {"accuracy with 1,000 labels"})
    ['mig', 'accuracy with 1,000 labels']
    """
    parts, found = text.split(","), []
    while parts:
        count = next(
            (n for n in range(len(parts), 1, -1) if ",".join(parts[:n]).strip() in known), 1
        )
        found.append(",".join(parts[:count]).strip())
        parts = parts[count:]
    return [name for name in found if name]


def _names(score: Score) -> tuple[str, str]:
    return score.metric, score.label


def _kind(score: Score) -> str:
    return "of the training" if score.protocol == "training" else "measured"


def _summary(results: Results, names: Sequence[str], runs: int) -> Summary:
    scores = _columns(results, names)
    rows = []
    for method in results.methods:
        for setting in results.settings(method):
            own = results.rows(method, setting)
            diverged, failed = (
                sum(cell.method == method and cell.setting == setting for cell in lost)
                for lost in (results.diverged, results.failed)
            )
            means = tuple(_mean(score, results.of(score)[own]) for score in scores)
            rows.append(Setting(method, setting, len(own), diverged, failed, means))
    missing = runs - len(results.cells) - len(results.lost)
    return Summary(results.data, scores, tuple(rows), missing)


def _columns(results: Results, names: Sequence[str]) -> tuple[Score, ...]:
    if ALL in names:
        found = [s for s in results.scores if s.metric not in (OF_ALL_RUNS, TWICE)]
    elif names:
        found = []
        for name in names:
            # of a label, the scores that have it; of a metric's name that is none, all of it
            own = [score for score in results.scores if score.label == name]
            found += own or most_images([s for s in results.scores if s.metric == name])
    else:
        errors = [s for s in results.scores if (s.metric, s.protocol) == REPORTED]
        found = [*results.supervised, *errors]
    most: dict[tuple[str, str, str], int] = {}
    for score in found:
        key = (score.metric, score.protocol, score.representation)
        most[key] = max(score.images, most.get(key, 0))
    kept = (s for s in found if s.images == most[s.metric, s.protocol, s.representation])
    return tuple(dict.fromkeys(kept))


def _is_loss(score: Score) -> bool:
    return score.protocol == "training" and score.metric in UNSUPERVISED


def _mean(score: Score, values: Floats) -> Mean:
    known = values[~np.isnan(values)]
    if not len(known):
        return Mean(Interval(math.nan, math.nan, math.nan), math.nan, 0)
    if score.metric == OF_ALL_RUNS or len(known) < 2:
        return Mean(Interval(float(known.mean()), math.nan, math.nan), math.nan, len(known))
    return Mean(interval(known), float(known.std(ddof=1)), len(known))


def digits_of(score: Score, means: Sequence[Mean]) -> int:
    """Return the decimals of a column: three of scores by labels, others by the smallest mean.

    >>> digits_of(Score("kl", "training", "", 10_000), [Mean(Interval(25.0, 24.0, 26.0), 1.0, 3)])
    1
    """
    metric = score.metric.split()[0]  # of a part, the metric that it is of
    known = metric in registry.usable("metrics") and score.protocol != "training"
    if known and "factors" in needs(registry.load("metrics", metric)):
        return 3
    sizes = [abs(mean.over.mean) for mean in means if mean.seeds]
    least = min((size for size in sizes if size and math.isfinite(size)), default=1.0)
    return min(max(1, 2 - math.floor(math.log10(least))), MOST_DIGITS)


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
    text = _number(value, digits)
    if spread == "interval" and not math.isnan(low):
        text += f" [{_number(low, digits)}, {_number(high, digits)}]"
    if spread == "std" and not math.isnan(mean.std):
        text += f" ± {_number(mean.std, digits)}"
    few = f" ({mean.seeds} seed{'s' if mean.seeds > 1 else ''})" if mean.seeds < finished else ""
    return text + few


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    if digits == MOST_DIGITS and value and not float(text):
        return f"{value:.1e}"
    return text.removeprefix("-") if not float(text) else text  # no minus before a zero


def records(summaries: Sequence[Summary]) -> Iterator[Mapping[str, Any]]:
    """Yield the numbers of each score of each setting of all data sets."""
    for summary in summaries:
        for row in summary.settings:
            for score, mean in zip(summary.scores, row.means, strict=True):
                yield {
                    "data": summary.data,
                    "method": row.method,
                    "setting": row.setting,
                    "metric": score.metric,
                    "representation": score.representation,
                    "protocol": score.protocol,
                    "images": score.images,
                    "mean": mean.over.mean,
                    "std": mean.std,
                    "low": mean.over.low,
                    "high": mean.over.high,
                    "seeds": mean.seeds,
                    "finished": row.finished,
                    "diverged": row.diverged,
                    "failed": row.failed,
                }
