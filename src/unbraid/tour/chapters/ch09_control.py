"""Control: images generated from a request, and how accurately, measured by a judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unbraid import methods
from unbraid.control import loading as control
from unbraid.control.assessment.report import measure
from unbraid.control.assessment.run_report import draw_function, writers_in_training
from unbraid.control.assessment.summary import better
from unbraid.control.language.parser import parse
from unbraid.datasets.digits import Renderer
from unbraid.pages.commands import runnable
from unbraid.pages.html import paragraph, table
from unbraid.runs import Run
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
from unbraid.tour.plan import CANVAS
from unbraid.tour.references import ARTICLE, cite
from unbraid.tour.statistics.curves import example_beta

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


TITLE = "Control: generating images from a request"
FIGURES = ("request", "changes")
REQUESTS = 500  # random ones on which control is measured
REAL = "real handwriting"
READY = "pretrained model"
OURS = "β-TCVAE of the tour"
# of all measures, those in the table
SHOWN = ("digit accuracy", "angle", "x", "y", "size", "thickness", "diversity", "grey ratio",
        "leakage")  # fmt: skip
Figures = Mapping[str, Mapping[str, Any]]


def needs(tour: Tour) -> list[str]:
    """Return the names of the trainings that the chapter needs."""
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
            "Two models answer it. One is a β-TCVAE of chapter 8, trained without labels; "
            f"afterwards its latents were related to the factors with {control.LABELS} labelled "
            f"images. The other comes with the package: a <code>{method}</code> (a VAE after "
            f"{cite('kingma2014semi')}) that was trained with the factors of its images. Each "
            "model reads the factors of its own image and, where they differ from the request, "
            "corrects the image once."
        )
    runs = {READY: Run(control.PRETRAINED)} if asked else {}
    runs[OURS] = tour.run(name)
    asked[OURS] = control.open(runs[OURS])
    return "".join(
        [
            paragraph(
                f"This is the article's request ({cite(ARTICLE)}): <q>{SENTENCE}</q>. In chapter 5 "
                "the renderer answered it, since it is given the factors. Here models answer it, "
                "in handwriting that they generate."
            ),
            note,
            _request(tour, asked, name),
            *_measured(asked, runs),
            _changes(tour, asked),
            *_chosen(asked),
        ]
    )


def _chosen(asked: Mapping[str, Any]) -> list[str]:
    """Return the box in which a request is chosen, if the pretrained model is there."""
    from unbraid.control.assessment.judge import Judge

    if READY not in asked:
        return []
    controller = asked[READY]
    draw = draw_function(controller, correct=True)
    return [
        request_picker(
            controller,
            draw,
            Judge.load(),
            f"Choose a request. The {READY} answered all of these, in one handwriting, while this "
            "page was written; beside each answer is what the judge reads in it. For other "
            f"requests use: {runnable('unbraid generate')}.",
        )
    ]


def what_is_missing() -> str:
    """Return what is missing for requests to the pretrained model; empty if nothing is."""
    if not (control.PRETRAINED / "result.json").is_file():
        return (
            "the pretrained model of digits, which is not in this version of the package. Only a "
            "model of the tour answers below."
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
        "The request, answered by real handwriting and by each model in ten styles.",
        also=[
            f"unbraid generate '{SENTENCE}' --model {tour.folder(name)}",
            *([f"unbraid generate '{SENTENCE}'"] if READY in asked else []),
        ],
        grid=True,
    )


def _specs(asked: Mapping[str, Any]) -> Any:
    return next(iter(asked.values())).specs


def _measured(asked: Mapping[str, Any], runs: Mapping[str, Run]) -> list[str]:
    """Return the table of control accuracy, and sentences on it."""
    from unbraid.control.assessment.judge import Judge

    judge, renderer = Judge.load(), Renderer("test", CANVAS)
    found: dict[str, Figures] = {
        label: measure(
            draw_function(controller, correct=True), judge, controller.specs, renderer, REQUESTS
        )["figures"]
        for label, controller in asked.items()
    }
    any_of = next(iter(found.values()))
    lines = [
        [
            f"{what}, {_unit(any_of[what]['unit'])}" if any_of[what]["unit"] else what,
            better(what),
            number(any_of[what]["real"], 2),
            *(_with_error(figures[what]) for figures in found.values()),
        ]
        for what in SHOWN
    ]
    first, last = next(iter(found)), list(found)[-1]
    text = (
        f"Of {REQUESTS:,} random requests, the {first} generates the requested digit in "
        f"{_with_error(found[first]['digit accuracy'], 1)}% and its angle is off by "
        f"{_with_error(found[first]['angle'], 1)} degrees"
    )
    if last != first:
        text += (
            f"; the {last} in {_with_error(found[last]['digit accuracy'], 1)}%, off by "
            f"{_with_error(found[last]['angle'], 1)} degrees"
        )
    text += (
        ". In real handwriting of the same requests, the judge reads the digit in "
        f"{number(any_of['digit accuracy']['real'], 1)}% and is off by "
        f"{number(any_of['angle']['real'], 1)} degrees, which is the judge's own error. A "
        "random digit is right in 10%."
    )
    return [
        table(
            f"Control accuracy over {REQUESTS:,} random requests, measured by the judge, a network "
            "that takes no part in any training; ± is the standard error over requests",
            ["measure", "aim", REAL, *found],
            lines,
        ),
        paragraph(text, finding=True),
        paragraph(
            "Diversity is the difference of two images of one request, relative to images of two "
            "writers; it is 0 if every image of a request is the same. Leakage is the change of "
            "the other factors when one is changed, relative to real handwriting. The grey ratio "
            "is the share of ink that is neither black nor white. For all three the aim is the "
            "value of real handwriting: a model that ignores requests has low leakage, too. "
            f"Lengths (px) are in pixels of a canvas of {REFERENCE}. {writers(runs)}"
        ),
    ]


def writers(runs: Mapping[str, Run]) -> str:
    """Return a sentence on the models that were trained on the handwriting of the judge."""
    shared = [label for label, run in runs.items() if writers_in_training(run)]
    if not shared:
        return ""
    verb = "was" if len(shared) == 1 else "were"
    return (
        f"The {' and the '.join(shared)} {verb} trained on all of MNIST's training handwriting, "
        "which includes the handwriting that the judge was trained on; so these numbers are not "
        "comparable with those of the control benchmark, whose models were trained without it."
    )


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
        f"The {label}: the request with one word changed at a time, and another request; each "
        "column is one style.",
        Numbers(("request", "understood as"), understood),
        grid=True,
    )
