"""The tour: a report that repeats the experiments of "Feature Disentanglement - I" locally."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand


@dataclass(frozen=True)
class Config:
    """Options of the tour.

    Args:
        out: the folder of the report and of its runs; a tour started again uses what is there.
        quick: fewer, shorter trainings: within five minutes on two idle cores.
        full: longer trainings, five seeds of each and ten of the beta-VAE and beta-TCVAE, for
            reliable figures: hours.
        seeds: trainings of each model, which differ only in their seed; 0 takes six of those with
            two latents and, of the others, two (quick), three, or five (full; ten of the beta-VAE
            and beta-TCVAE).
        figure: make this figure alone, by the name in its command in the report.
        epochs: of every training, instead of its own number; 1 is a quick check.
        images: train on that many images, a random subset that is always the same.
        jobs: trainings side by side; 0 takes as many as there are cores, at most four.
    """

    out: Annotated[Path, arg(aliases=["-o"])] = Path("report")
    quick: bool = False
    full: bool = False
    seeds: int = 0
    figure: str = ""
    epochs: int | None = None
    images: int | None = None
    jobs: int = 0

    def __post_init__(self) -> None:
        least = {"seeds": 0, "epochs": 1, "images": 500, "jobs": 0}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise UnbraidError(f"{name} is {value}, expected {bound} or more.")
        if self.quick and self.full:
            raise UnbraidError("quick and full are both given: choose one of them.")
        if self.full and 0 < self.seeds < 5:
            raise UnbraidError(f"seeds is {self.seeds}, expected 5 or more with full.")


def run(config: Config) -> Path:
    """Train the tour's models, write its report while they train, and return the report's path.

    Returns:
        The report's page; of a single ``figure``, its file.

    Raises:
        UnbraidError: the folder cannot be written or holds something else, there is no such
            figure, or a training failed.
        KeyboardInterrupt: stopped by Ctrl-C, once all is saved.

    >>> run(Config(out=Path("report")))  # doctest: +SKIP
    PosixPath('report/index.html')
    """

    from unbraid.tour.builder import build

    return build(replace(config, out=expand(config.out)))
