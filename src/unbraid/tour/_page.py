"""The report's page: one HTML file that needs nothing else, readable by anyone on anything."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from PIL import ImageChops
from PIL.Image import Dither, Image
from PIL.Image import open as open_image

import unbraid
from unbraid.errors import UnbraidError
from unbraid.files import atomic

HERE = Path(__file__).parent
GENERATOR = "unbraid tour"
DPI = 150
CSS_INCH = 96  # pixels of a style sheet to the inch, which no screen keeps to


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


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first entry of each row is its heading."""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    lines = [
        f'<tr><th scope="row">{text(first)}</th>'
        + "".join(f"<td>{text(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    ]
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="table"><table>'
        f"<caption><span>{text(caption)}</span></caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def commands(lines: Sequence[str], intro: str = "Make the figure yourself:") -> str:
    """Return commands to copy."""
    quoted = escape("\n".join(lines))
    return (
        f'<div class="command"><p>{text(intro)}</p>'
        f'<pre tabindex="0"><code>{quoted}</code></pre></div>'
    )


def picture(figure: Figure, alt: str) -> str:
    """Return a figure as an image in the page itself."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    with open_image(data) as drawn:
        pixels = drawn.convert("RGB")
    grey = pixels.convert("L")
    if ImageChops.difference(pixels, grey.convert("RGB")).getbbox() is None:
        data = io.BytesIO()  # a third of the bytes, and no difference
        grey.save(data, format="png", optimize=True)
    width, height = (round(inches * CSS_INCH) for inches in figure.get_size_inches())
    return _image("png", data.getvalue(), alt, width, height)


def film(frames: Sequence[Image], alt: str, summary: str) -> str:
    """Return an animation that plays once its summary is opened, and never unasked."""
    data = io.BytesIO()
    # one palette for all frames, or greys would flicker
    shared = frames[0].quantize(64)
    still = [frame.quantize(palette=shared, dither=Dither.NONE) for frame in frames]
    still[0].save(data, format="GIF", save_all=True, append_images=still[1:], duration=80, loop=0)
    image = _image("gif", data.getvalue(), alt, *frames[0].size)
    return f'<details class="film"><summary>{text(summary)}</summary>{image}</details>'


def _image(kind: str, data: bytes, alt: str, width: int, height: int) -> str:
    encoded = base64.b64encode(data).decode()
    return (
        f'<img src="data:image/{kind};base64,{encoded}" alt="{text(alt)}" '
        f'width="{width}" height="{height}">'
    )


def figure(images: Sequence[str], caption: str, grid: bool = False) -> str:
    """Return images under one caption: beside each other where there is room.

    Args:
        images: from ``picture`` or ``film``.
        caption: plain text.
        grid: whether they are wide grids, which on a phone are scrolled rather than shrunk.
    """
    parts = "".join(
        f'<div class="wide" tabindex="0" role="group" aria-label="figure">{image}</div>'
        if grid and image.startswith("<img")
        else image
        for image in images
    )
    kind = "grids" if grid else "panels"
    return (
        f'<figure><div class="{kind}">{parts}</div><figcaption>{text(caption)}</figcaption>'
        "</figure>"
    )


# -- the page --------------------------------------------------------------------------------------


def render(title: str, intro: str, chapters: Sequence[Chapter], state: State, foot: str) -> str:
    """Return the page's HTML; ``intro`` and ``foot`` are HTML."""
    style = (HERE / "report.css").read_text(encoding="utf-8")
    links = "".join(
        f'<li><a href="#{chapter.anchor}">{text(chapter.title)}</a>'
        + ("" if chapter.body else " <span>(to come)</span>")
        + "</li>"
        for chapter in chapters
    )
    sections = "\n".join(_section(place, chapter) for place, chapter in enumerate(chapters, 1))
    script = growing = ""
    if state.growing:
        growing = (
            '<label><input type="checkbox" id="live"> load this page anew every few seconds</label>'
        )
        script = f"<script>{(HERE / 'report.js').read_text(encoding='utf-8')}</script>"
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
<a class="skip" href="#chapters">Skip to the chapters</a>
<header>
<h1>{text(title)}</h1>
{intro}
<p class="state"><span role="status">{escape(state.sentence)}</span> {growing}</p>
</header>
<nav aria-label="Chapters"><ol>{links}</ol></nav>
<main id="chapters">
{sections}
</main>
<footer>
{foot}
</footer>
{script}</body>
</html>
"""


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
