"""HTML that a notebook shows in place of an object's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def heading(text: str) -> str:
    """Return a line in bold.

    >>> heading("a < b")
    '<p><b>a &lt; b</b></p>'
    """
    return f"<p><b>{escape(text)}</b></p>"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; cells are text, and whatever markup they hold is shown as it stands.

    >>> table(["metric"], [["mig"]])
    '<table><thead><tr><th>metric</th></tr></thead><tbody><tr><td>mig</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def notes(lines: Iterable[str]) -> str:
    """Return sentences as small lines."""
    return "".join(f"<div><small>{escape(line)}</small></div>" for line in lines)
