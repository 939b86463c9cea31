"""Loading a data set by its name, or a user's own images or recordings by their path."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core import memory, registry
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand
from unbraid.core.recordings import is_sound
from unbraid.datasets._correlated import correlation_of, split_of
from unbraid.datasets._dataset import Dataset

SPLITS = ("train", "test")


def resolve(name: str) -> tuple[str, dict[str, str]]:
    """Return which data set a name means: a registered one, or images or recordings at a path.

    Returns the registered name and the options the path implies.
    """
    if not isinstance(name, str | PathLike):
        raise UnbraidError(
            f"the data set is {name!r}, expected a name, such as 'mnist', or the path of images."
        )
    if name in registry.names("datasets"):
        return name, {}
    path = expand(name)
    if path.is_dir():
        from unbraid.datasets._walk import RECORDINGS, media_of

        kind = "recordings" if media_of(path) is RECORDINGS else "folder"
        return kind, {"path": str(path)}
    if path.is_file():
        return _reader_of(path), {"path": str(path)}
    known = registry.names("datasets")
    raise UnbraidError(
        f"unknown dataset '{name}'{did_you_mean(name, known)}: it is neither a file or folder "
        f"that exists nor one of {', '.join(known)}."
    )


def anchored(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options whose paths are absolute, since a run is opened from other folders, too."""
    found = dict(options)
    for name in ("path", "labels", "names"):
        value = found.get(name)
        if isinstance(value, str) and (path := expand(value)).exists():
            found[name] = str(path.absolute())
    return found


@cache
def config_of(name: str) -> type[Any]:
    """Return the dataclass of a registered data set's options, with those of every data set."""
    from unbraid.datasets._measured import Options

    own: type[Any] = registry.load("datasets", name).Config
    both = dataclasses.make_dataclass("Config", [], bases=(own, Options), frozen=True)
    both.__doc__, both.__module__ = own.__doc__, own.__module__
    return both


def _reader_of(path: Path) -> str:
    """Return which data set reads a file, by its first bytes and its name.

    Raises:
        UnbraidError: none does.
    """
    from unbraid.datasets._decode import SUFFIXES

    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError:
        start = b""  # its reader reports the error
    if suffix in (".npz", ".npy") or start == b"\x93NUMPY":
        return "npz"
    if suffix in SUFFIXES:
        raise UnbraidError(
            f"{path} is a single image, expected a folder of images: give the folder that holds it."
        )
    if is_sound(path):
        raise UnbraidError(
            f"{path} is a single recording, expected a folder of recordings: give the folder that "
            "holds it."
        )
    if start[:2] == b"PK":
        raise UnbraidError(
            f"{path} is a zip archive: unpack it and give the folder, or give it the suffix .npz "
            "if numpy wrote it."
        )
    if start[:2] in (b"\0\0", b"\x1f\x8b") or "idx" in path.name or not start:
        return "idx"
    raise UnbraidError(
        f"{path} is in a format that is not supported: expected a folder of images, a .npz "
        "file or IDX files."
    )


def load_dataset(name: str, split: str = "train", **options: Any) -> Dataset:
    """Load a data set by name, or images of your own by path.

    Args:
        name: a registered name (``unbraid datasets`` lists them), an IDX or ``.npz`` file, or a
            folder of images or recordings.
        split: ``"train"`` or ``"test"``.
        **options: the data set's own options, the fields of its ``Config``, and ``measured`` and
            ``correlated``, which every data set takes.

    Raises:
        UnbraidError: unknown name, split or option, or data that cannot be read.

    >>> load_dataset("mnist", split="test").factors.shape
    (10000, 1)
    """
    if split not in SPLITS:
        raise UnbraidError(f"unknown split '{split}': it is 'train' or 'test'.")
    name, implied = resolve(name)
    module = registry.load("datasets", name)
    config = registry.build(config_of(name), {**implied, **options}, f"dataset {name}")
    own = module.Config(
        **{field.name: getattr(config, field.name) for field in dataclasses.fields(module.Config)}
    )
    full = bool(getattr(config, "full", False))

    def opened(half: str) -> Dataset:
        data: Dataset = module.load(own, half)
        if full:
            data = dataclasses.replace(data, split="all")
        if not config.measured:
            return data
        reference = None
        if half != "train":
            with suppress(UnbraidError):  # there may be no train split beside the test split
                reference = module.load(own, "train")
        return data.measured(reference)

    with memory.enough(f"loading {name}", "use fewer or smaller images"):
        if config.correlated:
            wanted = correlation_of(config.correlated, config.correlated_width, name)
            found = split_of(opened, split, wanted, full=full)
        else:
            found = opened(split)
    note = _namesake(name) if not implied and "path" not in options else ""
    return dataclasses.replace(found, notes=(*found.notes, note)) if note else found


def _namesake(name: str) -> str:
    """Return a note if a folder here is called like a data set."""
    here = Path(name).is_dir()
    return f"{name} is the data set of that name; the folder here is ./{name}." if here else ""


def as_dataset(thing: Any, **options: Any) -> Dataset:
    """Return a data set of any object that holds images.

    Args:
        thing: a data set, an array or tensor of images, a pair of images and factors, a torch data
            set, one of Hugging Face, or a data frame.
        **options: of ``Dataset.from_arrays``, ``from_torch``, ``from_huggingface`` or
            ``from_frame``, whichever is called.

    Raises:
        UnbraidError: something else.

    >>> as_dataset((np.zeros((3, 8, 8)), {"digit": [7, 1, 7]})).factor("digit").tolist()
    [1, 0, 1]
    """
    from unbraid.datasets import _convert

    return _convert.as_dataset(thing, **options)


def label_spec(labels: NDArray[np.int64], name: str = "label") -> FactorSpec:
    """Return the spec of integer labels 0..K-1 whose classes have no names."""
    return FactorSpec(name, "categorical", values=tuple(range(int(labels.max()) + 1)))
