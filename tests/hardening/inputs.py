"""Generated bad input: each case is a function of (seed, index), in a folder of its own.

``case(seed, index, materials, folder)`` prepares the folder and returns the command's words. What
must hold of every one: exit code 2 and one sentence, or 0 where the input is sound after all; no
traceback; seconds; and less than a gigabyte of memory.
"""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from tests.hardening import damage, materials
from tests.hardening.words import DTYPES, SHAPES, VALUES, WORDS

TRAINING = [
    "data",
    "out",
    "batch-size",
    "lr",
    "seed",
    "validation",
    "device",
    "precision",
    "threads",
]
TRAINING += ["checkpoint-every", "data.split-seed", "data.images-key", "data.layout", "data.full"]
METHODS = {
    "vae": ["likelihood", "sigma", "net", "latent-dim"],
    "ae": ["latent-dim", "net"],
    "beta-vae": ["beta"],
    "beta-tcvae": ["beta", "estimator"],
    "infogan": ["categories", "continuous", "noise", "spectral-norm", "invariance"],
    "joint-vae": ["categories", "capacity-epochs"],
    "s2-vae": ["labels", "label-seed", "label-factors"],
    "conditional-vae": ["labels", "label-factors", "style-dim", "components", "sure"],
    "nosuch": [],
    "../vae": [],
    "_base": [],
}
FIGURES = {
    "sample": ["rows", "columns", "seed", "out"],
    "reconstruct": ["rows", "columns", "seed", "out"],
    "traverse": ["latents", "rows", "steps", "low", "high", "center", "image", "out"],
    "interpolate": ["pairs", "steps", "path", "seed", "out"],
    "scatter": ["latents", "factor", "points", "seed", "out"],
    "plane": ["steps", "latents", "out"],
    "heatmap": ["images", "seed", "out"],
}
OPTIONS = {
    "evaluate": ["metrics", "protocol", "data", "images", "samples", "seed", "json"],
    "generate": ["model", "n", "out", "seed", "clip", "candidates", "correct"],
    "edit": ["model", "out", "compare", "clip"],
    "swap": ["model", "out", "compare"],
    "control": ["requests", "seed", "candidates", "json"],
    "show": ["rows", "columns", "steps", "seed", "out"],
    "tour": ["out", "quick", "full", "seeds", "figure", "jobs"],
    "methods": ["json"],
    "datasets": [],
    "metrics": [],
    "nosuch": ["x"],
    "_style": [],
    "": [],
}
# sound, and long only because that much is asked for
LONG = {"samples", "requests", "candidates", "style-dim", "components", "pairs", "steps", "rows"}
LONG |= {"columns", "n"}


def base(command: str, m: Path, rng: Random) -> list[str]:
    """Return the words of a quick and sound command."""
    vae = str(m / "vae")
    if command in METHODS:
        return ["train", command, "--data", str(m / "squares.npz"), "--epochs", "1",
                "--batch-size", "64"]  # fmt: skip
    if command in FIGURES:
        return [command, vae, "--out", "x.png"]
    return {
        "evaluate": ["evaluate", vae, "--metrics", "mig", "--images", "40", "--samples", "2"],
        "generate": ["generate", "seven", "-n", "1"],
        "edit": ["edit", str(m / "digit.png"), "bigger"],
        "swap": ["swap", str(m / "digit.png"), str(m / "digit.png"), "size"],
        "control": ["control", str(m / "conditional-vae"), "--requests", "4"],
        "show": ["show", str(m / "squares.npz"), "--out", "x.png"],
        "tour": ["tour", "--images", "10"],
    }.get(command, [command])


def options(rng: Random, m: Path, folder: Path) -> list[str]:
    """Options that are misspelt, given twice or without a value; positions and values at random."""
    command = rng.choice([*METHODS, *FIGURES, *OPTIONS])
    words = base(command, m, rng)
    known = OPTIONS.get(command, FIGURES.get(command, []))
    known = METHODS[command] + TRAINING if command in METHODS else known
    for _ in range(rng.choice((1, 1, 2))):
        option = rng.choice([*known, "nosuch", "epoch"])
        value = rng.choice(VALUES)
        if (
            option in LONG
            and value == "99999999999999999999"
            and command in ("evaluate", "control")
        ):
            value = "x"
        if rng.random() < 0.15 and option:  # misspelt
            at = rng.randrange(len(option))
            option = option[:at] + rng.choice("abcxyz-_") + option[at + 1 :]
        way = rng.random()
        if way < 0.65:
            words += [f"--{option}", value]
        elif way < 0.8:
            words += [f"--{option}={value}"]
        elif way < 0.9:
            words += [f"--{option}"]
        else:
            words.insert(rng.randrange(len(words) + 1), value)
    if rng.random() < 0.1:
        del words[rng.randrange(len(words))]
    return words


def work_on(run: Path, method: str, m: Path, rng: Random) -> list[str]:
    """Return the words of some command that opens a run folder."""
    command = rng.choice(["evaluate", *FIGURES, "generate", "control", "resume", "edit"])
    if command == "evaluate":
        return ["evaluate", str(run), "--metrics", "mig", "--images", "40", "--samples", "2"]
    if command == "generate":
        return ["generate", "grey 1", "-n", "1", "--model", str(run)]
    if command == "edit":
        return ["edit", str(m / "digit.png"), "grey 1", "--model", str(run)]
    if command == "control":
        return ["control", str(run), "--requests", "4"]
    if command == "resume":
        extra = materials.RUNS[method] if method == "vae" else []
        return [*base(method, m, rng), *extra, "--out", str(run), "--resume"]
    return [command, str(run), "--out", "x.png"]


def run_folders(rng: Random, m: Path, folder: Path) -> list[str]:
    """A run folder with a damaged, swapped or missing file."""
    method = rng.choice(list(materials.RUNS))
    run = folder / "run"
    shutil.copytree(m / method, run)
    if rng.random() < 0.3:  # one that was interrupted
        (run / "result.json").unlink()
        if rng.random() < 0.5:
            (run / "model.safetensors").rename(run / "checkpoint.safetensors")
    files = sorted(run.iterdir())
    others = [path for each in materials.RUNS for path in sorted((m / each).iterdir())]
    for _ in range(rng.choice((1, 1, 2))):
        path = rng.choice(files)
        if not path.is_file() or path.is_symlink():
            continue
        spoil = damage.spoil_json if path.suffix == ".json" else damage.flip
        if path.suffix == ".safetensors":
            spoil = damage.lying_header
        way = rng.random()
        try:
            if way < 0.5:
                spoil(path, rng)
            elif way < 0.65:
                damage.flip(path, rng)
            elif way < 0.8:
                damage.truncate(path, rng)
            elif way < 0.9:
                damage.garbage(path, rng)
            else:
                damage.replace(path, rng, others)
        except (ValueError, LookupError, TypeError):  # damaged beyond that already
            damage.flip(path, rng)
    return work_on(run, method, m, rng)


def safetensors(rng: Random, m: Path, folder: Path) -> list[str]:
    """A run whose weights' header lies."""
    method = rng.choice(list(materials.RUNS))
    run = folder / "run"
    shutil.copytree(m / method, run)
    path = run / "model.safetensors"
    if rng.random() < 0.3:
        (run / "result.json").unlink()
        path = path.rename(run / "checkpoint.safetensors")
    damage.lying_header(path, rng)
    return work_on(run, method, m, rng)


def image_data(path: Path, m: Path, rng: Random) -> list[str]:
    """Return the words of some command that reads images of a user's own."""
    way = rng.random()
    if way < 0.4:
        return ["show", str(path), "--out", "x.png"]
    if way < 0.7:
        return ["evaluate", str(m / "vae"), "--data", str(path), "--metrics", "mig",
                "--images", "40", "--samples", "2"]  # fmt: skip
    return ["train", "vae", "--data", str(path), "--epochs", "1", "--batch-size", "8",
            "--latent-dim", "2", "--net", "mlp"]  # fmt: skip


def pictures(rng: Random, m: Path, folder: Path) -> list[str]:
    """Damaged or odd pictures in a folder, or as the image to edit."""
    if rng.random() < 0.3:
        path = folder / "image.png"
        shutil.copyfile(m / "digit.png", path)
        _spoil_picture(path, rng, m)
        words = ["edit", str(path), "bigger"]
        return words if rng.random() < 0.7 else ["swap", str(m / "digit.png"), str(path), "size"]
    root = folder / "pictures"
    shutil.copytree(m / "pictures", root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    for path in rng.sample(files, rng.choice((1, 1, 5))):
        _spoil_picture(path, rng, m)
    if rng.random() < 0.1:
        shutil.copyfile(files[0], root / "beside.png") if files[0].is_file() else None
    words = image_data(root, m, rng)
    return [*words, "--data.skip-broken"] if words[0] == "train" and rng.random() < 0.3 else words


def _spoil_picture(path: Path, rng: Random, m: Path) -> None:
    way = rng.random()
    if way < 0.4:
        damage.flip(path, rng)
    elif way < 0.6:
        damage.truncate(path, rng)
    elif way < 0.7:
        damage.garbage(path, rng)
    elif way < 0.8:
        damage.replace(path, rng, [m / "squares.npz", m / "vae/config.json", m / "digit.png"])
    else:
        size = rng.choice(((1, 1), (16, 16), (32, 32), (32, 3000), (1, 200), (5000, 5000)))
        mode = rng.choice(("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16", "F", "CMYK"))
        kind = "TIFF" if mode in ("F", "I", "CMYK") else "PNG"
        Image.new(mode, size).save(path, format=kind)


def idx(rng: Random, m: Path, folder: Path) -> list[str]:
    """IDX files damaged, or with a header that lies."""
    root = folder / "idx"
    shutil.copytree(m / "idx", root)
    images, labels = sorted(root.iterdir())
    path = rng.choice((images, images, labels))
    way = rng.random()
    if way < 0.4:
        damage.flip(path, rng)
    elif way < 0.6:
        damage.truncate(path, rng)
    elif way < 0.7:
        damage.garbage(path, rng)
    else:
        axes = rng.choice((0, 1, 2, 3, 4, 5, 255))
        shape = [rng.choice((0, 1, 16, 60, 2**16, 2**32 - 1)) for _ in range(axes)]
        kind = rng.choice((0, 8, 9, 11, 12, 13, 14, 255))
        header = struct.pack(f">HBB{axes}I", 0, kind, axes, *shape)
        path.write_bytes(header + rng.randbytes(rng.choice((0, 60, 60 * 256))))
    return image_data(rng.choice((images, images, images, labels)), m, rng)


def npz(rng: Random, m: Path, folder: Path) -> list[str]:
    """``.npz`` files damaged, with arrays of odd types and shapes, or with headers that lie."""
    path = folder / "x.npz"
    way = rng.random()
    if way < 0.3:
        shutil.copyfile(m / "squares.npz", path)
        rng.choice((damage.flip, damage.truncate, damage.garbage))(path, rng)
    elif way < 0.5:
        member = b"\x93NUMPY" + rng.choice((b"\1\0", b"\2\0", b"\3\0", b"\x09\0"))
        shape = rng.choice(("(99999999999, 16, 16)", "(2, 16, 16)", "(-1,)", "(1" * 999, "()", "x"))
        kind = rng.choice(("|u1", "|O", "<f8", "<M8[s]", "nosuch", "|V99999999"))
        text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
        length = rng.choice((len(text), len(text), 5, 65535))
        wide = member[6:7] != b"\1"
        member += length.to_bytes(4 if wide else 2, "little") + text + b"\0" * 600
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(rng.choice(("images.npy", "images.npy", "images", "../x.npy")), member)
    else:
        arrays: dict[str, Any] = {}
        for key in rng.choice((["images"], ["images", "factors"], ["images", "factors",
                               "factor_names"], ["x"], ["nosuch"], [])):  # fmt: skip
            arrays[key] = _odd_array(rng)
        if rng.random() < 0.5 and "images" in arrays:
            arrays["images"] = materials.squares()[0]
        np.savez(path, **arrays)
    if rng.random() < 0.1:
        path = path.rename(folder / rng.choice(("x.NPZ", "x", "x.npy", "x y.npz", "\udc80.npz")))
    return image_data(path, m, rng)


def _odd_array(rng: Random) -> Any:
    if rng.random() < 0.05:
        return np.array([{}, None], object)
    shape, kind = rng.choice(SHAPES), np.dtype(rng.choice(DTYPES))
    values = np.random.default_rng(rng.randrange(99)).random(shape)
    if kind.kind in "iu":
        values = values * rng.choice((1, 2, 255, 256))
    if kind.kind == "f" and rng.random() < 0.5 and values.size:
        values.flat[0] = rng.choice((np.nan, np.inf, -1e-7, 1 + 1e-7, -5, 255))
    if kind.kind == "V":
        return np.zeros(shape, kind)
    with np.errstate(all="ignore"):
        return (values * 100).astype("i8").astype(kind) if kind.kind == "M" else values.astype(kind)


def requests(rng: Random, m: Path, folder: Path) -> list[str]:
    """Requests of random words, in any order and number."""
    count = rng.choice((0, 1, 2, 3, 5, 8, 8, 20, 500))
    words = [rng.choice(WORDS) for _ in range(count)]
    if rng.random() < 0.1:
        words.append(rng.choice(("7" * 400, "a" * 10_000, "9" * 20, "1." * 50, "\0x", "\udc80")))
    text = rng.choice((" ", " ", ",", ", ", "\n")).join(words)
    extra = ["--clip"] if rng.random() < 0.3 else []
    if rng.random() < 0.3:
        return ["edit", str(m / "digit.png"), text, *extra]
    return ["generate", *(text.split(" ") if rng.random() < 0.3 else [text]), "-n", "1", *extra]


KINDS: dict[str, Callable[[Random, Path, Path], list[str]]] = {
    "options": options,
    "run folders": run_folders,
    "safetensors": safetensors,
    "pictures": pictures,
    "idx": idx,
    "npz": npz,
    "requests": requests,
}


def kind_of(index: int) -> str:
    """Return the kind of a case: they take turns."""
    return list(KINDS)[index % len(KINDS)]


def case(seed: int, index: int, m: Path, folder: Path) -> list[str]:
    """Prepare a case in a new folder and return the command's words."""
    folder.mkdir(parents=True)
    words = KINDS[kind_of(index)](Random(f"{seed} {index}"), m, folder)
    return [word.replace("\0", "") for word in words]  # no shell can pass that one


def describe(words: list[str]) -> str:
    """Return the words as a line that can be read."""
    return json.dumps(words)[:300]
