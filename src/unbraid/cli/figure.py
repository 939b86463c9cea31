"""The commands that draw figures: ``unbraid NAME RUN_OR_DATASET``."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from unbraid.cli.options import data_field, out_type, plain
from unbraid.cli.tables import Output, output_field, present
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.parsing import parse


def figure(name: str, args: list[str]) -> None:
    """Draw a figure: ``unbraid NAME RUN_OR_DATASET [OPTIONS]``."""
    from unbraid import figures

    module = figures.load(name)
    of_run = module.TARGET == "run"
    target = figures.TARGETS[module.TARGET]
    if not args or args[0].startswith("-"):
        if args and args[0] not in ("-h", "--help"):
            raise UnbraidError(f"unbraid {name} takes a {module.TARGET} first, found '{args[0]}'.")
        if not args:
            print(f"usage: unbraid {name} {module.TARGET.upper()} [OPTIONS]\n")
            raise UnbraidError(f"unbraid {name} takes a {module.TARGET}.")
        args = ["", "--help"]
    import tyro

    flat = tyro.conf.OmitArgPrefixes
    fields: list[Any] = [
        ("out", out_type(), dataclasses.field(default=None)),
        ("figure", flat[module.Config], dataclasses.field(default_factory=module.Config)),
    ]
    if of_run:
        fields.append(("data", str, dataclasses.field(default="")))
    else:
        fields.append(("data_options", *data_field(args[0])))
    if hasattr(module, "facts"):
        fields.append(output_field())
    options = dataclasses.make_dataclass("Figure", fields, kw_only=True)
    options.__doc__ = (
        "The output file.\n\nArgs:\n    out: PNG, SVG, PDF"
        + (" or GIF" if hasattr(module, "animate") else "")
        + (" or, of sounds, HTML" if hasattr(module, "page") else "")
        + f" by suffix; default {name}.png in the {'run folder' if of_run else 'current folder'}."
        + ("\n    data: the present path of the run's data if they were moved." if of_run else "")
    )
    summary = registry.summary("figures", name)
    given = parse(options, args[1:], f"unbraid {name} {module.TARGET.upper()}", summary)
    place = {"data": given.data} if of_run and given.data else {}
    opened = target(args[0], **(place if of_run else plain(given.data_options)))
    for note in getattr(opened, "notes", ()):
        print(f"note: {note}", file=sys.stderr)
    path = figures.produce(module, name, opened, given.figure, given.out)
    lines = [*figures.report(module, opened, given.figure), str(path)]
    output = getattr(given, "output", Output())
    told = figures.facts(module, opened, given.figure) if output.json else {}
    rows = []
    if output.csv:
        rows = figures.records(module, opened, given.figure)
        print(path, file=sys.stderr)
    present(output, lambda: print("\n".join(lines)), told | {"figure": str(path)}, rows)
