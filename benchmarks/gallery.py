"""The paper-grade report of the tour, put into the docs: its figures and its tables.

``python benchmarks/gallery.py`` makes ``unbraid tour --full`` into ``report``, or goes on with it,
copies its figures into docs/images/tour and writes benchmarks/results/gallery.json: what each
chapter shows, its tables and what it found.
"""

from __future__ import annotations

import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import torch
import tyro

from unbraid import runs, tour
from unbraid.core import hardware
from unbraid.core.files import write_json
from unbraid.pages.commands import program
from unbraid.tour.context import Tour, given

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images/tour"
RESULT = ROOT / "benchmarks/results/gallery.json"
START = f"{program()} "


class Chapters(HTMLParser):
    """Reads a report's chapters: titles, figures with their commands, tables and findings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.text = ""  # since the last tag that holds some opened
        self.finding = False
        self.sound = False  # within a sound to play, which a page without sounds cannot show
        self.feed(html)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What the chapter has so far."""
        parts: list[dict[str, Any]] = self.found[-1]["parts"] if self.found else []
        return parts

    @property
    def last(self) -> dict[str, Any]:
        """The chapter's last figure or table."""
        return next(part for part in reversed(self.parts) if "text" not in part)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        """Begin a chapter, figure, image, table or row."""
        attributes = {name: value or "" for name, value in pairs}
        if tag in ("h2", "p", "figcaption", "caption", "th", "td", "pre"):
            self.text = ""
            self.finding = attributes.get("class") == "finding"
        if tag == "h2":
            self.found.append({"title": "", "parts": []})
        elif tag == "figure" and attributes.get("class") == "sound":
            self.sound = True
        elif tag == "figure":
            self.parts.append({"kind": "figure", "images": [], "caption": "", "command": ""})
        elif tag == "img" and (name := attributes.get("id")):  # films have none
            name = name.removeprefix("figure-")
            self.last["images"].append({"name": name, "alt": attributes["alt"]})
        elif tag == "table":
            self.parts.append({"kind": "table", "caption": "", "rows": []})
        elif tag == "tr":
            self.last["rows"].append([])

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        """Put text where it belongs."""
        if not self.found:
            return
        if self.sound:
            self.sound = tag != "figure"
            return
        text = " ".join(self.text.split())
        if tag == "h2":
            self.found[-1]["title"] = text
        elif tag == "p" and self.finding:
            self.parts.append({"kind": "finding", "text": text})
        elif tag in ("figcaption", "caption"):
            self.last["caption"] = text
        elif tag in ("th", "td"):
            self.last["rows"][-1].append(text)
        elif tag == "pre" and self.parts and self.last.get("command") == "":
            # on other machines it starts otherwise
            self.last["command"] = f"unbraid {self.text.splitlines()[0].removeprefix(START)}"


def main() -> None:
    """Make the report and copy what it shows."""
    torch.set_num_threads(1)
    config = tyro.cli(tyro.conf.FlagCreatePairsOff[tour.Config], default=tour.Config(full=True))
    page = tour.run(config)
    html = page.read_text(encoding="utf-8")
    chapters = Chapters(html.partition('<section id="references"')[0]).found
    shutil.rmtree(IMAGES, ignore_errors=True)
    IMAGES.mkdir(parents=True)
    for chapter in chapters:
        for part in chapter["parts"]:
            for image in part.get("images", []):
                file = f"{image['name']}.svg"
                shutil.copy(page.parent / "figures" / file, IMAGES / file)
    made = Tour(config)
    options = given(config, leave=("out", "jobs"))
    result = {
        "command": " ".join(["unbraid", "tour", *options]),
        "seeds": made.scale.seeds,
        "seeds of two latents": len(made.plane("vae")),
        "seeds of the curves": made.scale.curve_seeds,
        "trainings": len(made.jobs),
        "chapters": chapters,
        "machine": runs.machine(hardware.device("auto")),
    }
    write_json(RESULT, result)
    print(RESULT, file=sys.stderr)


if __name__ == "__main__":
    main()
