"""Packages for tests: written beside their metadata, as an installed one lies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, things: Mapping[str, Mapping[str, str]]) -> None:
    """Write a package ``lab`` without modules that announces things: by kind, name and place."""
    (folder / "lab").mkdir()
    (folder / "lab" / "__init__.py").write_text("")
    info = folder / "lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    lines = []
    for kind, places in things.items():
        lines.append(f"[unbraid.{kind}]\n")
        lines += [f"{name} = {place}\n" for name, place in places.items()]
    (info / "entry_points.txt").write_text("".join(lines))


def run(folder: Path, *args: str, fails: bool = False) -> str:
    """Run Python in a folder that it also imports from; return what it prints."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *args], cwd=folder, env=env, capture_output=True, text=True
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + (done.stderr if fails else "")
