"""Figures: each file here is one, and its name is a command, ``unbraid NAME RUN``.

A figure's module defines ``TARGET`` ("run" or "dataset"), a frozen dataclass ``Config`` (its
options) and ``draw(target, config) -> matplotlib.figure.Figure``; one that moves also defines
``animate(target, config) -> list of PIL images``, written where the path ends in .gif.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from unbraid.errors import UnbraidError
from unbraid.files import atomic, expand

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.datasets import Dataset
    from unbraid.runs import Run

SUFFIXES = (".png", ".svg", ".pdf")


def _run(name: str, data: str = "") -> Run:
    from unbraid.runs import Run

    return Run(name, data=data)


def _dataset(name: str) -> Dataset:
    from unbraid.datasets import load_dataset

    return load_dataset(name)


TARGETS: dict[str, Callable[..., Any]] = {"run": _run, "dataset": _dataset}


def produce(module: ModuleType, name: str, target: Any, config: Any, out: Path | None) -> Path:
    """Draw a figure and write it where asked, or under its name in the run's folder.

    Returns:
        The path written.

    Raises:
        UnbraidError: a suffix that is not a format the figure has, or a path not to be written.
    """
    path = expand(out) if out else getattr(target, "folder", Path()) / f"{name}.png"
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


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF by its path's suffix, whole or not at all."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=150)
