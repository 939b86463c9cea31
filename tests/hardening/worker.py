"""Runs generated cases one after the other, each in a fork of a process that has all loaded.

``python -m tests.hardening.worker MATERIALS FOLDER SEED START STOP`` prints a JSON line a case.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.hardening import inputs

SECONDS = 10.0  # of the processor's time, which no one else's work adds to


def load_all() -> None:
    """Import what commands import when they run, so that no case pays for it."""
    import lightgbm  # noqa: F401
    import matplotlib.backends.backend_agg  # noqa: F401
    import tyro  # noqa: F401

    import unbraid.tour  # noqa: F401
    from unbraid.control import api, commands  # noqa: F401
    from unbraid.control.assessment import run_report  # noqa: F401
    from unbraid.core import registry
    from unbraid.runs import evaluating  # noqa: F401

    for folder in ("methods", "metrics", "figures", "datasets"):
        for name in registry.names(folder):
            registry.load(folder, name)


def fork(
    words: list[str],
    folder: Path,
    limit: float,
    setup: Callable[[], object] | None = None,
    streams: Path | None = None,
) -> dict[str, Any]:
    """Run a command in a fork; return its exit code, what it wrote, and what it took.

    Args:
        words: of the command.
        folder: where it runs.
        limit: seconds after which it is killed.
        setup: called in the fork before the command.
        streams: the folder of the files that take what it writes; ``folder`` if not given.
    """
    streams = streams or folder
    start = time.monotonic()
    child = os.fork()
    if not child:
        _inside(words, folder, setup, streams)
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        if time.monotonic() - start > limit:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    _, status, usage = ended
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": round(time.monotonic() - start, 2),
        "processor seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "megabytes": max(0, usage.ru_maxrss - int(_text(streams / ".before"))) // 1024,
        "stdout": _text(streams / ".stdout"),
        "stderr": _text(streams / ".stderr"),
    }


def resident() -> int:
    """Return the kilobytes of memory that this process has now."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize() // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the most it ever had


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-4000:]


def _inside(
    words: list[str], folder: Path, setup: Callable[[], object] | None, streams: Path
) -> None:
    """Be the child: never returns."""
    code = 1
    try:
        for number, name in ((1, ".stdout"), (2, ".stderr")):
            os.dup2(os.open(streams / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        # a fork has less than its parent: what is mapped from files comes back as it is used
        (streams / ".before").write_text(str(resident()))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # whoever forks may have put others in their place, as pytest does
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        os.chdir(folder)
        if setup:
            setup()
        from unbraid import cli

        code = cli.main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def faults(found: dict[str, Any]) -> list[str]:
    """Return what is wrong with how a command took its input; nothing, if all is well."""
    wrong = []
    if found["code"] not in (0, 2):
        wrong.append(f"exit code {found['code']}")
    if "Traceback" in found["stderr"] + found["stdout"]:
        wrong.append("a traceback")
    told = [line for line in found["stderr"].splitlines() if line.startswith("unbraid: ")]
    if found["code"] == 2 and (
        len(told) != 1 or not found["stderr"].rstrip("\n").endswith(told[0]) or not _ends(told[0])
    ):
        wrong.append("not one sentence")
    if found["processor seconds"] > SECONDS:
        wrong.append("a hang")
    if found["megabytes"] > 1024:
        wrong.append("a gigabyte of memory")
    return wrong


def _ends(sentence: str) -> bool:
    return sentence.endswith((".", "?"))


def run(materials: Path, folder: Path, seed: int, indices: range) -> Iterator[dict[str, Any]]:
    """Run cases; yield what each did. The folders of those at fault are kept."""
    load_all()
    for index in indices:
        place = folder / f"{seed}-{index}"
        shutil.rmtree(place, ignore_errors=True)
        words = inputs.case(seed, index, materials, place)
        found = fork(words, place, limit=6 * SECONDS)
        wrong = faults(found)
        if not wrong:
            shutil.rmtree(place, ignore_errors=True)
        yield {"index": index, "kind": inputs.kind_of(index), "words": words, **found,
               "faults": wrong}  # fmt: skip


if __name__ == "__main__":
    source, target, *numbers = sys.argv[1:]
    seed, first, last = map(int, numbers)
    for each in run(Path(source).resolve(), Path(target).resolve(), seed, range(first, last)):
        print(json.dumps(each), flush=True)
