"""``unbraid score``: files that other tools wrote, and a sentence for each that cannot be used."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from unbraid.cli import main
from unbraid.cli.evaluate import show_scores
from unbraid.cli.tables import Output
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import read_codes
from unbraid.datasets._table_files import read_table
from unbraid.metrics import Estimate, Score, evaluate

N = 400
RNG = np.random.default_rng(0)
FACTORS = np.stack([RNG.integers(0, 3, N), RNG.integers(0, 30, N)], 1)
CODES = np.column_stack([FACTORS + 0.1 * RNG.standard_normal((N, 2)), RNG.standard_normal(N)])
SPECS = (
    FactorSpec("shape", "categorical", values=(0, 1, 2)),
    FactorSpec("x", "ordinal", values=tuple(range(30))),
)
NAMES = ("shape", "x")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def save_table(path: str, header: str, rows: np.ndarray) -> None:
    lines = [header, *(",".join(f"{value!r}" for value in row) for row in rows.tolist())]
    Path(path).write_text("\n".join(lines))


def save_all() -> None:
    """The same codes and factors in every form."""
    np.savez("both.npz", codes=CODES, factors=FACTORS, factor_names=np.array(NAMES))
    np.savez("mine.npz", mine=CODES, a=FACTORS[:, 0], b=FACTORS[:, 1], other=np.zeros(3))
    np.save("z.npy", CODES)
    np.save("v.npy", FACTORS)
    save_table("v.csv", "shape,x", FACTORS)
    save_table("z.csv", "first,second,third", CODES)
    lines = ["id,z0,z1,z2,shape,x"]
    for row, (z, v) in enumerate(zip(CODES.tolist(), FACTORS.tolist(), strict=True)):
        lines.append(",".join(map(repr, [row, *z, *v])))
    Path("both.csv").write_text("\n".join(lines))


def test_every_form_of_file_gives_the_same_scores(capsys: pytest.CaptureFixture[str]) -> None:
    save_all()
    wanted = evaluate(CODES, FACTORS, SPECS, metrics=["mig", "modularity"])
    for args in (
        ["both.npz"],
        ["--codes", "both.npz"],
        ["z.npy", "--factors", "v.npy", "--factor-names", *NAMES],
        ["z.npy", "--factors", "v.csv"],
        ["z.csv", "--factors", "both.csv", "--factors-key", "shape,x"],
        ["both.csv"],
        ["both.csv", "--codes-key", "z*", "--factors-key", "shape,x"],
        ["mine.npz", "--codes-key", "mine", "--factors-key", "a,b"],
    ):
        assert main(["score", *args, "--metrics", "modularity,mig", "--json"]) == 0, args
        out, errors = capsys.readouterr()
        assert errors == ""
        told = json.loads(out)
        assert told["shape"] == [N, 3]
        assert [each["kind"] for each in told["factors"]] == ["categorical", "ordinal"]
        found = {name: score["value"] for name, score in told["scores"].items()}
        assert found == {name: score.value for name, score in wanted.items()}, args
        assert told["scores"]["mig"]["factor_names"] == (["a", "b"] if "a,b" in args else [*NAMES])


def test_kinds_seed_rows_and_forms_of_output(capsys: pytest.CaptureFixture[str]) -> None:
    save_all()
    assert main(["score", "both.npz", "--metrics", "mig", "--kinds", "x=circular:30"]) == 0
    out, errors = capsys.readouterr()
    assert "factors: shape (categorical), x (periodic)\n" in out
    assert errors == ""
    args = ["score", "both.npz", "--metrics", "sap,dci", "--rows", "100", "--seed", "5"]
    assert main([*args, "--csv"]) == 0
    out, errors = capsys.readouterr()
    assert errors == "note: 100 of 400 rows were drawn at random (--rows 0: all)\n"
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["metric"], row["part"]) for row in rows] == [
        ("dci", "disentanglement"),
        ("dci", "completeness"),
        ("dci", "informativeness"),
        ("sap", ""),
    ]
    assert {row["seed"] for row in rows} == {"5"}
    assert main([*args, "--json"]) == 0
    score = json.loads(capsys.readouterr().out)["scores"]["sap"]
    assert float(rows[-1]["value"]) == score["value"]  # in full
    assert score["settings"]["rows"] == 100


def test_log_variances_of_the_file_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    logvar = np.full_like(CODES, -4.0)
    np.savez("vae.npz", mean=CODES, logvar=logvar, labels=FACTORS)
    assert main(["score", "vae.npz", "--protocol", "chen2018", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["scores"]["mig"]
    wanted = evaluate(CODES, FACTORS, SPECS, protocol="chen2018", logvar=logvar)["mig"]
    assert told["value"] == pytest.approx(wanted.value, abs=1e-9)
    # metrics that need no factors can be named without any
    np.savez("alone.npz", codes=CODES)
    assert main(["score", "alone.npz", "--metrics", "active-units"]) == 0


def refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["score", *args]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert len(errors.splitlines()) == 1
    assert errors.endswith(".\n")
    return errors


def test_what_cannot_be_scored_gets_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    save_all()
    broken = CODES.copy()
    broken[7, 1] = np.nan
    np.savez("nan.npz", codes=broken, factors=FACTORS)
    np.savez("lengths.npz", codes=CODES, factors=FACTORS[:-1])
    np.savez("constant.npz", codes=CODES, factors=FACTORS * 0)
    np.savez("few.npz", codes=CODES[:9], factors=FACTORS[:9])
    np.savez("cube.npz", codes=CODES[None], factors=FACTORS)
    np.savez("object.npz", codes=np.array([None, "a"], object), factors=FACTORS)
    np.savetxt("raw.csv", CODES, delimiter=",")
    Path("words.csv").write_text("z0,x\n" + "a,1\n" * 60)
    Path("short.npy").write_bytes(Path("z.npy").read_bytes()[:-8])
    Path("codes.pt").write_bytes(b"x")
    for args, said in (
        (["nan.npz"], "codes hold 1 values that are NaN"),
        (["lengths.npz"], "there are 400 rows of codes and 399 of factors"),
        (["constant.npz"], "has one value (0) in all 400 rows"),
        (["few.npz"], "found 9 rows of codes, too few"),
        (["cube.npz"], "codes have shape (1, 400, 3), expected two dimensions"),
        (["object.npz"], "pickled Python objects"),
        (["z.npy"], "z.npy holds no factors: give their file with --factors"),
        (["v.npy", "--factors", "mine.npz"], "mine.npz has none of the arrays factors"),
        (["mine.npz"], "name the one that holds the codes with --codes-key"),
        (["z.csv"], "z.csv has no columns called z0"),
        (["both.npz", "--codes-key", "cods"], "no array 'cods' (did you mean 'codes'?)"),
        (["both.npz", "--kinds", "y=ordinal"], "its factors are shape, x"),
        (["both.csv", "--factor-names", "a", "b"], "leave out --factor-names"),
        (["raw.csv"], "the first row of raw.csv holds numbers"),
        (["words.csv"], "z0 holds words"),
        (["short.npy", "--factors", "v.npy"], "cannot read short.npy as a .npy file"),
        (["codes.pt"], "codes.pt is no file of codes or factors"),
        (["nosuch.npz"], "No such file"),
        ([], "unbraid score takes a file of codes first"),
        (["z.npy", "--codes", "z.npy"], "give one of them"),
        (["both.npz", "--rows", "-1"], "rows is -1"),
        (["both.npz", "--metrics", "mgi"], "unknown metric 'mgi' (did you mean 'mig'?)"),
        (["both.npz", "--metrics", "irs,udr"], "metric udr needs runs"),
        (["both.npz", "--json", "--csv"], "--json and --csv are both given"),
    ):
        assert said in refused(args, capsys), args


def test_rows_without_values_are_rows(capsys: pytest.CaptureFixture[str]) -> None:
    codes = [f"{a},{b}" for a, b in CODES[:, :2].tolist()]
    labels = [str(row) for row in FACTORS[:, 1].tolist()]
    Path("z.csv").write_text("\n".join(["z0,z1", *codes, ",", ""]))  # Excel's last line
    Path("v.csv").write_text("\n".join(["x", labels[0], "", *labels[2:], ""]))
    found = read_codes("z.csv", "v.csv")
    assert found.factors is not None
    assert len(found.factors) == N
    assert np.flatnonzero(np.isnan(found.factors[:, 0])).tolist() == [1]
    Path("z.csv").write_text("\n".join(["z0,z1", codes[0], ",", *codes[2:]]))
    assert main(["score", "z.csv", "--factors", "v.csv", "--metrics", "mig"]) == 2
    assert "NaN" in capsys.readouterr().err
    Path("z.csv").write_text("\n".join(["z0,z1", codes[0], "inf,2"]))
    assert main(["score", "z.csv", "--factors", "v.csv"]) == 2
    assert "row 2" in capsys.readouterr().err


def test_tables_of_codes_and_factors_in_other_orders_are_refused() -> None:
    names = [f"{row}.png" for row in range(60)]
    codes = [f"{name},{row}" for row, name in enumerate(names)]
    factors = [f"{name},{row % 3}" for row, name in enumerate(names)]
    Path("z.csv").write_text("\n".join(["file,z0", *codes]))
    Path("v.csv").write_text("\n".join(["file,shape", *sorted(factors)]))
    with pytest.raises(UnbraidError, match=r"file is '2\.png' and '10\.png' in row 3, .*sort both"):
        read_codes("z.csv", "v.csv")
    Path("v.csv").write_text("\n".join(["file,shape", *factors]))
    found = read_codes("z.csv", "v.csv")
    assert found.factors is not None
    assert found.factors[:, 0].tolist() == (found.codes[:, 0] % 3).tolist()
    other = [f"{row % 3},{row % 2}" for row in range(60)]
    Path("v.csv").write_text("\n".join(["z0,shape", *other]))
    assert read_codes("z.csv", "v.csv").codes.shape == (60, 1)  # a column of another meaning


@pytest.mark.parametrize(
    "lines", ["x\n\n1.5\n2.5\n", "x\r\r\n1.5\r\r\n2.5\r\r\n", "x\n1.5\n2.5\n\n"]
)
def test_empty_lines_of_a_single_column_that_are_no_rows(lines: str) -> None:
    Path("x.csv").write_bytes(lines.encode())
    assert read_table(Path("x.csv")).columns == {"x": ["1.5", "2.5"]}


def test_a_single_code_is_measured() -> None:
    lines = [f"{z},{x}" for z, x in zip(CODES[:, 1].tolist(), FACTORS[:, 1].tolist(), strict=True)]
    Path("one.csv").write_text("\n".join(["z0,x", *lines]))
    np.save("one.npy", CODES[:, 1])
    save_table("x.csv", "x", FACTORS[:, 1:])
    for found in (read_codes("one.csv"), read_codes("one.npy", "x.csv")):
        assert found.codes.shape == (N, 1)
        assert evaluate(found.codes, found.factors, metrics=["mig"])["mig"].value > 0.5


def test_columns_of_codes_are_no_factors() -> None:
    save_all()
    header = "z0,z1,z2,logvar_0,shape,x"
    save_table("more.csv", header, np.column_stack([CODES, CODES[:, 0], FACTORS]))
    found = read_codes("more.csv")
    assert tuple(spec.name for spec in found.specs) == NAMES
    assert found.notes == (
        "more.csv: logvar_0 is not taken as factors, as codes have such names: name them with "
        "--factors-key if they are.",
    )
    other = read_codes("z.npy", "more.csv")
    assert tuple(spec.name for spec in other.specs) == NAMES
    assert "z0, z1, z2, ... are not taken" in other.notes[0]
    assert len(read_codes("z.npy", "more.csv", factors_key="z0,x").specs) == 2
    assert len(read_codes("more.csv", kinds="logvar_0=continuous").specs) == 3
    save_table("codes.csv", "z0,z1,z2,logvar_0", np.column_stack([CODES, CODES[:, 0]]))
    assert read_codes("codes.csv").factors is None
    assert len(read_codes("z.npy", "codes.csv").specs) == 4


def test_why_there_are_no_factors_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("rows.npz", codes=CODES, factors=np.arange(N))
    for more in ([], ["--metrics", "mig"]):
        assert main(["score", "rows.npz", *more]) == 2
        assert "label was left out, as 400 of its 400 numbers" in capsys.readouterr().err
    assert main(["score", "rows.npz", "--metrics", "active-units"]) == 0
    capsys.readouterr()
    save_table("five.csv", "z0,b", np.column_stack([CODES[:, 0], np.full(N, 5)]))
    assert main(["score", "five.csv", "--metrics", "mig"]) == 2
    assert "factor 'b' has one value (5" in capsys.readouterr().err


def test_unknown_labels_are_left_out_and_words_are_classes() -> None:
    Path("words.csv").write_text(
        "z0,animal,age\n"
        + "".join(f"{i / 9},{'cat' if i % 3 else ''},{i + 0.5}\n" for i in range(60))
    )
    found = read_codes("words.csv")
    assert [spec.kind for spec in found.specs] == ["categorical", "continuous"]
    assert found.factors is not None
    assert np.isnan(found.factors).sum(0).tolist() == [20, 0]
    with pytest.raises(UnbraidError, match="no column 'nosuch'"):
        read_codes("words.csv", factors_key="nosuch")


def test_listings_and_show_as_json_and_csv(
    squares_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("methods", "datasets", "metrics"):
        assert main([folder, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main([folder, "--csv"]) == 0
        assert list(csv.DictReader(io.StringIO(capsys.readouterr().out))) == found
        assert main([folder, "--jsn"]) == 2
        assert "found '--jsn' (did you mean '--json'?)." in capsys.readouterr().err
    show = ["show", str(squares_npz), "--rows", "1", "--columns", "3", "--steps", "2"]
    assert main([*show, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["figure"] == "show.png"
    assert sum(told["factors"][0]["counts"].values()) == told["images"] == 270
    assert len(told["associations"]) == 3
    assert main([*show, "--csv", "-o", "other.png"]) == 0
    out, errors = capsys.readouterr()
    assert [row["name"] for row in csv.DictReader(io.StringIO(out))] == ["grey", "row", "column"]
    assert errors == "other.png\n"


def test_scores_of_runs_as_csv(capsys: pytest.CaptureFixture[str]) -> None:
    parts = {"a": Estimate(1 / 3, 0.5), "b": Estimate(math.nan, 0.25)}
    scores = {"dci": Score("dci", "trees", 0.5, 0.1, {"seed": 3}, parts)}
    show_scores({"runs/one": scores, "runs/two": scores}, Output(csv=True))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "run,metric,part,value,standard_error,variant,seed",
        "runs/one,dci,a,0.3333333333333333,0.5,trees,3",
        "runs/one,dci,b,,0.25,trees,3",
    ]
    assert len(lines) == 5


def test_a_protocol_has_its_numbers_of_rows(capsys: pytest.CaptureFixture[str]) -> None:
    save_all()
    asked = ["score", "both.npz", "--protocol", "locatello2019", "--metrics", "mig,explicitness"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["notes"] == [
        "267 rows to fit on and 133 to test on replace the 10,000 and 5,000 of locatello2019"
    ]
    found = {name: score["settings"] for name, score in told["scores"].items()}
    assert (found["explicitness"]["train_rows"], found["explicitness"]["test_rows"]) == (267, 133)
    rows = np.random.default_rng(0).permutation(N)[:267]
    same = evaluate(CODES[rows], FACTORS[rows], SPECS, metrics="mig", protocol="locatello2019")
    assert told["scores"]["mig"]["value"] == pytest.approx(same["mig"].value)
