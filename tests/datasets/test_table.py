"""A folder of images and a table of labels."""

import importlib
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, load_dataset
from unbraid.datasets._table_files import read_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight images, the brightness of each its number."""
    path = tmp_path / "photos"
    path.mkdir()
    for each in range(8):
        Image.new("L", (8, 8), each).save(path / f"{each}.png")
    return path


def opened(folder: Path, **options: Any) -> Dataset:
    return load_dataset(str(folder), full=True, size=8, **options)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def columns(data: Dataset) -> dict[str, list[Any]]:
    """Each factor's values in words, None where unknown."""
    found = {}
    for spec in data.specs:
        stored = data.factor(spec.name)
        found[spec.name] = [
            None if np.isnan(v) else v if spec.values is None else spec.values[int(v)]
            for v in stored
        ]
    return found


def test_spaces_around_a_name_count_where_a_file_has_them(folder: Path) -> None:
    (folder / "7.png").rename(folder / " 7.png")
    write(folder / "labels.csv", "file,age", *(f" {each}.png,{each / 2}" for each in range(8)))
    found = dict(zip(sorted(path.name for path in folder.glob("*.png")), range(8), strict=True))
    ages = columns(opened(folder))["age"]
    assert [ages[found[" 7.png" if each == 7 else f"{each}.png"]] for each in range(8)] == [
        each / 2 for each in range(8)
    ]


ROWS = [f"{each}.png,{'cat' if each % 2 else 'dog'},{each / 2}" for each in range(8)]


def test_a_table_beside_the_images(folder: Path) -> None:
    write(folder / "labels.csv", "file,animal,age", *reversed(ROWS))
    data = opened(folder)
    assert columns(data) == {
        "animal": ["dog", "cat"] * 4,
        "age": [each / 2 for each in range(8)],
    }
    assert [spec.kind for spec in data.specs] == ["categorical", "continuous"]
    np.testing.assert_array_equal(data.images[:][:, 0, 0, 0], range(8))  # labels stay with images


SHUFFLED = [3, 0, 7, 5, 1, 6, 2, 4]


@pytest.mark.parametrize("name", ["Bild", "picture", "img_path", "Image Name"])
@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_row_numbers_of_pandas_are_no_names_beside_names_with_a_suffix(
    folder: Path, name: str, index: str
) -> None:
    rows = (f"{row},{each}.png,{each / 2}" for row, each in enumerate(SHUFFLED))
    write(folder / "labels.csv", f"{index},{name},age", *rows)
    assert columns(opened(folder))["age"] == [each / 2 for each in range(8)]


def test_any_column_may_name_the_images_if_no_other_does(folder: Path) -> None:
    rows = (f"{each / 2},{each}.png" for each in SHUFFLED)
    write(folder / "labels.csv", "age,Bild", *rows)
    assert columns(opened(folder)) == {"age": [each / 2 for each in range(8)]}


def test_two_columns_that_name_the_images_are_an_error(folder: Path) -> None:
    rows = (f"{row},{each}.png,{each / 2}" for row, each in enumerate(SHUFFLED))
    table = write(folder / "labels.csv", "nr,Bild,age", *rows)
    with pytest.raises(UnbraidError) as refused:
        opened(folder)
    assert str(refused.value) == (
        f"{table} names images twice: nr without their suffix (0, 1, 2, ...), Bild with it "
        "(3.png, 0.png, 7.png, ...): call the column that says which image a row is of 'file', "
        "or remove the other one."
    )
    table.write_text(table.read_text().replace("Bild", "file"))
    assert columns(opened(folder))["age"] == [each / 2 for each in range(8)]


def test_a_column_called_file_names_images_whatever_others_name(folder: Path) -> None:
    pairs = (f"{each},{7 - each}.png,{each / 2}" for each in SHUFFLED)
    write(folder / "labels.csv", "file,previous,age", *pairs)
    assert columns(opened(folder))["age"] == [each / 2 for each in range(8)]
    masks = (f"{each},{each}.png,{each / 2}" for each in SHUFFLED)
    write(folder / "labels.csv", "nr,mask,age", *masks)
    assert columns(opened(folder))["age"] == [each / 2 for each in range(8)]


@pytest.mark.parametrize("name", ["{0}.png", "{0}", "./{0}.png", "photos/{0}.png"])
def test_images_are_named_by_path_name_or_stem(folder: Path, name: str) -> None:
    rows = [f"{name.format(each)};{each + 0.5}".replace(".", ".") for each in range(8)]
    write(folder.parent / "labels.csv", "age;x", *(";".join(r.split(";")[::-1]) for r in rows))
    table = write(folder.parent / "table.csv", "image;age", *rows)
    data = opened(folder, labels=str(table))
    assert columns(data) == {"age": [each + 0.5 for each in range(8)]}


def test_numbers_that_happen_to_name_images_do_not(folder: Path) -> None:
    order = [3, 1, 7, 0, 2, 6, 5, 4]
    expected = {"age": [each + 0.5 for each in range(8)]}
    rows = [f"{row},{each}.png,{each + 0.5}" for row, each in enumerate(order)]
    write(folder / "labels.csv", "id,file,age", *rows)
    assert columns(opened(folder, columns="age")) == expected
    rows = [f"{each % 3},{each}.png,{each + 0.5}" for each in order]
    write(folder / "labels.csv", "digit,File Name,age", *rows)
    assert columns(opened(folder)) == {"digit": [each % 3 for each in range(8)], **expected}
    rows = [f"{row},{each},{each + 0.5}" for row, each in enumerate(order)]
    write(folder / "labels.csv", "row,image_id,age", *rows)
    assert columns(opened(folder, columns="age")) == expected


@pytest.mark.parametrize(
    "name", ["/home/ann/set/{0}.png", r"C:\Users\ann\set\{0}.png", "{0}.PNG", "{folder}/{0}.png"]
)
def test_paths_of_another_place_and_capitals(folder: Path, name: str) -> None:
    rows = [f"{name.format(each, folder=folder)},{each + 0.5}" for each in range(8)]
    write(folder / "Labels.CSV", "file,age", *rows)
    assert columns(opened(folder)) == {"age": [each + 0.5 for each in range(8)]}


def test_accents_stored_in_two_ways(tmp_path: Path) -> None:
    for each in range(8):
        name = unicodedata.normalize("NFD", f"Bär {each}, grün.png")  # as macOS stores it
        Image.new("L", (8, 8), each).save(tmp_path / name)
    rows = [f'"Bär {each}, grün.png",{each + 0.5}' for each in range(8)]
    write(tmp_path / "labels.csv", "file,age", *rows)
    assert columns(opened(tmp_path)) == {"age": [each + 0.5 for each in range(8)]}


def test_capitals_tell_files_apart_where_nothing_else_does(tmp_path: Path) -> None:
    for each, name in enumerate(["a.png", "A.png", "b.png"]):
        Image.new("L", (8, 8), each).save(tmp_path / name)
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("the file system takes a.png and A.png for one file")
    write(tmp_path / "labels.csv", "file,age", "a.png,0.5", "A.png,1.5", "B.png,2.5")
    data = opened(tmp_path)
    assert data.factor("age").tolist() == (data.images[:][:, 0, 0, 0] + 0.5).tolist()


def test_a_column_called_name_that_names_no_image_is_a_factor(folder: Path) -> None:
    rows = [f"{each},{'Ann' if each < 4 else 'Bob'}" for each in range(8)]
    write(folder / "labels.csv", "shot,name", *rows)
    assert columns(opened(folder)) == {"name": ["Ann"] * 4 + ["Bob"] * 4}


def test_formats(folder: Path) -> None:
    expected = {"age": [each + 0.5 for each in range(8)]}
    write(folder / "a.tsv", "file\tage", *(f"{each}.png\t{each + 0.5}" for each in range(8)))
    assert columns(opened(folder, labels=str(folder / "a.tsv"))) == expected
    german = (f"{each}.png;{each},5" for each in range(8))
    write(folder / "b.csv", "Datei;age", *german, encoding="utf-8-sig")
    assert columns(opened(folder, labels=str(folder / "b.csv"))) == expected
    german = (f'"{each}.png","{each},5"' for each in range(8))
    write(folder / "d.csv", "Datei,age", *german)
    assert columns(opened(folder, labels=str(folder / "d.csv"))) == expected
    excel = (f"{each}.png;{each},5" for each in range(8))
    write(folder / "e.csv", "sep=;", "Datei;age", *excel, encoding="utf-8-sig")
    assert columns(opened(folder, labels=str(folder / "e.csv"))) == expected
    write(folder / "f.tsv", "file,age", *(f"{each}.png,{each + 0.5}" for each in range(8)))
    assert columns(opened(folder, labels=str(folder / "f.tsv"))) == expected
    quoted = (f'"{each}.png","{each + 0.5}"' for each in range(8))
    write(folder / "c.csv", '"file","age"', *quoted, "")
    assert columns(opened(folder, labels=str(folder / "c.csv"))) == expected


def test_empty_cells_are_unknown_and_images_without_rows_are_named(folder: Path) -> None:
    rows = ["0.png,cat,1.5", "1.png,,2.5", "2.png,dog,", "3.png,cat,2", "9.png,owl,1", "x,owl,2"]
    write(folder / "labels.csv", "file,animal,age", *rows)
    with pytest.warns(
        UserWarning,
        match=r"2 rows of 6 name no image and are not used \(9\.png, x\); 4 images of 8 have no "
        r"row, so that their labels are unknown \(4\.png, 5\.png, 6\.png, \.\.\.\)",
    ):
        data = opened(folder)
    assert columns(data) == {
        "animal": ["cat", None, "dog", "cat"] + [None] * 4,
        "age": [1.5, 2.5, None, 2.0] + [None] * 4,
    }
    assert data.factors is not None
    assert data.factors.dtype == np.float64
    assert len(data) == 8


def test_options(folder: Path) -> None:
    rows = [f"{each}.png,{each},{each * 45},{each % 3}" for each in range(8)]
    write(folder / "labels.csv", "file,size,angle,mood", *rows)
    data = opened(
        folder, kinds="angle=circular:360,size=ordinal,mood=continuous", units="size=px,angle=deg"
    )
    assert [spec.kind for spec in data.specs] == ["ordinal", "periodic", "continuous"]
    assert [spec.unit for spec in data.specs] == ["pixels", "degrees", ""]
    assert opened(folder, columns="mood, size").factor_names == ("mood", "size")
    with pytest.raises(UnbraidError, match=r"no column 'moo' \(did you mean 'mood'\?\): its"):
        opened(folder, columns="moo")


def test_both_splits_know_the_same_levels(folder: Path) -> None:
    rows = [f"{each}.png,{each // 2},{each + 0.5}" for each in range(8)]
    write(folder / "labels.csv", "file,level,age", *rows)
    load = {s: load_dataset(str(folder), split=s, size=8, split_seed=1) for s in ("train", "test")}
    assert load["train"].specs == load["test"].specs == opened(folder).specs
    for data in load.values():
        assert data.factor("age").tolist() == (data.images[:][:, 0, 0, 0] + 0.5).tolist()


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for each in range(8):
        path = tmp_path / "set" / ("cat" if each % 2 else "dog") / f"{each}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), each).save(path)
    return tmp_path / "set"


def test_subfolders_are_a_factor_unless_a_column_says_the_same(classes: Path) -> None:
    table = classes / "labels.csv"
    ages = [f"{each}.png,{each + 0.5}" for each in range(8)]
    write(table, "file,age", *ages)
    assert opened(classes).factor_names == ("age", "label")
    write(table, "file,species", *(f"{each}.png,{'C' if each % 2 else 'D'}" for each in range(8)))
    assert opened(classes).factor_names == ("species",)
    write(table, "file,label", *(f"{each}.png,{each // 4}" for each in range(8)))
    assert opened(classes).factor_names == ("label",)
    write(table, "file,Label", *(f"{each}.png,{each // 4}" for each in range(8)))
    assert opened(classes).factor_names == ("Label",)
    write(table, "file,age", *ages)
    Image.new("L", (8, 8), 9).save(classes / "9.png")  # beside the subfolders: they are no labels
    with pytest.warns(UserWarning, match="1 image of 9 has no row, so that its labels"):
        assert opened(classes).factor_names == ("age",)


def test_the_same_name_in_two_folders(classes: Path) -> None:
    for name in ("cat", "dog"):
        Image.new("L", (8, 8)).save(classes / name / "same.png")
    write(classes / "labels.csv", "file,age", "same.png,1.5", "1.png,2.5")
    with pytest.raises(
        UnbraidError,
        match=r"names same\.png, a name that several images in .* have: give paths with",
    ):
        opened(classes)
    write(classes / "labels.csv", "file,age", "cat/same.png,1.5", "dog/same,2.5")
    with pytest.warns(UserWarning, match="8 images of 10 have no row"):
        ages = columns(opened(classes))["age"]
    assert [age for age in ages if age] == [1.5, 2.5]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["file,age", "a,1", "b,2", "c,3", "d,4"],
            r"no row of .*labels\.csv names an image in .*: its rows name a, b, c, \.\.\., the "
            r"images are 0\.png, 1\.png, 2\.png, \.\.\.: name them by file name or path",
        ),
        (
            ["file,age", "0.png,1", "1.png,2", "0.png,3", "1.png,4"],
            r"contradicts itself: 0\.png has age '1' in row 1 and '3' in row 3, and so does 1 more",
        ),
        (["0.png,cat", "1.png,dog"], r"the first row of .* names an image, 0\.png, expected the"),
        (["file,age,age", "0.png,1,2"], "two columns called 'age'"),
        (["file,age", "0.png,1", "1.png,2,3"], "row 2 of .* has 3 cells, .*: put quotes around"),
        (["file,age", "0.png,1", "1.png"], "row 2 of .* has 1 cells, .*: give it one cell a col"),
        (["0,cat", "1,dog"], r"the first row of .* names an image, 0, expected the names"),
        (["file,age"], "has no rows, expected one an image: add them"),
        ([], "is empty: expected a row of names"),
        (
            ["file,age", "0.png,7", "1.png,old"],
            r"age mixes numbers .*'old' in the row of 1\.png\)",
        ),
    ],
)
def test_bad_tables(folder: Path, lines: list[str], sentence: str) -> None:
    (folder / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(UnbraidError, match=sentence):
        opened(folder)


def test_rows_that_say_the_same_twice(folder: Path) -> None:
    write(folder / "labels.csv", "file,animal,age", *ROWS, ROWS[3])
    assert columns(opened(folder))["animal"] == ["dog", "cat"] * 4


def test_files_that_are_no_tables(folder: Path) -> None:
    for name, content, sentence in (
        ("labels.csv", "file,ägé\n".encode("latin-1"), "is not text in UTF-8"),
        ("table.txt", b"file,age\n", r"is no table of labels: expected a path that ends in \.csv"),
        ("missing.csv", None, "No such file"),
        ("nul.csv", b'file,"a\n', "is empty|has no rows"),
    ):
        if content is not None:
            (folder / name).write_bytes(content)
        with pytest.raises(UnbraidError, match=sentence):
            opened(folder, labels=str(folder / name))


def test_a_table_that_is_not_read_is_named(folder: Path) -> None:
    write(folder / "ages.csv", "file,age", "0.png,1")
    with pytest.warns(UserWarning, match=r"1 table \(ages\.csv; to read labels from one, name it"):
        assert opened(folder).factors is None
    (folder / "ages.csv").rename(folder / "labels.xlsx")
    with pytest.warns(UserWarning, match=r"1 spreadsheet \(labels\.xlsx; to read labels from one,"):
        assert opened(folder).factors is None


def test_broken_images_leave_labels_with_their_images(folder: Path) -> None:
    write(folder / "labels.csv", "file,animal,age", *ROWS)
    (folder / "2.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="left out 1 of 8"):
        data = opened(folder, skip_broken=True)
    assert columns(data)["age"] == [0, 0.5, 1.5, 2, 2.5, 3, 3.5]


CELLS = {
    "file": [f"{each}.png" for each in range(8)],
    "animal": ["dog", "cat"] * 4,
    "age": [1.5, None, *[2.0] * 6],
}


class Reader:
    """What pyarrow.parquet does, as far as it is used."""

    column_names = tuple(CELLS)
    num_rows = 8

    def read_table(self, path: Path) -> "Reader":
        if not path.stat().st_size:
            raise ValueError("no magic bytes")
        return self

    def column(self, name: str) -> Any:
        class Column:
            def to_pylist(self) -> list[Any]:
                return CELLS[name]

        return Column()


@pytest.fixture
def parquet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    load = importlib.import_module
    monkeypatch.setattr(
        importlib,
        "import_module",
        lambda name, *rest: Reader() if name == "pyarrow.parquet" else load(name, *rest),
    )
    (folder / "labels.parquet").write_bytes(b"PAR1")
    return folder / "labels.parquet"


def test_parquet(folder: Path, parquet: Path) -> None:
    found = columns(opened(folder))
    assert found["animal"] == ["dog", "cat"] * 4
    assert found["age"] == [1.5, None, *[2.0] * 6]
    parquet.write_bytes(b"")
    with pytest.raises(
        UnbraidError, match=r"as a Parquet file \(no magic bytes\): save the table again"
    ):
        opened(folder)


def test_parquet_without_its_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    (folder / "labels.parquet").write_bytes(b"PAR1")
    with pytest.raises(UnbraidError, match=re.escape("pip install 'unbraid[parquet]'")):
        read_table(folder / "labels.parquet")


def test_rows_that_hold_nothing_are_none(folder: Path) -> None:
    write(folder / "labels.csv", "file,animal,age", *ROWS)
    before = opened(folder)
    write(folder / "labels.csv", "file,animal,age", ROWS[0], ",,", "", *ROWS[1:], ",,", "")
    after = opened(folder)
    assert after.notes == before.notes
    assert columns(after) == columns(before)
