"""Which findings of Locatello et al. 2019 show in a study of their six methods at a small scale.

    unbraid study run benchmarks/studies/locatello2019-small.toml
    python benchmarks/locatello2019.py

The first command trains and measures 180 runs, the second reads them and writes
benchmarks/results/locatello2019.json, and figures into docs/images/study_2019.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import _common
from _findings import FINDINGS, UNMEASURED

from unbraid.core.errors import UnbraidError
from unbraid.studies.plots import write_plots
from unbraid.studies.results import read_results
from unbraid.studies.study import Study, open_study
from unbraid.studies.table import CSV, write_table

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "benchmarks/studies/locatello2019-small.toml"
SHOWN = ("strengths", "variances", "metric-ranks", "unsupervised-ranks")  # figures of the page


def findings(study: Study) -> dict[str, Any]:
    """Return what the table of a study says of each finding.

    Raises:
        UnbraidError: runs are not done yet.
    """
    states = [state.status(cell) for cell, state in zip(study.cells, study.states(), strict=True)]
    if left := states.count("unfinished"):
        raise UnbraidError(
            f"{left} of {len(states)} runs of {study.name} are not done: unbraid study run {SPEC}."
        )
    write_table(study)
    every = read_results(study.folder / CSV, study.cells)
    told = [{"finding": name, **find(every)} for name, find in FINDINGS.items()]
    name, why = UNMEASURED
    told.append({"finding": name, "verdict": "not measured", "told": why})
    return {
        "runs": {status: states.count(status) for status in sorted(set(states))},
        "seeds": list(study.spec.seeds),
        "data": [results.data for results in every],
        "methods": every[0].methods,
        "steps": study.cells[0].steps,
        "findings": told,
    }


def main() -> None:
    """Write the result, and copy the figures that the page shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=SPEC, help="another study of these methods")
    parser.add_argument("--root", type=Path, default=ROOT / "studies", help="its root folder")
    given = parser.parse_args()
    study = open_study(given.spec, given.root)
    result = findings(study)
    if given.spec.resolve() == SPEC:
        _common.write("locatello2019", result)
        pictures = ROOT / "docs/images/study_2019"
        pictures.mkdir(exist_ok=True)
        for path in write_plots(study):
            if path.suffix == ".png" and path.stem.startswith(SHOWN):
                shutil.copy(path, pictures / path.name)
    for each in result["findings"]:
        print(f"{each['finding']}: {each['verdict']}. {each['told']}")


if __name__ == "__main__":
    try:
        main()
    except UnbraidError as error:
        raise SystemExit(str(error)) from error
