"""Pack MNIST's four IDX files into the file the package embeds, and print its size and SHA-256.

Usage: python tools/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte and their t10k siblings, plain or
gzipped. Most pixels are blank, so the images are stored as the bits that tell which pixels have
ink (bzip2 packs those best) and the ink of those in order (LZMA), in a .npz any NumPy can read.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.core.files import atomic
from unbraid.datasets import idx, mnist


def main(folder: Path) -> None:
    """Write the packed file and check that it gives every pixel and label back."""
    images, labels = read(folder, "images-idx3"), read(folder, "labels-idx1")
    ink = images > 0
    members = {
        "mask": (np.packbits(ink), zipfile.ZIP_BZIP2),
        "ink": (images[ink], zipfile.ZIP_LZMA),
        "labels": (labels, zipfile.ZIP_LZMA),
    }
    with atomic(mnist.PACKED) as temporary:
        write(temporary, members)
    packed = mnist.PACKED.read_bytes()
    print(f"{mnist.PACKED}: {len(packed):,} bytes, SHA-256 {hashlib.sha256(packed).hexdigest()}")
    np.testing.assert_array_equal(mnist.unpack_images(packed), images)
    np.testing.assert_array_equal(mnist.unpack_labels(packed), labels)


def read(folder: Path, kind: str) -> NDArray[np.uint8]:
    """Return the training set's array followed by the test set's."""
    parts = []
    for split in ("train", "t10k"):
        plain = folder / f"{split}-{kind}-ubyte"
        parts.append(idx.read(plain if plain.exists() else plain.with_name(plain.name + ".gz")))
    return np.concatenate(parts)


def write(path: Path, members: dict[str, tuple[NDArray[np.uint8], int]]) -> None:
    """Write a .npz whose members each have their own compression; its bytes hold no dates."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, (array, compression) in members.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = compression
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
