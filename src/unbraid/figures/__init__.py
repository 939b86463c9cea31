"""Figures: each file here is one, and its name is a command, ``unbraid NAME RUN``.

A figure's module defines ``TARGET`` ("run" or "dataset"), a frozen dataclass ``Config`` (its
options) and ``draw(target, config) -> matplotlib.figure.Figure``; one that moves also defines
``animate(target, config) -> list of PIL images``, written where the path ends in .gif, one that can
be heard ``page(target, config) -> HTML``, written where it ends in .html, and one that prints text
besides ``report(target, config) -> list of lines``, with ``facts`` (a dict, for ``--json``) and
``records`` (a flat dict for each row of ``--csv``) of the same arguments.

What figures share (colours, titles, grids of images, codes of held-out images) can be imported from
here. It is loaded when first used, since it needs matplotlib or torch.
"""

from __future__ import annotations

import functools
import importlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, expand

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from unbraid.datasets import Dataset
    from unbraid.figures._categories import Order as Order
    from unbraid.figures._categories import order_of as order_of
    from unbraid.figures._codes import Codes as Codes
    from unbraid.figures._codes import Latent as Latent
    from unbraid.figures._codes import encode as encode
    from unbraid.figures._codes import one_of_each as one_of_each
    from unbraid.figures._matched import MatchedConfig as MatchedConfig
    from unbraid.figures._matched import draw_matched as draw_matched
    from unbraid.figures._matched import rank_correlations as rank_correlations
    from unbraid.figures._style import GREY as GREY
    from unbraid.figures._style import PALETTE as PALETTE
    from unbraid.figures._style import WIDTH as WIDTH
    from unbraid.figures._style import as_pictures as as_pictures
    from unbraid.figures._style import image_grid as image_grid
    from unbraid.figures._style import new_figure as new_figure
    from unbraid.figures._style import styled as styled
    from unbraid.figures._style import title as title
    from unbraid.library import Data
    from unbraid.methods import Method
    from unbraid.runs import Run

SUFFIXES = (".png", ".svg", ".pdf")
PAGES = (".html",)  # of figures that define ``page``
# Where each shared name lives.
_HOME = {
    **dict.fromkeys(("Order", "order_of"), "_categories"),
    **dict.fromkeys(("Codes", "Latent", "encode", "one_of_each"), "_codes"),
    **dict.fromkeys(("MatchedConfig", "draw_matched", "rank_correlations"), "_matched"),
    **dict.fromkeys(
        ("GREY", "PALETTE", "WIDTH", "as_pictures", "image_grid", "new_figure", "styled", "title"),
        "_style",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _run(name: str, data: str = "") -> Run:
    from unbraid.runs import Run

    return Run(name, data=data)


def _dataset(name: str, **options: Any) -> Dataset:
    from unbraid.datasets import load_dataset

    return load_dataset(name, **options)


TARGETS: dict[str, Callable[..., Any]] = {"run": _run, "dataset": _dataset}


def load(name: str) -> ModuleType:
    """Return a figure's module.

    Raises:
        UnbraidError: an unknown figure, or one of a package that is drawn of something unknown.
    """
    module = registry.load("figures", name)
    if module.TARGET not in TARGETS:
        raise UnbraidError(
            f"the figure {name} has the TARGET {module.TARGET!r}, expected "
            f"{' or '.join(map(repr, TARGETS))}: install its package in another version."
        )
    return module


def draw(
    name: str, target: Run | Method | Data, *, data: Data | None = None, **options: Any
) -> Figure:
    """Return a figure, as ``unbraid NAME`` draws it; a notebook shows it.

    Args:
        name: the figure's, such as ``"traverse"``.
        target: a run, its folder, or a model in memory; of ``"show"``, a data set or its name.
        data: images that the model was not trained on, in the place of the run's own; needed for a
            model that ``unbraid.train`` did not train.
        **options: those of the figure, the fields of its ``Config``.

    Raises:
        UnbraidError: an unknown figure or option, or a target that it cannot be drawn of.

    >>> figure = draw("traverse", model, rows=5)  # doctest: +SKIP
    >>> figure.savefig("traverse.pdf")  # doctest: +SKIP
    """
    module, opened, config = _opened(name, target, data, options)
    figure: Figure = module.draw(opened, config)
    vars(figure)["_repr_png_"] = functools.partial(_png, figure)  # what notebooks ask for
    return figure


def _png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG."""
    from unbraid.figures._style import styled

    file = io.BytesIO()
    styled(figure.savefig)(file, format="png", dpi=150)
    return file.getvalue()


def write(
    name: str,
    target: Run | Method | Data,
    path: str | Path,
    *,
    data: Data | None = None,
    **options: Any,
) -> Path:
    """Write a figure as PNG, SVG, PDF or, where it can move, GIF, by the path's suffix.

    Args:
        name: the figure's.
        target: what it is drawn of, as for ``draw``.
        path: where to.
        data: as for ``draw``.
        **options: those of the figure.

    Returns:
        The path.

    Raises:
        UnbraidError: as ``draw``, or a path that cannot be written.

    >>> write("traverse", "runs/first", "moving.gif", rows=3)  # doctest: +SKIP
    """
    module, opened, config = _opened(name, target, data, options)
    return produce(module, name, opened, config, Path(path))


def _opened(
    name: str, target: Any, data: Data | None, options: dict[str, Any]
) -> tuple[ModuleType, Any, Any]:
    """Return a figure's module, what it is drawn of, and its options."""
    from unbraid.library import dataset_of, memory_run
    from unbraid.methods import Method
    from unbraid.runs import Run

    module = load(name)
    config = registry.build(module.Config, options, f"figure {name}")
    if module.TARGET == "dataset":
        return module, dataset_of(target), config
    if isinstance(target, Method):
        return module, memory_run(target, data), config
    if not isinstance(target, Run | str | os.PathLike):
        raise UnbraidError(
            f"{name} is drawn of a run, its folder or a model, found {type(target).__name__}."
        )
    run = target if isinstance(target, Run) else Run(target)
    return module, run if data is None else memory_run(run.model(), data), config


def produce(module: ModuleType, name: str, target: Any, config: Any, out: Path | None) -> Path:
    """Draw a figure and write it where asked, or under its name in the run's folder.

    Returns:
        The path written.

    Raises:
        UnbraidError: a suffix that is not a format the figure has, or a path not to be written.
    """
    path = expand(out) if out else getattr(target, "folder", Path()) / f"{name}.png"
    animated = hasattr(module, "animate")
    paged = hasattr(module, "page")
    check_suffix(path, animated=animated, paged=paged)
    if path.suffix.lower() in PAGES:
        html = module.page(target, config)
        with atomic(path) as temporary:
            temporary.write_text(html, encoding="utf-8")
    elif path.suffix.lower() == ".gif":
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


def check_suffix(path: Path, *, animated: bool = False, paged: bool = False) -> None:
    """Raise an UnbraidError unless a path ends in a format that a figure can be written in."""
    allowed = [*SUFFIXES, *([".gif"] if animated else []), *(PAGES if paged else [])]
    if path.suffix.lower() not in allowed:
        raise UnbraidError(
            f"cannot write '{path}': a figure's path ends in {', '.join(allowed)}, "
            f"found '{path.suffix or 'no suffix'}'."
        )


def report(module: ModuleType, target: Any, config: Any) -> list[str]:
    """Return the lines of text that a figure's command prints."""
    lines: list[str] = module.report(target, config) if hasattr(module, "report") else []
    return lines


def facts(module: ModuleType, target: Any, config: Any) -> dict[str, Any]:
    """Return what a figure's command prints as JSON."""
    found: dict[str, Any] = module.facts(target, config)
    return found


def records(module: ModuleType, target: Any, config: Any) -> list[dict[str, Any]]:
    """Return the rows that a figure's command prints as CSV."""
    found: list[dict[str, Any]] = module.records(target, config)
    return found


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF by its path's suffix, whole or not at all."""
    from unbraid.figures._style import styled

    kind = path.suffix[1:].lower()
    # by this a folder of images knows a figure that was written into it
    about = {"Software": "unbraid"} if kind == "png" else None
    with atomic(path) as temporary:
        styled(figure.savefig)(temporary, format=kind, dpi=150, metadata=about)
