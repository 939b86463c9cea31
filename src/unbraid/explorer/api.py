"""The explorer for Python: a run or a model in memory as a page, shown in a notebook or saved."""

from __future__ import annotations

import hashlib
import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic, cache_folder, expand
from unbraid.explorer import page
from unbraid.library import memory_run
from unbraid.methods import Method
from unbraid.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unbraid.library import Data

HEIGHT = 820  # pixels of the frame in a notebook


@dataclass(frozen=True)
class Explorer:
    """A page that shows a model: a notebook shows it in a frame, ``save`` writes it.

    Args:
        html: the page.
        height: pixels of the frame in a notebook.
    """

    html: str
    height: int = HEIGHT

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page as a file that opens in any browser, and return its path.

        Raises:
            UnbraidError: a path that does not end in .html, or cannot be written.
        """
        place = page.html_path(path)
        with atomic(place) as temporary:
            temporary.write_text(self.html, encoding="utf-8")
        return place

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, as notebooks show it."""
        # In ASCII: a host that says no encoding would change scripts, and their hashes with them.
        inner = html.escape(self.html).encode("ascii", "xmlcharrefreplace").decode("ascii")
        return (
            f'<iframe title="unbraid explorer" srcdoc="{inner}" width="100%" '
            f'height="{self.height}" sandbox="allow-scripts allow-downloads" '
            'style="border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Explorer(html=<{len(self.html) / 1e6:.1f} MB>, height={self.height})"


def explore(
    target: Method | Run | str | os.PathLike[str],
    data: Data | None = None,
    *,
    other: Run | str | os.PathLike[str] | None = None,
    float32: bool = False,
    height: int = HEIGHT,
) -> Explorer:
    """Return a model as a page to explore it: sliders, one's own images, a map of codes.

    The page computes in the browser and connects to nothing.

    Args:
        target: a model in memory, a run or its folder.
        data: images that the model was not trained on, in the place of the run's own; needed for
            a model that ``unbraid.train`` did not train.
        other: a second run, which is shown beside the first.
        float32: keep the networks' weights in single precision.
        height: pixels of the frame in a notebook.

    Raises:
        UnbraidError: a run that cannot be opened, no images, or a model that cannot be exported.

    >>> page = explore("runs/first")  # doctest: +SKIP
    >>> page.save("first.html")  # doctest: +SKIP
    """
    runs = [_run(target, data)]
    if other is not None:
        runs.append(_run(other, None))
    return Explorer(page.page(runs, float32=float32), height)


def _run(target: Method | Run | str | os.PathLike[str], data: Data | None) -> Run:
    if isinstance(target, Method):
        return memory_run(target, data)
    if not isinstance(target, Run | str | os.PathLike):
        raise UnbraidError(
            f"explore takes a model, a run or its folder, found {type(target).__name__}."
        )
    run = target if isinstance(target, Run) else Run(target)
    return run if data is None else memory_run(run.model(), data)


def cached_path(runs: Sequence[str]) -> Path:
    """Return where ``unbraid explore`` writes the page of runs: the same place each time."""
    folders = [expand(run).absolute() for run in runs]
    key = hashlib.sha256("\n".join(map(str, folders)).encode("utf-8", "surrogateescape"))
    name = "-".join(folder.name for folder in folders)[:60] or "run"
    return cache_folder() / "explorer" / f"{name}-{key.hexdigest()[:8]}.html"
