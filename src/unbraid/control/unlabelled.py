"""Factors whose labels a training was not given, and which so cannot be requested."""

from __future__ import annotations

from collections.abc import Iterable

from unbraid.control.controller import Controller
from unbraid.core.errors import UnbraidError
from unbraid.methods import LABELS, labels_of


def unlabelled_factors(controller: Controller) -> tuple[str, ...]:
    """Return the names of factors that the option label_factors left out of the training."""
    model = controller.model
    config = labels_of(model.config) if model.needs & LABELS else None
    if config is None or not config.label_factors:
        return ()
    return tuple(spec.name for spec in controller.specs if spec.name not in config.label_factors)


def check_labelled(controller: Controller, names: Iterable[str]) -> None:
    """Raise an UnbraidError if a requested factor was left out of the training's labels."""
    left_out = unlabelled_factors(controller)
    asked = [name for name in names if name in left_out]
    if asked:
        labelled = [spec.name for spec in controller.specs if spec.name not in left_out]
        raise UnbraidError(
            f"{' and '.join(asked)} cannot be requested, as the model was trained without these "
            f"labels: request {', '.join(labelled)}, or add {asked[0]} to --label-factors and "
            "train again."
        )
