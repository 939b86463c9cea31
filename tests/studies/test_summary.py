"""Means over the seeds of a study: known answers, and the forms in which they are printed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unbraid.cli.tables import as_csv, print_wide
from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell
from unbraid.studies.results import Score
from unbraid.studies.statistics import Interval, interval
from unbraid.studies.study import Study
from unbraid.studies.summary import (
    Mean,
    Summary,
    cell_text,
    digits_of,
    records,
    summarise,
)
from unbraid.studies.table import FIRST, LAST, write_rows

Make = Callable[..., Path]
VALUES = {"a": (0.1, 0.2, 0.3), "b": (0.5, None, 0.7)}  # of a setting, the second run diverged


def study(folder: Path, data: tuple[str, ...] = ("squares",)) -> Study:
    spec: Any = None
    cells = tuple(
        Cell(f"{each}{name}{seed}", "", each, "beta-vae", name, None, seed, {}, {})
        for each in data
        for name in (*VALUES, "c")
        for seed in range(3)
    )
    return Study(spec, folder, cells)


def rows() -> list[dict[str, Any]]:
    """MIG on many and on few images, its value on sampled codes, and the reconstruction."""
    found = []
    for name, values in VALUES.items():
        for seed, value in enumerate(values):
            run = {"run": f"squares{name}{seed}", "data": "squares", "seed": seed, "status": "x"}
            run["status"] = "diverged" if value is None else "finished"
            for metric, protocol, representation, images, scale in (
                ("mig", "none", "mean", 10_000, 1),
                ("mig", "none", "mean", 100, 9),
                ("mig", "none", "sampled", 10_000, 0.5),
                ("dci completeness", "none", "mean", 10_000, 0.01),
                ("reconstruction", "training", "", 10_000, 100),
                ("udr", "none", "mean", 2_000, 1),
            ):
                about = {"metric": metric, "protocol": protocol, "images": images}
                number = None if value is None else value * scale
                found.append({**run, **about, "representation": representation, "value": number})
    return found


@pytest.fixture
def squares(tmp_path: Path) -> Study:
    """Nine runs, of which three are not done and one has diverged."""
    made = study(tmp_path)
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], rows())
    return made


def test_means_intervals_and_deviations(squares: Study) -> None:
    (found,) = summarise(squares)
    assert found.header == ["method", "setting", "seeds", "mig", "mig (sampled)", "reconstruction"]
    assert found.lines() == [
        ["beta-vae", "a", "3", "0.200 [-0.048, 0.448]", "0.100 [-0.024, 0.224]",
         "20.0 [-4.8, 44.8]"],
        ["beta-vae", "b", "2 + 1 diverged", "0.600 [-0.671, 1.871]", "0.300 [-0.335, 0.935]",
         "60.0 [-67.1, 187.1]"],
    ]  # fmt: skip
    assert found.lines("std")[0][3:] == ["0.200 ± 0.100", "0.100 ± 0.050", "20.0 ± 10.0"]
    assert found.lines("none")[1][3:] == ["0.600", "0.300", "60.0"]
    assert found.notes() == [
        "squares: means over seeds, with 95% intervals by Student's t in brackets.",
        "In nats per image: reconstruction.",
        "Runs that diverged or failed have no scores, and are not in the means.",
        "3 of its runs are not in the study's table: they are not done, or were done after unbraid "
        "study table wrote it.",
    ]


def test_scores_are_named(squares: Study) -> None:
    (found,) = summarise(squares, "dci completeness, mig (sampled),udr,mig")
    assert [score.label for score in found.scores] == [
        "dci completeness", "mig (sampled)", "udr", "mig",
    ]  # fmt: skip
    assert found.lines("none")[0][3:] == ["0.002", "0.100", "0.200", "0.200"]
    assert any("depend on each other" in note for note in found.notes("std"))
    assert len(summarise(squares, "all")[0].scores) == 5
    with pytest.raises(UnbraidError, match=r"no score 'migg' \(did you mean 'mig'\?\): it has dci"):
        summarise(squares, "migg")


def test_names_may_hold_commas_and_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    alike = (
        ("mig", "none", "mean", 400),
        ("mig", "none", "mean", 1_000),
        ("mig", "locatello2019", "sampled", 1_000),
        ("sap", "locatello2019", "mean", 1_000),
        ("sap", "none", "mean", 200),
        ("reconstruction", "training", "", 1_000),
        ("reconstruction", "none", "mean", 1_000),
        ("downstream accuracy with 3,333 labels", "none", "mean", 1_000),
        ("udr", "none", "mean", 1_000),
        ("udr of this run", "none", "mean", 1_000),
        ("udr mean of the runs", "none", "mean", 1_000),
    )
    names = ("metric", "protocol", "representation", "images")
    about = {"run": "squaresa0", "data": "squares", "status": "finished", "value": 0.5}
    kept = [{**about, **dict(zip(names, each, strict=True))} for each in alike]
    kept += [{**each, "run": "squaresa1"} for each in kept]
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], kept)
    (found,) = summarise(study(tmp_path), "all")
    assert found.header[3:] == [
        "mig",
        "mig (locatello2019, sampled)",
        "sap (locatello2019)",
        "sap",
        "reconstruction, of the training on 1,000 images",
        "reconstruction, measured on 1,000 images",
        "downstream accuracy with 3,333 labels",
        "udr",
    ]
    assert found.notes()[1] == "In nats per image: reconstruction, of the training on 1,000 images."
    named = "downstream accuracy with 3,333 labels, mig (locatello2019, sampled), mig"
    (found,) = summarise(study(tmp_path), named)
    assert ", ".join(found.header[3:]) == named
    # a label is that very score, on however few images; a metric's name that is none, all of it
    assert summarise(study(tmp_path), "sap")[0].header[3:] == ["sap"]
    assert "sap" not in summarise(study(tmp_path))[0].header
    left = [each for each in kept if (each["metric"], each["protocol"]) != ("sap", "none")]
    other = {**about, **dict(zip(names, ("sap", "hsu2023", "mean", 200), strict=True))}
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], [*left, other])
    for wanted in ("sap", ""):
        header = summarise(study(tmp_path), wanted)[0].header
        assert [name for name in header if name.startswith("sap")] == [
            "sap (locatello2019)", "sap (hsu2023)",
        ]  # fmt: skip
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], kept)
    # a number of all runs of a setting has no spread
    (found,) = summarise(study(tmp_path), "udr mean of the runs")
    assert found.lines()[0][3:] == found.lines("std")[0][3:] == ["0.500"]


def test_numbers_small_and_large() -> None:
    score = Score("kl", "training", "", 1_000)

    def text(*values: float) -> list[str]:
        means = [Mean(interval([value, value]), 0.0, 2) for value in values]
        return [cell_text(mean, digits_of(score, means), "none", 2) for mean in means]

    assert text(1025.0, 0.02) == ["1025.0000", "0.0200"]
    assert text(120.0, 25.0) == ["120.0", "25.0"]
    assert text(0.0, 2e-17) == ["0.0000", "2.0e-17"]
    mig = Mean(Interval(-1e-4, -1e-3, 1e-4), 1e-4, 3)
    assert cell_text(mig, 3, "interval", 3) == "0.000 [-0.001, 0.000]"


def test_data_of_which_all_runs_are_lost_are_counted(tmp_path: Path) -> None:
    gone = [{"run": f"digitsb{seed}", "status": "diverged", "metric": "mig"} for seed in range(3)]
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], [*rows(), *gone])
    _, other = summarise(study(tmp_path, ("squares", "digits")), "mig")
    assert other.lines() == [["beta-vae", "b", "0 + 3 diverged"]]
    assert other.notes()[0] == "digits: no run is finished."
    assert other.missing == 6
    another = {"run": "digitsa0", "status": "finished", "metric": "sap", "value": 0.5}
    about = {"protocol": "none", "representation": "mean", "images": 1_000}
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], [*rows(), {**another, **about}])
    _, other = summarise(study(tmp_path, ("squares", "digits")), "mig")
    assert other.notes()[0] == "digits: no run has such a score."


def test_a_single_seed_has_no_interval_and_missing_scores_are_counted(tmp_path: Path) -> None:
    kept = [row for row in rows() if row["run"] in ("squaresa0", "squaresb0", "squaresb2")]
    kept = [row for row in kept if (row["run"], row["metric"]) != ("squaresb0", "mig")]
    write_rows(tmp_path / "results.csv", [*FIRST, *LAST], kept)
    (found,) = summarise(study(tmp_path), "mig,udr")
    assert found.lines() == [
        ["beta-vae", "a", "1", "0.100", "0.100"],
        ["beta-vae", "b", "2", "0.700 (1 seed)", "0.600 [-0.671, 1.871]"],
    ]
    first, other = summarise(study(tmp_path, ("squares", "digits")), "mig")
    assert (len(first.settings), other.settings) == (2, ())
    assert other.notes()[0] == "digits: no run is finished."


def test_every_form_holds_the_same_numbers(squares: Study) -> None:
    found = summarise(squares, "mig,mig (sampled)")
    (one, sampled, other, _) = csv.DictReader(io.StringIO(as_csv(records(found))))
    assert (one["data"], one["setting"], one["metric"]) == ("squares", "a", "mig")
    assert float(one["mean"]) == pytest.approx(0.2)
    assert float(one["std"]) == pytest.approx(0.1)
    assert float(one["low"]) == pytest.approx(0.2 - 4.302653 * 0.1 / 3**0.5)
    assert sampled["representation"] == "sampled"
    assert [other[name] for name in ("seeds", "finished", "diverged", "failed")] == list("2210")
    latex = found[0].to_latex("std")
    assert r"\begin{tabular}{llrrr}" in latex
    assert r"beta-vae & a & 3 & 0.200 $\pm$ 0.100 & 0.100 $\pm$ 0.050 \\" in latex
    assert latex.startswith("% squares: means over seeds ± their standard deviation.\n")
    assert "| beta-vae | a | 3 | 0.200 [-0.048, 0.448] |" in found[0].to_markdown()
    assert Summary("none", (), ()).to_markdown().startswith("| method | setting | seeds |\n")


@pytest.mark.parametrize("columns", [60, 72, 100, 400, None])
def test_a_wide_table_is_printed_in_parts(
    columns: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if columns is None:  # no terminal
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setattr("sys.__stdout__", None)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    header = ["", *(f"score {place} (locatello2019)" for place in range(7))]
    rows = [
        [f"row {row}", *(f"0.{row}{place}0 [0.100, 0.900]" for place in range(7))] for row in "12"
    ]
    print_wide("title", header, rows, ["a note"])
    said = capsys.readouterr().out
    assert all(said.count(cell) == 1 for row in rows for cell in row[1:])
    assert said.count("a note") == 1
    assert max(map(len, said.splitlines())) <= (columns or 250)
    assert said.count("title") == {60: 1, 72: 4, 100: 3, 400: 1, None: 1}[columns]


def test_the_command(
    make_spec: Make, unbraid: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec()
    assert "results.csv" in unbraid("summary", spec, code=2)
    unbraid("run", spec, "--jobs", "1")
    monkeypatch.setenv("COLUMNS", "120")
    assert "beta-vae beta=4" in unbraid("summary", spec)
    said = unbraid("summary", spec, "--csv", "--metrics", "mig, kl")
    assert len(re.findall("^.*,(?:mig|kl),.*$", said, re.MULTILINE)) == 2 * 3
    assert "In nats per image: kl." in said
    assert r"\toprule" in unbraid("summary", spec, "--latex", "--spread", "std")
    both = unbraid("summary", spec, "--latex", "--markdown", code=2)
    assert "--latex and --markdown are both given: give one of them." in both
