"""Builds the report: runs the trainings, and writes each chapter once its trainings are done."""

from __future__ import annotations

import os
import platform
import shlex
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from html import escape
from pathlib import Path
from typing import NoReturn

import torch

import unbraid
from unbraid import training
from unbraid.core.errors import UnbraidError
from unbraid.core.store import locked
from unbraid.pages import document, html
from unbraid.pages.commands import NAME, program, runnable
from unbraid.pages.document import Chapter, State
from unbraid.studies.engines import Event
from unbraid.studies.engines.local import run_all
from unbraid.tour import Config
from unbraid.tour.cache import ChapterCache
from unbraid.tour.chapters import CHAPTERS, anchor
from unbraid.tour.context import Tour, given
from unbraid.tour.plan import side_by_side
from unbraid.tour.references import ARTICLE, cite, listed
from unbraid.tour.terminal import Terminal
from unbraid.tour.time_left import TimeLeft
from unbraid.training import Interrupted

TITLE = "Feature disentanglement on your own machine"
GENERATOR = "unbraid tour"  # by which a page of the tour is known
# about how many seconds a chapter takes to write, on the machine of benchmarks/side_by_side.py
USUAL = 3.0
SECONDS = {
    "ch03_vae_prior": 11.0,
    "ch06_infogan": 11.0,
    "ch07_beta_vae": 10.0,
    "ch09_control": 46.0,
    "ch10_speech": 10.0,
}


class Builder:
    """Writes chapters and the page as trainings finish.

    Args:
        tour: what is written about.
    """

    def __init__(self, tour: Tour) -> None:
        self.tour = tour
        self.cache = ChapterCache(tour)
        self.bodies: dict[str, str] = {}  # HTML of the chapters written
        self.stopped = ""  # the sentence that says why, once it has
        self.wrote = False  # whether the page on disk is this tour's

    # -- chapters ---------------------------------------------------------------------------------

    def ready(self) -> Sequence[str]:
        """Return the chapters not yet written whose trainings are done."""
        return [
            name
            for name, module in self.tour.modules.items()
            if name not in self.bodies and self.tour.finished.issuperset(module.needs(self.tour))
        ]

    def add_ready_chapters(self, terminal: Terminal) -> None:
        """Write the chapters whose trainings are done, the page after each."""
        for name in self.ready():
            if terminal.stop_requested():
                return
            label = f"chapter {CHAPTERS.index(name) + 1}, {self.tour.title(name)}"
            terminal.doing, begun = f"writing {label}", time.monotonic()
            fresh = self._add(name)
            terminal.doing = ""
            expected = terminal.time_left.writing.pop(name, SECONDS.get(name, USUAL))
            if fresh:
                terminal.time_left.wrote[0] += time.monotonic() - begun
                terminal.time_left.wrote[1] += expected
            self.write_page()
            terminal.line(f"wrote {label}" if fresh else f"{label}: unchanged")

    def _add(self, name: str) -> bool:
        """Render a chapter, or take it from the cache; say whether it was rendered."""
        tour = self.tour
        body = None if tour.config.figure else self.cache.read(name)
        if body is None:
            before = len(tour.files)
            self.bodies[name] = tour.modules[name].write(tour)
            if not tour.config.figure:
                self.cache.write(name, self.bodies[name], tour.files[before:])
            return True
        self.bodies[name] = body
        return False

    def writing(self, processes: int) -> dict[str, float]:
        """Return about how many seconds each chapter takes that is written after the trainings.

        Chapters whose trainings are not among the last are written beside other trainings.
        """
        left = [name for name in self.tour.jobs if name not in self.tour.finished]
        last = set(left[-processes:] if processes > 1 else left)
        return {
            name: SECONDS.get(name, USUAL)
            for name, module in self.tour.modules.items()
            if name not in self.bodies and (not left or last & set(module.needs(self.tour)))
        }

    # -- the page ---------------------------------------------------------------------------------

    def write_page(self) -> None:
        """Write the page with the chapters so far; with ``figure`` there is no page."""
        tour = self.tour
        if tour.config.figure:
            return
        entries = [
            Chapter(anchor(name), tour.title(name), self.bodies.get(name)) for name in CHAPTERS
        ]
        references = listed(introduction() + "".join(self.bodies.values()))
        page = document.render(
            TITLE,
            introduction(),
            entries,
            self.state(),
            self.footer(),
            references,
            generator=GENERATOR,
        )
        document.write(tour.path, page)
        self.wrote = True

    def state(self) -> State:
        """Return the progress of the report, in a sentence."""
        tour = self.tour
        total, done = len(tour.jobs), len(tour.finished)
        if len(self.bodies) == len(CHAPTERS):
            seconds = sum(tour.run(name).result["training"]["seconds"] for name in tour.jobs)
            minutes = max(1, round(seconds / 60))
            return State(
                f"Complete: {total} trainings, which took {minutes:,} "
                f"minute{'' if minutes == 1 else 's'} in all.",
                False,
            )
        sentence = f"{done} of {total} trainings and {len(self.bodies)} of {len(CHAPTERS)} "
        sentence += "chapters are done."
        if self.stopped:
            return State(f"{sentence} {self.stopped}", False)
        return State(sentence + " The others appear as they are finished.", True)

    def footer(self) -> str:
        """Return the end of the page: versions, data, and the commands of the trainings."""
        command = runnable(shlex.join([NAME, "tour", *self.tour.given()]))
        lines = [
            f"Written on {datetime.now().astimezone():%d %B %Y at %H:%M} by "
            f"unbraid {unbraid.__version__} with torch {torch.__version__} and Python "
            f"{platform.python_version()} on {platform.system()} ({platform.machine()}, "
            f"{os.cpu_count()} cores), by: {command}",
            "All figures (PNG, SVG) and their numbers (CSV) are also files in the folder figures "
            "beside this page.",
            "MNIST is by Yann LeCun and Corinna Cortes, CC BY-SA 3.0. The voices are made from the "
            "Free Spoken Digit Dataset by Zohar Jackson and contributors, CC BY-SA 4.0; the "
            "recording of chapter 10 and its edits are under the same licence.",
        ]
        trainings = html.commands(
            [job.command for job in self.tour.jobs.values()], "Commands that repeat each training:"
        )
        text = "".join(html.paragraph(escape(line)) for line in lines)
        return f"{text}<details><summary>The trainings</summary>{trainings}</details>"


def introduction() -> str:
    """Return the HTML above the chapters."""
    place = "The commands below run in the folder in which the tour was started."
    if (start := program()) != NAME:
        place += (
            f" They start with <code>{escape(start)}</code>, since <code>{NAME}</code> alone was "
            "not on the path when this page was written."
        )
    return "".join(
        [
            html.paragraph(
                "An image is hundreds or thousands of numbers, yet a few can describe it: which "
                "digit, how slanted, how bold. This page is about models that learn such short "
                "codes without labels, and about when each number of a code stands for one factor "
                "of the image. Such a code is called <em>disentangled</em>. The page follows the "
                f"article “Feature Disentanglement - I” ({cite(ARTICLE)}) and repeats its "
                "experiments."
            ),
            html.paragraph(
                "Two models and the judges of chapters 9 and 10 come with the package. All other "
                "models were trained on this machine while the page was written, and all other "
                "figures and numbers come from them. Each figure has the command that makes it. "
                f"{place}"
            ),
        ]
    )


# -- the whole -------------------------------------------------------------------------------------


def check_place(path: Path) -> None:
    """Raise an UnbraidError if another page than a tour's lies where the report would."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(2000)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise UnbraidError(
            f"{path.parent} is a file, expected a folder: give the tour another one with --out."
        ) from error
    except OSError as error:
        raise UnbraidError(
            f"cannot read {path}: {error.strerror or error}; give the tour another folder with "
            "--out."
        ) from error
    if f'content="{GENERATOR}' not in start:
        raise UnbraidError(
            f"{path} is not a page of the tour, so it is left as it is: move it away, or give the "
            "tour another folder with --out."
        )


def build(config: Config) -> Path:
    """Train, write the report while training, and return its path."""
    if not config.figure:
        check_place(config.out / "index.html")
    tour = Tour(config)
    # two tours in one folder would write each other's page; a figure alone writes none
    with nullcontext() if config.figure else locked(config.out):
        _train_and_write(Builder(tour))
    made = tour.files_of(config.figure) if config.figure else [tour.path]
    print(*made, sep="\n")
    return made[0]


def _train_and_write(builder: Builder) -> None:
    """Run the trainings that are left, and write each chapter once it can be."""
    tour = builder.tour
    if not tour.path.exists():  # an earlier page stays until the first chapter is written
        builder.write_page()
    left = [job for name, job in tour.jobs.items() if name not in tour.finished]
    processes = side_by_side(tour.config)
    time_left = TimeLeft(left, min(processes, max(1, len(left))), tour.config.images)
    with Terminal(time_left) as terminal, training.threads(1 if processes > 1 else 0):
        _announce(tour, terminal)
        started = False

        def on_event(event: Event) -> None:
            nonlocal started
            first, started = not started, True
            if event.kind == "done":
                tour.finished.add(event.job)
                builder.write_page()
            if event.kind == "done" or first:
                time_left.writing = builder.writing(processes)
            terminal.on_event(event)
            if event.kind == "done" or first:
                # the first chapters, which need no training, are written beside the first one
                builder.add_ready_chapters(terminal)

        try:
            if not left:
                time_left.writing = builder.writing(processes)
                builder.add_ready_chapters(terminal)
            run_all(left, processes, on_event, terminal.stop_requested)
            if terminal.stop_requested():
                raise Interrupted
        except BaseException as error:
            _stop(builder, terminal, error)
        terminal.line("done")


def _announce(tour: Tour, terminal: Terminal) -> None:
    """Say where the page is, and how its commands start."""
    if not tour.config.figure:
        terminal.line(f"the page, which grows chapter by chapter, is {tour.path}")
    if program() != NAME:
        terminal.line(f"its commands start with {program()}, since {NAME} is not on the path")


def _stop(builder: Builder, terminal: Terminal, error: BaseException) -> NoReturn:
    """Say in the page and on the terminal how to continue, and raise the error."""
    again = runnable(shlex.join([NAME, "tour", *given(builder.tour.config)]))
    builder.stopped = f"The tour was stopped. Continue it with: {again}"
    if builder.wrote:
        with suppress(UnbraidError):  # the first error is the one to report
            builder.write_page()
    if not isinstance(error, Interrupted):
        raise error
    terminal.line(f"stopped; all is saved. Continue with: {again}")
    raise KeyboardInterrupt from None
