"""Figures: each file here is one, and its name is a command, ``unbraid NAME RUN``.

A figure's module defines ``TARGET`` ("run" or "dataset"), a frozen dataclass ``Config`` (its
options) and ``draw(target, config) -> matplotlib.figure.Figure``; one that moves also defines
``animate(target, config) -> list of PIL images``, written where the path ends in .gif, and one that
has more to tell ``report(target, config) -> list of lines``, which its command prints.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from unbraid.errors import UnbraidError
from unbraid.files import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.datasets import Dataset
    from unbraid.runs import Run

SUFFIXES = (".png", ".svg", ".pdf")


def _run(name: str) -> Run:
    from unbraid.runs import Run

    return Run(name)


def _dataset(name: str, **options: Any) -> Dataset:
    from unbraid.datasets import load_dataset

    return load_dataset(name, **options)


TARGETS: dict[str, Callable[..., Any]] = {"run": _run, "dataset": _dataset}


def produce(module: ModuleType, name: str, target: Any, config: Any, out: Path | None) -> Path:
    """Draw a figure and write it where asked, or under its name in the run's folder.

    Returns:
        The path written.

    Raises:
        UnbraidError: a suffix that is not a format the figure has, or a path not to be written.
    """
    path = out or getattr(target, "folder", Path()) / f"{name}.png"
    animated = hasattr(module, "animate")
    allowed = [*SUFFIXES, ".gif"] if animated else [*SUFFIXES]
    if path.suffix.lower() not in allowed:
        raise UnbraidError(
            f"cannot write '{path}': a figure's path ends in {', '.join(allowed)}, "
            f"found '{path.suffix or 'no suffix'}'."
        )
    if path.suffix.lower() == ".gif":
        frames = module.animate(target, config)
        with atomic(path) as temporary:
            frames[0].save(
                temporary,
                format="GIF",
                save_all=True,
                append_images=frames[1:],
                duration=80,
                loop=0,
            )
    else:
        save(module.draw(target, config), path)
    return path


def report(module: ModuleType, target: Any, config: Any) -> list[str]:
    """Return what a figure's command prints besides, in lines of text."""
    lines: list[str] = module.report(target, config) if hasattr(module, "report") else []
    return lines


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF by its path's suffix, whole or not at all."""
    kind = path.suffix[1:].lower()
    # by this a folder of images knows a figure that was written into it
    about = {"Software": "unbraid"} if kind == "png" else None
    with atomic(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=150, metadata=about)
