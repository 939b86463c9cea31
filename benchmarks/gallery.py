"""The paper-grade report of the tour, put into the docs: its figures and its tables.

``python benchmarks/gallery.py`` makes ``unbraid tour --full`` into ``report``, or goes on with it,
copies its figures into docs/images/tour and writes benchmarks/results/gallery.json: what each
chapter shows, its tables and what it found. ``--ready`` trains nothing: a chapter whose trainings
are not all there stays as an earlier report has it, and says so.
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
from unbraid.core.files import read_json, write_json
from unbraid.pages.commands import program
from unbraid.tour.builder import Builder
from unbraid.tour.context import Tour, given
from unbraid.tour.terminal import Terminal
from unbraid.tour.time_left import TimeLeft

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


def written(config: tour.Config) -> Path:
    """Write the chapters whose trainings are there, and return the report's page."""
    builder = Builder(Tour(config))
    with Terminal(TimeLeft([], 1, config.images)) as terminal:
        builder.add_ready_chapters(terminal)
    return builder.tour.path


def completed(chapters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return chapters, those that have nothing as the result has them."""
    earlier = read_json(RESULT)["chapters"] if RESULT.is_file() else []
    for number, chapter in enumerate(chapters):
        if not chapter["parts"] and number < len(earlier):
            chapter |= {"parts": earlier[number]["parts"], "earlier": True}
    return chapters


def main() -> None:
    """Make the report and copy what it shows."""
    torch.set_num_threads(1)
    ready = "--ready" in sys.argv
    args = [arg for arg in sys.argv[1:] if arg != "--ready"]
    default = tour.Config(full=True)
    config = tyro.cli(tyro.conf.FlagCreatePairsOff[tour.Config], default=default, args=args)
    page = written(config) if ready else tour.run(config)
    html = page.read_text(encoding="utf-8")
    chapters = completed(Chapters(html.partition('<section id="references"')[0]).found)
    copy_images(chapters, page.parent / "figures")
    made = Tour(config)
    options = given(config, leave=("out", "jobs"))
    result = {
        "command": " ".join(["unbraid", "tour", *options]),
        "made by": made_by(ready, made),
        "seeds": made.scale.seeds,
        "seeds of two latents": len(made.plane("vae")),
        "seeds of the curves": made.scale.curve_seeds,
        "trainings": len(made.jobs),
        "chapters": chapters,
        "machine": runs.machine(hardware.device("auto")),
    }
    write_json(RESULT, result)
    print(RESULT, file=sys.stderr)


def made_by(ready: bool, made: Tour) -> str:
    """Return the commands that made the report, for the docs."""
    command = "python benchmarks/gallery.py"
    if not ready:
        return f"`{command}`"
    folders = [made.jobs[name].folder for name in made.finished]
    numbers = sum(not (folder / "model.safetensors").is_file() for folder in folders)
    return (
        f"`{command} --ready` after `python benchmarks/curves.py --report report`, whose numbers "
        f"stand for {numbers} of the trainings"
    )


def copy_images(chapters: list[dict[str, Any]], figures: Path) -> None:
    """Put the chapters' images among those of the docs, and delete others that are there."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    shown = set()
    for chapter in chapters:
        for image in (image for part in chapter["parts"] for image in part.get("images", [])):
            file = f"{image['name']}.svg"
            shown.add(file)
            if not chapter.get("earlier"):
                shutil.copy(figures / file, IMAGES / file)
    for path in IMAGES.iterdir():
        if path.name not in shown:
            path.unlink()


if __name__ == "__main__":
    main()
