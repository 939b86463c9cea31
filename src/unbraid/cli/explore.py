"""``unbraid explore RUN [RUN2]``: a run as a page, opened in the browser."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from pathlib import Path

from unbraid.core.parsing import one_or_two_runs, parse


@dataclass(frozen=True)
class Options:
    """Options of the explorer.

    Args:
        out: where to write the page, ending in .html; by default the cache folder.
        open: open the page in the browser; ``--no-open`` only writes it.
        float32: keep weights in single precision; the page is about twice as large.
        data: the present path of the run's data if they were moved.
    """

    out: Path | None = None
    open: bool = True
    float32: bool = False
    data: str = ""


def explore(args: list[str]) -> None:
    """Write the page of one run or two, open it, and print its path."""
    import tyro

    runs, args = one_or_two_runs(args, "unbraid explore")
    flags = tyro.conf.FlagCreatePairsOff[Options]
    about = "Open a run in the browser: sliders, your own images, a map of codes."
    given = parse(flags, args, "unbraid explore RUN [RUN2]", about)
    from unbraid.explorer import api, page

    path = page.write(
        runs, given.out or api.cached_path(runs), float32=given.float32, data=given.data
    )
    print(path)
    if given.open:
        webbrowser.open(path.absolute().as_uri())
