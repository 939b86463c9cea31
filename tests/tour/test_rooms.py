"""Where the parts of the tour live, and which imports which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from unbraid import tour
from unbraid.tour import chapters

ROOT = Path(tour.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the modules and names that a file imports, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_a_chapter_or_a_private_module(path: Path) -> None:
    for name in imported(path):
        if name.startswith("unbraid.tour.chapters."):
            assert name.rpartition(".")[2] in vars(chapters), f"{path.name} imports {name}"
        if name.startswith("unbraid."):
            private = [part for part in name.split(".") if part.startswith("_")]
            assert not private, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "statistics").glob("*.py")), ids=lambda p: p.stem)
def test_statistics_draw_nothing_and_write_no_html(path: Path) -> None:
    drawing = ("matplotlib", "unbraid.figures", "unbraid.tour.exhibits", "unbraid.pages")
    assert not [name for name in imported(path) if name.startswith(drawing)]


def test_chapters_draw_through_exhibits() -> None:
    for path in (ROOT / "chapters").glob("ch*.py"):
        assert not [name for name in imported(path) if name.startswith("matplotlib.p")]


def test_every_chapter_is_listed_once_in_its_order() -> None:
    files = sorted(path.stem for path in (ROOT / "chapters").glob("ch*.py"))
    assert list(chapters.CHAPTERS) == files
    anchors = [chapters.anchor(name) for name in chapters.CHAPTERS]
    assert len(set(anchors)) == len(anchors)


def test_files_are_short_enough_to_read() -> None:
    for path in SOURCES:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 320, path


def test_the_documentation_lists_the_chapters() -> None:
    page = (ROOT.parents[2] / "docs/tour.md").read_text(encoding="utf-8")
    listed = [row.split(" | ")[0].removeprefix("| ") for row in page.splitlines() if "| " in row]
    titles = [chapters.load(name).TITLE for name in chapters.CHAPTERS]
    assert [title for title in listed if title in titles] == titles
