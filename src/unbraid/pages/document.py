"""A page: one self-contained, accessible HTML file, which its own policy keeps off the network."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import unbraid
from unbraid.core.files import atomic
from unbraid.pages.html import text

HERE = Path(__file__).parent
# What a page holds may be shown and played; nothing is loaded, sent or framed.
POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src {style}; "
    "script-src {scripts}; base-uri 'none'; form-action 'none'"
)


class Chapter(NamedTuple):
    """A chapter; ``body`` is HTML, None while its trainings are not done."""

    anchor: str
    title: str
    body: str | None


class State(NamedTuple):
    """The progress of the report: a sentence, and whether chapters are missing."""

    sentence: str
    growing: bool


# -- the page --------------------------------------------------------------------------------------


def render(
    title: str,
    intro: str,
    chapters: Sequence[Chapter],
    state: State,
    foot: str,
    references: str = "",
    *,
    generator: str,
) -> str:
    """Return the page's HTML; ``intro``, ``foot`` and ``references``, a section, are HTML.

    ``generator`` is the command that writes it.
    """
    style = "\n" + (HERE / "report.css").read_text(encoding="utf-8")
    links = "".join(map(_entry, chapters))
    more = '<p><a href="#references">References</a></p>' if references else ""
    touched = [found for chapter in chapters for found in _touchable(chapter)]
    skip = '<a class="skip" href="#chapters">Skip to the chapters</a>'
    if touched:  # shown by touch.js, without which sliders do nothing
        skip += f'<a class="skip" href="#{touched[0][0]}" data-try hidden>Skip to the sliders</a>'
    sections = "\n".join(_section(place, chapter) for place, chapter in enumerate(chapters, 1))
    scripts, growing = ["report.js", "touch.js"], ""
    if 'class="sounds"' in sections:
        scripts.append("sounds.js")
    if state.growing:
        growing = (
            f'<label><input type="checkbox" id="live" data-written="{round(time.time())}"> reload '
            "this page automatically</label>"
        )
        scripts.append("live.js")
    codes = [(HERE / name).read_text(encoding="utf-8") for name in scripts]
    script = "".join(f"<script>{code}</script>" for code in codes)
    policy = POLICY.format(style=_digest(style), scripts=" ".join(map(_digest, codes)))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{generator} {unbraid.__version__}">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
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


def _digest(text: str) -> str:
    """Return a script or style as a policy names it."""
    hashed = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(hashed).decode()}'"


def _entry(chapter: Chapter) -> str:
    """Return a chapter's entry in the contents, with its interactive boxes."""
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
    body = chapter.body or '<p class="waiting">Not written yet: its models are being trained.</p>'
    return (
        f'<section id="{chapter.anchor}" aria-labelledby="{chapter.anchor}-title">\n'
        f'<h2 id="{chapter.anchor}-title">{place}. {text(chapter.title)}</h2>\n'
        f"{body}\n</section>"
    )


def write(path: Path, html: str) -> None:
    """Write the page, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
