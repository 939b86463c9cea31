"""The curves of ``unbraid tour --full``, one training after the other, whatever the machine keeps.

``python benchmarks/curves.py`` trains what the full tour's chapters 7 and 8 rest on, ten seeds of
each point, keeps each training's numbers in benchmarks/results/curves.json, and deletes its
weights. What the file has is not trained again, so that it can go on in another place.
benchmarks/claim.py reads it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from _common import RESULTS, load, machine

from unbraid.core.files import read_json, write_json
from unbraid.runs import Run
from unbraid.tour import Config
from unbraid.tour.plan import FULL, Job, curve_name, curve_points, plan
from unbraid.tour.statistics.curves import SCORES, score

RESULT = RESULTS / "curves.json"
Key = tuple[str, float, int]


def wanted(out: Path) -> dict[Key, Job]:
    """Return the trainings by method, beta and seed, a seed of all points after the other."""
    jobs = plan(Config(out=out, full=True))
    return {
        (method, float(beta), seed): jobs[f"{curve_name(method, beta)}-{seed}"]
        for seed in range(FULL.curve_seeds)
        for method, beta in curve_points(FULL)
    }


def key_of(row: dict[str, Any]) -> Key:
    """Return what a row is of."""
    return row["method"], float(row["beta"]), int(row["seed"])


def row_of(key: Key, job: Job) -> dict[str, Any]:
    """Train, and return the numbers; the run is deleted."""
    job.work(lambda event: None, lambda: False)
    run = Run(job.folder)
    stats = run.result["reconstruction_stats"]
    row = {
        **dict(zip(("method", "beta", "seed"), key, strict=True)),
        **{name: stats[name] for name in ("reconstruction", "kl")},
        **{name: score(run.result, name) for name in SCORES},
        "active_units": stats["active_units"],
    }
    shutil.rmtree(job.folder)
    return row


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", type=int, default=0, help="train so many known points, compare")
    given = parser.parse_args()
    result = read_json(RESULT) if RESULT.is_file() else {"rows": []}
    rows: dict[Key, dict[str, Any]] = {key_of(row): row for row in result["rows"]}
    before, context = load(), multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as out,
        ProcessPoolExecutor(given.jobs, context) as pool,
    ):
        jobs = wanted(Path(out))
        known = [key for key in jobs if key in rows][: given.again]
        left = [key for key in jobs if key not in rows]
        asked = {pool.submit(row_of, key, jobs[key]): key for key in [*known, *left]}
        for done in as_completed(asked):
            key, row = asked[done], done.result()
            if key in rows:
                print(key, "again:", {name: row[name] - rows[key][name] for name in SCORES})
                continue
            rows[key] = row
            ordered = [rows[key] for key in jobs if key in rows]
            write_json(
                RESULT,
                {
                    "command": "python benchmarks/curves.py",
                    "trains": "the curves of unbraid tour --full",
                    "machine": machine(),
                    "load_before": before,
                    "rows": ordered,
                },
            )
            print(key, f"{len(rows)} of {len(jobs)}", flush=True)


if __name__ == "__main__":
    main()
