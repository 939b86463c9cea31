"""Build the documentation of every version side by side: one folder each, with a choice in it.

``python tools/versioned_docs.py docs/_build/versions`` builds each release (a tag such as
``v0.1.0``) from its own files, and ``latest`` from the last commit. The folder is a static site:
its index.html leads to the newest release, or to ``latest`` if there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parent.parent
LATEST = "latest"
RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


def git(*words: str) -> bytes:
    """Return what git prints."""
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True).stdout


def versions(tags: Sequence[str]) -> list[str]:
    """Return ``latest`` and the releases among tags, the newest first.

    >>> versions(["v0.9.0", "v0.10.0", "draft"])
    ['latest', 'v0.10.0', 'v0.9.0']
    """
    found = [tag for tag in tags if RELEASE.fullmatch(tag)]
    numbers = {tag: tuple(map(int, tag.removeprefix("v").split("."))) for tag in found}
    return [LATEST, *sorted(found, key=lambda tag: numbers[tag], reverse=True)]


def build(name: str, names: Sequence[str], out: Path) -> None:
    """Build the pages of one version into a folder of its name."""
    with tempfile.TemporaryDirectory() as scratch:
        commit = "HEAD" if name == LATEST else name
        with tarfile.open(fileobj=BytesIO(git("archive", commit))) as files:
            files.extractall(scratch, filter="data")
        told = {"UNBRAID_DOCS_VERSIONS": " ".join(names), "UNBRAID_DOCS_SHOWN": name}
        path = {"PYTHONPATH": str(Path(scratch) / "src")}  # that version's code, not the installed
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html"]
        where = [str(Path(scratch) / "docs"), str(out / name)]
        subprocess.run([*command, *where], check=True, env=os.environ | told | path)


def main() -> None:
    """Build all versions."""
    if len(sys.argv) != 2:
        raise SystemExit("give the folder to write: python tools/versioned_docs.py FOLDER")
    out = Path(sys.argv[1]).resolve()
    names = versions(git("tag").decode().split())
    for name in names:
        build(name, names, out)
        print(out / name / "index.html", flush=True)
    first = names[1] if len(names) > 1 else LATEST
    text = f'<!doctype html><meta http-equiv="refresh" content="0; url={first}/index.html">\n'
    (out / "index.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
