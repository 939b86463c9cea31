"""Titles of data sets, and names for the values of labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import expand

# Words of usual file and folder names that do not identify a data set.
_USUAL = frozenset(
    (
        *("train", "training", "test", "testing", "t10k", "val", "images", "image", "imgs"),
        *("labels", "data", "dataset", "raw", "gzip", "ubyte", "idx1", "idx3", "idx4", "processed"),
    )
)


def called(dataset: str, options: Mapping[str, Any]) -> str:
    """Return what a data set is called in titles and in the names of run folders.

    That is the option ``title``; else the last part of the path that is specific, since every
    IDX set has its images in ``train-images-idx3-ubyte``; else the registered name.

    >>> called("idx", {"path": "/data/fashion/raw/train-images-idx3-ubyte.gz"})
    'fashion'
    >>> called("npz", {"path": "/data/shapes.npz"}), called("mnist", {})
    ('shapes', 'mnist')
    """
    if given := options.get("title"):
        return str(given)
    if "path" not in options or options["path"] is None:
        return dataset
    path = expand(options["path"]).absolute()
    parts = list(path.parts[1:]) or [dataset]
    if dataset in ("folder", "recordings"):
        return path.resolve().name or dataset
    parts[-1] = path.name.removesuffix(".gz").removesuffix(path.suffix if dataset != "idx" else "")
    for at, part in enumerate(reversed(parts)):
        words = [word for word in re.split(r"[-_. ]+", part) if word]
        specific = [word for word in words if word.lower() not in _USUAL]
        if specific:
            stripped = at == 0 and dataset == "idx" and len(specific) < len(words)
            return "-".join(specific) if stripped else part
    return dataset


def named(spec: FactorSpec, given: str | None, owner: str) -> FactorSpec:
    """Return the spec with names for its values, given with commas between them or in a file.

    Args:
        spec: of whole numbers, such as a class.
        given: ``"shirt,trouser"``, or the path of a text file with one name a line; None keeps
            the numbers.
        owner: how an error calls the data.

    Raises:
        UnbraidError: another number of names than of values, a name twice, or no such file.

    >>> named(FactorSpec("label", "categorical", values=(0, 1)), "cat,dog", "mine").values
    ('cat', 'dog')
    """
    if given is None:
        return spec
    names = listed(given, owner)
    count = len(spec.values or ())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UnbraidError(f"{owner}: the names hold '{twice}' twice: name each value once.")
    if len(names) != count:
        values = _short([str(value) for value in spec.values or ()])
        raise UnbraidError(
            f"{owner}: there are {len(names)} names ({_short(names)}) for the {count} values of "
            f"{spec.name} ({values}): give one a value, in their order."
        )
    return FactorSpec(spec.name, spec.kind, tuple(names), unit=spec.unit, period=spec.period)


def listed(given: str, owner: str) -> list[str]:
    """Return names given with commas between them, or in a text file with one a line."""
    path = expand(given)
    if "," not in given and path.suffix:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnbraidError(
                f"{owner}: cannot read the names in {path}: {reason}; give a text file with one "
                "name a line, or the names with commas between them."
            ) from error
        return [line.strip() for line in text.splitlines() if line.strip()]
    return [name.strip() for name in given.split(",") if name.strip()]


def _short(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) < 5 else [*names[:2], "...", names[-1]])
