"""Measuring run folders: ``unbraid evaluate RUN [RUN ...]``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset
from unbraid.evaluation.evidence import Coded
from unbraid.evaluation.scores import (
    Config,
    Failed,
    compare,
    comparing,
    encoding_of,
    measure_alone,
    noted,
    of_run,
    wanted,
)
from unbraid.methods import needs_of
from unbraid.metrics import Score
from unbraid.runs.evaluation_data import subject
from unbraid.runs.results import Measured, described, trained_on, with_scores
from unbraid.runs.run import Run

Scores = dict[str, Score]


class NotStored(UnbraidError):
    """Scores that could not be written to result.json; ``scores`` holds them by run folder."""

    def __init__(self, sentence: str, scores: dict[str, Scores]) -> None:
        super().__init__(sentence)
        self.scores = scores


def evaluate(
    names: Sequence[str], config: Config, failed: Failed | None = None
) -> dict[str, Scores]:
    """Measure runs, store each one's scores in its result.json and return them by folder.

    Each model is loaded once for each data set, and is freed before the next one.

    Args:
        names: run folders; several are also compared with each other (UDR).
        config: the metrics, their settings and the images.
        failed: is told of metrics that fail, if these are to end nothing, see ``measure_alone``.

    Raises:
        UnbraidError: a folder that is not a finished run, or a metric whose inputs it lacks.
        NotStored: a result.json cannot be written; all runs have been measured.
    """
    runs = [Run(name) for name in names]
    for run in runs:
        if not run.finished:
            raise UnbraidError(f"{run.folder} is not finished: continue it with --resume.")
    by_data: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        by_data.setdefault(_data_of(run), []).append(index)
    evaluation = Evaluation(runs, config, failed)
    for indices in by_data.values():
        evaluation.measure(indices)
    order = wanted(config)[0]
    found = {
        str(run.folder): {
            name: evaluation.found[index][name] for name in order if name in evaluation.found[index]
        }
        for index, run in enumerate(runs)
    }
    if evaluation.failed:
        raise NotStored(" ".join(evaluation.failed.values()), found) from evaluation.cause
    return found


def _data_of(run: Run) -> str:
    """Return what decides the images a run is measured on, and whether they are its own."""
    config = run.config
    facts = [config.data, config.data_options, config.training.validation, run.image_shape]
    # the data of each are checked, and their labels for methods that learn from them
    facts += [run.json.get("fingerprint"), bool(needs_of(config.method))]
    return json.dumps(facts, default=str)


class Evaluation:
    """The measurement of several runs, with one model in memory at a time.

    Args:
        runs: finished runs.
        config: the metrics, their settings and the images.
        told: of metrics that fail, if these are to end nothing.
    """

    def __init__(self, runs: Sequence[Run], config: Config, told: Failed | None = None) -> None:
        self.runs, self.config, self.told = runs, config, told
        self.compared = len(runs) > 1 and bool(comparing(config))
        self.found: list[Scores] = [{} for _ in runs]
        self.cause: UnbraidError | None = None  # of the last failure
        self.failed: dict[str, str] = {}  # a sentence for each folder whose scores were not stored

    def measure(self, indices: Sequence[int]) -> None:
        """Measure and store the runs of some indices, which share their images."""
        config = self.config
        run = self.runs[indices[0]]
        data = subject(run, config.data, config.protocol, config.images, config.seed)
        about = described(data)
        codes: list[Coded] = []
        for index in range(len(self.runs)) if self.compared else indices:
            measured = Measured(about, config.protocol, representation=config.representation)
            own = self._encode_and_measure(index, index in indices, data, measured)
            if own is not None:
                codes.append(own)
        if not self.compared:
            return
        scores = compare(codes, config)
        for index in indices:
            others = [run.folder for other, run in enumerate(self.runs) if other != index]
            measured = Measured(
                about,
                config.protocol,
                tuple(str(folder.absolute()) for folder in others),
                config.representation,
            )
            of_this = {name: of_run(score, index) for name, score in scores.items()}
            self._store(index, noted(of_this, list(trained_on(data).values())), measured)

    def _encode_and_measure(
        self, index: int, wanted: bool, data: Dataset, measured: Measured
    ) -> Coded | None:
        """Load one model; measure it if it is wanted; return its codes if runs are compared."""
        encoding = encoding_of(self.runs[index].model(), data, self.config)
        if wanted:
            scores = measure_alone(
                encoding, data, self.config, compared=self.compared, failed=self.told
            )
            if scores:
                self._store(index, noted(scores, list(trained_on(data).values())), measured)
        return encoding.coded if self.compared else None

    def _store(self, index: int, scores: Scores, measured: Measured) -> None:
        """Add scores to a run's result.json; a failure is reported when all runs are measured."""
        self.found[index] |= scores
        run = self.runs[index]
        try:
            run.record(partial(with_scores, scores=scores, measured=measured))
        except UnbraidError as error:
            folder = str(run.folder)
            self.cause = error
            self.failed[folder] = f"the scores of {folder} were not stored: {error}"
