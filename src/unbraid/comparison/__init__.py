"""Runs side by side: scores, the options in which they differ, speed, size, and their latents.

``compare`` collects one table, which is written for a terminal, as CSV, LaTeX or Markdown, and
draws traversals in which each row is the same latent of every run, as far as there is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unbraid.comparison import formats
from unbraid.comparison.table import Row, names_of, notes_of, rows_of
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.metrics import PROTOCOLS
from unbraid.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison", "Row", "compare"]


@dataclass(frozen=True)
class Comparison:
    """A table of runs.

    Args:
        runs: finished runs.
        names: what each is called.
        rows: a quantity each, with a value for every run.
        notes: sentences on what is not comparable, or not held out.
    """

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def to_csv(self) -> str:
        """Return the table as CSV: a row for each run, with the ends of intervals as columns."""
        return formats.as_csv(self.names, self.rows)

    def to_markdown(self) -> str:
        """Return the table as Markdown: a column for each run, and the notes below."""
        return formats.as_markdown(self.names, self.rows, self.notes)

    def to_latex(self) -> str:
        r"""Return the table as LaTeX, with the rules of the package booktabs, and the notes."""
        return formats.as_latex(self.names, self.rows, self.notes)

    def figure(self, **options: Any) -> Figure:
        """Draw the traversals of all runs side by side, a row for each latent of the first one.

        Args:
            **options: ``rows``, ``steps``, ``low``, ``high`` and ``image``, as on the command line.

        Raises:
            UnbraidError: images of several shapes, or an unknown option.
        """
        from unbraid.core import registry
        from unbraid.figures import MatchedConfig, draw_matched

        config = registry.build(MatchedConfig, options, "the figure")
        return draw_matched(self.runs, self.names, config)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def compare(runs: Iterable[Run | str | os.PathLike[str]], protocol: str = "none") -> Comparison:
    """Return the table of several finished runs.

    Its rows are the options in which the runs differ; reconstruction and KL of held-out images; the
    scores that ``unbraid evaluate`` stored, with intervals of 95% where a standard error is known;
    images a second; and numbers of parameters and bytes.

    Args:
        runs: two or more run folders, or opened runs.
        protocol: of the scores, as given to ``unbraid evaluate``.

    Raises:
        UnbraidError: fewer than two runs, one that is not finished, or an unknown protocol.

    >>> print(compare(["runs/vae", "runs/beta-vae"]).to_markdown())  # doctest: +SKIP
    """
    if isinstance(runs, str | os.PathLike | Run) or not isinstance(runs, Iterable):
        raise UnbraidError(f"compare takes two or more runs in a list, found {runs!r}.")
    runs = list(runs)
    if len(runs) < 2:
        raise UnbraidError(f"compare takes two or more runs, found {len(runs)}.")
    for run in runs:
        if not isinstance(run, str | os.PathLike | Run):
            raise UnbraidError(
                f"compare takes runs or their folders, found {type(run).__name__}: write a model "
                "in memory as a run with unbraid.save, and measure it with unbraid.evaluate."
            )
    known = ("none", *PROTOCOLS)
    if protocol not in known:
        raise UnbraidError(
            f"unknown protocol '{protocol}'{did_you_mean(protocol, known)}: known are "
            f"{', '.join(known)}."
        )
    opened = tuple(run if isinstance(run, Run) else Run(run) for run in runs)
    for run in opened:
        if not run.finished:
            raise UnbraidError(f"{run.folder} is not finished: continue it with --resume.")
    names = names_of(opened)
    rows = rows_of(opened, protocol)
    return Comparison(opened, names, rows, notes_of(opened, names, protocol))
