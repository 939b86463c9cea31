"""Which findings of Locatello et al. 2019 show in a study of their six methods at a small scale.

    unbraid study run benchmarks/studies/locatello2019-small.toml
    python benchmarks/locatello2019.py

The first command trains and measures 180 runs, and may be stopped and started again. The second
reads those that are finished, and those of benchmarks/results/locatello2019.csv, the study's table
as it was read last. It writes that table, benchmarks/results/locatello2019.json, and figures into
docs/images/study_2019. Findings are of the seeds of which all runs are finished.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import _common
from _findings import FINDINGS

from unbraid.core.errors import UnbraidError
from unbraid.core.files import atomic
from unbraid.studies.plots import write_plots
from unbraid.studies.results import read_results
from unbraid.studies.study import Study, open_study
from unbraid.studies.table import CSV, Row, table

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "benchmarks/studies/locatello2019-small.toml"
KEPT = _common.RESULTS / "locatello2019.csv"
SHOWN = ("strengths", "variances", "metric-ranks", "unsupervised-ranks")  # figures of the page


def rows_of(study: Study, kept: Path) -> tuple[list[str], list[Row]]:
    """Return the columns and rows of a study's table; of runs that are not here, the kept rows."""
    columns, rows = table(study)
    here = {row["run"] for row in rows}
    if kept.is_file():
        with kept.open(encoding="utf-8", newline="") as file:
            rows += [row for row in csv.DictReader(file) if row["run"] not in here]
    place = {cell.id: number for number, cell in enumerate(study.cells)}
    mine = [row for row in rows if row["run"] in place]  # of the settings that it has now
    return columns, sorted(mine, key=lambda row: place[row["run"]])


def write_rows(path: Path, columns: list[str], rows: list[Row]) -> None:
    """Write a table."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def whole_seeds(study: Study, rows: list[Row]) -> Study:
    """Return the study of the seeds of which all runs are in a table.

    Raises:
        UnbraidError: there is no such seed.
    """
    done = {row["run"] for row in rows}
    seeds = [
        seed
        for seed in study.spec.seeds
        if all(cell.id in done for cell in study.cells if cell.seed == seed)
    ]
    if not seeds:
        raise UnbraidError(
            f"{len(done)} of {len(study.cells)} runs of {study.name} are done, and of no seed are "
            f"all: unbraid study run {SPEC}."
        )
    return replace(study, cells=tuple(cell for cell in study.cells if cell.seed in seeds))


def findings(study: Study) -> dict[str, Any]:
    """Return what the table of a study says of each finding."""
    every = read_results(study.folder / CSV, study.cells)
    found = sum(len(results.cells) for results in every)
    diverged = sum(len(results.diverged) for results in every)
    failed = sum(len(results.failed) for results in every)
    return {
        "runs": {"finished": found, "diverged": diverged, "failed": failed},
        "seeds": sorted({cell.seed for cell in study.cells}),
        "seeds of the study": list(study.spec.seeds),
        "data": [results.data for results in every],
        "methods": every[0].methods,
        "steps": study.cells[0].steps,
        "findings": [{"finding": name, **find(every)} for name, find in FINDINGS.items()],
    }


def main() -> None:
    """Write the result, and copy the figures that the page shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=SPEC, help="another study of these methods")
    parser.add_argument("--root", type=Path, default=ROOT / "studies", help="its root folder")
    given = parser.parse_args()
    study, own = open_study(given.spec, given.root), given.spec.resolve() == SPEC
    columns, rows = rows_of(study, KEPT if own else study.folder / CSV)
    write_rows(study.folder / CSV, columns, rows)
    if own:
        write_rows(KEPT, columns, rows)
    whole = whole_seeds(study, rows)
    result = findings(whole)
    if own:
        _common.write("locatello2019", result)
        pictures = ROOT / "docs/images/study_2019"
        pictures.mkdir(exist_ok=True)
        for path in write_plots(whole):
            if path.suffix == ".png" and path.stem.startswith(SHOWN):
                shutil.copy(path, pictures / path.name)
    for each in result["findings"]:
        print(f"{each['finding']}: {each['verdict']}. {each['told']}")


if __name__ == "__main__":
    try:
        main()
    except UnbraidError as error:
        raise SystemExit(str(error)) from error
