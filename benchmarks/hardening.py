"""What becomes of commands that are killed, given bad input, or run on a machine in trouble.

``python benchmarks/hardening.py`` kills commands at 100 random moments, gives them 1,000 generated
inputs, and stages the machine's bad days, for about an hour on two quiet cores; mounting a tiny
disk takes root. It goes on where it was stopped, from the folder ``--work`` (empty it when the code
has changed), and writes benchmarks/results/hardening.json. The tests run a few cases of each:
tests/hardening.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from _common import load, write

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the cases are those of the tests

from tests.hardening import days, inputs, kills  # noqa: E402
from tests.hardening import materials as making  # noqa: E402


@dataclass(frozen=True)
class Config:
    """How much to try.

    Args:
        inputs: generated inputs.
        kills: moments at which a command is killed.
        seed: of both.
        days: whether to stage the bad days.
        work: the folder for all files, and for what was found so far.
        chunk: inputs given to one process.
    """

    inputs: int = 1000
    kills: int = 100
    seed: int = 0
    days: bool = True
    work: Path = Path("/tmp/unbraid-hardening")
    chunk: int = 100


def kept(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines, as far as it is whole."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def resumed(
    path: Path, count: int, more: Callable[[int], Iterator[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return a file's rows, with those that are missing appended as they come.

    Args:
        path: the file.
        count: how many rows there are to be.
        more: gives the rows from a number on.
    """
    rows = kept(path)[:count]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        for row in more(len(rows)) if len(rows) < count else ():
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            for fault in row["faults"]:
                print(f"{path.stem} {row['index']}: {fault}", file=sys.stderr, flush=True)
            print(f"\r{path.stem} {len(rows)} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def given(config: Config, first: int) -> Iterator[dict[str, Any]]:
    """Yield what became of generated inputs, from a number on."""
    source, target = config.work / "materials", config.work / "inputs"
    for start in range(first, config.inputs, config.chunk):
        stop = min(start + config.chunk, config.inputs)
        numbers = map(str, (config.seed, start, stop))
        words = [sys.executable, "-m", "tests.hardening.worker", str(source), str(target), *numbers]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            yield from map(json.loads, worker.stdout)
        if worker.returncode:
            raise SystemExit(f"the worker ended with {worker.returncode}")


def struck(config: Config, first: int) -> Iterator[dict[str, Any]]:
    """Yield what became of commands that were killed, from a number on."""
    kills.prepare(config.work / "materials")
    known: dict[str, Any] = {}
    for index in range(first, config.kills):
        place = config.work / "killed"
        yield kills.case(config.seed, index, config.work / "materials", place, known)


def staged(config: Config) -> dict[str, str]:
    """Return of each bad day whether all held, or what did not."""
    days.FULL = True
    found = {}
    for name, check in days.CHECKS.items():
        place = config.work / "days" / name.replace(" ", "-")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            check(config.work / "materials", place)
            found[name] = "held"
        except days.NotHere as error:
            found[name] = f"not staged: {error}"
        except AssertionError as error:
            found[name] = f"fault: {error}"
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    return found


def of_inputs(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of generated inputs by kind, and what the worst of them took."""
    found = {}
    for kind in inputs.KINDS:
        some = [row for row in rows if row["kind"] == kind]
        codes = Counter(row["code"] for row in some)
        found[kind] = {
            "cases": len(some),
            "refused": codes[2],
            "sound after all": codes[0],
            "faults": [[row["index"], *row["faults"]] for row in some if row["faults"]],
            "most processor seconds": max((row["processor seconds"] for row in some), default=0),
            "most megabytes": max((row["megabytes"] for row in some), default=0),
        }
    return found


def of_kills(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts of killed commands."""
    found = {}
    for name in kills.subjects():
        some = [row for row in rows if row["subject"] == name]
        found[name] = {
            "cases": len(some),
            "kills": sum(row["hit"] for row in some),
            "signals": dict(Counter(row["signal"] for row in some)),
            "faults": [[row["index"], *row["faults"]] for row in some if row["faults"]],
        }
    return found


def main() -> None:
    """Try all, and write what the docs tell of it."""
    config = tyro.cli(Config)
    work = config.work
    work.mkdir(parents=True, exist_ok=True)
    os.environ["UNBRAID_CACHE"] = str(work / "cache")
    before = load()
    if not (work / "materials/made").exists():
        making.make(work / "materials")
        (work / "materials/made").touch()
    tried = resumed(work / f"inputs-{config.seed}.jsonl", config.inputs, lambda n: given(config, n))
    hit = resumed(work / f"kills-{config.seed}.jsonl", config.kills, lambda n: struck(config, n))
    result = {
        "load_before": before,
        "seed": config.seed,
        "inputs": of_inputs(tried),
        "kills": of_kills(hit),
        "days": staged(config) if config.days else {},
    }
    write("hardening", result)
    faults = sum(
        len(part["faults"]) for each in ("inputs", "kills") for part in result[each].values()
    )
    faults += sum(text.startswith("fault") for text in result["days"].values())
    print(f"benchmarks/results/hardening.json: {faults} faults")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
