"""What chapters are given: the options of the tour, its trainings and their finished runs."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.datasets import Dataset, load_dataset
from unbraid.datasets.digits import Digits
from unbraid.runs import Run
from unbraid.tour import Config, chapters
from unbraid.tour.plan import Job, curve_name, digits, mnist, plan, plane_seeds, scale


def given(config: Config, leave: Sequence[str] = ()) -> list[str]:
    """Return the options that are not at their default, as the command line takes them."""
    words = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != field.default and field.name not in leave:
            words += [f"--{field.name}"] if value is True else [f"--{field.name}", str(value)]
    return words


class Tour:
    """The options, the trainings and their finished runs, and the files of figures written.

    Args:
        config: the options.

    Raises:
        UnbraidError: there is no such figure, or a run folder holds another run.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.path = config.out / "index.html"
        self.figures = config.out / "figures"
        self.scale = scale(config)
        self.modules: dict[str, ModuleType] = {
            name: chapters.load(name) for name in chapters.CHAPTERS
        }
        if config.figure:  # before anything is written: there may be no such figure
            chapter = self.chapter_of(config.figure)
            self.modules = {chapter: self.modules[chapter]}
        self.jobs: dict[str, Job] = plan(config)
        if config.figure:
            needed = self.modules[chapter].needs(self)
            self.jobs = {name: self.jobs[name] for name in self.jobs if name in needed}
        self.finished = {name for name, job in self.jobs.items() if job.finished()}
        self.made: list[Path] = []  # images written, as PNG
        self.files: list[Path] = []  # all files of figures written

    # -- trainings --------------------------------------------------------------------------------

    def run(self, name: str) -> Run:
        """Return the finished run of a training."""
        return Run(self.jobs[name].folder)

    def folder(self, name: str) -> str:
        """Return a training's run folder, quoted for a shell."""
        return shlex.quote(self.jobs[name].folder.as_posix())

    def plane(self, method: str) -> list[str]:
        """Return the names of a method's trainings with two latents, by seed."""
        return [f"{method}-2d-{seed}" for seed in range(plane_seeds(self.config))]

    def sized(self, latents: int) -> list[str]:
        """Return the names of the autoencoders with so many latents, by seed."""
        return self.plane("ae") if latents == 2 else self.seeds(f"ae-{latents}d")

    def seeds(self, stem: str) -> list[str]:
        """Return the names of the trainings ``STEM-SEED``, by seed."""
        return [name for name in self.jobs if name.rpartition("-")[0] == stem]

    def curve(self, method: str) -> dict[int, list[str]]:
        """Return the names of a method's trainings by beta, each list by seed."""
        return {beta: self.seeds(curve_name(method, beta)) for beta in self.scale.betas}

    # -- data -------------------------------------------------------------------------------------

    def data(self, split: str = "train") -> tuple[str, Dataset]:
        """Return the name of the tour's handwritten digits in commands, and the images."""
        data = mnist(self.config)
        name = shlex.quote(data["data_options"].get("path", data["data"]))
        return name, load_dataset(data["data"], split, **data["data_options"])

    def drawn(self, split: str = "train") -> Digits:
        """Return the digits with known factors that the tour trains on."""
        data = load_dataset("digits", split, **digits(self.config)["data_options"])
        assert isinstance(data, Digits)
        return data

    # -- figures ----------------------------------------------------------------------------------

    def given(self) -> list[str]:
        """Return the options of a command that makes one figure of this tour."""
        return given(self.config, leave=("figure",))

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

    def title(self, chapter: str) -> str:
        """Return a chapter's title."""
        title: str = self.modules[chapter].TITLE
        return title

    def files_of(self, figure: str) -> list[Path]:
        """Return the PNG files of a figure that were written, one an image."""
        return [
            path for path in self.made if path.stem == figure or path.stem.startswith(f"{figure}-")
        ]
