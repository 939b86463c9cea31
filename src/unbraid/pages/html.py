"""HTML of the parts of chapters: paragraphs, tables, commands, images and links."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from unbraid.pages.commands import runnable


def text(plain: str) -> str:
    """Return plain text as HTML, its apostrophes typeset."""
    return escape(typeset(plain))


def typeset(html: str) -> str:
    """Return HTML without quotes of attributes with its apostrophes typeset."""
    return html.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def paragraph(html: str, finding: bool = False) -> str:
    """Return a paragraph of HTML; a finding is highlighted."""
    return f'<p class="finding">{typeset(html)}</p>' if finding else f"<p>{typeset(html)}</p>"


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


def commands(lines: Sequence[str], intro: str = "Command of this figure:") -> str:
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


def sound(picture: bytes, wav: bytes, name: str, caption: str, width: int, height: int) -> str:
    """Return a sound with its picture: a press on the picture plays it.

    Args:
        picture: a PNG file.
        wav: a WAV file.
        name: what is heard, for those who do not see the picture.
        caption: plain text below the picture.
        width, height: of the picture in pixels of a style sheet.
    """
    source = base64.b64encode(wav).decode()
    return (
        f'<figure class="sound">{image("png", picture, name, width, height)}'
        f'<audio controls preload="none" aria-label="Play: {text(name)}" '
        f'src="data:audio/wav;base64,{source}"></audio>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def sounds(parts: Sequence[str], name: str, ordered: bool = False) -> str:
    """Return sounds, from ``sound``, beside each other; ``ordered`` ones can be played in order."""
    mark = " data-order" if ordered else ""
    return (
        f'<div class="sounds" role="group" aria-label="{text(name)}"{mark}>{"".join(parts)}</div>'
    )


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
