"""Files that cannot be read: one sentence on what was found, what was expected and what to do."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unbraid.core import recordings
from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_json
from unbraid.datasets import load_dataset
from unbraid.datasets._codes import read_codes
from unbraid.datasets._table_files import read_table
from unbraid.pictures import read_png
from unbraid.studies.spec import read as read_study


def png(mode: str = "L", size: tuple[int, int] = (16, 16)) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0]), np.uint8)
    Image.fromarray(noise).convert(mode).save(file, "TIFF" if mode == "F" else "PNG")
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def picture(path: Path) -> object:
    return read_png(path, (1, 16, 16))


def folder(path: Path) -> object:
    return load_dataset(str(path.parent), full=True)


def data(path: Path) -> object:
    return load_dataset(str(path))


IDX = bytes([0, 0, 8, 3])
WHOLE = "expected a whole PNG, JPEG or similar file: copy it again, or save it as PNG."
REPLACE = (
    "replace or delete it, or leave such files out with skip_broken=True (--data.skip-broken)."
)
CASES: list[tuple[str, bytes | None, Callable[[Path], object], str, str]] = [
    ("a.png", None, picture, "does not exist", "expected an image: give a PNG file."),
    ("a.png", b"text", picture, "(its format is unknown)", WHOLE),
    ("a.png", b"", picture, "(its format is unknown)", WHOLE),
    ("a.png", png()[:150], picture, "cannot be read as an image (", WHOLE),
    ("a.tif", png("F"), picture, "has pixels of 32 bits", "expected 8 or 16: save it as PNG"),
    ("a.png", b"text", folder, "(its format is unknown)", REPLACE),
    ("a.png", png()[:150], folder, "cannot be read as an image (", REPLACE),
    ("a-idx3-ubyte", b"text", data, "starts with the bytes '74 65 78 74'", "expected '00 00'"),
    ("a-idx3-ubyte", b"text", data, "is not an IDX file", "or download it again."),
    (
        "a-idx3-ubyte",
        IDX + b"\0\0\0\1" * 3,
        data,
        "has 16 bytes, expected 17",
        "download it again.",
    ),
    (
        "a-idx3-ubyte",
        IDX + bytes(12),
        data,
        "shape in its header is (0, 0, 0)",
        "expected at least",
    ),
    ("a.npz", b"text", data, "cannot read", "save plain numbers with np.savez(path, images="),
    ("a.npz", npz(images=np.zeros((3, 0, 9))), data, "shape (3, 0, 9)", "expected at least one"),
    ("a.npz", npz(images=np.zeros((3, 9))), data, "shape (3, 9), expected (N, H, W)", "reshape"),
    ("a.npz", npz(images=np.full((3, 9, 9), 7j)), data, "of type complex128, expected", "convert"),
    ("a.csv", None, read_table, "No such file", "expected a table of labels; check the path"),
    ("a.csv", b"", read_table, "is empty: expected a row of names", "save the table again."),
    ("a.csv", b'a,b\n"' + b"x" * 200_000, read_table, "field larger than", "save it again as CSV."),
    ("a.parquet", None, read_table, "No such file", "expected a table of labels; check the path"),
    ("a.txt", b"text", read_table, "expected a path that ends in .csv", "save it as CSV."),
    ("a.csv", b"z0,f\nsix,1\n", lambda path: read_codes(str(path)), "holds words", "--codes-key."),
    ("a.dat", b"text", lambda path: read_codes(str(path)), "is no file of codes", "one of these"),
    ("a.wav", None, recordings.read, "does not exist", "give a recording such as rec.wav."),
    ("a.wav", b"", recordings.read, "is empty (0 bytes): expected a recording", "record it again."),
    ("a.wav", b"text", recordings.read, "starts with 'text', expected a WAV", "convert it to one"),
    (
        "a.wav",
        b"RIFF0000WAVE",
        recordings.read,
        "followed by no format",
        "copy or record it again.",
    ),
    ("a.json", None, read_json, "No such file", "expected a JSON file; restore it"),
    ("a.toml", None, read_study, "No such file", "expected a study's TOML file, or"),
]


@pytest.mark.parametrize(("name", "content", "read", "found", "advice"), CASES)
def test_a_sentence_says_what_to_do(
    tmp_path: Path,
    name: str,
    content: bytes | None,
    read: Callable[[Path], object],
    found: str,
    advice: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnbraidError) as caught:
        read(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert found in sentence
    assert advice in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match="is a folder, expected an image: give a PNG or JPEG"):
        picture(tmp_path)
    with pytest.raises(UnbraidError, match="is a folder, expected a recording: name a file"):
        recordings.read(tmp_path)
