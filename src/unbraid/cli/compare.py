"""``unbraid compare RUN RUN ...``."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any, Literal

from unbraid.cli.options import out_type
from unbraid.cli.tables import one_format, print_table
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand
from unbraid.core.parsing import parse

USAGE = "unbraid compare RUN RUN [RUN ...]"


@dataclass(frozen=True)
class Options:
    """The table and the figure.

    Args:
        csv: print the table as CSV, a row for each run.
        latex: print it as LaTeX.
        markdown: print it as Markdown.
        figure: draw the traversals.
        protocol: the protocol of the scores, as given to ``unbraid evaluate``.
    """

    csv: bool = False
    latex: bool = False
    markdown: bool = False
    figure: bool = True
    protocol: Literal["none", "locatello2019", "chen2018", "hsu2023"] = "none"


def compare(args: list[str]) -> None:
    """List runs side by side and draw their latents: ``unbraid compare RUN RUN ...``."""
    from unbraid import comparison, figures

    first = next((i for i, arg in enumerate(args) if arg.startswith("-")), len(args))
    folders, rest = args[:first], args[first:]
    given = parse(shape_of(figures.MatchedConfig), rest, USAGE)
    options: Options = given.table
    form = one_format(options)
    if len(folders) < 2:
        raise UnbraidError("unbraid compare takes two or more run folders first.")
    path = expand(given.out) if given.out else expand(folders[0]) / "compare.png"
    figures.check_suffix(path)
    found = comparison.compare(folders, options.protocol)
    if form:
        print(getattr(found, f"to_{form}")(), end="")
        for note in found.notes if options.csv else ():  # the others hold them
            print(note, file=sys.stderr)
    else:
        show(found)
    if not options.figure:
        return
    try:
        figure = found.figure(**dataclasses.asdict(given.matched))
    except UnbraidError as error:
        raise UnbraidError(f"{error} --no-figure leaves the figure out.") from error
    figures.save(figure, path)
    print(path, file=sys.stderr if form else sys.stdout)


def shape_of(figure: type[Any]) -> type[Any]:
    """Return the dataclass of the command's options, those of the figure among them."""
    import tyro

    flat = tyro.conf.OmitArgPrefixes
    shape = dataclasses.make_dataclass(
        "Compare",
        [
            ("out", out_type(), dataclasses.field(default=None)),
            ("table", flat[Options], dataclasses.field(default_factory=Options)),
            ("matched", flat[figure], dataclasses.field(default_factory=figure)),
        ],
        frozen=True,
        kw_only=True,
    )
    shape.__doc__ = (
        "List runs side by side and draw their latents, matched.\n\nArgs:\n    out: PNG, SVG or "
        "PDF by suffix; default compare.png in the first run's folder."
    )
    return shape


def show(found: Any) -> None:
    """Print the table on a terminal, a part for each group of quantities."""
    from unbraid.comparison import formats

    groups = dict.fromkeys(row.group for row in found.rows)
    for group in groups:
        rows = [row for row in found.rows if row.group == group]
        _, *cells = formats.grid(found.names, rows)
        last = group == list(groups)[-1]
        print_table(group, ("", *found.names), cells, found.notes if last else ())
