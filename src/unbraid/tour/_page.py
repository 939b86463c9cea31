"""The report's page: one HTML file that needs nothing else, readable by anyone on anything."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import unbraid
from unbraid.errors import UnbraidError
from unbraid.files import atomic
from unbraid.tour._commands import runnable

HERE = Path(__file__).parent
GENERATOR = "unbraid tour"


class Chapter(NamedTuple):
    """A chapter; ``body`` is HTML, None while what it tells of is still to be trained."""

    anchor: str
    title: str
    body: str | None


class State(NamedTuple):
    """Where the report stands: a sentence, and whether more is to come."""

    sentence: str
    growing: bool


# -- what chapters are made of ---------------------------------------------------------------------


def text(plain: str) -> str:
    """Return plain text as HTML, its apostrophes typeset."""
    return escape(typeset(plain))


def typeset(html: str) -> str:
    """Return HTML without quotes of attributes with its apostrophes typeset."""
    return html.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def paragraph(html: str, finding: bool = False) -> str:
    """Return a paragraph of HTML; one that says what was found stands out."""
    return f'<p class="finding">{typeset(html)}</p>' if finding else f"<p>{typeset(html)}</p>"


def number(value: float, digits: int = 1) -> str:
    """Write a number with a true minus sign and thousands apart."""
    rounded = round(value, digits) + 0.0  # a zero has no sign
    return f"{rounded:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: bool = False
) -> str:
    """Return a table; the first entry of each row is its heading, cells hold numbers or words.

    Every column has a heading in words, which is how screen readers name its cells.
    """
    assert all(head)
    kind = ' class="words"' if words else ""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    lines = [
        f'<tr><th scope="row">{text(first)}</th>'
        + "".join(f"<td>{text(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    ]
    return (
        '<div class="wide" tabindex="0" role="group" aria-label="table">'
        f"<table{kind}><caption><span>{text(caption)}</span></caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def commands(lines: Sequence[str], intro: str = "Make the figure yourself:") -> str:
    """Return commands to copy, which start with ``unbraid``, as they run from this folder."""
    quoted = escape("\n".join(map(runnable, lines)))
    return (
        f'<div class="command"><p>{text(intro)}</p>'
        f'<pre tabindex="0"><code>{quoted}</code></pre></div>'
    )


def image(
    kind: str, data: bytes, alt: str, width: int, height: int, name: str = "", grid: bool = False
) -> str:
    """Return an image in the page itself.

    Args:
        kind: its MIME type without the ``image/``.
        data: the file's bytes.
        alt: what it shows, numbers included, for those who do not see it.
        width, height: in pixels of a style sheet.
        name: of its file, by which links to download it find it.
        grid: whether it is a wide grid, which on a phone is scrolled rather than shrunk.
    """
    encoded = base64.b64encode(data).decode()
    mark = f'id="figure-{name}" ' if name else ""
    tag = (
        f'<img {mark}src="data:image/{kind};base64,{encoded}" alt="{text(alt)}" '
        f'width="{width}" height="{height}">'
    )
    if grid:
        return f'<div class="wide" tabindex="0" role="group" aria-label="figure">{tag}</div>'
    return tag


def image_links(name: str) -> str:
    """Return links that download an image of the page, as PNG and as SVG."""
    return ", ".join(
        f'<a href="figures/{name}.{suffix}" download="{name}.{suffix}" '
        f'data-figure="figure-{name}" data-kind="{suffix}" '
        f'aria-label="{name} as {suffix.upper()}">{suffix.upper()}</a>'
        for suffix in ("png", "svg")
    )


def sheet_link(name: str, sheet: str) -> str:
    """Return a link that holds a CSV file."""
    return (
        f'<a href="data:text/csv;charset=utf-8,{quote(sheet)}" download="{name}.csv" '
        f'aria-label="numbers of {name} as CSV">CSV</a>'
    )


def downloads(links: Sequence[str]) -> str:
    """Return a line of links to download from."""
    return f'<p class="get">Download: {", ".join(links)}</p>'


def figure(images: Sequence[str], caption: str, grid: bool = False) -> str:
    """Return images under one caption: beside each other where there is room.

    Args:
        images: from ``image``.
        caption: plain text.
        grid: whether they are wide grids, one below the other.
    """
    kind = "grids" if grid else "panels"
    return (
        f'<figure><div class="{kind}">{"".join(images)}</div>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


# -- the page --------------------------------------------------------------------------------------


def render(
    title: str,
    intro: str,
    chapters: Sequence[Chapter],
    state: State,
    foot: str,
    references: str = "",
) -> str:
    """Return the page's HTML; ``intro``, ``foot`` and ``references``, a section, are HTML."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    links = "".join(map(_entry, chapters))
    more = '<p><a href="#references">References</a></p>' if references else ""
    touched = [found for chapter in chapters for found in _touchable(chapter)]
    skip = '<a class="skip" href="#chapters">Skip to the chapters</a>'
    if touched:  # shown by touch.js, without which there is nothing to move
        skip += f'<a class="skip" href="#{touched[0][0]}" data-try hidden>Skip to the sliders</a>'
    sections = "\n".join(_section(place, chapter) for place, chapter in enumerate(chapters, 1))
    scripts, growing = ["report.js", "touch.js"], ""
    if state.growing:
        growing = (
            f'<label><input type="checkbox" id="live" data-written="{round(time.time())}"> reload '
            "this page automatically</label>"
        )
        scripts.append("live.js")
    script = "".join(
        f"<script>{(HERE / name).read_text(encoding='utf-8')}</script>" for name in scripts
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{GENERATOR} {unbraid.__version__}">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
{skip}
<header>
<h1>{text(title)}</h1>
{intro}
<p class="state"><span role="status">{escape(state.sentence)}</span> {growing}</p>
</header>
<nav aria-label="Contents"><details id="contents" open><summary>Contents</summary>
<ol>{links}</ol>{more}</details></nav>
<main id="chapters" tabindex="-1">
{sections}
{references}
</main>
<footer>
{foot}
</footer>
{script}</body>
</html>
"""


def _entry(chapter: Chapter) -> str:
    """Return a chapter's entry in the contents, with what can be touched in it."""
    boxes = "".join(
        f'<li data-try hidden><a href="#{anchor}">Try it: {title}</a></li>'
        for anchor, title in _touchable(chapter)
    )
    return (
        f'<li><a href="#{chapter.anchor}">{text(chapter.title)}</a>'
        + ("" if chapter.body else " <span>(to come)</span>")
        + (f"<ul>{boxes}</ul>" if boxes else "")
        + "</li>"
    )


def _touchable(chapter: Chapter) -> list[tuple[str, str]]:
    """Return the places and titles of a chapter's boxes with sliders, as HTML."""
    return re.findall(r'id="(try-[a-z]+)" data-title="([^"]*)"', chapter.body or "")


def _section(place: int, chapter: Chapter) -> str:
    body = chapter.body or '<p class="waiting">Still to come: its models are being trained.</p>'
    return (
        f'<section id="{chapter.anchor}" aria-labelledby="{chapter.anchor}-title">\n'
        f'<h2 id="{chapter.anchor}-title">{place}. {text(chapter.title)}</h2>\n'
        f"{body}\n</section>"
    )


def check_place(path: Path) -> None:
    """Raise an UnbraidError if another page than a tour's lies where the report would."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(2000)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise UnbraidError(
            f"{path.parent} is a file, expected a folder: give the tour another one with --out."
        ) from error
    except OSError as error:
        raise UnbraidError(
            f"cannot read {path}: {error.strerror or error}; give the tour another folder with "
            "--out."
        ) from error
    if f'content="{GENERATOR}' not in start:
        raise UnbraidError(
            f"{path} is not a page of the tour, so it is left as it is: move it away, or give the "
            "tour another folder with --out."
        )


def write(path: Path, html: str) -> None:
    """Write the page, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
