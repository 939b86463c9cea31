"""The table of a study read back: scores as arrays, one row a run and one column a score."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid import metrics
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell
from unbraid.studies.statistics import Components, variance_components
from unbraid.studies.table import NOT_MEASURED

Floats = NDArray[np.float64]
FEW = 4  # times as many images make a score another one, of which this is an estimate by few
# of the training's own numbers, those by which a run may be chosen without labels
UNSUPERVISED = ("elbo", "reconstruction", "kl", "total correlation")


@dataclass(frozen=True)
class Score:
    """A column: a number of a metric, with what it was measured by.

    Args:
        metric: its name, and that of its part if it is one.
        protocol: of its settings.
        representation: of the codes, ``mean`` or ``sampled``.
        images: how many it was measured on.
    """

    metric: str
    protocol: str
    representation: str
    images: int

    @property
    def label(self) -> str:
        """What figures call it."""
        told = [each for each in (self.protocol,) if each not in ("none", "training")]
        told += ["sampled"] if self.representation == "sampled" else []
        return f"{self.metric} ({', '.join(told)})" if told else self.metric

    @property
    def of_labels(self) -> bool:
        """Whether it compares codes with factors."""
        if self.protocol == "training" or self.metric not in registry.usable("metrics"):
            return False
        return "factors" in metrics.needs(registry.load("metrics", self.metric))

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower one is better, as its metric says."""
        if self.protocol == "training" or self.metric not in registry.usable("metrics"):
            return False
        return metrics.lower_is_better(registry.load("metrics", self.metric))

    @property
    def title(self) -> str:
        """What figures write above it."""
        return f"{self.label}, lower is better" if self.lower_is_better else self.label


@dataclass(frozen=True)
class Results:
    """The scores of the finished runs of one data set.

    Args:
        data: its name.
        cells: the runs, in the order of the study.
        scores: the columns.
        values: (N, S), NaN where a run has no such score.
        diverged: the runs that diverged.
        failed: the runs that failed in another way, which says nothing of their method.
        unmeasured: the finished runs on which a metric failed, by its scores.
    """

    data: str
    cells: tuple[Cell, ...]
    scores: tuple[Score, ...]
    values: Floats
    diverged: tuple[Cell, ...] = ()
    failed: tuple[Cell, ...] = ()
    unmeasured: Mapping[Score, tuple[Cell, ...]] = field(default_factory=dict)

    @property
    def lost(self) -> tuple[Cell, ...]:
        """The runs without scores."""
        return *self.diverged, *self.failed

    def of(self, score: Score) -> Floats:
        """Return a column, (N,)."""
        column: Floats = self.values[:, self.scores.index(score)]
        return column

    def components(self, score: Score) -> Components | None:
        """Return the variance components of a score over finished runs, None where it has none."""
        column = self.of(score)
        kept = np.flatnonzero(~np.isnan(column))
        cells = [self.cells[row] for row in kept]
        names = [cell.method for cell in cells], [cell.setting for cell in cells]
        try:
            return variance_components(column[kept].tolist(), *names)
        except ValueError:
            return None

    @cached_property
    def supervised(self) -> list[Score]:
        """The scores by labels, of each metric those on the most images."""
        return most_images([score for score in self.scores if score.of_labels])

    @cached_property
    def unsupervised(self) -> list[Score]:
        """The scores that need no labels."""
        found = [
            score
            for score in self.scores
            if (score.protocol == "training" and score.metric in UNSUPERVISED)
            or (score.protocol != "training" and score.metric in _unsupervised_metrics())
        ]
        return most_images(found)

    @cached_property
    def methods(self) -> list[str]:
        """The methods in the order of the study, those without a finished run last."""
        return list(dict.fromkeys(cell.method for cell in (*self.cells, *self.lost)))

    def rows(self, method: str, setting: str | None = None) -> NDArray[np.intp]:
        """Return the rows of a method's runs, or of one of its settings."""
        wanted = [cell.method == method and setting in (None, cell.setting) for cell in self.cells]
        return np.flatnonzero(wanted)

    def settings(self, method: str) -> list[str]:
        """Return the settings of a method, those of finished runs first."""
        both = (*self.cells, *self.lost)
        return list(dict.fromkeys(cell.setting for cell in both if cell.method == method))

    def lost_of(self, score: Score, method: str, strength: tuple[str, float] | None = None) -> int:
        """Return how many runs of a method, or of one of its strengths, were lost for a score."""
        lost = (*self.lost, *self.unmeasured.get(score, ()))
        return sum(cell.method == method and strength in (None, cell.strength) for cell in lost)

    def by_few(self, score: Score) -> list[Score]:
        """Return the same score measured on fewer images, the fewest first."""
        found = [
            other
            for other in self.scores
            if (other.metric, other.representation) == (score.metric, score.representation)
            and FEW * other.images <= score.images
            and other.protocol == "none"
        ]
        return sorted(found, key=lambda other: other.images)

    def strengths(self, method: str) -> tuple[str, list[float]]:
        """Return what a method's grid varies first, and its values in ascending order."""
        both = (*self.cells, *self.lost)
        found = [cell.strength for cell in both if cell.method == method and cell.strength]
        if not found:
            return "", []
        option = found[0][0]
        return option, sorted({value for name, value in found if name == option})

    @cached_property
    def without_strength(self) -> int:
        """How many runs have no number for what their method's grid varies first."""
        options = {method: self.strengths(method)[0] for method in self.methods}
        both = (*self.cells, *self.lost)
        return sum(not cell.strength or cell.strength[0] != options[cell.method] for cell in both)

    def ranked(
        self,
        score: Score,
        method: str,
        setting: str | None = None,
        strength: tuple[str, float] | None = None,
    ) -> Floats:
        """Return the scores of a method's runs, with an infinite one for each that diverged.

        It is worse than any other: minus infinity, or infinity where lower is better.

        Without those, a setting of which one seed in five survives would count by that seed alone.
        Runs that failed in another way, and scores that are NaN, are left out.

        Args:
            score: the column.
            method: the name of the method.
            setting: of one setting alone.
            strength: of one value alone of what the grid varies first.
        """

        def wanted(cell: Cell) -> bool:
            own = cell.method == method and setting in (None, cell.setting)
            return own and strength in (None, cell.strength)

        values = self.of(score)[[wanted(cell) for cell in self.cells]]
        gone = sum(map(wanted, self.diverged))
        worst = math.inf if score.lower_is_better else -math.inf
        return np.concatenate([values[~np.isnan(values)], np.full(gone, worst)])

    def best_setting(self, score: Score, method: str) -> tuple[str, Floats] | None:
        """Return a method's setting of the best median, and its scores as ``ranked`` has them.

        None where no run of the method has the score, unless all have diverged.
        """
        best = None
        sign = -1 if score.lower_is_better else 1
        for setting in self.settings(method):
            values = self.ranked(score, method, setting)
            if len(values) and (best is None or sign * np.median(values) > best[0]):
                best = sign * float(np.median(values)), setting, values
        return None if best is None else best[1:]


def read_results(path: Path, cells: Sequence[Cell]) -> list[Results]:
    """Read the table of a study, and return the results of each data set.

    Args:
        path: of results.csv.
        cells: the runs of the study.

    Raises:
        UnbraidError: there is no table, or no finished run in it.
    """
    rows = _rows(path)
    values: dict[tuple[str, Score], float] = {}
    lost: dict[str, str] = {}  # how runs ended
    missing: dict[Score, set[str]] = {}  # of the scores of metrics that failed, the runs
    try:
        for row in rows:
            if row["status"] not in ("finished", NOT_MEASURED):
                lost[row["run"]] = row["status"]
                continue
            score = Score(
                row["metric"], row["protocol"], row["representation"], int(row["images"] or 0)
            )
            if row["status"] == NOT_MEASURED:
                missing.setdefault(score, set()).add(row["run"])
                continue
            values[row["run"], score] = float(row["value"]) if row["value"] else math.nan
    except (KeyError, TypeError, ValueError) as error:
        raise UnbraidError(
            f"{path} is not a study's table ({error!r}): write it again with unbraid study table."
        ) from error
    if not values:
        raise UnbraidError(f"{path} holds no finished run: run the study first.")
    found = []
    for data in dict.fromkeys(cell.data for cell in cells):
        names = {name for name, _ in values}
        every = [cell for cell in cells if cell.data == data]
        kept = tuple(cell for cell in every if cell.id in names)
        own = {cell.id for cell in kept}
        scores = tuple(dict.fromkeys(score for name, score in values if name in own))
        table = [[values.get((cell.id, score), math.nan) for score in scores] for cell in kept]
        if kept:
            gone = tuple(cell for cell in every if lost.get(cell.id) == "diverged")
            failed = tuple(c for c in every if c.id in lost and c not in gone)
            without = {
                score: tuple(cell for cell in kept if cell.id in missing[score])
                for score in missing
            }
            found.append(Results(data, kept, scores, np.array(table), gone, failed, without))
    return found


def statuses(path: Path) -> dict[str, str]:
    """Return how each run in the table of a study ended: ``finished``, ``diverged`` or ``failed``.

    Raises:
        UnbraidError: there is no table.
    """
    return {
        row.get("run", ""): row["status"]
        for row in _rows(path)
        if row.get("status", NOT_MEASURED) != NOT_MEASURED
    }


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        # spreadsheets write a byte order mark before the first name
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise UnbraidError(
            f"cannot read {path}: {error.strerror or error}; run the study first, or write its "
            "table with unbraid study table."
        ) from error


def _unsupervised_metrics() -> set[str]:
    """Return the metrics that look at no factors, and the parts of UDR."""
    found = {
        name
        for name in registry.usable("metrics")
        if "factors" not in metrics.needs(registry.load("metrics", name))
    }
    return found - {"reconstruction", "active-units", "clustering-accuracy"}


def most_images(scores: Sequence[Score]) -> list[Score]:
    """Return the scores without those that are of the same metric on far fewer images.

    Those of a protocol are compared with each other alone. One without, which may be an estimate
    by few of any, is compared with all of its metric.
    """

    def most(score: Score) -> int:
        return max(
            other.images
            for other in scores
            if (other.metric, other.representation) == (score.metric, score.representation)
            and score.protocol in ("none", other.protocol)
        )

    return [score for score in scores if FEW * score.images > most(score)]
