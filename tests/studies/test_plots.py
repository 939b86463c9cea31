"""Figures of a study and their numbers, of tables written by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.studies.conftest import Make
from unbraid.metrics import mig
from unbraid.studies.plots import FIGURES, write_plots
from unbraid.studies.results import read_results
from unbraid.studies.study import Study
from unbraid.studies.summary import summarise

Opened = Callable[[Path], Study]
COLUMNS = ("run", "data", "method", "setting", "representation", "metric", "value", "protocol",
           "images", "status")  # fmt: skip


def write_results(study: Study, scores: Mapping[int, float | str]) -> None:
    """Write a table: of each cell the score MIG, or how it was lost."""
    with (study.folder / "results.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, cell in enumerate(study.cells):
            score = scores[index]
            lost = isinstance(score, str)
            about = [cell.id, cell.data, cell.method, cell.setting, "mean", "mig"]
            value, status = ("", score) if lost else (score, "finished")
            writer.writerow([*about, value, "none", 100, status])


def numbers(study: Study, name: str) -> list[dict[str, str]]:
    with (study.folder / "plots" / f"{name}-squares.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_runs_that_diverged_count_against_their_method(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-2"))
    # beta=1, beta=4, DIP-VAE: of the second, the one seed that survives is the best of all
    scores: list[float | str] = [0.3, 0.4, 0.5, "diverged", 0.9, "diverged", 0.2, 0.35, "failed"]
    write_results(study, dict(enumerate(scores)))
    (results,) = read_results(study.folder / "results.csv", study.cells)
    assert [len(each) for each in (results.cells, results.diverged, results.failed)] == [6, 2, 1]
    best = results.best_setting(results.supervised[0], "beta-vae")
    assert best is not None
    assert best[0] == "beta=1"
    write_plots(study)
    first, second = numbers(study, "chances")
    assert (first["first"], first["its_setting"], first["second"]) == (
        "beta-vae", "beta=1", "dip-vae-i",
    )  # fmt: skip
    assert float(first["chance"]) == pytest.approx(5 / 6)  # a failed run says nothing of it
    assert float(second["chance"]) == pytest.approx(1 / 6)
    assert [(row["method"], row["runs"], row["lost"]) for row in numbers(study, "violins")] == [
        ("beta-vae", "4", "2"), ("dip-vae-i", "2", "1"),
    ]  # fmt: skip
    strengths = {row["strength"]: (row["runs"], row["lost"]) for row in numbers(study, "strengths")}
    assert strengths == {"1": ("3", "0"), "4": ("1", "2")} or strengths == {
        "1.0": ("3", "0"), "4.0": ("1", "2"),
    }  # fmt: skip
    # medians have them, too: the median of beta=4 is a run that diverged
    assert [row["median"] for row in numbers(study, "strengths")] == ["0.4", ""]
    assert float(numbers(study, "violins")[0]["median"]) == pytest.approx(0.35)


def test_of_lower_scores_the_lowest_is_best(
    make_spec: Make, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mig, "LOWER_IS_BETTER", True, raising=False)
    study = opened(make_spec(seeds="0-2"))
    # beta=1, beta=4, DIP-VAE: the one seed of the second that survives is the best of all
    scores: list[float | str] = [0.3, 0.4, 0.5, "diverged", 0.1, "diverged", 0.2, 0.35, 0.7]
    write_results(study, dict(enumerate(scores)))
    (results,) = read_results(study.folder / "results.csv", study.cells)
    best = results.best_setting(results.supervised[0], "beta-vae")
    assert best is not None
    assert (best[0], best[1].tolist()) == ("beta=1", [0.3, 0.4, 0.5])
    write_plots(study)
    first, second = numbers(study, "chances")
    assert (first["its_setting"], second["first"]) == ("beta=1", "dip-vae-i")
    # 0.3, 0.4 and 0.5 are lower than 0.7 alone, or than 0.35, too
    assert float(first["chance"]) == pytest.approx(4 / 9)
    assert float(second["chance"]) == pytest.approx(5 / 9)
    assert [row["median"] for row in numbers(study, "strengths")] == ["0.4", ""]
    assert float(numbers(study, "violins")[0]["median"]) == pytest.approx(0.45)
    assert "Lower is better: mig." in summarise(study)[0].notes()


def test_a_method_of_which_no_run_is_left_is_shown_as_lost(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-1"))
    write_results(study, dict(enumerate([0.3, 0.4, 0.5, 0.6, "diverged", "diverged"])))
    write_plots(study)
    chances = {(row["first"], row["second"]): row["chance"] for row in numbers(study, "chances")}
    assert chances == {("beta-vae", "dip-vae-i"): "1.0", ("dip-vae-i", "beta-vae"): "0.0"}
    assert numbers(study, "violins")[1] == {
        "score": "mig", "method": "dip-vae-i", "median": "", "runs": "0", "low_quartile": "",
        "high_quartile": "", "least": "", "most": "", "lost": "2",
    }  # fmt: skip


def test_strengths_count_the_runs_that_they_leave_out(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-1"))
    write_results(study, dict(enumerate([0.3, 0.4, 0.5, 0.6, 0.7, "diverged"])))
    (results,) = read_results(study.folder / "results.csv", study.cells)
    assert results.without_strength == 2  # of DIP-VAE, whose grid varies nothing
    drawn = FIGURES["strengths"](results)
    assert drawn is not None
    heading = drawn[0].get_suptitle().replace("\n", " ")
    assert heading.endswith("without 2 runs that have no such number")


def test_a_metric_that_failed_is_lost_for_its_score_alone(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec(seeds="0-2"))
    scores: list[float | str] = [0.3, 0.4, "not measured", 0.1, 0.2, 0.6, "failed", 0.35, 0.5]
    write_results(study, dict(enumerate(scores)))
    path = study.folder / "results.csv"
    # of the run that lacks MIG, SAP is known; spreadsheets write a byte order mark
    row = path.read_text().splitlines()[3].replace(",mig,", ",sap,")
    text = path.read_text() + row.replace(",,", ",0.7,").replace("not measured", "finished") + "\n"
    path.write_text(text, encoding="utf-8-sig")
    (results,) = read_results(path, study.cells)
    assert [len(each) for each in (results.cells, results.diverged, results.failed)] == [8, 0, 1]
    mig, sap = results.supervised
    assert [results.lost_of(mig, name) for name in ("beta-vae", "dip-vae-i")] == [1, 1]
    assert [results.lost_of(sap, name) for name in ("beta-vae", "dip-vae-i")] == [0, 1]
    assert results.ranked(mig, "beta-vae", "beta=1").tolist() == [0.3, 0.4]
    write_plots(study)
    assert [(row["score"], row["method"], row["runs"], row["lost"]) for row in numbers(
        study, "violins"
    )] == [
        ("mig", "beta-vae", "5", "1"), ("mig", "dip-vae-i", "2", "1"),
        ("sap", "beta-vae", "1", "0"), ("sap", "dip-vae-i", "0", "1"),
    ]  # fmt: skip


def test_one_seed_and_equal_scores_are_drawn(make_spec: Make, opened: Opened) -> None:
    study = opened(make_spec())
    write_results(study, dict.fromkeys(range(3), 0.5))
    names = {path.stem for path in write_plots(study)}
    assert names == {"violins-squares", "strengths-squares", "chances-squares"}
    assert [row["median"] for row in numbers(study, "violins")] == ["0.5", "0.5"]
    assert [row["chance"] for row in numbers(study, "chances")] == ["0.5", "0.5"]


def test_data_of_any_name_are_drawn_and_named(
    make_spec: Make, opened: Opened, squares_npz: Path, tmp_path: Path
) -> None:
    # a formula that is none, and what no name of a file may hold
    odd = tmp_path / 'a $x_{ b$ %s,"q"\n#.npz'
    odd.write_bytes(squares_npz.read_bytes())
    spec = make_spec(seeds="0-1")
    spec.write_text(spec.read_text().replace(f'"{squares_npz}"', json.dumps(str(odd))))
    study = opened(spec)
    assert {cell.data for cell in study.cells} == {'a $x_{ b$ %s,"q"\\n#'}
    write_results(study, {index: 0.1 * index for index in range(6)})
    written = write_plots(study)
    assert written
    assert all(path.is_file() for path in written)
    assert written[0].name == "violins-a-x_-b-s-q-n-.png"
