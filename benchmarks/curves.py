"""The curves of ``unbraid tour --full``, one training after the other, whatever the machine keeps.

``python benchmarks/curves.py`` trains what the full tour's chapters 7 and 8 rest on, ten seeds of
each point, keeps each training's numbers in benchmarks/results/curves.json, and deletes its
weights. What the file has is not trained again, so that it can go on in another place.
benchmarks/claim.py reads it.

``--report FOLDER`` keeps what it trains in a report's folder, trains again what a figure there
shows whole (and compares), and puts a run folder that has nothing but its numbers in the place of
each other training, for benchmarks/gallery.py to go on with.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from _common import RESULTS, load, machine

from unbraid.core.files import read_json, write_json
from unbraid.datasets import load_dataset
from unbraid.runs import Run
from unbraid.tour import Config
from unbraid.tour.plan import FULL, Job, curve_name, curve_points, plan
from unbraid.tour.statistics.curves import EXAMPLE_BETA, SCORES, score

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


def row_of(key: Key, job: Job, keep: bool) -> dict[str, Any]:
    """Train, and return the numbers; the run is deleted unless it is to be kept."""
    if not job.finished():
        job.work(lambda event: None, lambda: False)
    run = Run(job.folder)
    stats = run.result["reconstruction_stats"]
    row = {
        **dict(zip(("method", "beta", "seed"), key, strict=True)),
        **{name: stats[name] for name in ("reconstruction", "kl")},
        **{name: score(run.result, name) for name in SCORES},
        "active_units": stats["active_units"],
    }
    if not keep:
        shutil.rmtree(job.folder)
    return row


def shown(rows: dict[Key, dict[str, Any]], key: Key) -> bool:
    """Whether the report shows more of a training than the numbers of its row.

    It draws the first seed's models, the terms of the example's beta, and the factors' gaps where
    the mean gap is highest.
    """
    method, beta, seed = key

    def gap(other: float) -> float:
        return float(
            np.mean([r["mig"] for (m, b, _), r in rows.items() if (m, b) == (method, other)])
        )

    best = max({b for m, b, _ in rows if m == method}, key=gap)
    return seed == 0 or beta in (EXAMPLE_BETA, best)


def placeholder(row: dict[str, Any], job: Job) -> None:
    """Write a run folder that has a training's numbers and no model."""
    data = load_dataset(job.config.data, **job.config.data_options)
    described = job.config.to_json(data.image_shape, data.specs, data.signal)
    job.folder.mkdir(parents=True, exist_ok=True)
    reconstruction_stats = {name: row[name] for name in ("reconstruction", "kl", "active_units")}
    scores = {
        name: {"metric": name, "protocol": "none", "value": row[name], "per_factor": None}
        for name in SCORES
    }
    write_json(job.folder / "config.json", described)
    write_json(
        job.folder / "result.json",
        {
            "training": {"epochs": job.config.training.epochs},
            "reconstruction_stats": reconstruction_stats,
            "scores": scores,
        },
    )


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", type=int, default=0, help="train so many known points, compare")
    parser.add_argument("--report", type=Path, help="folder of a report to keep trainings in")
    given = parser.parse_args()
    result = read_json(RESULT) if RESULT.is_file() else {"rows": []}
    rows: dict[Key, dict[str, Any]] = {key_of(row): row for row in result["rows"]}
    with tempfile.TemporaryDirectory() as out:
        jobs = wanted(given.report or Path(out))
        missing = [key for key in jobs if key not in rows]
        train([*[key for key in jobs if key in rows][: given.again], *missing], jobs, rows, given)
        if given.report:
            again = [key for key in jobs if shown(rows, key)]
            train([key for key in again if not jobs[key].finished()], jobs, rows, given)
            for key in set(jobs) - set(again):
                if not jobs[key].finished():
                    placeholder(rows[key], jobs[key])


def train(
    keys: list[Key],
    jobs: dict[Key, Job],
    rows: dict[Key, dict[str, Any]],
    given: argparse.Namespace,
) -> None:
    """Train points, compare those known with their rows and write the others' rows."""
    before, context = load(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.jobs, context) as pool:
        asked = {pool.submit(row_of, key, jobs[key], bool(given.report)): key for key in keys}
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
