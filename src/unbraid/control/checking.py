"""How well a run does what it is asked: the judge's report of a run folder."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid import registry
from unbraid.control import controller
from unbraid.control._loop import obeying
from unbraid.control.controller import Controller, Native
from unbraid.control.judge import GLYPHS, Judge
from unbraid.control.report import FRESH, HIGHER, Draw, measure
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Renderer, factor_specs
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.runs import Run

CANVASES = (32, 64)  # that the judge reads
WRITERS_SEEN = (
    f"The judge's writers were in training: it learnt from handwriting {GLYPHS[0]:,} to "
    f"{GLYPHS[1]:,} of MNIST's train split, and so did this run. Train with --data.glyphs 0 "
    f"{GLYPHS[0]} for figures that can be compared."
)


@dataclass(frozen=True)
class Config:
    """Options of the report.

    Args:
        requests: how many random requests.
        seed: of requests and styles: choose settings on another than what you report is from.
        candidates: images tried for each request, of which the one that the model itself reads
            closest is kept.
        correct: try once more with the error of the model's reading added to the request, as
            ``generate`` does.
        reject: let a model that doubts a style of its own draw it again, as ``generate`` does.
        json: print JSON instead of a table.

    >>> Config().requests
    2000
    """

    requests: int = 2000
    seed: int = FRESH
    candidates: int = 1
    correct: bool = True
    reject: bool = True
    json: bool = False


def of_run(folder: str | os.PathLike[str], config: Config) -> dict[str, Any]:
    """Return the report of a finished run, see ``unbraid.control.report.measure``.

    Raises:
        UnbraidError: not a finished run, or one whose images the judge cannot read.
    """
    run = Run(folder)
    specs = check(run)
    answers = controller.open(run)
    draw = as_asked(answers, config.candidates, config.correct, config.reject)
    renderer = Renderer("test", run.image_shape[1], digits=_digits(specs))
    report = measure(draw, Judge.load(), specs, renderer, config.requests, config.seed)
    report["setting"] = setting_name(config.correct, config.reject, config.candidates)
    report["judge"] = {"name": "digits", "writers_in_training": writers_in_training(run)}
    if writers_in_training(run):
        report["notes"].insert(0, WRITERS_SEEN)
    return report


def setting_name(correct: bool = True, reject: bool = True, candidates: int = 1) -> str:
    """Return what a table calls images drawn with these options.

    >>> setting_name(correct=False, reject=False)
    'first draw, no rejection'
    """
    parts = ["corrected" if correct else "first draw" if candidates == 1 else ""]
    parts += [f"best of {candidates}" if candidates > 1 else "", "" if reject else "no rejection"]
    return ", ".join(filter(None, parts))


def writers_in_training(run: Run) -> bool:
    """Whether a run on ``digits`` was given handwriting that the judge learnt from.

    The test split's writers, of whom the real renderings are, are in neither.
    """
    glyphs = run.config.data_options.get("glyphs")
    start, stop = glyphs or (0, GLYPHS[1])
    return int(start) < GLYPHS[1] and int(stop) > GLYPHS[0]


def as_asked(
    answers: Controller, candidates: int = 1, correct: bool = False, reject: bool = True
) -> Draw:
    """Return a controller's drawer, if wanted one that looks at what it drew, see ``generate``.

    Args:
        answers: the controller.
        candidates: images tried for each request, of which the one that reads closest is kept.
        correct: try once more with the error of the reading added to the request.
        reject: let a model that doubts a style of its own draw it again.

    Raises:
        UnbraidError: fewer than 1 candidates.
    """
    if candidates < 1:
        raise UnbraidError(f"candidates is {candidates}, expected 1 or more.")
    if not reject and isinstance(answers, Native):
        answers = Native(answers.model, answers.candidates, answers.correct, reject=False)
    if candidates == 1 and not correct:
        return answers.draw

    def draw(factors: NDArray[np.float64], styles: NDArray[np.int64]) -> NDArray[np.float32]:
        return obeying(
            answers.draw, answers.read, answers.specs, factors, styles, candidates, correct
        )

    return draw


def check(run: Run) -> tuple[FactorSpec, ...]:
    """Return the specs of a run's factors if the judge can read its images.

    Raises:
        UnbraidError: unfinished, of other data than ``digits``, or on another canvas.
    """
    if run.config.data != "digits":
        raise UnbraidError(
            f"{run.folder} was trained on {run.config.data}, but the judge reads 'digits' alone, "
            "and a model that marks its own work proves nothing: train with --data digits "
            "--data.canvas 32 to measure a method's control."
        )
    if run.image_shape[1] not in CANVASES:
        raise UnbraidError(
            f"{run.folder} draws on a canvas of {run.image_shape[1]} pixels, but the judge reads "
            "32 and 64: train with --data.canvas 32 or 64."
        )
    if not run.finished:
        raise UnbraidError(f"{run.folder} is not finished: train it to its end, with --resume.")
    names = {option.name for option in dataclasses.fields(DigitsConfig)}
    options = {key: value for key, value in run.config.data_options.items() if key in names}
    return factor_specs(registry.build(DigitsConfig, options, "dataset digits"))


def _digits(specs: tuple[FactorSpec, ...]) -> tuple[int, ...]:
    """Return which digits the indices of the first factor mean."""
    return tuple(int(value) for value in specs[0].values or ())


def table_rows(report: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Return (figure, value, standard error, real, unit) of each figure, as text.

    >>> figure = {"value": 98.0, "standard_error": 0.3, "real": 97.9, "unit": "%"}
    >>> table_rows({"figures": {"digit accuracy": figure}, "leakage": {}})
    [('digit accuracy (higher)', '98.00', '0.30', '97.90', '%')]
    """
    rows = []
    for name, figure in report["figures"].items():
        better = "higher" if name in HIGHER else "lower"
        numbers = (f"{figure[key]:.2f}" for key in ("value", "standard_error", "real"))
        value, error, real = numbers
        rows.append((f"{name} ({better})", value, error, real, figure["unit"]))
    for name, value in report["leakage"].items():
        rows.append((f"  leakage of {name}", f"{value:.2f}", "", "1.00", "x real"))
    return rows
