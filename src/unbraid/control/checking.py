"""How well a run does what it is asked: the judge's report of a run folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from unbraid import registry
from unbraid.control import controller
from unbraid.control._looking import Reader
from unbraid.control._loop import obeying
from unbraid.control._progress import Bar
from unbraid.control._scale import varies
from unbraid.control.aside import set_aside
from unbraid.control.controller import Controller, Native
from unbraid.control.judge import GLYPHS, Judge
from unbraid.control.judging import Config as JudgeConfig
from unbraid.control.judging import judge_of
from unbraid.control.report import FRESH, Draw, better, measure
from unbraid.control.sources import Drawn, Grid, Rendered, Source, source_of
from unbraid.datasets.digits import Config as DigitsConfig
from unbraid.datasets.digits import Renderer, factor_specs
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.runs import Run

CANVASES = (32, 64)  # of digits, that the package's judge reads
HOW: dict[str, str] = {
    "joint": "factors as they come together in the data",
    "independent": "each factor by itself, combinations never seen among them",
}
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

    A run on ``digits`` is measured by the judge that comes with the package, on a canvas that it
    reads, and beside renderings; any other by a judge of its data (``unbraid.control.judging``),
    which is trained if there is none yet.

    Returns:
        The report, with the ``setting`` and what the ``judge`` is. Requests of a report on
        ``digits`` are independent; it has another under ``joint`` if the data's factors are not
        spread evenly. Those of any other are joint, and another report is under ``independent`` if
        factors may come together otherwise than in the data.

    Raises:
        UnbraidError: not a finished run, data without factors, or too few images for a judge.
    """
    run = Run(folder)
    check(run)
    if config.requests < 2:
        raise UnbraidError(f"requests are {config.requests}, expected 2 or more.")
    by_package = run.config.data == "digits" and run.image_shape[1] in CANVASES
    judge, source, specs, told, notes = (_of_digits if by_package else _of_data)(run)
    draw = as_asked(controller.open(run), config.candidates, config.correct, config.reject)
    first: Drawn = "independent" if isinstance(source, Rendered) else "joint"
    other = _other(source, specs)
    with Bar(f"asking {run.folder}") as bar:
        counted = _Counted(draw, bar, (2 + len(specs)) * (1 + (other is not None)))
        reports = {
            drawn: measure(counted, judge, specs, source, config.requests, config.seed, drawn)
            for drawn in (first, other)
            if drawn is not None
        }
    report = reports[first]
    report["setting"] = setting_name(config.correct, config.reject, config.candidates)
    report["judge"] = told
    report["notes"] = [*notes, *report["notes"]]
    if other is not None:
        report[other] = {name: reports[other][name] for name in ("figures", "leakage", "moves")}
    return report


class _Counted:
    """A drawer that says how often it was asked, of how often it will be at most."""

    def __init__(self, draw: Draw, bar: Bar, total: int) -> None:
        self.inner, self.bar, self.total, self.done = draw, bar, total, 0

    def __call__(self, factors: NDArray[np.float64], styles: NDArray[np.int64]) -> Any:
        self.bar(self.done, self.total)
        images = self.inner(factors, styles)
        self.done += 1
        return images


Judged = tuple[Judge | Reader, Source, tuple[FactorSpec, ...], dict[str, Any], list[str]]


def _of_digits(run: Run) -> Judged:
    """Return the package's judge, renderings of the test split's writers, specs, facts, notes."""
    config = _digits_config(run)
    specs = factor_specs(config)
    rows = None
    if config.correlations or config.distributions:
        rows = np.array(run.dataset("test").factors, np.float64)[:, : len(specs)]
    digits = tuple(int(value) for value in specs[0].values or ())
    source = Rendered(specs, Renderer("test", run.image_shape[1], digits=digits), rows)
    seen = writers_in_training(run)
    told = {"name": "digits", "writers_in_training": seen}
    return Judge.load(), source, specs, told, [WRITERS_SEEN] if seen else []


def _of_data(run: Run) -> Judged:
    """Return a judge of the run's data, real images, specs, facts and notes."""
    name, options = run.config.data, run.config.data_options
    aside = set_aside(name, options, run.config.training.validation)
    with Bar(f"training a judge of {aside.training.name} (once)") as bar:
        judge = judge_of(aside, JudgeConfig(), bar)
    specs = aside.training.specs
    told = {"name": aside.training.name, **judge.facts, "errors": judge.errors}
    own = (
        f"judge: its own error on {len(aside.measured):,} images that the run was not trained on, "
        f"nor the judge, which learnt from {len(aside.learnt):,} others that the run never saw."
    )
    source: Source
    if name == "digits":  # on a canvas that the package's judge does not read
        digits = tuple(int(value) for value in specs[0].values or ())
        renderer = Renderer("test", run.image_shape[1], digits=digits)
        source = Rendered(specs, renderer, aside.measured.factors)
    else:
        source = source_of(name, options, aside)
    return judge, source, specs, told, [own, *aside.notes, *judge.notes]


def _other(source: Source, specs: Sequence[FactorSpec]) -> Drawn | None:
    """Return how else requests are drawn, None where it would be the same."""
    if isinstance(source, Rendered):
        return None if source.rows is None else "joint"
    alone = isinstance(source, Grid) or sum(map(varies, specs)) < 2
    return None if alone else "independent"


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


def check(run: Run) -> None:
    """Raise an UnbraidError unless a run is finished."""
    if not run.finished:
        raise UnbraidError(f"{run.folder} is not finished: train it to its end, with --resume.")


def _digits_config(run: Run) -> DigitsConfig:
    names = {option.name for option in dataclasses.fields(DigitsConfig)}
    options = {key: value for key, value in run.config.data_options.items() if key in names}
    return cast(DigitsConfig, registry.build(DigitsConfig, options, "dataset digits"))


class Table(NamedTuple):
    """A table as text."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(folder: str, report: dict[str, Any]) -> list[Table]:
    """Return the tables of a report: one for each way its requests are drawn.

    >>> figure = {"value": 98.0, "standard_error": 0.3, "real": 97.9, "unit": "%"}
    >>> report = {"figures": {"digit accuracy": figure}, "leakage": {}, "setting": "corrected"}
    >>> table = tables("runs/mine", {"requests": 10, "drawn": "independent", **report})[0]
    >>> table.title
    'runs/mine, 10 random requests, corrected'
    >>> table.rows
    [('digit accuracy (higher)', '98.00', '0.30', '97.90', '%')]
    """
    errors = report.get("judge", {}).get("errors", {})
    columns = ("figure", "value", "± se", "real", *(("judge",) if errors else ()), "unit")
    others = [drawn for drawn in HOW if drawn in report]
    found = []
    for drawn in [report.get("drawn", ""), *others]:
        part = report[drawn] if drawn in others else report
        title = f"{folder}, {report['requests']:,} random requests, {report['setting']}"
        if others:
            title += f"; {HOW[drawn]}"
        found.append(Table(title, columns, table_rows(part, errors)))
    return found


def table_rows(report: dict[str, Any], errors: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (figure, value, standard error, real, judge's error if any, unit) as text."""

    def row(name: str, value: str, error: str, real: str, own: str, unit: str) -> tuple[str, ...]:
        return (name, value, error, real, *((own,) if errors else ()), unit)

    rows = []
    for name, figure in report["figures"].items():
        numbers = (f"{figure[key]:.2f}" for key in ("value", "standard_error", "real"))
        value, error, real = numbers
        factor = name.removesuffix(" accuracy").removesuffix(" changes")
        own = f"{errors[factor]['value']:.2f}" if factor in errors else ""
        rows.append(row(f"{name} ({better(name)})", value, error, real, own, figure["unit"]))
    for name, value in report["leakage"].items():
        rows.append(row(f"  leakage of {name}", f"{value:.2f}", "", "1.00", "", "x real"))
    return rows
