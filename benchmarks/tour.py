"""How long each scale of the tour takes, and the curves it trains.

``python benchmarks/tour.py`` makes the default report into ``report``; ``--quick`` and ``--full``
make the others, the last for hours. One that was stopped goes on where it was. Each writes its part
of benchmarks/results/tour.json: the time, the size of the page, and the curves. What these say of
the claim is worked out by benchmarks/claim.py.
``--fleets`` first trains the seeds of each model at once, for a GPU.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

import torch
import tyro
from _fleets import train_together

from unbraid import runs, tour
from unbraid.core import hardware
from unbraid.core.files import read_json, write_json
from unbraid.tour.context import Tour, given
from unbraid.tour.plan import plan

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks/results/tour.json"


def scale_of(config: tour.Config) -> str:
    """Return the name of a tour's scale."""
    return "quick" if config.quick else "full" if config.full else "default"


def timed(config: tour.Config, fleets: bool) -> tuple[float, int]:
    """Make the report; return the seconds it took, those before it was stopped included.

    Also returns how many of its trainings were there before anything was timed.
    """
    kept = config.out / f"timed-{scale_of(config)}.json"
    there = len(Tour(config).finished)
    found: dict[str, Any] = {"seconds": 0.0, "trained before": there, "complete": False}
    found |= read_json(kept) if kept.is_file() else {}
    start = time.monotonic()
    try:
        if fleets:
            train_together(config)
        tour.run(config)
    finally:
        if not found["complete"]:  # what comes later only writes the page again
            found["seconds"] += time.monotonic() - start
            found["complete"] = len(Tour(config).finished) == len(plan(config))
            write_json(kept, found)
    return found["seconds"], found["trained before"]


def rows(path: Path) -> list[dict[str, Any]]:
    """Return a CSV file's rows, numbers as such."""

    def value(text: str) -> Any:
        try:
            return float(text)
        except ValueError:
            return text

    with path.open(encoding="utf-8") as file:
        return [{key: value(text) for key, text in row.items()} for row in csv.DictReader(file)]


def main() -> None:
    """Make the report, and write what the docs tell of it."""
    torch.set_num_threads(1)
    fleets = "--fleets" in sys.argv
    args = [arg for arg in sys.argv[1:] if arg != "--fleets"]
    config = tyro.cli(tyro.conf.FlagCreatePairsOff[tour.Config], args=args)
    seconds, before = timed(config, fleets)
    made = Tour(config)
    options = given(config, leave=("out", "jobs"))
    found = {
        "command": " ".join(["unbraid", "tour", *options]),
        "made by": " ".join(["python", "benchmarks/tour.py", *options, *["--fleets"] * fleets]),
        "seconds": round(seconds),
        "trained before": before,
        "page bytes": made.path.stat().st_size,
        "trainings": len(made.jobs),
        "seeds": made.scale.seeds,
        "seeds of the curves": made.scale.curve_seeds,
        "curves": rows(made.figures / "tradeoff.csv"),
        "machine": runs.machine(hardware.device("auto")),
    }
    kept = read_json(RESULT) if RESULT.is_file() else {}
    write_json(RESULT, kept | {scale_of(config): found})
    print(f"{RESULT}: {seconds / 60:.1f} minutes; now run benchmarks/claim.py", file=sys.stderr)


if __name__ == "__main__":
    main()
