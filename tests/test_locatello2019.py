"""The table of the study of 2019: what of it is kept when its runs are elsewhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import benchmark
from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell
from unbraid.studies.study import Study
from unbraid.studies.table import write_rows

locatello = benchmark("locatello2019")

WANTED = {
    "a": {"metrics": "mig", "protocol": "none", "images": 100, "representation": "mean"},
    "b": {"metrics": "dci", "protocol": "none", "images": 50, "representation": "mean"},
}
COLUMNS = ["run", "metric", "protocol", "representation", "images", "status", "value"]


@dataclasses.dataclass
class Spec:
    """What is looked at of a study's file."""

    seeds: tuple[int, ...] = (0, 1, 2)
    name: str = "small"


def study(folder: Path) -> Study:
    cells = tuple(
        Cell(f"{setting}{seed}", "", "data", "m", setting, None, seed, {}, WANTED)
        for setting in "xy"
        for seed in range(3)
    )
    made: Any = Spec()
    return Study(made, folder, cells)


def row(run: str, metric: str, value: float = 0.5, **other: Any) -> dict[str, Any]:
    images = 100 if metric == "mig" else 50
    about = {"run": run, "metric": metric, "value": value, "images": images, "status": "finished"}
    return {**about, "protocol": "none", "representation": "mean", **other}


def test_runs_that_are_elsewhere_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept.csv"
    rows = [row(run, metric) for run in ("x0", "y0", "x1") for metric in ("mig", "dci part")]
    rows += [row("y1", "mig"), row("old", "mig")]  # one lacks a measurement, one is of no cell
    rows += [row("y2", "mig", status="diverged", value="")]
    write_rows(kept, COLUMNS, rows)
    here = [row("x0", "mig", 0.9), row("x0", "dci", 0.8), row("x2", "mig"), row("x2", "dci")]
    monkeypatch.setattr("_study_tables.table", lambda _: (COLUMNS[:-1], list(here)))
    # numbers that nothing can make again are not dropped unasked
    with pytest.raises(UnbraidError, match=r"has 2 runs, such as y1, whose folders .*--drop"):
        locatello.rows_of(study(tmp_path), kept)
    columns, found = locatello.rows_of(study(tmp_path), kept, drop=True)
    assert list(dict.fromkeys(each["run"] for each in found)) == ["x0", "x1", "x2", "y0", "y2"]
    assert [each["value"] for each in found if each["run"] == "x0"] == [0.9, 0.8]
    write_rows(kept, columns, found)  # a column fewer: what rows hold beside is left out
    assert "value" not in kept.read_text(encoding="utf-8")
    whole = locatello.done_whole(study(tmp_path), found)
    assert {cell.id for cell in whole.cells} == {"x0", "y0", "x2", "y2"}


def test_no_whole_seed_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match="1 of 6 runs of small are done, and of no seed are all"):
        locatello.done_whole(study(tmp_path), [row("x0", "mig")])


def test_a_method_of_few_seeds_is_left_out_if_others_have_enough(tmp_path: Path) -> None:
    made = study(tmp_path)
    cells = [dataclasses.replace(cell, method=cell.setting) for cell in made.cells]
    made = dataclasses.replace(made, cells=tuple(cells))
    rows = [row(run, "mig") for run in ("x0", "x1", "x2", "y1")]
    whole = locatello.done_whole(made, rows)
    assert [cell.id for cell in whole.cells] == ["x0", "x1", "x2"]
    assert [cell.id for cell in locatello.done_whole(made, rows[1:]).cells] == ["x1", "y1"]


def test_data_sets_may_have_other_seeds(tmp_path: Path) -> None:
    made = study(tmp_path)
    cells = [dataclasses.replace(cell, data=cell.setting) for cell in made.cells]
    made = dataclasses.replace(made, cells=tuple(cells))
    rows = [row(run, "mig") for run in ("x0", "x1", "x2", "y1", "y2")]
    assert {cell.id for cell in locatello.done_whole(made, rows).cells} == {r["run"] for r in rows}
    with pytest.raises(UnbraidError, match="of no seed are all"):
        locatello.done_whole(made, rows[:3])
