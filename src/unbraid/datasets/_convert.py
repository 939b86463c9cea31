"""Data sets of objects in memory: arrays, torch and Hugging Face data sets, data frames.

None of those libraries is imported: objects are recognised by their attributes, not by their type.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec, apart
from unbraid.core.files import expand
from unbraid.core.signals import Signal
from unbraid.datasets import Dataset
from unbraid.datasets._columns import Factors, pairs, read_columns
from unbraid.datasets._decode import Wanted, is_grey
from unbraid.datasets._groups import taken
from unbraid.datasets._images import CHANNELS, Layout, as_signal
from unbraid.datasets._items import (
    IMAGE_KEYS,
    Reading,
    Room,
    as_array,
    axes_of,
    classes_of,
    columns_of,
    images_of,
    label_columns,
    parts_of,
    plain,
)
from unbraid.datasets.folder import decoded

_BYTES = bytes | bytearray | memoryview  # of an image file
_HELD = _BYTES | str | Path | Image.Image  # what a cell without dimensions may be
_FILE_KEYS = ("file", "filename", "file_name", "path", "image", "image_path")


def from_arrays(
    images: Any, factors: Any, layout: Layout, how: Reading, signal: Signal | None
) -> Dataset:
    """See ``Dataset.from_arrays``."""
    if signal is not None and how.size is not None:
        raise UnbraidError(
            f"{how.name}: size is {how.size}, but arrays of a signal are not scaled: leave it out."
        )
    if signal is None:
        made, note = images_of(images, how, layout)
    else:
        made, note = as_signal(as_array(images), signal, how.name), ""
    columns = columns_of(factors, len(made), how.name)
    groups = taken(columns, how.group, how.name)
    read = read_columns(columns, how.kinds, how.units, how.name)
    data = _dataset(made, read, how, note, groups)
    return data if signal is None else replace(data, signal=signal)


def from_torch(dataset: Any, names: Sequence[str] | None, how: Reading) -> Dataset:
    """See ``Dataset.from_torch``."""
    images, labels, room = [], [], Room(how.name)
    for row in range(len(dataset)):
        image, label = parts_of(dataset[row], f"{how.name}: item {row}")
        room.add(image)
        images.append(image)
        labels.append(label)
    tensors = bool(images) and hasattr(images[0], "detach") and axes_of(images[0]) == 3
    # channels are first in torch, unless there would be too many of them
    layout: Layout = "nchw" if tensors and images[0].shape[0] in CHANNELS else "auto"
    made, note = images_of(images, how, layout)
    columns = label_columns(labels, names, how.name)
    groups = taken(columns, how.group, how.name)
    read = read_columns(columns, how.kinds, how.units, how.name)
    classes = classes_of(dataset)
    if classes and len(read.specs) == 1:
        read = with_classes(read, 0, classes, how.name)
    return _dataset(made, read, how, note, groups)


def from_huggingface(dataset: Any, image: str | None, how: Reading) -> Dataset:
    """See ``Dataset.from_huggingface``."""
    name, names = how.name, dataset.column_names
    if not hasattr(dataset, "__len__"):
        raise UnbraidError(
            f"{name} is streamed, and how many rows it has is not known: load it without "
            "streaming, or give a part of it, as in Dataset.from_list(list(dataset.take(1000)))."
        )
    if isinstance(names, Mapping):
        raise UnbraidError(
            f"{name} holds several splits ({', '.join(names)}): give one, as in "
            f"dataset['{next(iter(names))}']."
        )
    features = {each: dataset.features[each] for each in names}
    kind_of = {each: type(feature).__name__ for each, feature in features.items()}
    image = image or next((each for each in names if kind_of[each] == "Image"), None)
    image = image or next((each for each in IMAGE_KEYS if each in names), None)
    if image is None or image not in names:
        found = f"no column '{image}'" if image else "no column of images"
        raise UnbraidError(
            f"{name} has {found}: its columns are {', '.join(names)}; name that of the images with "
            "image=."
        )
    single = [each for each in names if kind_of[each] in ("ClassLabel", "Value")]
    single = [each for each in single if each != image]
    left = [each for each in names if each != image and each not in single]
    rows, room = [], Room(name)
    for row in range(len(dataset)):
        rows.append(dataset[row])
        room.add(rows[-1][image])
    made, note = images_of([row[image] for row in rows], how, "auto")
    # they are tensors where the data set has the format of torch
    columns = {each: np.array([plain(row[each]) for row in rows], object) for each in single}
    wanted = {each: "categorical" for each in single if kind_of[each] == "ClassLabel"}
    for each in wanted:  # -1 is what an unlabelled row has
        columns[each] = np.array([None if v == -1 else v for v in columns[each]], object)
    groups = taken(columns, how.group, how.name)
    inferred = {each: kind for each, kind in wanted.items() if each in columns}
    given = {**inferred, **pairs(how.kinds, "kinds", name)}
    read = read_columns(columns, given, how.units, name)
    for column, spec in enumerate(read.specs):
        if spec.name in wanted:
            read = with_classes(read, column, features[spec.name].names, name)
    if left:
        note = " ".join(
            [note, f"{name}: {', '.join(left)} were left out, as they are not factors."]
        )
    return _dataset(made, read, how, note.strip(), groups)


def from_frame(frame: Any, images: Any, root: str | Path, how: Reading) -> Dataset:
    """See ``Dataset.from_frame``."""
    name = how.name
    columns = {str(each): np.asarray(frame[each]) for each in frame.columns}
    if images is None:
        images = next((each for each in _FILE_KEYS if each in columns), None)
    if images is None or (isinstance(images, str) and images not in columns):
        near = did_you_mean(images, columns) if images else ""
        raise UnbraidError(
            f"{name} has no column '{images or 'file'}'{near} of image files: its columns are "
            f"{', '.join(columns)}; name that column, or give the images, with images=."
        )
    if not isinstance(images, str):
        made, note = images_of(images, how, "auto")
    else:
        made, note = _of_cells(columns.pop(images), images, expand(root), how)
    groups = taken(columns, how.group, how.name)
    read = read_columns(columns, how.kinds, how.units, name)
    if len(columns) and len(next(iter(columns.values()))) != len(made):
        raise UnbraidError(f"{name} has {len(frame)} rows for {len(made)} images: give one each.")
    return _dataset(made, read, how, note, groups)


def _of_cells(
    column: NDArray[Any], title: str, root: Path, how: Reading
) -> tuple[NDArray[np.uint8], str]:
    """Return the images of a column: paths of files, their bytes, pictures or arrays.

    Parquet files of Hugging Face have mappings: ``{"bytes": ..., "path": ...}``, one of them None.
    """
    cells = [(each.get("bytes") or each.get("path")) if isinstance(each, Mapping) else each
             for each in column]  # fmt: skip
    for row, cell in enumerate(cells):
        if cell is None or (np.ndim(cell) == 0 and not isinstance(cell, _HELD)):
            raise UnbraidError(
                f"{how.name}: row {row} has {cell!r} in its column '{title}', expected an image or "
                "the path of one: leave such rows out, or name another column with images=."
            )
    if not all(isinstance(cell, str | Path) for cell in cells):
        found = [_opened(cell, row, root, how.name) for row, cell in enumerate(cells)]
        return images_of(found, how, "auto")
    paths, channels = [root / str(cell) for cell in cells], how.channels
    with ThreadPoolExecutor() as threads:
        if channels == "auto":
            channels = 1 if all(threads.map(is_grey, paths)) else 3
        wanted = Wanted(how.size or 64, how.fit, channels, how.background)
        made, _, note = decoded(paths, wanted, None, threads)
    return made, note


def _opened(cell: Any, row: int, root: Path, owner: str) -> Any:
    """Return a cell's picture or array, opened if it is a path or the bytes of a file."""
    if not isinstance(cell, str | Path | _BYTES):
        return cell
    try:
        picture = Image.open(io.BytesIO(cell) if isinstance(cell, _BYTES) else root / cell)
        picture.load()
    except (OSError, ValueError, SyntaxError) as error:  # as Pillow has it of broken files
        raise UnbraidError(
            f"{owner}: row {row} holds no image that can be read ({error}), expected PNG, JPEG or "
            "another format of Pillow: leave this row out."
        ) from error
    return picture


def as_dataset(thing: Any, **options: Any) -> Dataset:
    """See ``unbraid.as_dataset``."""
    if isinstance(thing, Dataset):
        return thing
    if hasattr(thing, "column_names") and hasattr(thing, "features"):
        return Dataset.from_huggingface(thing, **options)
    if hasattr(thing, "columns") and hasattr(thing, "iloc"):
        return Dataset.from_frame(thing, **options)
    if isinstance(thing, tuple) and len(thing) == 2:
        return Dataset.from_arrays(*thing, **options)
    if isinstance(thing, list) or hasattr(thing, "__array__") or hasattr(thing, "detach"):
        return Dataset.from_arrays(thing, **options)
    if hasattr(thing, "__getitem__") and hasattr(thing, "__len__") and not _is_text(thing):
        return Dataset.from_torch(thing, **options)
    raise UnbraidError(
        f"found {type(thing).__name__}, expected a data set: an array of images, a pair of images "
        "and factors, a torch or Hugging Face data set, or a data frame."
    )


def with_classes(read: Factors, column: int, names: Sequence[str], owner: str) -> Factors:
    """Return factors in which one column of class indices gets the names of all classes."""
    spec = read.specs[column]
    values = spec.values or ()
    whole = [value for value in values if isinstance(value, int) and 0 <= value < len(names)]
    if spec.kind != "categorical" or len(whole) < len(values):
        return read
    assert read.factors is not None
    factors = read.factors.astype(np.float64)
    known = ~np.isnan(factors[:, column])
    factors[known, column] = np.array(whole)[factors[known, column].astype(np.int64)]
    spec = FactorSpec(spec.name, spec.kind, apart(tuple(map(str, names))), unit=spec.unit)
    specs = tuple(spec if each == column else old for each, old in enumerate(read.specs))
    if read.factors.dtype == np.int64:
        factors = factors.astype(np.int64)
    return Factors(factors, specs, read.notes)


def _dataset(
    images: NDArray[np.uint8],
    read: Factors,
    how: Reading,
    note: str,
    groups: NDArray[np.int64] | None,
) -> Dataset:
    notes = (*((note,) if note else ()), *read.notes)
    return Dataset(how.name, images, read.factors, read.specs, how.split, notes, groups=groups)


def _is_text(thing: Any) -> bool:
    return isinstance(thing, str | bytes | Mapping)
