"""Sound files to damage: tiny data in every format, pictures, and finished runs."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
RUNS = {"vae": ["--latent-dim", "2", "--net", "mlp"], "conditional-vae": ["--latent-dim", "2"]}


def squares(count: int = 60) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return bright squares (count, 16, 16), and their grey, row and column."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, (3, 10, 10), (count, 3))
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, (grey, row, column) in zip(images, factors, strict=True):
        image[row + 1 : row + 6, column + 1 : column + 6] = 85 * (grey + 1)
    return images, factors


def write_npz(path: Path, count: int = 600) -> Path:
    """Write the squares with their factors."""
    images, factors = squares(count)
    names = np.array(["grey", "row", "column"])
    np.savez(path, images=images, factors=factors, factor_names=names)
    return path


def write_idx(folder: Path) -> None:
    """Write the squares and their grey as IDX files, the images gzipped."""
    images, factors = squares()
    header = struct.pack(">HBB3I", 0, 8, 3, *images.shape)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
    labels = struct.pack(">HBBI", 0, 8, 1, len(images)) + factors[:, 0].astype(np.uint8).tobytes()
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)


def write_pictures(folder: Path) -> None:
    """Write the squares as pictures of all kinds, in a subfolder for each grey."""
    images, factors = squares(30)
    for index, (image, (grey, *_)) in enumerate(zip(images, factors, strict=True)):
        (folder / str(grey)).mkdir(parents=True, exist_ok=True)
        suffix = ("png", "jpg", "bmp", "gif", "tif", "webp")[index % 6]
        Image.fromarray(image).save(folder / str(grey) / f"{index}.{suffix}")


def make(folder: Path) -> Path:
    """Write everything into a folder, and train its runs; return the folder."""
    from unbraid import cli

    folder.mkdir(parents=True, exist_ok=True)
    data = write_npz(folder / "squares.npz")
    (folder / "idx").mkdir(exist_ok=True)
    write_idx(folder / "idx")
    write_pictures(folder / "pictures")
    Image.fromarray(np.pad(squares(1)[0][0], 8)).save(folder / "digit.png")  # 32 by 32
    for method, options in RUNS.items():
        if method == "conditional-vae":
            options = []
        words = ["train", method, "--data", str(data), "--epochs", "1", "--batch-size", "64"]
        assert cli.main([*words, *options, "--out", str(folder / method), "--resume"]) == 0
    return folder
