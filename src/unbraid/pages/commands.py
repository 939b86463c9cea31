"""Commands written so that they run from the current folder."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "unbraid"


def program() -> str:
    """Return what starts this unbraid from the current folder, as a shell takes it.

    The name alone if the shell finds this one by it; else the script's path; where there is no
    script, this Python with ``-m``.
    """
    script = shutil.which(NAME, path=str(Path(sys.executable).parent))
    if script is None:
        return f"{shlex.quote(_from_here(Path(sys.executable)))} -m {NAME}"
    found = shutil.which(NAME)
    if found and Path(found).resolve() == Path(script).resolve():
        return NAME
    return shlex.quote(_from_here(Path(script)))


def _from_here(path: Path) -> str:
    """Return a path relative to the current folder if it is below it; links are not followed."""
    try:
        below = path.absolute().relative_to(Path.cwd())
    except ValueError:
        return str(path)
    return str(below) if len(below.parts) > 1 else f"./{below}"


def runnable(command: str) -> str:
    """Return a command that starts with ``unbraid`` as it runs from the current folder."""
    name, _, rest = command.partition(" ")
    return f"{program()} {rest}" if name == NAME else command
