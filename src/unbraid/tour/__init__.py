"""The tour: the founding article retold as a report made on the reader's own machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unbraid.errors import UnbraidError


@dataclass(frozen=True)
class Config:
    """Options of the tour.

    Args:
        out: the folder of the report and of its runs; a tour started again uses what is there.
        seeds: trainings of each model with two latents, which differ in nothing but their seed.
        epochs: of every training, in place of each one's own: 1 gives a first look.
        images: train on the first so many images of MNIST only.
        jobs: trainings side by side; 0 takes as many as there are cores, at most four.
    """

    out: Path = Path("report")
    seeds: int = 3
    epochs: int | None = None
    images: int | None = None
    jobs: int = 0

    def __post_init__(self) -> None:
        least = {"seeds": 1, "epochs": 1, "images": 500, "jobs": 0}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise UnbraidError(f"{name} is {value}, expected {bound} or more.")


def run(config: Config) -> Path:
    """Train the tour's models, write its report while they train, and return the report's path.

    Raises:
        UnbraidError: the folder cannot be written or holds something else, or a training failed.
        KeyboardInterrupt: stopped by Ctrl-C, once all is saved.

    >>> run(Config(out=Path("report")))  # doctest: +SKIP
    PosixPath('report/index.html')
    """
    from unbraid.tour._report import make

    return make(config)
