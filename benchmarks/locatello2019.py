"""Which findings of Locatello et al. 2019 show in a study of their six methods at a small scale.

    unbraid study run benchmarks/studies/locatello2019-small.toml
    python benchmarks/locatello2019.py

The first command trains and measures 180 runs, and may be stopped and started again. The second
reads those that are finished, and those of benchmarks/results/locatello2019.csv, the study's table
as it was read last. It writes that table, benchmarks/results/locatello2019.json, and figures into
docs/images/study_2019. Findings are of the methods and seeds of which all runs are finished.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import _common
from _findings import FINDINGS
from _study_tables import rows_of

from unbraid.core.errors import UnbraidError
from unbraid.studies.plots import write_plots
from unbraid.studies.results import Results, read_results
from unbraid.studies.study import Study, open_study
from unbraid.studies.summary import summarise
from unbraid.studies.table import CSV, Row, write_rows

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "benchmarks/studies/locatello2019-small.toml"
KEPT = _common.RESULTS / "locatello2019.csv"
LEAST = 3  # seeds that intervals of leaving out one in turn need
LISTED = ("mig", "dci", "factorvae", "reconstruction")  # scores with a column each
SHOWN = ("strengths", "variances", "metric-ranks", "unsupervised-ranks")  # figures


def done_whole(study: Study, rows: list[Row]) -> Study:
    """Return the study of the methods and seeds, of each data set, of which all runs are done.

    A method with fewer seeds on some data than intervals need is left out if others have enough.

    Raises:
        UnbraidError: on some data, all runs are there of no seed.
    """
    done = {row["run"] for row in rows}
    lacking = {(c.data, c.method, c.seed) for c in study.cells if c.id not in done}
    methods, every = ({getattr(c, name): None for c in study.cells} for name in ("method", "data"))

    def whole(of: Iterable[str], data: str) -> set[int]:
        return {s for s in study.spec.seeds if not any((data, m, s) in lacking for m in of)}

    def least(of: Iterable[str]) -> int:
        return min(len(whole(of, data)) for data in every)

    enough = [method for method in methods if least([method]) >= LEAST]
    kept = enough if least(methods) < LEAST and enough and least(enough) >= LEAST else [*methods]
    seeds = {data: whole(kept, data) for data in every}
    if not all(seeds.values()):
        raise UnbraidError(
            f"{len(done)} of {len(study.cells)} runs of {study.name} are done, and of no seed are "
            f"all: unbraid study run {SPEC}."
        )
    cells = [c for c in study.cells if c.method in kept and c.seed in seeds[c.data]]
    return replace(study, cells=tuple(cells))


def findings(study: Study, path: Path) -> dict[str, Any]:
    """Return what the table of a study says of each finding."""
    every = read_results(path, study.cells)
    return {
        "runs": {
            "finished": sum(len(results.cells) for results in every),
            "diverged": sum(len(results.diverged) for results in every),
            "failed": sum(len(results.failed) for results in every),
        },
        "seeds": {
            results.data: sorted({c.seed for c in study.cells if c.data == results.data})
            for results in every
        },
        "seeds of the study": list(study.spec.seeds),
        "data": [results.data for results in every],
        "methods": every[0].methods,
        "steps": study.cells[0].steps,
        "findings": [{"finding": name, **find(every)} for name, find in FINDINGS.items()],
        "means": means(every, study, path),
    }


def means(every: Sequence[Results], study: Study, path: Path) -> dict[str, Any]:
    """Return the table of some scores of each data set, and what they were measured on."""
    known = {score.metric for results in every for score in results.scores}
    names = ",".join(name for name in LISTED if name in known)
    return {
        each.data: {
            "header": each.header,
            "images": [score.images for score in each.scores],
            "lines": each.lines("std"),
        }
        for each in (summarise(study, names, path) if names else ())
    }


def main() -> None:
    """Write the table and the result, and copy the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=SPEC, help="another study of these methods")
    parser.add_argument("--root", type=Path, default=ROOT / "studies", help="its root folder")
    parser.add_argument(
        "--drop", action="store_true", help="leave out kept runs that the study no longer has whole"
    )
    given = parser.parse_args()
    study, own = open_study(given.spec, given.root), given.spec.resolve() == SPEC
    path = KEPT if own else study.folder / CSV
    columns, rows = rows_of(study, path, given.drop)
    whole = done_whole(study, rows)
    write_rows(path, columns, rows)
    result = findings(whole, path)
    result["methods of the study"] = list(dict.fromkeys(cell.method for cell in study.cells))
    if own:
        _common.write("locatello2019", result)
        pictures = ROOT / "docs/images/study_2019"
        pictures.mkdir(exist_ok=True)
        for figure in write_plots(whole, path):
            if figure.suffix == ".png" and figure.stem.startswith(SHOWN):
                shutil.copy(figure, pictures / figure.name)
    for each in result["findings"]:
        print(f"{each['finding']}: {each['verdict']}. {each['told']}")


if __name__ == "__main__":
    try:
        main()
    except UnbraidError as error:
        raise SystemExit(str(error)) from error
