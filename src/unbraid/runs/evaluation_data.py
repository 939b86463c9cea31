"""The images that a run is measured on: its own held-out images, or those of another data set."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_type_hints

from unbraid import datasets, metrics
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import expand
from unbraid.datasets import OWN, Dataset
from unbraid.evaluation import factor_draws
from unbraid.evaluation.evidence import chosen_rows
from unbraid.nn.nets import ImageShape
from unbraid.runs.run import Run

SPLITTING = {"split_seed", "full"}  # options that choose among the same images
FOLDER = "folder"  # as a group: that subfolders are no factor


def subject(run: Run, other: str, protocol: str, limit: int, seed: int) -> Dataset:
    """Return the images a run is measured on: its held-out images, or another data set's.

    Args:
        run: a finished run.
        other: name or path of another data set; empty for the run's own.
        protocol: of the metrics, which may say a number of images itself.
        limit: maximum number of images, drawn at random.
        seed: of the draw.
    """
    data = other_data(run, other) if other else run.unseen()
    sizes = metrics.SIZES.get(protocol)
    if sizes and not factor_draws.can_draw(data):
        limit = sum(sizes)
    return chosen_rows(data, limit, seed)


def other_data(run: Run, name: str) -> Dataset:
    """Load another data set in the image shape of the run's model.

    If it is the run's own data set, also at a new path, its held-out images are returned: another
    split of it would hold training images.

    Args:
        run: a finished run.
        name: a data set's name, or a path.
    """
    kind, implied = datasets.resolve(name)
    path = {key: str(expand(each).absolute()) for key, each in implied.items()}
    own = run.config.data_options if kind == run.config.data else {}
    same = kind == run.config.data and path.items() <= own.items()
    if same and (path or own.get("full") or not own.keys() - SPLITTING):
        return run.unseen()
    if path and run.config.data in OWN and (found := _moved(run, path["path"])) is not None:
        return found
    # its own split, or other files read in the same way
    left = {"labels", "split_seed", "full"}
    if own.get("group") != FOLDER:
        left.add("group")  # a column that other files need not have
    kept = {
        key: own[key]
        for key in own
        if (key in ("path", "split_seed", "group") if same else key not in left)
    }
    config = registry.load("datasets", kind).Config
    return datasets.load_dataset(kind, "test", **fitting(config, run.image_shape) | kept | path)


def _moved(run: Run, path: str) -> Dataset | None:
    """Return the run's held-out images if its data were moved to a path, None for other data."""
    if not run.fingerprints:
        return None
    with suppress(UnbraidError):  # they are other data
        moved = Run(run.folder, data=path)
        if "test" not in run.fingerprints:
            moved.dataset("train")
        return moved.unseen()
    if not Path(run.config.data_options["path"]).exists():
        warnings.warn(
            f"{path} does not hold the data that {run.folder} was trained on: it is measured as "
            "another data set, though the model may have been trained on some of it.",
            stacklevel=2,
        )
    return None


def fitting(config: type[Any], shape: ImageShape) -> dict[str, Any]:
    """Return the options under which a data set's images have a shape, as far as it has any.

    >>> fitting(registry.load("datasets", "folder").Config, (1, 28, 28))
    {'size': 28, 'channels': 1}
    """
    channels, height, _ = shape
    hints = get_type_hints(config)
    found = {name: height for name in ("size", "canvas") if hints.get(name) is int}
    return found | ({"channels": channels} if channels in get_args(hints.get("channels")) else {})
