"""Images and labels of data in memory, of any library, and the options of reading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unbraid.core import memory, registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets._arrays import checked, split_columns
from unbraid.datasets._columns import Given
from unbraid.datasets._decode import Fit, Wanted, conversion_note, pixels, prepared, shows_grey
from unbraid.datasets._images import Layout, as_images

Channels = Literal["auto", 1, 3]

IMAGE_KEYS = ("image", "images", "img", "pixel_values", "x")


class FactorOptions(TypedDict, total=False):
    """Options of every constructor of data sets in memory, see ``Reading``."""

    name: str
    units: Given
    kinds: Given
    split: str
    group: str | None


class PictureOptions(FactorOptions, total=False):
    """Further options of those whose images may be pictures of any size, see ``Reading``."""

    size: int | None
    fit: Fit
    channels: Channels
    background: str


@dataclass(frozen=True)
class Reading:
    """How images and factors are read; ``Dataset.from_torch`` explains each option."""

    name: str = "images"
    units: Given = None
    kinds: Given = None
    split: str = "train"
    group: str | None = None
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


class Room:
    """Counts the bytes of images that are read one after the other, and stops before memory ends.

    Args:
        owner: how an error names the data.
    """

    def __init__(self, owner: str) -> None:
        self.owner, self.free, self.bytes, self.count = owner, memory.free(), 0, 0

    def add(self, image: Any) -> None:
        """Count an image.

        Raises:
            UnbraidError: together with those before it takes nine tenths of what was free.
        """
        size = getattr(image, "nbytes", 0)
        if isinstance(image, Image.Image):
            size = image.width * image.height * len(image.getbands())
        self.bytes, self.count = self.bytes + size, self.count + 1
        if self.free is not None and self.bytes > 0.9 * self.free:
            raise UnbraidError(
                f"{self.owner}: its first {self.count:,} images take {memory.size(self.bytes)} of "
                f"memory, and {memory.size(self.free)} were free: give a part of it, or scale its "
                "images down before, as all of them are held in their own size."
            )


def images_of(images: Any, how: Reading, layout: Layout) -> tuple[NDArray[np.uint8], str]:
    """Return images uint8 (N, C, H, W) of an array, or of a list of arrays or pictures."""
    owner, size = how.name, how.size
    listed = isinstance(images, list | tuple)
    if listed and not len(images):
        raise UnbraidError(f"{owner}: there are no images in it.")
    if not listed or (size is None and not isinstance(images[0], Image.Image)):
        array = _stacked(images, owner) if listed else as_array(images)
        whole = as_images(array, layout, owner)
        if size is None and how.channels in ("auto", whole.shape[1]):
            return whole, ""
        pictures = [_picture(each, owner) for each in whole]
    else:
        pictures = _pictures(images, layout, owner)
    channels = how.channels
    if channels == "auto":
        channels = 1 if all(map(shows_grey, pictures)) else 3
    if size is None:
        own = [
            _read(owner, row, pixels, picture, channels, how.background)
            for row, picture in enumerate(pictures)
        ]
        sizes = {each.shape[:0:-1] for each in own}  # upright, which EXIF tags turn
        if len(sizes) > 1:
            raise UnbraidError(
                f"{owner}: images have {len(sizes)} sizes, such as "
                f"{' and '.join(f'{w} x {h}' for w, h in sorted(sizes)[:2])}: bring them to one "
                "with size=64."
            )
        return np.stack(own), ""
    wanted = Wanted(size, how.fit, channels, how.background)
    read = [_read(owner, row, prepared, picture, wanted) for row, picture in enumerate(pictures)]
    made, found = zip(*read, strict=True)
    return np.stack(made), conversion_note(found, wanted)


def _pictures(images: Sequence[Any], layout: Layout, owner: str) -> list[Image.Image]:
    """Return pictures or arrays of any sizes as pictures."""
    arrays = {
        row: as_array(each) for row, each in enumerate(images) if not isinstance(each, Image.Image)
    }
    # all together tell whether 1 is white, or the darkest grey but one
    whole = [each.max() for each in arrays.values() if each.dtype.kind in "iu" and each.size]
    brightest = max(map(float, whole), default=0.0)
    return [
        _picture(as_images(arrays[row][None], layout, f"{owner}: image {row}", brightest)[0], owner)
        if row in arrays
        else each
        for row, each in enumerate(images)
    ]


def _read(owner: str, row: int, read: Callable[..., Any], *given: Any) -> Any:
    """Return what is read of a picture; what a broken one raises becomes a sentence."""
    try:
        return read(*given)
    except Exception as error:  # a broken file can make Pillow raise anything
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UnbraidError(
            f"{owner}: image {row} cannot be read ({reason}): replace it, or leave it out."
        ) from error


def _stacked(images: Sequence[Any], owner: str) -> NDArray[Any]:
    """Return arrays or tensors of one shape as one array."""
    arrays = [as_array(image) for image in images]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        raise UnbraidError(
            f"{owner}: images have {len(shapes)} shapes, such as "
            f"{' and '.join(map(str, sorted(shapes)[:2]))}: bring them to one with size=64."
        )
    return np.stack(arrays)


def _picture(array: NDArray[np.uint8], owner: str) -> Image.Image:
    """Return pixels (C, H, W) as a picture."""
    if len(array) == 2:  # which Pillow would take for grey and its transparency
        raise UnbraidError(
            f"{owner}: images have 2 channels, which are no picture that could be scaled or made "
            "grey: leave out size and channels, and scale them before."
        )
    return Image.fromarray(array[0] if len(array) == 1 else array.transpose(1, 2, 0))


def as_array(thing: Any) -> NDArray[Any]:
    """Return an array of an array, a tensor on any device or nested lists."""
    if hasattr(thing, "detach"):
        thing = thing.detach().cpu()
        if str(thing.dtype) == "torch.bfloat16":  # numpy has none
            thing = thing.float()
    return np.asarray(thing)


def axes_of(thing: Any) -> int:
    return len(getattr(thing, "shape", ()))


def columns_of(factors: Any, count: int, owner: str) -> dict[str, Any]:
    """Return the columns of a mapping, a data frame or an array of factors."""
    if factors is None:
        return {}
    if _is_mixed(factors):
        factors = {"label": factors}
    if isinstance(factors, Mapping) or hasattr(factors, "columns"):
        names = factors.keys() if isinstance(factors, Mapping) else factors.columns
        columns = {str(name): _column(factors[name]) for name in names}
        for name, column in columns.items():
            if column.shape != (count,):
                raise UnbraidError(
                    f"{owner}: factor {name} has shape {column.shape}, expected ({count},), a "
                    "value an image."
                )
        return columns
    return split_columns(checked(as_array(factors), count, f"the factors of {owner}"), None, owner)


def _column(values: Any) -> NDArray[Any]:
    """Return the values of a factor as an array, in which numbers among words stay numbers."""
    return np.array(values, object) if _is_mixed(values) else as_array(values)


def _is_mixed(values: Any) -> bool:
    """Whether a list holds words and other things, which NumPy would all make words."""
    return (
        isinstance(values, list | tuple)
        and len({isinstance(value, str) for value in values}) > 1
        and not any(isinstance(value, list | tuple) for value in values)
    )


def parts_of(item: Any, owner: str) -> tuple[Any, Any]:
    """Return the image and the labels of an item of a torch data set."""
    if isinstance(item, Mapping):
        key = next((key for key in IMAGE_KEYS if key in item), None)
        if key is None:
            raise UnbraidError(
                f"{owner} has the keys {', '.join(map(str, item))}, expected one called image."
            )
        return item[key], {name: value for name, value in item.items() if name != key}
    if isinstance(item, tuple | list):
        rest = item[1:]
        return item[0], rest[0] if len(rest) == 1 else list(rest) or None
    return item, None


def label_columns(
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
        return {str(name): plain(value) for name, value in label.items()}
    if isinstance(label, list | tuple):
        return {at: plain(value) for at, value in enumerate(label)}
    if axes_of(label) == 1 and len(label) > 1:
        return dict(enumerate(as_array(label).tolist()))
    return {0: plain(label)}


def plain(value: Any) -> Any:
    """Return a label as a plain value: that of an array or a tensor with one entry."""
    if value is None or isinstance(value, str):
        return value
    array = as_array(value)
    return array.item() if array.size == 1 else value


def classes_of(dataset: Any) -> Sequence[str]:
    """Return the names of classes that a torch data set, or the one under it, knows."""
    while dataset is not None:
        classes = getattr(dataset, "classes", None)
        if isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes):
            return classes
        dataset = getattr(dataset, "dataset", None)
    return ()
