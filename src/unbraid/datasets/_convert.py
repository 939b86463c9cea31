"""Data that is in memory already: arrays, torch data sets, Hugging Face's, data frames.

None of those libraries is imported: what an object has, not what it is, says how to read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.core.signals import Signal
from unbraid.datasets import Dataset
from unbraid.datasets._arrays import checked, split_columns
from unbraid.datasets._columns import Factors, Given, pairs, read_columns
from unbraid.datasets._decode import Fit, Wanted, is_grey, pixels, prepared, shows_grey, told
from unbraid.datasets._images import Layout, as_images, as_signal
from unbraid.datasets.folder import decoded

Channels = Literal["auto", 1, 3]
_IMAGE_KEYS = ("image", "images", "img", "pixel_values", "x")
_FILE_KEYS = ("file", "filename", "file_name", "path", "image", "image_path")


class FactorOptions(TypedDict, total=False):
    """What every way to a data set in memory takes: see ``Reading``."""

    name: str
    units: Given
    kinds: Given
    split: str


class PictureOptions(FactorOptions, total=False):
    """What ways take besides whose images may be pictures of any size: see ``Reading``."""

    size: int | None
    fit: Fit
    channels: Channels
    background: str


@dataclass(frozen=True)
class Reading:
    """How images and factors are read; what each means is told in ``Dataset.from_torch``."""

    name: str = "images"
    units: Given = None
    kinds: Given = None
    split: str = "train"
    size: int | None = None
    fit: Fit = "crop"
    channels: Channels = "auto"
    background: str = "white"


def reading(options: Mapping[str, Any]) -> Reading:
    """Return the options of a data set in memory, checked.

    >>> reading({"fit": "squash"})
    Traceback (most recent call last):
    unbraid.core.errors.UnbraidError: option 'fit' of Dataset is 'squash', expected one of ...
    """
    built: Reading = registry.build(Reading, options, "Dataset")
    return built


def from_arrays(
    images: Any, factors: Any, layout: Layout, how: Reading, signal: Signal | None
) -> Dataset:
    """Return what ``Dataset.from_arrays`` promises."""
    if signal is None:
        made, note = _images(images, Reading(how.name), layout)
    else:
        made, note = as_signal(_array(images), signal, how.name), ""
    columns = _columns(factors, len(made), how.name)
    read = read_columns(columns, how.kinds, how.units, how.name)
    data = _dataset(made, read, how, note)
    return data if signal is None else replace(data, signal=signal)


def from_torch(dataset: Any, names: Sequence[str] | None, how: Reading) -> Dataset:
    """Return what ``Dataset.from_torch`` promises."""
    images, labels = [], []
    for row in range(len(dataset)):
        image, label = _parts(dataset[row], f"{how.name}: item {row}")
        images.append(image)
        labels.append(label)
    tensors = bool(images) and hasattr(images[0], "detach") and _axes(images[0]) == 3
    layout: Layout = "nchw" if tensors else "auto"
    made, note = _images(images, how, layout)
    columns = _label_columns(labels, names, how.name)
    read = read_columns(columns, how.kinds, how.units, how.name)
    classes = _classes(dataset)
    if classes and len(read.specs) == 1:
        read = with_classes(read, 0, classes, how.name)
    return _dataset(made, read, how, note)


def from_huggingface(dataset: Any, image: str | None, how: Reading) -> Dataset:
    """Return what ``Dataset.from_huggingface`` promises."""
    name, names = how.name, dataset.column_names
    if isinstance(names, Mapping):
        raise UnbraidError(
            f"{name} holds several splits ({', '.join(names)}): give one, as in "
            f"dataset['{next(iter(names))}']."
        )
    features = {each: dataset.features[each] for each in names}
    kind_of = {each: type(feature).__name__ for each, feature in features.items()}
    image = image or next((each for each in names if kind_of[each] == "Image"), None)
    image = image or next((each for each in _IMAGE_KEYS if each in names), None)
    if image is None or image not in names:
        found = f"no column '{image}'" if image else "no column of images"
        raise UnbraidError(
            f"{name} has {found}: its columns are {', '.join(names)}; name that of the images with "
            "image=."
        )
    plain = [each for each in names if kind_of[each] in ("ClassLabel", "Value")]
    plain = [each for each in plain if each != image]
    left = [each for each in names if each != image and each not in plain]
    rows = [dataset[row] for row in range(len(dataset))]
    made, note = _images([row[image] for row in rows], how, "auto")
    columns = {each: np.array([row[each] for row in rows], object) for each in plain}
    wanted = {each: "categorical" for each in plain if kind_of[each] == "ClassLabel"}
    for each in wanted:  # -1 is what an unlabelled row has
        columns[each] = np.array([None if v == -1 else v for v in columns[each]], object)
    given = {**wanted, **pairs(how.kinds, "kinds", name)}
    read = read_columns(columns, given, how.units, name)
    for column, spec in enumerate(read.specs):
        if spec.name in wanted:
            read = with_classes(read, column, features[spec.name].names, name)
    if left:
        note = " ".join([note, f"{name}: {', '.join(left)} were left out, as they are no factors."])
    return _dataset(made, read, how, note.strip())


def from_frame(frame: Any, images: Any, root: str | Path, how: Reading) -> Dataset:
    """Return what ``Dataset.from_frame`` promises."""
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
        made, note = _images(images, replace(how, size=None), "auto")
    else:
        paths = [expand(root) / str(each) for each in columns.pop(images)]
        channels = how.channels
        with ThreadPoolExecutor() as threads:
            if channels == "auto":
                channels = 1 if all(threads.map(is_grey, paths)) else 3
            wanted = Wanted(how.size or 64, how.fit, channels, how.background)
            made, _, note = decoded(paths, wanted, False, threads)
    read = read_columns(columns, how.kinds, how.units, name)
    if len(columns) and len(next(iter(columns.values()))) != len(made):
        raise UnbraidError(f"{name} has {len(frame)} rows for {len(made)} images: give one each.")
    return _dataset(made, read, how, note)


def as_dataset(thing: Any, **options: Any) -> Dataset:
    """Return what ``unbraid.as_dataset`` promises."""
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
    """Return factors one of which holds indices of the given classes, all of which it then has."""
    spec = read.specs[column]
    values = spec.values or ()
    whole = [value for value in values if isinstance(value, int) and 0 <= value < len(names)]
    if spec.kind != "categorical" or len(whole) < len(values):
        return read
    assert read.factors is not None
    factors = read.factors.astype(np.float64)
    known = ~np.isnan(factors[:, column])
    factors[known, column] = np.array(whole)[factors[known, column].astype(np.int64)]
    spec = FactorSpec(spec.name, spec.kind, tuple(map(str, names)), unit=spec.unit)
    specs = tuple(spec if each == column else old for each, old in enumerate(read.specs))
    if read.factors.dtype == np.int64:
        factors = factors.astype(np.int64)
    return Factors(factors, specs, read.notes)


# -- parts ----------------------------------------------------------------------------------------


def _dataset(images: NDArray[np.uint8], read: Factors, how: Reading, note: str) -> Dataset:
    notes = (*((note,) if note else ()), *read.notes)
    return Dataset(how.name, images, read.factors, read.specs, how.split, notes)


def _images(images: Any, how: Reading, layout: Layout) -> tuple[NDArray[np.uint8], str]:
    """Return images uint8 (N, C, H, W) of an array, or of a list of arrays or pictures."""
    owner, size = how.name, how.size
    if not isinstance(images, list | tuple):
        return as_images(_array(images), layout, owner), ""
    if not images:
        raise UnbraidError(f"{owner}: there are no images in it.")
    if size is None and not isinstance(images[0], Image.Image):
        arrays = [_array(image) for image in images]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            raise UnbraidError(
                f"{owner}: images have {len(shapes)} shapes, such as "
                f"{' and '.join(map(str, sorted(shapes)[:2]))}: bring them to one with size=64."
            )
        return as_images(np.stack(arrays), layout, owner), ""
    pictures = [each if isinstance(each, Image.Image) else _picture(each) for each in images]
    channels = how.channels
    if channels == "auto":
        channels = 1 if all(map(shows_grey, pictures)) else 3
    if size is None:
        sizes = {picture.size for picture in pictures}
        if len(sizes) > 1:
            raise UnbraidError(
                f"{owner}: images have {len(sizes)} sizes, such as "
                f"{' and '.join(f'{w} x {h}' for w, h in sorted(sizes)[:2])}: bring them to one "
                "with size=64."
            )
        return np.stack([pixels(picture, channels, how.background) for picture in pictures]), ""
    wanted = Wanted(size, how.fit, channels, how.background)
    made, found = zip(*(prepared(picture, wanted) for picture in pictures), strict=True)
    return np.stack(made), told(found, wanted)


def _picture(image: Any) -> Image.Image:
    """Return one array or tensor as a picture."""
    array = as_images(_array(image)[None], "auto", "an image")[0]
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0))


def _array(thing: Any) -> NDArray[Any]:
    """Return an array of an array, a tensor on any device or nested lists."""
    if hasattr(thing, "detach"):
        thing = thing.detach().cpu()
        if str(thing.dtype) == "torch.bfloat16":  # numpy has none
            thing = thing.float()
    return np.asarray(thing)


def _axes(thing: Any) -> int:
    return len(getattr(thing, "shape", ()))


def _columns(factors: Any, count: int, owner: str) -> dict[str, Any]:
    """Return the columns of a mapping, a data frame or an array of factors."""
    if factors is None:
        return {}
    if isinstance(factors, Mapping) or hasattr(factors, "columns"):
        names = factors.keys() if isinstance(factors, Mapping) else factors.columns
        columns = {str(name): _array(factors[name]) for name in names}
        for name, column in columns.items():
            if column.shape != (count,):
                raise UnbraidError(
                    f"{owner}: factor {name} has shape {column.shape}, expected ({count},), a "
                    "value an image."
                )
        return columns
    return split_columns(checked(_array(factors), count, owner), None, owner)


def _parts(item: Any, owner: str) -> tuple[Any, Any]:
    """Return the image and the labels of an item of a torch data set."""
    if isinstance(item, Mapping):
        key = next((key for key in _IMAGE_KEYS if key in item), None)
        if key is None:
            raise UnbraidError(
                f"{owner} has the keys {', '.join(map(str, item))}, expected one called image."
            )
        return item[key], {name: value for name, value in item.items() if name != key}
    if isinstance(item, tuple | list):
        rest = item[1:]
        return item[0], rest[0] if len(rest) == 1 else list(rest) or None
    return item, None


def _label_columns(
    labels: list[Any], names: Sequence[str] | None, owner: str
) -> dict[str, NDArray[Any]]:
    """Return columns of the labels of items: single ones, sequences or mappings."""
    if all(label is None for label in labels):
        return {}
    rows = [_flat(label) for label in labels]
    keys = list(rows[0])
    if any(list(row) != keys for row in rows):
        raise UnbraidError(f"{owner}: items differ in how many labels they have.")
    if names is None:
        names = ["label"] if keys == [0] else [f"label_{k}" if type(k) is int else k for k in keys]
    if len(names) != len(keys):
        raise UnbraidError(
            f"{owner}: items have {len(keys)} labels, but {len(names)} names were given "
            f"({', '.join(names)})."
        )
    return {
        str(name): np.array([row[key] for row in rows], object)
        for name, key in zip(names, keys, strict=True)
    }


def _flat(label: Any) -> dict[Any, Any]:
    """Return the labels of an item by name or number, as plain values."""
    if isinstance(label, Mapping):
        return {str(name): _plain(value) for name, value in label.items()}
    if isinstance(label, list | tuple):
        return {at: _plain(value) for at, value in enumerate(label)}
    if _axes(label) == 1 and len(label) > 1:
        return dict(enumerate(_array(label).tolist()))
    return {0: _plain(label)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    array = _array(value)
    return array.item() if array.size == 1 else value


def _classes(dataset: Any) -> Sequence[str]:
    """Return the names of classes that a torch data set, or the one under it, knows."""
    while dataset is not None:
        classes = getattr(dataset, "classes", None)
        if isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes):
            return classes
        dataset = getattr(dataset, "dataset", None)
    return ()


def _is_text(thing: Any) -> bool:
    return isinstance(thing, str | bytes | Mapping)
