"""A chapter's figures: files in the report's folder, and their places in its page."""

from __future__ import annotations

import base64
import csv
import io
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import ImageChops
from PIL.Image import Quantize
from PIL.Image import open as open_image

from unbraid.core.files import atomic
from unbraid.pages import html

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


DPI = 150
CSS_INCH = 96  # pixels of a style sheet to the inch, which no screen keeps to


class Picture(NamedTuple):
    """One image: ``part`` tells it from others of its exhibit, ``alt`` says what it shows."""

    figure: Figure
    alt: str
    part: str = ""


class Numbers(NamedTuple):
    """What a figure shows as a CSV file: a heading for each column, and rows."""

    head: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def sheet(self) -> str:
        """Return the file."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.head, *self.rows])
        return text.getvalue()


def exhibit(
    tour: Tour,
    name: str,
    pictures: Sequence[Picture],
    caption: str,
    numbers: Numbers | None = None,
    also: Sequence[str] = (),
    grid: bool = False,
) -> str:
    """Write a figure's files and return its place in the page, with the command that makes it.

    Where one figure alone is asked for, others are left out.

    Args:
        tour: whose figure it is.
        name: of the figure, one of its chapter's ``FIGURES``.
        pictures: its images.
        caption: plain text below them.
        numbers: what is in it.
        also: further commands that make the images or parts of them.
        grid: whether images are wide grids, one below the other.
    """
    if tour.config.figure not in ("", name):
        return ""
    stems = {f"{name}-{p.part}" if p.part else name: p for p in pictures}
    images = [_image(tour, stem, picture, grid) for stem, picture in stems.items()]
    links = []
    if len(images) > 1:  # each has its own below it
        images = [
            f'<div class="picture">{image}{html.downloads([html.image_links(stem)])}</div>'
            for stem, image in zip(stems, images, strict=True)
        ]
    else:
        links += [html.image_links(stem) for stem in stems]
    parts = [html.figure(images, caption, grid)]
    if numbers:
        sheet = numbers.sheet()
        with atomic(tour.figures / f"{name}.csv") as temporary:
            temporary.write_text(sheet, encoding="utf-8")
        tour.files.append(tour.figures / f"{name}.csv")
        links.append(html.sheet_link(name, sheet))
    parts += [html.downloads(links)] if links else []
    lines = [shlex.join(["unbraid", "tour", "--figure", name, *tour.given()]), *also]
    return "".join([*parts, html.commands(lines)])


def slimmed(svg: str) -> str:
    """Return an SVG whose pixels are kept in fewer bytes: greys as such, colours by a palette."""

    def smaller(found: re.Match[str]) -> str:
        with open_image(io.BytesIO(base64.b64decode(found[1]))) as image:
            pixels = image.convert("RGBA")
        opaque = pixels.getchannel("A").getextrema() == (255, 255)
        grey = pixels.convert("L")
        if (
            opaque
            and not ImageChops.difference(pixels.convert("RGB"), grey.convert("RGB")).getbbox()
        ):
            kept = grey
        elif pixels.getcolors(256):
            kept = pixels.quantize(256)
        else:
            kept = pixels.quantize(128, method=Quantize.FASTOCTREE)
        data = io.BytesIO()
        kept.save(data, format="png", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"

    return re.sub(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", smaller, svg)


def _image(tour: Tour, stem: str, picture: Picture, grid: bool) -> str:
    """Write an image's files, SVG and PNG, and return the SVG as a part of the page."""
    picture.figure.set_dpi(DPI)
    for shown in picture.figure.findobj(AxesImage):
        shown.set_interpolation("none")  # kept pixel by pixel
    data = io.BytesIO()
    # the same figure twice is the same file twice: no date, no random names
    with matplotlib.rc_context({"svg.hashsalt": stem}):
        picture.figure.savefig(data, format="svg", dpi=DPI, metadata={"Date": None})
    svg = slimmed(data.getvalue().decode()).encode()
    with atomic(tour.figures / f"{stem}.svg") as temporary:
        temporary.write_bytes(svg)
    with atomic(tour.figures / f"{stem}.png") as temporary:
        picture.figure.savefig(temporary, format="png", dpi=DPI)
    tour.made.append(tour.figures / f"{stem}.png")
    tour.files += [tour.figures / f"{stem}.{suffix}" for suffix in ("svg", "png")]
    width, height = (round(inches * CSS_INCH) for inches in picture.figure.get_size_inches())
    return html.image("svg+xml", svg, picture.alt, width, height, stem, grid)
