"""Control: the request met by a model, and how well, as a judge reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unbraid import methods
from unbraid.control import controller as control
from unbraid.control.checking import as_asked
from unbraid.control.report import HIGHER, measure
from unbraid.control.requests import parse
from unbraid.datasets.digits import Renderer
from unbraid.tour.exhibits.files import Numbers, Picture, exhibit
from unbraid.tour.exhibits.interactive import request_picker
from unbraid.tour.exhibits.requests import (
    ANOTHER,
    OTHERS,
    REFERENCE,
    SENTENCE,
    answers,
    as_judged,
    draw_rows,
    rendered,
)
from unbraid.tour.formatting import number
from unbraid.tour.page.commands import runnable
from unbraid.tour.page.html import paragraph, table
from unbraid.tour.page.references import ARTICLE, cite
from unbraid.tour.plan import CANVAS
from unbraid.tour.statistics.curves import example_beta

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "Control: a model draws what is asked"
FIGURES = ("request", "changes")
REQUESTS = 500  # random ones on which control is measured
REAL = "real handwriting"
READY = "pretrained model"
# what is told, of all that is measured
TOLD = ("digit accuracy", "angle", "x", "y", "size", "thickness", "diversity", "grey ratio",
        "leakage")  # fmt: skip
Figures = Mapping[str, Mapping[str, Any]]


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return tour.curve("beta-tcvae")[example_beta(tour)][:1]


def write(tour: Tour) -> str:
    """Return the chapter."""
    (name,) = needs(tour)
    asked: dict[str, Any] = {}
    if missing := what_is_missing():
        note = paragraph(f"<strong>Missing here:</strong> {missing}")
    else:
        asked[READY] = control.open(control.PRETRAINED)
        method = methods.name_of(asked[READY].model.config)
        note = paragraph(
            "Two models are asked. One was trained for chapter 8: a β-TCVAE that saw no label in "
            f"training; afterwards {control.LABELS} labelled images showed which of its numbers "
            "controls what. The other was not trained here: it comes with the package, a "
            f"<code>{method}</code> (a VAE after {cite('kingma2014semi')}) that was given the "
            "factors of its images. Each reads what it drew, and draws once more where that is not "
            "what was asked."
        )
    asked["β-TCVAE of the tour"] = control.open(tour.run(name))
    return "".join(
        [
            paragraph(
                f"Back to the article's sentence ({cite(ARTICLE)}): <q>{SENTENCE}</q>. The data "
                "could answer it, since their factors are known. Can a model draw what was asked, "
                "in handwriting of its own?"
            ),
            note,
            _request(tour, asked, name),
            *_measured(asked),
            _changes(tour, asked),
            *_chosen(asked),
        ]
    )


def _chosen(asked: Mapping[str, Any]) -> list[str]:
    """Return requests to choose from, if there is a model that answers them well."""
    from unbraid.control.judge import Judge

    if READY not in asked:
        return []
    controller = asked[READY]
    draw = as_asked(controller, correct=True)
    return [
        request_picker(
            controller,
            draw,
            Judge.load(),
            f"Put a request together. The {READY} answered all of these, in one handwriting, while "
            "this page was written; beside its answer is what the judge reads in it. For any other "
            f"request there is: {runnable('unbraid generate')}.",
        )
    ]


def what_is_missing() -> str:
    """Say what a request to the pretrained model lacks, if anything."""
    if not (control.PRETRAINED / "result.json").is_file():
        return (
            "the pretrained model of digits, which is not in this version of the package; what "
            "follows asks a model of the tour alone."
        )
    return ""


def _request(tour: Tour, asked: Mapping[str, Any], name: str) -> str:
    rows: dict[str, Any] = {REAL: rendered(parse(SENTENCE, _specs(asked)))}
    rows |= {label: answers(controller, SENTENCE) for label, controller in asked.items()}
    understood = parse(SENTENCE, _specs(asked)).describe()
    return exhibit(
        tour,
        "request",
        [
            Picture(
                draw_rows(rows, f"“{SENTENCE}”", 1.35),
                f"{len(rows)} rows of ten images of a request, understood as {understood} (pixels "
                f"of a canvas of {REFERENCE}); as the "
                f"judge reads them: {as_judged(rows)}.",
            )
        ],
        "The request, answered by drawing real handwriting and by each model in ten styles.",
        also=[
            f"unbraid generate '{SENTENCE}' --model {tour.folder(name)}",
            *([f"unbraid generate '{SENTENCE}'"] if READY in asked else []),
        ],
        grid=True,
    )


def _specs(asked: Mapping[str, Any]) -> Any:
    return next(iter(asked.values())).specs


def _measured(asked: Mapping[str, Any]) -> list[str]:
    """Return the table of how well requests are met, and what it says."""
    from unbraid.control.judge import Judge

    judge, renderer = Judge.load(), Renderer("test", CANVAS)
    found: dict[str, Figures] = {
        label: measure(
            as_asked(controller, correct=True), judge, controller.specs, renderer, REQUESTS
        )["figures"]
        for label, controller in asked.items()
    }
    any_of = next(iter(found.values()))
    lines = [
        [
            f"{what}, {_unit(any_of[what]['unit'])}" if any_of[what]["unit"] else what,
            _better(what),
            number(any_of[what]["real"], 2),
            *(_with_error(figures[what]) for figures in found.values()),
        ]
        for what in TOLD
    ]
    first, last = next(iter(found)), list(found)[-1]
    text = (
        f"Of {REQUESTS:,} random requests, the {first} draws the digit asked for in "
        f"{_with_error(found[first]['digit accuracy'], 1)}% and misses the angle by "
        f"{_with_error(found[first]['angle'], 1)} degrees"
    )
    if last != first:
        text += (
            f"; the {last}, in {_with_error(found[last]['digit accuracy'], 1)}%, by "
            f"{_with_error(found[last]['angle'], 1)} degrees"
        )
    text += (
        ". Of real handwriting, drawn as asked, the judge reads the digit in "
        f"{number(any_of['digit accuracy']['real'], 1)}% and misses the angle by "
        f"{number(any_of['angle']['real'], 1)} degrees: that much is the judge's own error. A "
        "random digit would be right in 10%."
    )
    return [
        table(
            f"How well {REQUESTS:,} random requests are answered, as read by the judge, a network "
            "that no model here was trained with; ± is the standard error over requests",
            ["measure", "aim", REAL, *found],
            lines,
        ),
        paragraph(text, finding=True),
        paragraph(
            "Diversity is how much two images of one request differ, relative to two writers' "
            "images: the same image every time would be obedient, and have none. Leakage is how "
            "much the other factors change when one is changed, relative to real handwriting, and "
            "the grey ratio is how much of the ink is neither black nor white. For both, the aim "
            "is the value of real handwriting: a model that ignores the request leaks little, too. "
            f"Lengths (px) are in pixels of a canvas of {REFERENCE}."
        ),
    ]


def _better(what: str) -> str:
    """Say which values of a measure are better."""
    if what in ("leakage", "grey ratio"):
        return "as real"
    return "more is better" if what in HIGHER else "less is better"


def _unit(unit: str) -> str:
    return f"{unit} of {REFERENCE}" if unit == "px" else unit


def _with_error(figure: Mapping[str, Any], digits: int = 2) -> str:
    return f"{number(figure['value'], digits)} ± {number(figure['standard_error'], digits)}"


def _changes(tour: Tour, asked: Mapping[str, Any]) -> str:
    label, controller = next(iter(asked.items()))
    rows = {sentence: answers(controller, sentence) for sentence in (SENTENCE, *OTHERS, ANOTHER)}
    understood = [[text, parse(text, controller.specs).describe()] for text in rows]
    return exhibit(
        tour,
        "changes",
        [
            Picture(
                draw_rows(rows, f"{label}: one word changed at a time", 0.0),
                f"Rows of ten images by the {label}, the same ten styles in each; as the judge "
                f"reads them: {as_judged(rows)}.",
            )
        ],
        f"One word changed at a time, and another request, asked of the {label}; a column is one "
        "style throughout.",
        Numbers(("request", "understood as"), understood),
        grid=True,
    )
