"""Disentanglement scores of a finished run, stored in its result."""

from __future__ import annotations

from unbraid.evaluation.scores import Config
from unbraid.runs import Run
from unbraid.runs.evaluating import evaluate
from unbraid.tour.plan import METRICS, has_scores


def score_run(run: Run) -> None:
    """Measure a finished run's disentanglement, as ``unbraid evaluate`` does, into its result.

    The likelihood and the other metrics of ``unbraid evaluate`` are left out, since they take
    longer than these.
    """
    if not has_scores(run):
        evaluate([str(run.folder)], Config(metrics=",".join(METRICS)))
