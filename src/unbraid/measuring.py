"""Measuring models and runs from Python, as ``unbraid evaluate`` does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.evaluation.scores import Config, measure
from unbraid.library import memory_run
from unbraid.methods import Method
from unbraid.runs import Run, evaluating
from unbraid.runs.evaluation_data import subject
from unbraid.runs.in_memory import MemoryRun

if TYPE_CHECKING:
    from unbraid.library import Data
    from unbraid.metrics import Score


def evaluate(
    target: Method | Run | str | os.PathLike[str],
    metrics: str | Iterable[str] = "all",
    *,
    data: Data | None = None,
    **options: Any,
) -> dict[str, Score]:
    """Measure a model or a run by every metric, on images that it was not trained on.

    Scores of a run on its own images, or on data of a name or a path, are stored in its
    result.json, as ``unbraid evaluate`` does. Codes of another tool are measured by
    ``unbraid.metrics.evaluate``.

    Args:
        target: a model that ``unbraid.train`` trained, a run, or its folder.
        metrics: names, or ``all``.
        data: images that it was not trained on, with their factors: anything that ``unbraid.train``
            takes; if not given, those that the training held out.
        **options: other fields of ``unbraid.evaluation.scores.Config``: ``protocol``, ``images``,
            ``samples``, ``seed`` and ``representation``.

    Returns:
        Scores by metric.

    Raises:
        UnbraidError: something else, a run that is not finished, an unknown option, or a metric
            whose inputs the model or the data lack.

    >>> import numpy as np
    >>> from unbraid import train
    >>> images = np.random.default_rng(0).random((2000, 16, 16))
    >>> model = train("vae", images, epochs=1)
    >>> list(evaluate(model, ["reconstruction", "active-units"]))
    ['reconstruction', 'active-units']
    """
    if not isinstance(target, Method | Run | str | os.PathLike):
        raise UnbraidError(
            f"evaluate takes a model, a run or its folder, found {type(target).__name__}; codes "
            "are measured by unbraid.metrics.evaluate."
        )
    if not isinstance(metrics, str | Iterable):
        raise UnbraidError(f"metrics is {metrics!r}, expected names of metrics, or 'all'.")
    names = metrics if isinstance(metrics, str) else ",".join(map(str, metrics))
    named, place = isinstance(data, str | os.PathLike), ""
    if isinstance(data, str | os.PathLike) and not isinstance(target, Method | MemoryRun):
        place = os.fspath(data)  # where a run's own data are now
    config: Config = registry.build(
        Config, {"metrics": names, "data": place, **options}, "evaluate"
    )
    if isinstance(target, Method):
        run: Run = memory_run(target, data)
    else:
        run = target if isinstance(target, Run) else Run(target)
        if (named or data is None) and not isinstance(run, MemoryRun):
            return next(iter(evaluating.evaluate([str(run.folder)], config).values()))
        run = memory_run(run.model(), data)
    unseen = subject(run, config.data, config.protocol, config.images, config.seed)
    return measure(run.model(), unseen, config)
