"""The tour's course: trainings run, and each chapter is written once its trainings are there."""

from __future__ import annotations

import dataclasses
import importlib
import os
import platform
import shlex
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from html import escape
from pathlib import Path
from types import ModuleType

import torch

import unbraid
from unbraid import training
from unbraid.datasets import Dataset, load_dataset
from unbraid.datasets.digits import Digits
from unbraid.errors import UnbraidError, did_you_mean
from unbraid.runs import Run
from unbraid.store import locked
from unbraid.tour import Config, _page
from unbraid.tour._commands import NAME, program, runnable
from unbraid.tour._jobs import (
    Job,
    curve_name,
    digits,
    mnist,
    plan,
    plane_seeds,
    scale,
    side_by_side,
)
from unbraid.tour._kept import Kept
from unbraid.tour._outlook import Outlook
from unbraid.tour._page import Chapter, State
from unbraid.tour._references import ARTICLE, cite, listed
from unbraid.tour._terminal import Terminal
from unbraid.tour._workers import Event, train_all
from unbraid.training import Interrupted

TITLE = "Feature disentanglement, seen on your own machine"
# Each is a file here: TITLE, FIGURES, the names of its figures, ``needs(tour)``, the names of its
# trainings, and ``write(tour)``, its HTML. They appear in this order, each as soon as its trainings
# are done.
CHAPTERS = (
    "squeezing",
    "wandering",
    "staying",
    "asking",
    "factors",
    "finding",
    "weighing",
    "parting",
    "steering",
    "onward",
)
# about how long a chapter takes to write, on the machine of benchmarks/side_by_side.py
USUAL = 3.0
SECONDS = {"staying": 11.0, "finding": 11.0, "weighing": 10.0, "steering": 46.0}


class Tour:
    """What chapters are told: the options, the trainings and their finished runs."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.path = config.out / "index.html"
        self.figures = config.out / "figures"
        self.scale = scale(config)
        self.modules: dict[str, ModuleType] = {
            name: importlib.import_module(f"unbraid.tour.{name}") for name in CHAPTERS
        }
        if config.figure:  # before anything is written: there may be no such figure
            chapter = self.chapter_of(config.figure)
            self.modules = {chapter: self.modules[chapter]}
        self.jobs: dict[str, Job] = plan(config)
        if config.figure:
            needed = self.modules[chapter].needs(self)
            self.jobs = {name: self.jobs[name] for name in self.jobs if name in needed}
        self.finished = {name for name, job in self.jobs.items() if job.finished()}
        self.stopped = ""  # the sentence that says why, once it has
        self.wrote = False  # whether the page that lies there is this tour's
        self.bodies: dict[str, str] = {}
        self.made: list[Path] = []  # images written, as PNG
        self.files: list[Path] = []  # all files of figures written
        self.kept = Kept(self)

    # -- for chapters -----------------------------------------------------------------------------

    def run(self, name: str) -> Run:
        """Return the finished run of a training."""
        return Run(self.jobs[name].folder)

    def folder(self, name: str) -> str:
        """Return a training's run folder, as a command names it."""
        return shlex.quote(self.jobs[name].folder.as_posix())

    def plane(self, method: str) -> list[str]:
        """Return the names of a method's trainings with two latents, by seed."""
        return [f"{method}-2d-{seed}" for seed in range(plane_seeds(self.config))]

    def sized(self, latents: int) -> list[str]:
        """Return the names of the autoencoders with so many latents, by seed."""
        return self.plane("ae") if latents == 2 else self.seeds(f"ae-{latents}d")

    def seeds(self, stem: str) -> list[str]:
        """Return the names of the trainings that start so, by seed."""
        return [name for name in self.jobs if name.rpartition("-")[0] == stem]

    def curve(self, method: str) -> dict[int, list[str]]:
        """Return the names of a method's trainings by beta, each list by seed."""
        return {beta: self.seeds(curve_name(method, beta)) for beta in self.scale.betas}

    def given(self) -> list[str]:
        """Return the options of a command that makes one figure of this tour."""
        return given(self.config, leave=("figure",))

    def data(self, split: str = "train") -> tuple[str, Dataset]:
        """Return what commands call the handwritten digits of the tour, and the images."""
        data = mnist(self.config)
        name = shlex.quote(data["data_options"].get("path", data["data"]))
        return name, load_dataset(data["data"], split, **data["data_options"])

    def drawn(self, split: str = "train") -> Digits:
        """Return the digits drawn under known factors that the tour trains on."""
        data = load_dataset("digits", split, **digits(self.config)["data_options"])
        assert isinstance(data, Digits)
        return data

    # -- the course -------------------------------------------------------------------------------

    def ready(self) -> Sequence[str]:
        """Return the chapters not yet written whose trainings are done."""
        return [
            name
            for name, module in self.modules.items()
            if name not in self.bodies and self.finished.issuperset(module.needs(self))
        ]

    def chapter_of(self, figure: str) -> str:
        """Return the chapter that has a figure."""
        known = {name: chapter for chapter in self.modules for name in self.names(chapter)}
        if figure not in known:
            raise UnbraidError(
                f"there is no figure '{figure}'{did_you_mean(figure, known)}: "
                f"they are {', '.join(known)}."
            )
        return known[figure]

    def names(self, chapter: str) -> Sequence[str]:
        """Return the names of a chapter's figures."""
        names: Sequence[str] = self.modules[chapter].FIGURES
        return names

    def add_ready_chapters(self, terminal: Terminal) -> None:
        """Write the chapters that can be written, the page after each."""
        for name in self.ready():
            if terminal.stop_requested():
                return
            told = f"chapter {CHAPTERS.index(name) + 1}, {self.title(name)}"
            terminal.doing, begun = f"writing {told}", time.monotonic()
            fresh = self._add(name)
            terminal.doing = ""
            expected = terminal.outlook.writing.pop(name, SECONDS.get(name, USUAL))
            if fresh:
                terminal.outlook.wrote[0] += time.monotonic() - begun
                terminal.outlook.wrote[1] += expected
            self.write_page()
            terminal.line(f"wrote {told}" if fresh else f"{told}: as before")

    def _add(self, name: str) -> bool:
        """Render a chapter, or take the kept one; say whether it was rendered."""
        body = None if self.config.figure else self.kept.read(name)
        if body is None:
            before = len(self.files)
            self.bodies[name] = self.modules[name].write(self)
            if not self.config.figure:
                self.kept.write(name, self.bodies[name], self.files[before:])
            return True
        self.bodies[name] = body
        return False

    def writing(self, processes: int) -> dict[str, float]:
        """Return about how many seconds each chapter takes that is written after the trainings.

        Side by side with trainings, only those wait that tell of the last of them.
        """
        left = [name for name in self.jobs if name not in self.finished]
        last = set(left[-processes:] if processes > 1 else left)
        return {
            name: SECONDS.get(name, USUAL)
            for name, module in self.modules.items()
            if name not in self.bodies and (not left or last & set(module.needs(self)))
        }

    def title(self, name: str) -> str:
        """Return a chapter's title."""
        title: str = self.modules[name].TITLE
        return title

    def write_page(self) -> None:
        """Write the page as it stands; for a figure alone there is none."""
        if self.config.figure:
            return
        chapters = [Chapter(name, self.title(name), self.bodies.get(name)) for name in CHAPTERS]
        references = listed(intro() + "".join(self.bodies.values()))
        _page.write(
            self.path,
            _page.render(TITLE, intro(), chapters, self.state(), self.foot(), references),
        )
        self.wrote = True

    def state(self) -> State:
        """Say where the report stands."""
        total, done = len(self.jobs), len(self.finished)
        if len(self.bodies) == len(CHAPTERS):
            seconds = sum(self.run(name).result["training"]["seconds"] for name in self.jobs)
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

    def made_of(self, figure: str) -> list[Path]:
        """Return the files of a figure that were written, one an image."""
        return [
            path for path in self.made if path.stem == figure or path.stem.startswith(f"{figure}-")
        ]

    def foot(self) -> str:
        """Return the page's last words: versions, data and how it was trained."""
        lines = [
            f"Written on {datetime.now().astimezone():%d %B %Y at %H:%M} by "
            f"unbraid {unbraid.__version__} with torch {torch.__version__} and Python "
            f"{platform.python_version()} on {platform.system()} ({platform.machine()}, "
            f"{os.cpu_count()} cores), by: {runnable(shlex.join([NAME, 'tour', *self.given()]))}",
            "All figures (PNG, SVG) and their numbers (CSV) are also files in the folder figures "
            "beside this page.",
            "MNIST is by Yann LeCun and Corinna Cortes, CC BY-SA 3.0.",
        ]
        trainings = _page.commands(
            [job.command for job in self.jobs.values()], "Each can be repeated by hand:"
        )
        text = "".join(_page.paragraph(escape(line)) for line in lines)
        return f"{text}<details><summary>The trainings</summary>{trainings}</details>"


def intro() -> str:
    """Return what stands above the chapters, HTML."""
    place = "The commands below run in the folder in which the tour was started."
    if (start := program()) != NAME:
        place += (
            f" They start with <code>{escape(start)}</code>, since <code>{NAME}</code> alone was "
            "not on the path when this page was written."
        )
    return "".join(
        [
            _page.paragraph(
                "An image is hundreds or thousands of numbers, yet a few would do to describe it: "
                "which digit, how slanted, how bold. This page is about models that find such "
                "short descriptions without labels, and about what it takes for each number in "
                "them to mean one thing. This is what <em>disentangled</em> means. The page "
                f"follows the article “Feature Disentanglement - I” ({cite(ARTICLE)}) and repeats "
                "its experiments."
            ),
            _page.paragraph(
                "Nothing here was prepared in advance except one model and its judge, in chapter "
                "9. All other models were trained on this machine while the page was written, and "
                "every picture and number comes from them. The commands make each again, for you "
                f"to change. {place}"
            ),
        ]
    )


def make(config: Config) -> Path:
    """Train, write the report while training, and return its path."""
    if not config.figure:
        _page.check_place(config.out / "index.html")
    tour = Tour(config)
    # two tours in one folder would write each other's page; a figure alone writes none
    with nullcontext() if config.figure else locked(config.out):
        return _make(tour, config)


def _make(tour: Tour, config: Config) -> Path:
    if not tour.path.exists():  # a page from before stays until the first chapter
        tour.write_page()
    left = [job for name, job in tour.jobs.items() if name not in tour.finished]
    processes = side_by_side(config)
    outlook = Outlook(left, min(processes, max(1, len(left))), config.images)
    with Terminal(outlook) as terminal, training.threads(1 if processes > 1 else 0):
        if not config.figure:
            terminal.line(f"the report grows at {tour.path}")
        if program() != NAME:
            terminal.line(f"its commands start with {program()}, since {NAME} is not on the path")
        begun = False

        def hear(event: Event) -> None:
            nonlocal begun
            if event.kind == "done":
                tour.finished.add(event.job)
                tour.write_page()
            if event.kind == "done" or not begun:
                outlook.writing = tour.writing(processes)
            terminal.event(event)
            if event.kind == "done" or not begun:
                # the first chapters, which wait for no training, are written beside the first
                begun = True
                tour.add_ready_chapters(terminal)

        try:
            if not left:
                outlook.writing = tour.writing(processes)
                tour.add_ready_chapters(terminal)
            train_all(left, processes, hear, terminal.stop_requested)
            if terminal.stop_requested():
                raise Interrupted
        except BaseException as error:
            again = runnable(shlex.join([NAME, "tour", *given(config)]))
            tour.stopped = f"The tour was stopped; go on with: {again}"
            if tour.wrote:
                with suppress(UnbraidError):  # the first error is the one to tell
                    tour.write_page()
            if not isinstance(error, Interrupted):
                raise
            terminal.line(f"stopped; all is saved. Continue with: {again}")
            raise KeyboardInterrupt from None
        terminal.line("done")
    made = tour.made_of(config.figure) if config.figure else [tour.path]
    print(*made, sep="\n")
    return made[0]


def given(config: Config, leave: Sequence[str] = ()) -> list[str]:
    """Return the options that are not at their default, as the command line takes them."""
    words = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != field.default and field.name not in leave:
            words += [f"--{field.name}"] if value is True else [f"--{field.name}", str(value)]
    return words
