"""Control over data that nobody drew for it: what ``unbraid control`` says of a conditional flow.

``python benchmarks/control_data.py`` trains each row into runs/control, going on where it was
stopped, has a judge of the data learn to read it, and writes
benchmarks/results/control_data.json and figures of requests; rows that were measured before are
kept.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _common import RESULTS, load, write
from _requests import draw

from unbraid.control.assessment.run_report import Config, assess
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json, write_json

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "runs/control"
RESULT = RESULTS / "control_data.json"


@dataclass(frozen=True)
class Row:
    """A data set, what a training is told of it, and what is aimed at.

    Args:
        data: its name and options.
        training: options of the training.
        labels: how many, in words.
        accuracy: least share of each categorical factor that is to come out, in per cent.
        times: the judge's own error on real images, that other factors' errors are at most.
        more: other aims, by figure.
        requests: in words, of the figure docs/images/KEY.png; none without them.
    """

    data: str
    training: str
    labels: str
    accuracy: float
    times: float
    more: tuple[tuple[str, float], ...] = ()
    requests: tuple[str, ...] = ()

    def command(self) -> str:
        """Return the command that trains it, but for where to."""
        return f"unbraid train conditional-flow --data {self.data} {self.training} --batch-size 256"


ROWS = {
    "mnist-measured-1000": Row(
        "mnist --data.measured",
        "--labels 1000 --epochs 36 --guidance 1.25 --sharpness 1.35",
        "1,000",
        97,
        1.5,
        (("diversity", 0.75),),
        (
            "bold seven leaning right",
            "thin two leaning left",
            "short bold three",
            "long thin eight",
            "small upright zero",
        ),
    ),
    "dsprites-1000": Row(
        "dsprites", "--labels 1000 --steps 4000", "1,000", 97, 1.5, (("leakage", 2.0),)
    ),
    # a scene: nothing is known of it but labels, and frames do not help
    "shapes3d-1000": Row(
        "shapes3d --data.size 32",
        "--labels 1000 --steps 5500 --reader-share 0.25 --flow-share 0.3",
        "1,000",
        97,
        1.5,
        (("leakage", 2.0),),
        (
            "red object, cube, blue wall, green floor",
            "tiny sphere, yellow floor, cyan wall",
            "large cylinder, purple object, orientation 30",
            "capsule, green object, red wall, orientation -30",
        ),
    ),
}


def seconds() -> float:
    """Return the processor time of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def train(key: str, row: Row) -> tuple[Path, float]:
    """Train a row, or take it as it is if it is finished; return the run and its core-minutes."""
    folder = RUNS / key
    costs = folder / "cost.json"
    made = read_json(costs) if costs.is_file() else {"cpu_seconds": 0.0}
    if made.setdefault("command", row.command()) != row.command():
        raise UnbraidError(f"{folder} was trained by {made['command']}: move it away.")
    cost = made["cpu_seconds"]
    if not (folder / "result.json").is_file():
        script, before = Path(sys.executable).with_name("unbraid"), seconds()
        args = [script, *row.command().split()[1:], "--out", folder, "--resume"]
        try:
            subprocess.run(args, check=True)
        finally:
            cost += seconds() - before
            if folder.is_dir():
                write_json(costs, made | {"cpu_seconds": cost})
    return folder, cost / 60


def met(row: Row, figures: dict[str, Any], factors: Collection[str]) -> dict[str, bool]:
    """Return for each figure that has an aim, as errors of factors have, whether it is met."""
    found = {}
    for name, figure in figures.items():
        aims = dict(row.more)
        if name.endswith(" accuracy"):
            found[name] = figure["value"] >= row.accuracy
        elif name in aims:
            found[name] = (figure["value"] >= aims[name]) == (name == "diversity")
        elif name in factors:
            found[name] = figure["value"] <= row.times * figure["real"]
    return found


def main() -> None:
    """Train, measure and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--again", action="store_true", help="measure what is measured already")
    given = parser.parse_args()
    for key in given.rows:
        row, before = ROWS[key], load()
        folder, minutes = train(key, row)
        if row.requests:
            draw(row.requests, folder, ROOT / f"docs/images/{key}.png")
        known = read_json(RESULT)["rows"] if RESULT.is_file() else {}
        if key in known and known[key]["command"] == row.command() and not given.again:
            continue
        start = time.process_time()
        report = assess(folder, Config(requests=given.requests))
        known = read_json(RESULT)["rows"] if RESULT.is_file() else {}  # others may have written
        known[key] = {
            "data": row.data,
            "labels": row.labels,
            "command": row.command(),
            "aims": {
                "accuracy": row.accuracy,
                "times the judge's error": row.times,
                **dict(row.more),
            },
            "met": met(row, report["figures"], report["moves"]),
            "core_minutes": round(minutes, 1),
            "judging_core_minutes": round((time.process_time() - start) / 60, 1),
            "load_before": before,
            "report": report,
        }
        kept = {each: known[each] for each in ROWS if each in known}
        left = [each for each in ROWS if each not in known]
        write("control_data", {"requests": given.requests, "not measured yet": left, "rows": kept})
        print(key, {n: round(f["value"], 3) for n, f in report["figures"].items()}, flush=True)


if __name__ == "__main__":
    main()
