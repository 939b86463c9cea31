"""Scores of methods that were trained on images of independent and of correlated factors.

    unbraid study run benchmarks/studies/correlated.toml
    python benchmarks/correlated.py

The first command trains and measures 18 runs, and may be stopped and started again. The second
reads those that are finished, and those of benchmarks/results/correlated.csv, the study's table as
it was read last. It writes that table and benchmarks/results/correlated.json.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

import _common
from _gates import interval
from _study_tables import rows_of

from unbraid.core.errors import UnbraidError
from unbraid.studies.study import Study, open_study
from unbraid.studies.table import Row, write_rows

ROOT = Path(__file__).parent.parent
SPEC = ROOT / "benchmarks/studies/correlated.toml"
KEPT = _common.RESULTS / "correlated.csv"
SCORES = ("mig", "dci disentanglement", "dci completeness", "reconstruction")
JUDGED = "hfs"  # its scores are compared with those of the other methods


def scores_of(study: Study, rows: list[Row]) -> list[dict[str, Any]]:
    """Return the scores by seed of each method on independent and on correlated factors."""
    found = []
    for correlated in ("", *dict.fromkeys(filter(None, map(pairs_of, study.cells)))):
        for method in dict.fromkeys(cell.method for cell in study.cells):
            mine = {
                cell.id: cell.seed
                for cell in study.cells
                if (pairs_of(cell), cell.method) == (correlated, method)
            }
            own = [row for row in rows if row["run"] in mine]
            found.append(
                {
                    "method": method,
                    "setting": own[0]["setting"] if own else "",
                    "correlated": correlated,
                    "diverged": sorted({mine[row["run"]] for row in own if lost(row)}),
                    "scores": {name: by_seed(own, mine, name) for name in SCORES},
                }
            )
    return found


def pairs_of(cell: Any) -> str:
    """Return the pairs of factors that are correlated in a run's training images."""
    return str(cell.config["data"].get("correlated", ""))


def lost(row: Row) -> bool:
    """Whether a row is of a run that has no scores."""
    return row["status"] in ("diverged", "failed")


def by_seed(rows: list[Row], seeds: dict[str, int], score: str) -> dict[int, float]:
    """Return the values of a score by seed."""
    found = {
        seeds[row["run"]]: float(row["value"])
        for row in rows
        if row["metric"] == score and row["status"] == "finished"
    }
    return dict(sorted(found.items()))


def differences(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return by how much scores of ``JUDGED`` are above another method's, over shared seeds."""
    over = []
    for own in (each for each in found if each["method"] == JUDGED):
        for other in found:
            if other["correlated"] != own["correlated"] or other is own:
                continue
            for score in SCORES:
                mine, theirs = own["scores"][score], other["scores"][score]
                shared = sorted(mine.keys() & theirs.keys())
                if shared:
                    values = [mine[seed] - theirs[seed] for seed in shared]
                    told = {"than": other["method"], "correlated": own["correlated"]}
                    over.append({**told, "score": score, **interval(values)})
    return over


def main() -> None:
    """Write the table and the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT / "studies", help="root of the study")
    study = open_study(SPEC, parser.parse_args().root)
    columns, rows = rows_of(study, KEPT)
    if not rows:
        raise UnbraidError(f"No run is done: unbraid study run {SPEC.relative_to(ROOT)}.")
    write_rows(KEPT, columns, rows)
    found = scores_of(study, rows)
    *_, correlated = tomllib.loads(SPEC.read_text(encoding="utf-8"))["data"]
    result = {
        "data": study.cells[0].data,
        "width": correlated["correlated_width"],
        "steps": study.cells[0].steps,
        "runs": {"done": len({row["run"] for row in rows}), "asked": len(study.cells)},
        "rows": found,
        "differences": differences(found),
    }
    _common.write("correlated", result)
    for each in result["differences"]:
        print(each)


if __name__ == "__main__":
    try:
        main()
    except UnbraidError as error:
        raise SystemExit(str(error)) from error
