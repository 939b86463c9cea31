"""Ways to damage a file: bytes, JSON values, safetensors headers."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

JSON_VALUES: list[Any] = [
    *(None, True, -1, 0, 1e308, 10**30, float("nan"), float("inf"), "", "x", "../../x", "\udc80"),
    *([], {}, [[]], ["a"] * 50, {"a": {"b": None}}, "é" * 200, "__import__('os')", [1, 2, 3, 4, 5]),
]


def flip(path: Path, rng: Random) -> None:
    """Change some bytes, half the time among the first hundred."""
    data = bytearray(path.read_bytes())
    reach = min(len(data), 100) if rng.random() < 0.5 else len(data)
    for _ in range(rng.choice((1, 3, 30))):
        if data:
            data[rng.randrange(reach)] = rng.randrange(256)
    path.write_bytes(data)


def truncate(path: Path, rng: Random) -> None:
    """Cut a file short, or let garbage follow it."""
    data = path.read_bytes()
    if rng.random() < 0.2:
        path.write_bytes(data + rng.randbytes(rng.choice((1, 100))))
    else:
        path.write_bytes(data[: rng.randrange(len(data)) if data else 0])


def garbage(path: Path, rng: Random) -> None:
    """Replace a file's content."""
    kinds = [b"", b"\0", b"null", b"[]", b"{}", b"\xff\xfe", b"\x1f\x8b", b"PK\x03\x04", b"\n" * 99]
    kinds += [rng.randbytes(rng.choice((8, 1000))), b"[" * 100_000, b'{"a":' * 50_000]
    path.write_bytes(rng.choice(kinds))


def replace(path: Path, rng: Random, others: list[Path]) -> None:
    """Put something else in a file's place: another file, a folder, a link, a pipe, nothing."""
    path.unlink(missing_ok=True)
    way = rng.choice(("other", "other", "folder", "loop", "dangling", "device", "gone"))
    if way == "other":
        shutil.copyfile(rng.choice(others), path)
    elif way == "folder":
        path.mkdir()
    elif way != "gone":
        path.symlink_to({"loop": path.name, "dangling": "nowhere", "device": "/dev/null"}[way])


def spoil_json(path: Path, rng: Random) -> None:
    """Set one value of a JSON file, somewhere inside, to one that is not meant to be there."""
    whole = json.loads(
        path.read_text(encoding="utf-8").splitlines()[0]
        if path.suffix == ".jsonl"
        else path.read_text(encoding="utf-8")
    )
    inside = whole
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = rng.choice(keys)
        below = inside[key]
        if not isinstance(below, dict | list) or not below or rng.random() < 0.3:
            break
        inside = below
    way = rng.random()
    if way < 0.15:
        del inside[key]
    elif way < 0.25 and isinstance(inside, dict):
        inside[rng.choice(("nosuch", "", key + "x"))] = inside.pop(key)
    else:
        inside[key] = rng.choice(JSON_VALUES)
    path.write_text(json.dumps(whole), encoding="utf-8")


def lying_header(path: Path, rng: Random) -> None:
    """Write a safetensors file whose header says what is not so."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    name = rng.choice([name for name in header if name != "__metadata__"])
    entry = header[name]
    ways = ("length", "overlap", "beyond", "shape", "dtype", "name", "metadata", "deep", "swapped")
    way = rng.choice(ways)
    if way == "length":
        lie = rng.choice((0, 1, size + 1, 2**31, 2**63, 2**64 - 1, 100_000_001))
        path.write_bytes(lie.to_bytes(8, "little") + data[8:])
        return
    if way == "overlap":
        entry["data_offsets"] = [0, entry["data_offsets"][1] - entry["data_offsets"][0]]
    elif way == "beyond":
        entry["data_offsets"] = [2**40, 2**40 + 4 * 2 ** rng.randrange(60)]
    elif way == "shape":
        entry["shape"] = rng.choice(([2**62, 2], [-1], [0], [10**12], ["x"], [2**40, 0], None))
    elif way == "dtype":
        entry["dtype"] = rng.choice(("F64", "I8", "BOOL", "F8_E4M3", "nosuch", 3, "U64", "BF16"))
    elif way == "name":
        header[rng.choice(("", "../x", "é", name + "x", "a" * 10_000))] = header.pop(name)
    elif way == "metadata":
        header["__metadata__"] = rng.choice(
            ({"progress": "{}"}, {"progress": "[" * 9999}, {"a": 1}, [])
        )
    elif way == "deep":
        entry["shape"] = json.loads("[" * 500 + "]" * 500)
    else:
        other = rng.choice([each for each in header if each != "__metadata__"])
        header[name], header[other] = header[other], header[name]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def huge_sparse(path: Path, size: int) -> None:
    """Make a file long without filling the disk."""
    with path.open("r+b") as file:
        os.truncate(file.fileno(), size)
