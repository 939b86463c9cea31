"""held_out.npz: images that a model was not trained on, stored with a run on images in memory.

Such a run has no data set to load. With the stored images, figures and scores need the folder only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from unbraid.core import limits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import atomic
from unbraid.datasets import Dataset

NAME = "held_out.npz"
MOST = 10_000  # images stored: no figure or score uses more
BYTES = 256 << 20  # of images stored at most


def store(data: Dataset, folder: Path) -> None:
    """Store a seeded random sample of images, factors and groups; all of them if they are few."""
    most = max(min(MOST, BYTES // max(int(np.prod(data.image_shape)), 1)), 1)
    rows = np.sort(np.random.default_rng(0).permutation(len(data))[:most])
    chosen = data.take(rows)
    arrays: dict[str, NDArray[Any]] = {"images": np.asarray(chosen.images[:])}
    if chosen.factors is not None:
        arrays["factors"] = chosen.factors
    if chosen.groups is not None:
        arrays["groups"] = chosen.groups
    with atomic(folder / NAME) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]


def load(folder: Path, name: str, specs: Sequence[FactorSpec]) -> Dataset:
    """Return the data set of the images stored in a run folder.

    Args:
        folder: the run folder.
        name: the name of the data set.
        specs: the specs of its factors.

    Raises:
        UnbraidError: the file is missing or damaged.
    """
    path = folder / NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            keys = [key for key in ("images", "factors", "groups") if key in file.files]
            for key in keys:
                limits.check_array(file, key)
            images = file["images"]
            factors = file["factors"] if "factors" in keys else None
            groups = file["groups"] if "groups" in keys else None
        known = tuple(specs) if factors is not None else ()
        return Dataset(name, images, factors, known, "test", groups=groups)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UnbraidError(
            f"cannot read {path}, which holds the run's held-out images ({error}): restore it "
            "from a copy, or save the model again with unbraid.save."
        ) from error
