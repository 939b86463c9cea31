"""Your own images in IDX files, the format of MNIST, Fashion-MNIST, KMNIST and EMNIST."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.datasets import Dataset, label_spec
from unbraid.datasets._images import Layout, as_images
from unbraid.datasets._names import called, listed, named

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8
MOST_CLASSES = 1_000_000
LONGEST_HEADER = 4 + 4 * MOST_AXES
WORDS = {
    "train": ("train",),
    "test": ("t10k", "test"),
}  # of a split's file names


@dataclass(frozen=True)
class Config:
    """Options of IDX files.

    Args:
        path: the images' file, plain or gzipped. If its name contains ``train`` and the test split
            is asked for, the file beside it with ``t10k`` or ``test`` is read, and vice versa.
        labels: the labels' file, of either split; by default the one beside the images with the
            matching name, ``labels-idx1`` for ``images-idx3``, if there is one.
        transpose: swap height and width, for EMNIST, which is stored transposed.
        layout: where the channels of images with four axes are, ``nchw`` or ``nhwc``; ``auto``
            takes the one of axes 1 and 3 that has 1 to 4 entries.
        names: names of the labels in their order, with commas between them (``shirt,trouser``),
            or a text file with one a line; numbers if not given.
        title: what the data is called; the most specific name of the path if not given.
    """

    path: str
    labels: str | None = None
    transpose: bool = False
    layout: Layout = "auto"
    names: str | None = None
    title: str | None = None


def load(config: Config, split: str = "train") -> Dataset:
    """Load images (N, C, H, W), with the factor ``label`` (N, 1) if there is a labels' file.

    Raises:
        UnbraidError: a file that is missing, broken or not IDX, no file for the split, or labels
            that do not match the images.
    """
    given = expand(config.path)
    path = _of_split(given, split)
    array = read(path)
    if array.ndim == 1:
        raise UnbraidError(f"{path} has one axis, as labels do: give the path of the images' file.")
    images = as_images(array, config.layout, str(path))
    if config.transpose:
        images = np.ascontiguousarray(images.swapaxes(2, 3))
    name = called("idx", {"path": config.path, "title": config.title})
    if config.labels is None:
        beside = _labels_beside(path)
    else:
        beside = _of_split(expand(config.labels), split)
    if beside is None:
        return Dataset(name, images, split=split)
    labels = _read_labels(beside, len(images), path)
    spec = _label_spec(labels, config, beside)
    return Dataset(name, images, labels[:, None], (spec,), split)


def read(path: Path) -> NDArray[Any]:
    """Read any IDX file, plain or gzipped, as an array of the shape and type its header gives."""
    try:
        with limits.opened(path) as file:
            data = limits.read_at_most(file, LONGEST_HEADER)
            if isinstance(file, gzip.GzipFile):  # a small file may unpack to a very large one
                limits.check_memory(_expected(data))
            data += limits.read_at_most(file, _expected(data) + 1 - len(data))
    except (OSError, EOFError, zlib.error, limits.Implausible) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnbraidError(
            f"cannot read {path}: {reason}; check the path, or download it again."
        ) from error
    expected = _expected(data)
    if not expected:
        raise UnbraidError(
            f"{path} is not an IDX file: it starts with the bytes '{data[:4].hex(' ')}', expected "
            "'00 00', a type from 08 to 0e and a number of axes, as in '00 00 08 03'; "
            "give a file such as train-images-idx3-ubyte, or download it again."
        )
    shape = _shape(data)
    if len(data) != expected:
        found = f"{len(data)}" if len(data) < expected else f"more than {expected}"
        raise UnbraidError(
            f"{path} is damaged: it has {found} bytes, expected {expected} for the shape "
            f"{shape} in its header; download it again."
        )
    if 0 in shape:  # of which the other numbers may be anything
        raise UnbraidError(
            f"{path} is empty: the shape in its header is {shape}, expected at least one image or "
            "label; download it again."
        )
    return np.frombuffer(data, TYPES[data[2]], offset=4 + 4 * len(shape)).reshape(shape)


def _shape(data: bytes | bytearray) -> tuple[int, ...]:
    """Return the shape that a file's header says, () if it is no IDX file's."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES or data[3] > MOST_AXES:
        return ()
    if len(data) < 4 + 4 * data[3]:
        return ()
    return tuple(np.frombuffer(data, ">u4", data[3], 4).tolist())


def _expected(data: bytes | bytearray) -> int:
    """Return the length of the file that a header says, 0 if it is no IDX file's."""
    if not (shape := _shape(data)):
        return 0
    return 4 + 4 * len(shape) + prod(shape) * np.dtype(TYPES[data[2]]).itemsize


def _read_labels(path: Path, count: int, images: Path) -> NDArray[np.int64]:
    labels = read(path)
    if labels.ndim != 1 or labels.dtype.kind == "f" or labels.min(initial=0) < 0:
        raise UnbraidError(
            f"{path} is not a labels' file: it has shape {labels.shape} and type "
            f"{labels.dtype.name}, expected one axis of whole numbers from 0 up; give the labels' "
            "file of these images with the option labels."
        )
    if len(labels) != count:
        raise UnbraidError(
            f"{path} has {len(labels)} labels, but {images} has {count} images: give the labels' "
            "file of these images with the option labels."
        )
    if labels.max() >= MOST_CLASSES:  # whose specs alone would take all memory
        raise UnbraidError(
            f"{path} has labels up to {labels.max():,}, expected numbers of classes, which count "
            f"from 0 and stay below {MOST_CLASSES:,}: give the labels' file of these images with "
            "the option labels."
        )
    return labels.astype(np.int64)


def _label_spec(labels: NDArray[np.int64], config: Config, path: Path) -> FactorSpec:
    """Return the labels' spec; where there are names, a split may lack the last classes."""
    spec = label_spec(labels)
    if config.names is None:
        return spec
    names = listed(config.names, str(path))
    if len(names) > len(spec.values or ()):
        spec = FactorSpec(spec.name, spec.kind, values=tuple(range(len(names))))
    return named(spec, config.names, str(path))


def _of_split(path: Path, split: str) -> Path:
    """Return ``path`` or, if its name is of the other split, the file of this split beside it."""
    other = "|".join(WORDS["test" if split == "train" else "train"])
    says_other = re.compile(rf"(?<![a-z])({other})(?![a-z])")
    says_test = split == "test" and re.search(r"(?<![a-z])(t10k|test)(?![a-z])", path.name)
    if says_test or (split == "train" and not says_other.search(path.name)):
        return path
    for word in WORDS[split]:
        found = _existing(path.with_name(says_other.sub(word, path.name)))
        if found is not None and found != path:
            return found
    wanted = " or ".join(f"'{word}'" for word in WORDS[split])
    raise UnbraidError(
        f"found no {split} split beside {path}: expected a file whose name differs from its name "
        f"only in having {wanted} in place of {other.replace('|', ' or ')!r}."
    )


def _labels_beside(images: Path) -> Path | None:
    """Return the labels' file that belongs to an images' file by the usual naming, if any."""
    name = re.sub("idx[34]", "idx1", images.name.replace("images", "labels"))
    return _existing(images.with_name(name)) if name != images.name else None


def _existing(path: Path) -> Path | None:
    """Return ``path``, or what it is with or without ``.gz``, whichever is a file."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    both = (path, plain, plain.with_name(plain.name + ".gz"))
    return next((each for each in both if each.is_file()), None)
