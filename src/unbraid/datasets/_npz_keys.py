"""Which arrays of a ``.npz`` file hold the images and the factors, if no option names them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from numpy.lib.npyio import NpzFile

from unbraid.core import limits
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.datasets import SPLITS

if TYPE_CHECKING:
    from unbraid.datasets.npz import Config

IMAGES_KEYS = ("images", "imgs", "x", "arr_0")

FACTORS_KEYS = ("factors", "labels", "y", "arr_1")

# Files with both splits in them, as Keras and MedMNIST write them: images and labels of each.
SPLIT_KEYS = {
    "train": (("x_train", "train_images", "train_x"), ("y_train", "train_labels", "train_y")),
    "test": (("x_test", "test_images", "test_x"), ("y_test", "test_labels", "test_y")),
}
# Images of a third split, which is not read.
VALIDATION_KEYS = frozenset(
    name
    for word in ("val", "valid", "validation")
    for name in (f"x_{word}", f"{word}_x", f"{word}_images")
)


def keys_of(
    file: NpzFile, config: Config, path: Path
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], str]:
    """Return the keys of the images, one a split, and of the factors, as many each.

    The last is a sentence on arrays that could be factors and are not taken as such.
    """
    image = _key(file, config.images_key, IMAGES_KEYS, path)
    if image is None:
        return *_halves(file, path), _third_note(file, path)
    if config.factors_key is not None:
        chosen = [key.strip() for key in config.factors_key.split(",")]
        for key in chosen:
            _key(file, key, (), path)  # raises if there is none
        return (image,), tuple((key,) for key in chosen), ""
    usual = _key(file, None, FACTORS_KEYS, path)
    others = _one_a_row(file, image, path)
    if usual is None:
        return (image,), tuple((key,) for key in others), ""
    left = [key for key in others if key != usual]
    if not left:
        return (image,), ((usual,),), ""
    return (
        (image,),
        ((usual,),),
        f"{path} also holds {', '.join(left)}, with a value an image: to take them as factors, "
        f"name all with factors_key (--data.factors-key {','.join([usual, *left])}).",
    )


def _halves(file: NpzFile, path: Path) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the keys of a file that holds both splits, or the train split alone."""
    lower = {key.lower(): key for key in file.files}
    (train, train_labels), (test, test_labels) = (
        [next((lower[key] for key in usual if key in lower), None) for usual in SPLIT_KEYS[split]]
        for split in SPLITS
    )
    if train is None:
        raise UnbraidError(
            f"{path} has none of the arrays {', '.join(IMAGES_KEYS)} or x_train: {_listing(file)}; "
            "name the one that holds the images with images_key (--data.images-key)."
        )
    if test is None:
        return (train,), () if train_labels is None else ((train_labels,),)
    if train_labels is None or test_labels is None:
        return (train, test), ()
    return (train, test), ((train_labels, test_labels),)


def _third_note(file: NpzFile, path: Path) -> str:
    """Return a sentence on images of a third split, which are not read, or ``""``."""
    third = [key for key in file.files if key.lower() in VALIDATION_KEYS]
    if not third:
        return ""
    verb = "is" if len(third) == 1 else "are"
    return (
        f"{path} also holds {', '.join(third)}, which {verb} not read: images "
        "to validate on are taken from the training images (--validation)."
    )


def _one_a_row(file: NpzFile, images: str, path: Path) -> list[str]:
    """Return the keys of arrays with one axis, a number or word an image."""
    shapes = {
        key: _shape(file, key)
        for key in file.files
        if key not in (images, "factor_names", "signal")
    }
    count = _shape(file, images)[:1]
    return [key for key, shape in shapes.items() if shape == count and len(shape) == 1]


def _shape(file: NpzFile, key: str) -> tuple[int, ...]:
    """Return an array's shape without reading it, () for what is no array of plain values."""
    assert file.zip is not None
    name = key if key in file.zip.namelist() else f"{key}.npy"
    try:
        with file.zip.open(name) as member:
            shape, dtype = limits.array_header(member)
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error, EOFError, NotImplementedError):
        return ()
    return () if dtype.hasobject else shape


def is_usual(key: str) -> bool:
    return key.lower() in FACTORS_KEYS or any(key.lower() in s[1] for s in SPLIT_KEYS.values())


def _key(file: NpzFile, chosen: str | None, usual: tuple[str, ...], path: Path) -> str | None:
    """Return the key a user chose, or the first usual one the file has."""
    if chosen is not None and chosen not in file.files:
        raise UnbraidError(
            f"{path} has no array '{chosen}'{did_you_mean(chosen, file.files)}: {_listing(file)}; "
            "name one of those."
        )
    return chosen or next((key for key in usual if key in file.files), None)


def _listing(file: NpzFile) -> str:
    return f"the arrays in it are {', '.join(file.files) or 'none'}"
