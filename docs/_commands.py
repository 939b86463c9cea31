"""A directive that prints the help of every command, so that no page repeats it by hand."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from unittest.mock import patch

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from unbraid.cli import COMMANDS, main
from unbraid.cli.study import COMMANDS as STUDY
from unbraid.core import registry

EXAMPLE = {"train": "vae"}  # a method, whose options are listed with those of the training


def every() -> Iterator[str]:
    """Yield the commands, those of studies and figures among them."""
    for name in COMMANDS:
        yield f"{name} {EXAMPLE[name]}" if name in EXAMPLE else name
        if name == "study":
            yield from (f"{name} {each}" for each in STUDY)
    yield from (name for name in registry.names("figures") if name not in COMMANDS)


def help_of(command: str) -> str:
    """Return what ``unbraid COMMAND --help`` prints, without frames and empty defaults."""
    out = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": "92"}), redirect_stdout(out):
        code = main([*command.split(), "--help"])
    if code:
        raise RuntimeError(f"unbraid {command} --help has exit code {code}")
    lines = []
    for line in out.getvalue().splitlines():
        title = re.fullmatch("╭─ (.*?) ─+╮", line)
        inside = re.fullmatch("│ ?(.*?) *│", line)
        if title:
            lines.append(f"{title[1]}:")
        elif inside and not inside[1].startswith("──"):
            lines.append(f"  {inside[1]}")
        elif not inside:
            lines.append("" if line.startswith("╰") else line)
        text = "\n".join(lines).strip()
    return re.sub(r"\s*\(default:\s*(None|'')?\)", "", text)


class Commands(SphinxDirective):
    """``{commands}``: a section for each command, with its help."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        self.env.note_reread()
        lines = [f"## unbraid {name}\n\n```text\n{help_of(name)}\n```\n" for name in every()]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
