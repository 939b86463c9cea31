"""Controllers stored in a run folder, as control.safetensors and control.json."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unbraid.control.linear_gaussian.categorical_links import CategoricalLink
from unbraid.control.linear_gaussian.design_matrix import DesignMatrix
from unbraid.control.linear_gaussian.parameters import Parameters
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_from_json, specs_to_json
from unbraid.core.files import read_object, write_json
from unbraid.core.store import read_tensors, write_tensors
from unbraid.methods import LABELS, Method, labels_of

FORMAT = 1
TENSORS, DESCRIPTION = "control.safetensors", "control.json"
KEYS = {  # of format 1, for the arrays of Parameters
    "phi_mean": "middle",
    "phi_cov": "spread",
    "code_mean": "mean",
    "weights": "weights",
    "noise_cov": "noise",
    "informative": "carried",
    "free_moments": "free",
    "explained_variance": "shares",
}


def save(
    folder: Path, model: Method, params: Parameters, specs: Sequence[FactorSpec], seed: int
) -> None:
    """Write the parameters; the description is written last and marks them as complete."""
    arrays = {key: np.asarray(getattr(params, name), np.float64) for name, key in KEYS.items()}
    arrays |= {f"link.{index}": link.table for index, link in enumerate(params.links)}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    design = DesignMatrix(specs)
    labelled = [params.labelled(design.columns_of(k)) for k in range(len(specs))]
    write_tensors(folder / TENSORS, tensors, {"format": "pt"})
    description = {
        "format": FORMAT,
        "factors": specs_to_json(specs),
        "labels": params.label_count,
        "unlabelled": [s.name for s, known in zip(specs, labelled, strict=True) if not known],
        "seed": seed,
        "model": digest(model),
        "turns": [spec.stored_turn for spec in specs],
        "links": [{"factor": link.factor, "gain": round(link.gain, 3)} for link in params.links],
    }
    write_json(folder / DESCRIPTION, description)


def is_saved(folder: Path, model: Method) -> bool:
    """Whether a folder holds a controller of a model with these weights.

    One that took another number of levels for a turn, or labels that the model was not given, as
    earlier versions did, is none.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return False
    stored = read_object(path)
    if stored.get("model") != digest(model):
        return False
    try:
        specs = specs_from_json(stored["factors"])
    except (KeyError, TypeError, ValueError):
        return True  # ``load`` says what is wrong
    config = labels_of(model.config) if model.needs & LABELS else None
    given = config.label_factors if config else ()
    left_out = {spec.name for spec in specs if given and spec.name not in given}
    if not left_out <= set(stored.get("unlabelled", ())):
        return False
    before = [len(spec.values or ()) if spec.is_discrete else spec.period for spec in specs]
    turns = stored.get("turns", before)
    return all(spec.stored_turn in (None, turn) for spec, turn in zip(specs, turns, strict=False))


def digest(model: Method) -> str:
    """Return a hash of a model's weights."""
    found = hashlib.sha256()
    for name, value in model.state_dict().items():
        found.update(name.encode())
        found.update(value.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def load(folder: Path, model: Method) -> tuple[Parameters, tuple[FactorSpec, ...], int]:
    """Return the parameters of a model's controller, the specs and the seed.

    Raises:
        UnbraidError: a file that is missing, damaged or of another model.
    """
    description = read_object(folder / DESCRIPTION)
    tensors, _ = read_tensors(folder / TENSORS)
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in tensors.items()}
    layout = model.layout
    try:
        if description["format"] != FORMAT:
            raise ValueError(f"its format is {description['format']}, not {FORMAT}")
        specs = specs_from_json(description["factors"])
        if len(description["links"]) != len(layout.categories):
            raise ValueError(f"it has {len(description['links'])} categorical latents")
        tables = [arrays.pop(f"link.{index}") for index in range(len(layout.categories))]
        pairs = zip(description["links"], tables, strict=True)
        links = tuple(
            CategoricalLink(int(link["factor"]), table, link["gain"]) for link, table in pairs
        )
        found = {name: arrays.pop(key) for name, key in KEYS.items()}
        if arrays:
            raise ValueError(f"there is an unknown array {min(arrays)}")
        if found["weights"].shape != (DesignMatrix(specs).width, layout.numbers):
            raise ValueError(f"weights are {found['weights'].shape}")
        if tuple(table.shape[1] for table in tables) != layout.categories:
            raise ValueError("a categorical latent has another number of values")
        found["informative"] = found["informative"].astype(bool)
        params = Parameters(**found, links=links, label_count=int(description["labels"]))
        return params, specs, int(description["seed"])
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise UnbraidError(
            f"{folder / DESCRIPTION} and {TENSORS} do not match the model in this folder "
            f"({error}): delete both files, and they are estimated again."
        ) from error
