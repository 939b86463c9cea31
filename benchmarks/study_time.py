"""How long the study that docs/studies.md starts with takes, by local processes and by Ray.

    python benchmarks/study_time.py [--on local ray] [--jobs 2]

It does benchmarks/studies/digits-24.toml and draws its figures, as the page says, once with each
engine and each time in an empty folder, and writes benchmarks/results/study_time.json, engine by
engine. Both tables must have the same scores. Linux only: it asks /proc for the processor time of
all processes, since those of Ray are no children that a process can wait for.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import _common

from unbraid.core.files import read_object
from unbraid.datasets import load_dataset

SPEC = Path(__file__).parent / "studies/digits-24.toml"
NAME = SPEC.stem
MARK = "UNBRAID_STUDY_TIME"  # in the environment of every process that is started here
TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
LOOK = 0.5  # seconds between looks at the processes, which is how much of each may be missed
LIMIT = 30.0  # minutes that a study of 24 runs with its figures may take on two cores


class Processes:
    """The processor time of all processes with a mark in their environment."""

    def __init__(self) -> None:
        self.mark = f"{MARK}={uuid4().hex}"
        self.seconds: dict[str, float] = {}  # by process, which are gone or still run

    @property
    def environment(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        return {**os.environ, name: value}

    def look(self) -> None:
        """Take down what each process has used so far."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                key = f"{folder.name}-{fields[19]}"  # with the time that it started
                if key not in self.seconds:
                    words = (folder / "environ").read_bytes().split(b"\0")
                    if self.mark.encode() not in words:
                        continue
                self.seconds[key] = (int(fields[11]) + int(fields[12])) / TICK
            except OSError:  # it has ended, or is another user's
                continue

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def timed(*words: str) -> dict[str, Any]:
    """Run a command of unbraid; return its seconds, and the processor seconds of all it started."""
    processes, begun = Processes(), time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:
        command = [sys.executable, "-m", "unbraid", *words]
        done = subprocess.Popen(command, env=processes.environment, stdout=told, stderr=told)
        while done.poll() is None:
            time.sleep(LOOK)
            processes.look()
        wall = time.perf_counter() - begun
        if done.returncode:
            told.seek(0)
            sys.exit(f"unbraid {' '.join(words)} failed:\n{told.read()[-2000:]}")
    return {"wall_seconds": round(wall), "core_seconds": round(processes.total)}


def scores(table: Path) -> list[dict[str, str]]:
    """Return the rows of a study's table without the times."""
    with table.open(newline="") as file:
        return [
            {key: value for key, value in row.items() if key != "seconds"}
            for row in csv.DictReader(file)
        ]


def measured(engine: str, jobs: int) -> dict[str, Any]:
    """Do the study and its figures; return what they cost, and the hash of the scores."""
    with tempfile.TemporaryDirectory() as root:
        load = _common.load()
        where = ("--root", root)
        run = timed("study", "run", str(SPEC), "--on", engine, "--jobs", str(jobs), *where)
        plots = timed("study", "plots", str(SPEC), *where)
        folder = Path(root) / NAME
        rows = scores(folder / "results.csv")
        finished = {row["run"] for row in rows if row["status"] == "finished"}
        return {
            "load_before": load,
            "jobs": jobs,
            "runs": len({row["run"] for row in rows}),
            "finished": len(finished),
            "scores": len(rows),
            "scores_hash": hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16],
            "figures": len(list(folder.rglob("*.png"))),
            "run": run,
            "plots": plots,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", nargs="+", choices=("local", "ray"), default=["local", "ray"])
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    path = _common.RESULTS / "study_time.json"
    found = read_object(path).get("engines", {}) if path.is_file() else {}
    before = _common.load()
    load_dataset("digits", canvas=32)  # what is made once on a machine is no part of a study
    for engine in given.on:
        found[engine] = measured(engine, given.jobs)
        print(engine, found[engine], flush=True)
        result = {"load_before": before, "limit_minutes": LIMIT, "engines": found}
        _common.write("study_time", result)


if __name__ == "__main__":
    main()
