"""A fitted controller in a run folder: control.safetensors and control.json, no pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unbraid.control._basis import Basis
from unbraid.control._links import Link
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec, specs_from_json, specs_to_json
from unbraid.files import read_object, write_json
from unbraid.methods import Method
from unbraid.store import read_tensors, write_tensors

if TYPE_CHECKING:
    from unbraid.control._learning import Fit

FORMAT = 1
TENSORS, DESCRIPTION = "control.safetensors", "control.json"


def save(folder: Path, model: Method, found: Fit, specs: Sequence[FactorSpec], seed: int) -> None:
    """Write what was learnt; the description comes last and says that all is there."""
    arrays = {
        field.name: np.asarray(getattr(found, field.name), np.float64)
        for field in fields(found)
        if field.name not in ("links", "labels")
    }
    arrays |= {f"link.{index}": link.table for index, link in enumerate(found.links)}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
    write_tensors(folder / TENSORS, tensors, {"format": "pt"})
    described = {
        "format": FORMAT,
        "factors": specs_to_json(specs),
        "labels": found.labels,
        "seed": seed,
        "model": digest(model),
        "links": [{"factor": link.factor, "gain": round(link.gain, 3)} for link in found.links],
    }
    write_json(folder / DESCRIPTION, described)


def saved(folder: Path, model: Method) -> bool:
    """Whether a folder holds a controller of this very model, not of what it was earlier."""
    path = folder / DESCRIPTION
    return path.is_file() and read_object(path).get("model") == digest(model)


def digest(model: Method) -> str:
    """Return what tells a model's weights from others."""
    found = hashlib.sha256()
    for name, value in model.state_dict().items():
        found.update(name.encode())
        found.update(value.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def load(folder: Path, model: Method) -> tuple[dict[str, Any], tuple[FactorSpec, ...], int]:
    """Return the fields of a Fit of this model, the specs and the seed.

    Raises:
        UnbraidError: a file that is missing, damaged or of another model.
    """
    described = read_object(folder / DESCRIPTION)
    tensors, _ = read_tensors(folder / TENSORS)
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in tensors.items()}
    layout = model.layout
    try:
        if described["format"] != FORMAT:
            raise ValueError(f"its format is {described['format']}, not {FORMAT}")
        specs = specs_from_json(described["factors"])
        tables = [arrays.pop(f"link.{index}") for index in range(len(layout.categories))]
        pairs = zip(described["links"], tables, strict=True)
        links = tuple(Link(int(told["factor"]), table, told["gain"]) for told, table in pairs)
        width = Basis(specs).width
        if arrays["weights"].shape != (width, layout.continuous):
            raise ValueError(f"weights are {arrays['weights'].shape}")
        if tuple(table.shape[1] for table in tables) != layout.categories:
            raise ValueError("a categorical latent has another number of values")
        arrays["carried"] = arrays["carried"].astype(bool)
        found = {**arrays, "links": links, "labels": int(described["labels"])}
        return found, specs, int(described["seed"])
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise UnbraidError(
            f"{folder / DESCRIPTION} and {TENSORS} do not fit the model beside them ({error}): "
            "delete both, and they are made again."
        ) from error
