"""Disentanglement scores of a finished run, stored in its result."""

from __future__ import annotations

import numpy as np

from unbraid import metrics, scoring
from unbraid.runs import Run
from unbraid.tour.plan import METRICS, has_scores


def score_run(run: Run) -> None:
    """Measure a finished run's disentanglement, as ``unbraid evaluate`` does, into its result.

    The likelihood and the other figures of ``unbraid evaluate`` are not asked for here, and left
    out, since they take longer than these.
    """
    if has_scores(run):
        return
    config = scoring.Config(metrics=",".join(METRICS))
    data = scoring.varying(scoring.chosen_rows(run.unseen(), config.images, config.seed))
    model = run.model()
    codes = scoring.as_factors(
        model.encode(np.asarray(data.images[:])).double().numpy(), model.layout
    )
    found = metrics.evaluate(
        codes,
        data.factors,
        data.specs,
        METRICS,
        seed=config.seed,
        categories=model.layout.categories,
    )
    told = {"name": data.name, "split": data.split, "images": len(data)}
    run.record(lambda result: scoring.with_scores(result, found, told))
