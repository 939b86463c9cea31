"""The report of a run folder, as ``unbraid control`` prints it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from unbraid.control import loading
from unbraid.control.assessment.judge import GLYPHS, Judge
from unbraid.control.assessment.judge_cache import cached_judge
from unbraid.control.assessment.judge_data import judge_data
from unbraid.control.assessment.judge_training import Config as JudgeConfig
from unbraid.control.assessment.observations import Reader
from unbraid.control.assessment.progress_bar import ProgressBar
from unbraid.control.assessment.random_requests import Distribution
from unbraid.control.assessment.report import FRESH, Draw, measure
from unbraid.control.assessment.sources import Grid, Rendered, Source, Voices, source_of
from unbraid.control.assessment.units import varies
from unbraid.control.closed_loop import ClosedLoop
from unbraid.control.controller import Controller
from unbraid.control.native import Native
from unbraid.control.unlabelled import unlabelled_factors
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Renderer, factor_specs
from unbraid.runs import Run

REQUESTS, HEARD_REQUESTS = 2000, 500  # random ones, of images and of sounds
CANVASES = (32, 64)  # pixels of digits images that the judge of the package reads
SHARED_WRITERS = (
    f"The training data of this run and of the judge overlap: the judge was trained on handwriting "
    f"{GLYPHS[0]:,} to {GLYPHS[1]:,} of MNIST's train split. Train with --data.glyphs 0 "
    f"{GLYPHS[0]} for comparable figures."
)
SHARED_TAKES = (
    "The training data of this run and of the judge overlap: the judge was trained on takes 30 to "
    "49. Train with --data.takes 5 30 for comparable figures."
)
C = TypeVar("C")


@dataclass(frozen=True)
class Config:
    """Options of the report.

    Args:
        requests: number of random requests; if not given 2,000, or 500 of sounds.
        seed: of requests and styles; use another one to choose settings than to report figures.
        candidates: images drawn for each request, of which the one that the model reads closest to
            the request is kept.
        correct: draw again with the reading error subtracted from the request, three times where
            factors are measured, otherwise once, as ``generate`` does.
        reject: let a model that rejects styles draw them again, as ``generate`` does.

    >>> Config().candidates
    1
    """

    requests: int | None = None
    seed: int = FRESH
    candidates: int = 1
    correct: bool = True
    reject: bool = True


def assess(folder: str | os.PathLike[str], config: Config) -> dict[str, Any]:
    """Return the report of a finished run, see ``unbraid.control.assessment.report.measure``.

    A run on ``digits`` is assessed by the judge of the package and compared with renderings, if
    the judge reads its canvas. So is a run on ``speech``, by its judge, which hears the sound of
    each picture: some 40 ms each. Any other run is assessed by a judge of its data, which is
    trained the first time (``unbraid.control.assessment.judge_cache``).

    Returns:
        The report, with the ``setting`` and facts about the ``judge``. For ``digits``, requests are
        independent, and there is a second report under ``joint`` if factors are not independent
        and uniform in the data. For other data, requests follow the joint distribution, and there
        is a second report under ``independent`` if that differs.

    Raises:
        UnbraidError: not a finished run, data without factors, or too few images for a judge.
    """
    run = Run(folder)
    check_finished(run)
    count = config.requests
    if count is not None and count < 2:
        raise UnbraidError(f"requests is {count}, expected 2 or more.")
    judge, source, specs, facts, notes = _judge_of(run)
    controller = loading.open(run)
    if left_out := unlabelled_factors(controller):
        notes.append(
            f"The run was trained without labels of {' and '.join(left_out)} (--label-factors), so "
            "requests of them are not followed, and their errors are at chance."
        )
    draw = draw_function(controller, config.candidates, config.correct, config.reject)
    count = count or (HEARD_REQUESTS if source.heard else REQUESTS)
    first: Distribution = "independent" if isinstance(source, Rendered) else "joint"
    other = _second_distribution(source, specs)
    with ProgressBar(f"assessing {run.folder}") as bar:
        counted = _WithProgress(draw, bar, (2 + len(specs)) * (1 + (other is not None)))
        reports = {
            drawn: measure(counted, judge, specs, source, count, config.seed, drawn)
            for drawn in (first, other)
            if drawn is not None
        }
    report = reports[first]
    report["setting"] = setting_name(config.correct, config.reject, config.candidates)
    report["judge"] = facts
    report["notes"] = [*notes, *report["notes"]]
    if other is not None:
        report[other] = {name: reports[other][name] for name in ("figures", "leakage", "moves")}
    return report


class _WithProgress:
    """A function that draws and shows its progress; ``total`` is the largest number of calls."""

    def __init__(self, draw: Draw, bar: ProgressBar, total: int) -> None:
        self.inner, self.bar, self.total, self.done = draw, bar, total, 0

    def __call__(self, factors: NDArray[np.float64], styles: NDArray[np.int64]) -> Any:
        self.bar(self.done, self.total)
        images = self.inner(factors, styles)
        self.done += 1
        return images


# judge, source of real images, specs, facts about the judge, remarks
Parts = tuple[Judge | Reader, Source, tuple[FactorSpec, ...], dict[str, Any], list[str]]


def _judge_of(run: Run) -> Parts:
    """Return the judge of the package where there is one of the run's data, else one of its own."""
    if run.config.data == "digits" and run.image_shape[1] in CANVASES:
        return _judge_of_digits(run)
    return _judge_of_speech(run) if run.config.data == "speech" else _judge_of_data(run)


def _judge_of_speech(run: Run) -> Parts:
    """Return the judge of sounds that comes with the package, and renderings of the test takes."""
    from unbraid.control.assessment.speech_judge import TAKES, SpeechJudge, SpeechReader
    from unbraid.datasets import speech

    config = _data_config(run, speech.Config)
    specs = speech.factor_specs(config)
    rows = None
    if config.correlations or config.distributions:
        rows = np.array(run.dataset("test").factors, np.float64)[:, : len(specs)]
    renderer = speech.Renderer((0, 5), config.words, config.speakers)
    shared = config.takes[1] > TAKES[0] and config.takes[0] < TAKES[1]
    facts: dict[str, Any] = {"name": "speech", "takes_in_training": shared}
    notes = [SHARED_TAKES] if shared else []
    judge = SpeechReader(SpeechJudge.load(), specs)
    return judge, Voices(specs, renderer, rows), specs, facts, notes


def _judge_of_digits(run: Run) -> Parts:
    """Return the judge of the package, and renderings of the test split's handwriting."""
    config = _data_config(run, DigitsConfig)
    specs = factor_specs(config)
    rows = None
    if config.correlations or config.distributions:
        rows = np.array(run.dataset("test").factors, np.float64)[:, : len(specs)]
    digits = tuple(int(value) for value in specs[0].values or ())
    source = Rendered(specs, Renderer("test", run.image_shape[1], digits=digits), rows)
    shared = writers_in_training(run)
    facts = {"name": "digits", "writers_in_training": shared}
    return Judge.load(), source, specs, facts, [SHARED_WRITERS] if shared else []


def _judge_of_data(run: Run) -> Parts:
    """Return a judge of the run's data, and its real images."""
    name, options = run.config.data, run.config.data_options
    data = judge_data(name, options, run.config.training.validation)
    with ProgressBar(f"training a judge of {data.dataset.name} (once)") as bar:
        judge = cached_judge(data, JudgeConfig(), bar)
    specs = data.dataset.specs
    facts = {"name": data.dataset.name, **judge.facts, "errors": judge.errors}
    errors = (
        f"The column judge has the judge's own error on {len(data.test):,} images that neither the "
        f"run nor the judge was trained on. The judge was trained on {len(data.train):,} other "
        "images that the run was not trained on."
    )
    source: Source
    if name == "digits":  # on a canvas that the judge of the package does not read
        digits = tuple(int(value) for value in specs[0].values or ())
        renderer = Renderer("test", run.image_shape[1], digits=digits)
        source = Rendered(specs, renderer, data.test.factors)
    else:
        source = source_of(name, options, data)
    return judge, source, specs, facts, [errors, *data.notes, *judge.notes]


def _second_distribution(source: Source, specs: Sequence[FactorSpec]) -> Distribution | None:
    """Return the distribution of requests for the second report, None if it is the same."""
    if isinstance(source, Rendered):
        return None if source.rows is None else "joint"
    single = isinstance(source, Grid) or sum(map(varies, specs)) < 2
    return None if single else "independent"


def setting_name(correct: bool = True, reject: bool = True, candidates: int = 1) -> str:
    """Return the name of the options that images are drawn with.

    >>> setting_name(correct=False, reject=False)
    'first draw, no rejection'
    """
    parts = ["corrected" if correct else "first draw" if candidates == 1 else ""]
    parts += [f"best of {candidates}" if candidates > 1 else "", "" if reject else "no rejection"]
    return ", ".join(filter(None, parts))


def writers_in_training(run: Run) -> bool:
    """Whether a run on ``digits`` was trained on handwriting that the judge was trained on too.

    The real renderings are from the test split's handwriting, which is in neither.
    """
    glyphs = run.config.data_options.get("glyphs")
    start, stop = glyphs or (0, GLYPHS[1])
    return int(start) < GLYPHS[1] and int(stop) > GLYPHS[0]


def draw_function(
    controller: Controller, candidates: int = 1, correct: bool = False, reject: bool = True
) -> Draw:
    """Return the function of a controller that draws, in a closed loop with these options.

    Args:
        controller: any controller.
        candidates: see ``ClosedLoop``.
        correct: see ``ClosedLoop``.
        reject: let a model that rejects styles draw them again.

    Raises:
        UnbraidError: fewer than 1 candidate.
    """
    loop = ClosedLoop(controller, candidates, correct)
    if not reject and isinstance(loop.controller, Native):
        native = Native(loop.controller.model, reject=False)
        loop = ClosedLoop(native, loop.candidates, loop.correct)
    return loop.draw


def check_finished(run: Run) -> None:
    """Raise an UnbraidError unless a run is finished."""
    if not run.finished:
        raise UnbraidError(f"{run.folder} is not finished: train it to its end, with --resume.")


def _data_config(run: Run, kind: type[C]) -> C:
    """Return the options of the run's data, those of a train split left out."""
    names = {option.name for option in dataclasses.fields(cast(Any, kind))}
    options = {key: value for key, value in run.config.data_options.items() if key in names}
    return cast(C, registry.build(kind, options, f"dataset {run.config.data}"))
