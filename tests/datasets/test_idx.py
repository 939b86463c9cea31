import gzip
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import idx, load_dataset

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 20, 16), np.uint8)
LABELS = np.array([3, 1, 0, 2, 3, 1, 0], np.uint8)


def write(path: Path, array: NDArray[Any], kind: int = 0x08) -> Path:
    header = struct.pack(f">2xBB{array.ndim}I", kind, array.ndim, *array.shape)
    data = header + array.astype(idx.TYPES[kind]).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    write(tmp_path / "train-labels-idx1-ubyte", LABELS)
    return write(tmp_path / "train-images-idx3-ubyte", IMAGES)


def test_images_and_the_labels_beside_them(train: Path) -> None:
    data = load_dataset(str(train))
    np.testing.assert_array_equal(data.images, IMAGES[:, None])
    assert data.factors is not None
    assert data.factors.dtype == np.int64
    assert data.factors[:, 0].tolist() == LABELS.tolist()
    assert (data.specs[0].name, data.specs[0].values) == ("label", (0, 1, 2, 3))
    assert data.name == train.parent.name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("FashionMNIST/raw/train-images-idx3-ubyte", "FashionMNIST"),
        ("kmnist/t10k-images-idx3-ubyte.gz", "kmnist"),
        ("my data/train-images.idx3-ubyte", "my data"),
        ("x/emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters"),
        ("x/faces.idx", "faces.idx"),
    ],
)
def test_a_set_is_called_by_what_its_path_says(tmp_path: Path, path: str, name: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    assert load_dataset(str(write(tmp_path / path, IMAGES)), split=split_of(path)).name == name
    given = load_dataset(str(tmp_path / path), split=split_of(path), title="mine")
    assert given.name == "mine"


def split_of(path: str) -> str:
    return "test" if "t10k" in path else "train"


def test_names_of_labels(train: Path) -> None:
    data = load_dataset(str(train), names="shirt, trouser,dress,coat")
    assert data.specs[0].values == ("shirt", "trouser", "dress", "coat")
    assert data.factor("label").tolist() == LABELS.tolist()
    names = train.with_name("classes.txt")
    names.write_text("shirt\ntrouser\n\ndress\ncoat\nbag\n")  # no bag among these
    values = load_dataset(str(train), names=str(names)).specs[0].values
    assert values == ("shirt", "trouser", "dress", "coat", "bag")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("shirt,dress", r"2 names \(shirt, dress\) for the 4 values of label \(0, 1, 2, 3\)"),
        ("a,b,c,a", "the names hold 'a' twice"),
        ("missing.txt", r"cannot read the names in missing\.txt: No such file"),
    ],
)
def test_names_that_do_not_fit(train: Path, names: str, sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        load_dataset(str(train), names=names)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz"),
    ],
)
def test_usual_names(tmp_path: Path, images: str, labels: str) -> None:
    write(tmp_path / labels, LABELS)
    data = load_dataset(str(write(tmp_path / images, IMAGES)))
    np.testing.assert_array_equal(data.images, IMAGES[:, None])
    assert data.factor("label").tolist() == LABELS.tolist()


def test_without_labels(tmp_path: Path) -> None:
    for name in ("faces.idx", "train-images-idx3-ubyte"):
        data = load_dataset(str(write(tmp_path / name, IMAGES)))
        assert (data.factors, data.specs) == (None, ())


def test_labels_given(tmp_path: Path) -> None:
    labels = write(tmp_path / "classes.gz", LABELS)
    data = load_dataset(str(write(tmp_path / "faces", IMAGES)), labels=str(labels))
    assert data.factor("label").tolist() == LABELS.tolist()


@pytest.mark.parametrize("word", ["t10k", "test"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_other_split_is_found_beside(train: Path, word: str, suffix: str) -> None:
    folder = train.parent
    test = write(folder / f"{word}-images-idx3-ubyte{suffix}", IMAGES[:2])
    write(folder / f"{word}-labels-idx1-ubyte{suffix}", LABELS[:2])
    for path in (train, test):
        for split, count in (("train", 7), ("test", 2)):
            data = load_dataset(str(path), split=split)
            assert (len(data), data.split) == (count, split)
            assert data.factor("label").tolist() == LABELS[:count].tolist()
    given = load_dataset(str(train), split="test", labels=str(folder / "train-labels-idx1-ubyte"))
    assert given.factor("label").tolist() == LABELS[:2].tolist()


@pytest.mark.parametrize(
    ("name", "split", "sentence"),
    [
        ("train-images", "test", "found no test split .* 't10k' or 'test' in place of 'train'"),
        ("t10k-images", "train", "found no train split .* 'train' in place of 't10k or test'"),
        ("latest", "test", "found no test split"),
    ],
)
def test_no_other_split(tmp_path: Path, name: str, split: str, sentence: str) -> None:
    path = write(tmp_path / name, IMAGES)
    with pytest.raises(UnbraidError, match=sentence):
        load_dataset(str(path), split=split)


def test_a_name_that_says_no_split_is_train(tmp_path: Path) -> None:
    assert len(load_dataset(str(write(tmp_path / "latest", IMAGES)))) == 7


def test_transpose(train: Path) -> None:
    data = load_dataset(str(train), transpose=True)
    np.testing.assert_array_equal(data.images, IMAGES.transpose(0, 2, 1)[:, None])


def test_four_axes(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (4, 20, 16, 3), np.uint8)
    data = load_dataset(str(write(tmp_path / "a-idx4-ubyte", colour)))
    np.testing.assert_array_equal(data.images, colour.transpose(0, 3, 1, 2))
    first = load_dataset(str(write(tmp_path / "b-idx4-ubyte", colour.transpose(0, 3, 1, 2))))
    np.testing.assert_array_equal(first.images, data.images)


@pytest.mark.parametrize("kind", list(idx.TYPES))
def test_types(tmp_path: Path, kind: int) -> None:
    small = (IMAGES % 100) / (100.0 if kind in (0x0D, 0x0E) else 1)
    data = load_dataset(str(write(tmp_path / "a", small, kind)))
    scale = 255 if kind in (0x0D, 0x0E) else 1
    np.testing.assert_array_equal(data.images[:][:, 0], np.rint(small * scale))


def test_truncated(train: Path) -> None:
    train.write_bytes(train.read_bytes()[:-10])
    with pytest.raises(
        UnbraidError, match="damaged: it has 2246 bytes, expected 2256 for the shape"
    ):
        load_dataset(str(train))


def test_trailing_bytes(train: Path) -> None:
    train.write_bytes(train.read_bytes() + b"!")
    with pytest.raises(UnbraidError, match="damaged: it has more than 2256 bytes, expected 2256"):
        load_dataset(str(train))


def test_truncated_and_garbled_gzip(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", IMAGES)
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    with pytest.raises(UnbraidError, match=r"cannot read .*a\.gz: .*end-of-stream"):
        load_dataset(str(path))
    path.write_bytes(whole[:1000] + bytes(50) + whole[1050:])
    with pytest.raises(UnbraidError, match=r"cannot read .*a\.gz"):
        load_dataset(str(path))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        b"\0\0\x08\x03\0\0",
        b"\0\0\x07\x03" + bytes(12),
        b"\0\0\x08\0",
    ],
)
def test_wrong_magic(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(UnbraidError, match="is not an IDX file: it starts with the bytes"):
        load_dataset(str(path))


def test_huge_header(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x08\x04" + b"\xff" * 16)
    with pytest.raises(UnbraidError, match="is damaged"):
        load_dataset(str(path))


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"the shape in its header is \(0, 20, 16\)"):
        load_dataset(str(write(tmp_path / "a", IMAGES[:0])))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"cannot read .*: No such file or directory"):
        load_dataset("idx", path=str(tmp_path / "a"))


def test_labels_of_another_length(train: Path) -> None:
    write(train.with_name("train-labels-idx1-ubyte"), LABELS[:5])
    with pytest.raises(UnbraidError, match=r"has 5 labels, but .* has 7 images"):
        load_dataset(str(train))


def test_labels_that_are_none(train: Path) -> None:
    with pytest.raises(UnbraidError, match=r"not a labels' file: it has shape \(7, 20, 16\)"):
        load_dataset(str(train), labels=str(train))
    negative = write(train.with_name("negative"), -LABELS.astype(int), 0x0B)
    with pytest.raises(UnbraidError, match="expected one axis of whole numbers from 0 up"):
        load_dataset(str(train), labels=str(negative))


def test_labels_that_are_no_classes(train: Path) -> None:
    labels = np.full(len(LABELS), 2_000_000_000)
    write(train.with_name("train-labels-idx1-ubyte"), labels, 0x0C)
    with pytest.raises(UnbraidError, match=r"labels up to 2,000,000,000, expected .* below 1,000,"):
        load_dataset(str(train))


def test_labels_for_images(train: Path) -> None:
    labels = train.with_name("train-labels-idx1-ubyte")
    with pytest.raises(UnbraidError, match=re.escape(f"{labels} has one axis, as labels do")):
        load_dataset(str(labels))


@pytest.mark.parametrize("shape", [(0, 16, 16), (7, 0, 16), (2**32 - 1, 2**32 - 1, 0, 0)])
def test_nothing_in_it(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x08" + bytes([len(shape)]) + np.array(shape, ">u4").tobytes())
    with pytest.raises(UnbraidError, match="is empty: the shape in its header is"):
        load_dataset(str(path))
