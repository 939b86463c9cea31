"""Files made to do harm: each is refused in a sentence, at once, and nothing in it is run."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unbraid import cli, load_dataset
from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.store import read_tensors, write_tensors
from unbraid.pictures import read_png
from unbraid.runs import Run


@pytest.fixture
def run(tiny_run: Run, tmp_path: Path) -> Path:
    """A run folder of one's own."""
    return Path(shutil.copytree(tiny_run.folder, tmp_path / "run"))


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine have 64 MB."""
    sizes = {"SC_PHYS_PAGES": 1 << 14, "SC_PAGE_SIZE": 1 << 12}
    monkeypatch.setattr(limits.os, "sysconf", sizes.__getitem__)


def with_header(path: Path, header: Any, length: int | None = None, body: bytes = b"") -> None:
    text = json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + body)


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
LIES: dict[str, tuple[Any, int | None]] = {
    "a header longer than the file": ({"a": TENSOR}, 1 << 40),
    "a header of 2^64 - 1 bytes": ({"a": TENSOR}, (1 << 64) - 1),
    "an empty header": ({}, 0),
    "tensors on top of each other": ({"a": TENSOR, "b": TENSOR}, None),
    "a tensor beyond the file": ({"a": {**TENSOR, "data_offsets": [1 << 40, (1 << 40) + 8]}}, None),
    "a shape of terabytes": ({"a": {**TENSOR, "shape": [1 << 40]}}, None),
    "a shape that overflows": ({"a": {**TENSOR, "shape": [1 << 62, 1 << 62]}}, None),
    "a gap between tensors": ({"a": {**TENSOR, "data_offsets": [4, 12]}}, None),
    "an unknown type": ({"a": {**TENSOR, "dtype": "PICKLE"}}, None),
    "a header nested deeply": (json.loads("[" * 900 + "]" * 900), None),
}


@pytest.mark.parametrize("lie", LIES)
def test_safetensors_that_lie(run: Path, lie: str, capsys: pytest.CaptureFixture[str]) -> None:
    header, length = LIES[lie]
    with_header(run / "model.safetensors", header, length, body=bytes(8))
    with pytest.raises(UnbraidError, match=r"model.safetensors is damaged \(.*restore it"):
        Run(run).model()
    assert cli.main(["sample", str(run)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_a_header_of_a_hundred_megabytes(run: Path) -> None:
    path = run / "model.safetensors"
    with path.open("wb") as file:
        file.write((99_000_000).to_bytes(8, "little"))
        file.truncate(100_000_000)
    with pytest.raises(UnbraidError, match="its header has 99,000,000 bytes, expected 10,485,760"):
        read_tensors(path)


def test_pickled_weights_are_not_opened(run: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(run / "harmed"),)

    for data in (pickle.dumps(Harm()), pickled_by_torch(Harm())):
        (run / "model.safetensors").write_bytes(data)
        with pytest.raises(UnbraidError, match="is damaged"):
            Run(run).model()
        np.savez(run / "x.npz", images=np.array([Harm()], object))
        (run / "y.npz").write_bytes(data)
        for name in ("x.npz", "y.npz"):
            with pytest.raises(
                UnbraidError, match=r"pickled Python|as a \.npz file|none of the arrays"
            ):
                load_dataset(str(run / name))
    assert not (run / "harmed").exists()


def pickled_by_torch(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def npy(shape: str, kind: str = "|u1", data: bytes = b"") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


def zipped(path: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "shape",
    ["(99999999999, 16, 16)", "(2, 16, 16)", "(-1,)", "(" * 900, "(1" * 900, "(9" * 3000],
)
def test_arrays_that_are_not_as_long_as_they_say(tmp_path: Path, shape: str) -> None:
    path = zipped(tmp_path / "x.npz", "images.npy", npy(shape, data=bytes(100)))
    with pytest.raises(UnbraidError, match=r"cannot read .*x\.npz as a \.npz file"):
        load_dataset(str(path))
    path = zipped(tmp_path / "y.npz", "images.npy", b"\x93NUMPY\2\0" + b"\xff" * 9)
    with pytest.raises(UnbraidError, match=r"cannot read .*y\.npz as a \.npz file"):
        load_dataset(str(path))
    (tmp_path / "z.npz").write_bytes(npy(shape))
    with pytest.raises(UnbraidError, match="holds a single array"):
        load_dataset(str(tmp_path / "z.npz"))


@pytest.mark.usefixtures("small_machine")
def test_a_zip_bomb(tmp_path: Path) -> None:
    packed = npy("(400000, 16, 16)", data=bytes(400_000 * 256))
    path = zipped(tmp_path / "x.npz", "images.npy", packed)
    assert path.stat().st_size < 200_000
    with pytest.raises(UnbraidError, match=r"takes 0\.1024 GB, and this machine has 0\.06711 GB"):
        load_dataset(str(path))
    path = zipped(tmp_path / "y.npz", "images", bytes(100_000_000))  # no array at all
    with pytest.raises(UnbraidError, match=r"takes 0\.1 GB"):
        load_dataset(str(path))


@pytest.mark.usefixtures("small_machine")
def test_a_gzip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    header = b"\0\0\x08\x03" + struct.pack(">3I", 400_000, 16, 16)
    path.write_bytes(gzip.compress(header + bytes(400_000 * 256)))
    with pytest.raises(UnbraidError, match=r"takes 0\.1024 GB"):
        load_dataset(str(path))
    header = b"\0\0\x08\x03" + struct.pack(">3I", 10, 16, 16)
    path.write_bytes(gzip.compress(header + bytes(100_000_000)))  # more than it says
    with pytest.raises(UnbraidError, match="it has more than 2576 bytes, expected 2576"):
        load_dataset(str(path))


def bomb(path: Path, width: int, height: int) -> Path:
    """Write a PNG of so many pixels, all black, in a few bytes for each row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000))
    whole = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
    return path


def test_pictures_with_too_many_pixels(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    bomb(folder / "a.png", 12_000, 12_000)
    sentence = "12,000 by 12,000 pixels, expected 67,108,864 in all at most"
    with pytest.raises(UnbraidError, match=sentence):
        load_dataset(str(folder), full=True)
    with pytest.raises(UnbraidError, match=sentence):
        read_png(folder / "a.png", (1, 32, 32))
    bomb(folder / "a.png", 60_000, 60_000)  # Pillow's own limit
    with pytest.raises(UnbraidError, match="exceeds limit"):
        load_dataset(str(folder), full=True)


def test_postscript_called_png_starts_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/harmed\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "pictures").mkdir()
    path = tmp_path / "pictures/a.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n")
    with pytest.raises(UnbraidError, match="cannot be read as an image"):
        load_dataset(str(tmp_path / "pictures"), full=True)
    with pytest.raises(UnbraidError, match="cannot be read as an image"):
        read_png(path, (1, 32, 32))
    assert not (tmp_path / "harmed").exists()


def test_a_pipe_among_pictures_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnbraidError, match=r"a\.png cannot be read as an image"):
        load_dataset(str(tmp_path), full=True)


def set_in(path: Path, *keys: Any, value: Any) -> None:
    whole = json.loads(path.read_text())
    inside = whole
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = value
    path.write_text(json.dumps(whole))


CONFIGS: list[tuple[tuple[Any, ...], Any]] = [
    (("method", "name"), "../../x"),
    (("method", "name"), "/tmp/x"),
    (("method", "name"), "_base"),
    (("method", "name"), "os"),
    (("data", "name"), "../../x"),
    (("data", "path"), "/dev/zero"),
    (("data", "path"), "/etc/hostname"),
    (("data", "path"), "/"),
    (("image_shape",), [1, 1 << 40, 1 << 40]),
    (("image_shape",), [1, 16]),
    (("image_shape",), [1, 16, float("inf")]),
    (("format",), "__import__('os')"),
    (("training", "batch_size"), 1 << 60),
    (("factors",), [{"name": "x"}]),
    (("factors", 0, "name"), {"a": "b"}),
    (("factors", 0, "kind"), "nosuch"),
    (("factors", 0, "kind"), ["categorical"]),
    (("factors", 0, "values"), [[1], [2], [3]]),
    (("factors", 0, "values"), []),
    (("factors", 0, "values"), 3),
    (("factors", 0, "unit"), None),
    (("factors", 0, "range"), [0]),
    (("factors", 0, "range"), [0, float("inf")]),
    (("factors", 0, "symmetries"), [{"nosuch": 1}]),
]


@pytest.mark.parametrize(("keys", "value"), CONFIGS, ids=lambda each: str(each)[:40])
def test_configs_that_point_elsewhere(
    run: Path, keys: tuple[Any, ...], value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    set_in(run / "config.json", *keys, value=value)
    assert cli.main(["reconstruct", str(run)]) in ((0,) if keys[0] == "training" else (2,))
    told = capsys.readouterr().err
    assert told.startswith("unbraid: ") or keys[0] == "training"
    assert len(told.splitlines()) <= 1


@pytest.mark.parametrize("name", ["config.json", "result.json"])
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, "\ud800", "nan", ""]
)
def test_json_that_is_deep_or_long(
    run: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(UnbraidError, match=rf"{name} is not"):
        _ = Run(run).result
    assert cli.main(["sample", str(run)]) == (2 if name == "config.json" else 0)
    assert len(capsys.readouterr().err.splitlines()) == (1 if name == "config.json" else 0)


def test_json_of_a_gigabyte(run: Path) -> None:
    with (run / "config.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(UnbraidError, match="it has 1,074 MB, expected 100 MB at most"):
        Run(run)


def test_links_in_a_run_folder_are_read_and_never_written_through(
    run: Path, squares_npz: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    names = ("metrics.jsonl", "result.json", "model.safetensors", "config.json", "sample.png")
    for name in names:
        if (run / name).exists():
            (run / name).rename(outside / name)
        else:
            (outside / name).write_text("mine")
        (run / name).symlink_to(outside / name)
    (run / "result.json").unlink()
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    words = ["--latent-dim", "4", "--net", "mlp", "--epochs", "3", "--batch-size", "16"]
    words += ["--precision", "f32", "--data", str(squares_npz), "--out", str(run), "--resume"]
    assert cli.main(["train", "vae", *words]) == 0
    assert cli.main(["sample", str(run)]) == 0
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
    assert not any((run / name).is_symlink() for name in ("metrics.jsonl", "sample.png"))
    assert Run(run).finished


def test_links_that_go_round(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("config.json", "model.safetensors"):
        path = run / name
        kept = path.read_bytes()
        path.unlink()
        path.symlink_to(name)
        assert cli.main(["sample", str(run)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        path.unlink()
        path.write_bytes(kept)


PROGRESS = ['{"step": "x"}', '{"step": 1, "steps_per_epoch": 0}', '{"sums": {"loss": "x"}}', "3"]


@pytest.mark.parametrize("told", [*PROGRESS, '{"sums": 3}', "[" * 100_000, "{}}"])
def test_checkpoints_that_say_what_cannot_be(run: Path, squares_npz: Path, told: str) -> None:
    tensors, _ = read_tensors(run / "model.safetensors")
    (run / "result.json").unlink()
    named = {f"model.{name}": value for name, value in tensors.items()}
    write_tensors(run / "checkpoint.safetensors", named, {"progress": told})
    words = ["--latent-dim", "4", "--net", "mlp", "--epochs", "3", "--batch-size", "16"]
    words += ["--precision", "f32", "--data", str(squares_npz), "--out", str(run), "--resume"]
    assert cli.main(["train", "vae", *words]) == 2


@pytest.mark.parametrize("line", ["null", "[1]", "3", "[" * 100_000, "9" * 5000])
def test_metrics_that_are_no_records_end_there(run: Path, line: str) -> None:
    path = run / "metrics.jsonl"
    first = path.read_text().splitlines()[0]
    path.write_text(f"{first}\n{line}\n{first}\n")
    assert Run(run).history() == [json.loads(first)]
