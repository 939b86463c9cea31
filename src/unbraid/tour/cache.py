"""Cache of rendered chapters, so that a tour started again renders only what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import unbraid
from unbraid.core.files import atomic
from unbraid.pages.commands import program

if TYPE_CHECKING:
    from unbraid.tour.context import Tour


LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow")
INPUTS = ("config.json", "result.json", "metrics.jsonl", "model.safetensors")


def digest(path: Path) -> str:
    """Return a hash of a file's bytes; of a missing file, the empty string."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@cache
def code() -> str:
    """Return a hash of the package's source, of its data files' sizes and of its libraries."""
    found = hashlib.sha256()
    root = Path(unbraid.__file__).parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            small = path.suffix in (".py", ".js", ".css", ".json")
            found.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode())
            found.update(path.read_bytes() if small else b"")
    for name in LIBRARIES:
        try:
            found.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            continue
    return found.hexdigest()


class ChapterCache:
    """Chapters stored in the folder of a report.

    Args:
        tour: the tour that they belong to.
    """

    def __init__(self, tour: Tour) -> None:
        self.tour = tour
        self.folder = tour.config.out / "chapters"
        self.digests: dict[str, str] = {}  # of each training's files

    def key(self, chapter: str) -> str:
        """Return a hash of a chapter's inputs: code, options and its runs' files."""
        found = hashlib.sha256()
        given = [*self.tour.given(), program(), str(self.tour.scale)]
        found.update(json.dumps([chapter, code(), given]).encode())
        for name in self.tour.modules[chapter].needs(self.tour):
            if name not in self.digests:
                folder = self.tour.jobs[name].folder
                self.digests[name] = " ".join(digest(folder / each) for each in INPUTS)
            found.update(f"{name} {self.digests[name]}\n".encode())
        return found.hexdigest()

    def read(self, chapter: str) -> str | None:
        """Return a chapter's HTML, if none of its inputs has changed since it was stored."""
        try:
            kept = json.loads(self._path(chapter).read_text(encoding="utf-8"))
            body, files = str(kept["body"]), dict(kept["figures"])
            if kept["key"] != self.key(chapter):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = all(digest(self.tour.figures / name) == value for name, value in files.items())
        return body if whole else None

    def write(self, chapter: str, body: str, figures: Sequence[Path]) -> None:
        """Store a chapter's HTML and the hashes of its figures' files."""
        kept = {
            "key": self.key(chapter),
            "figures": {path.name: digest(path) for path in figures},
            "body": body,
        }
        with atomic(self._path(chapter)) as temporary:
            temporary.write_text(json.dumps(kept), encoding="utf-8")

    def _path(self, chapter: str) -> Path:
        return self.folder / f"{chapter}.json"
