"""Whether a method's objective returns what a step needs, looked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from unbraid.core.errors import UnbraidError


def check_terms(terms: Any, owner: str) -> None:
    """Raise an UnbraidError unless an objective's terms are named numbers with a loss to follow.

    Args:
        terms: what ``Method.terms`` returned.
        owner: the name of the method.

    >>> check_terms({"kl": 1.0}, "vae")
    Traceback (most recent call last):
    unbraid.core.errors.UnbraidError: the terms of vae are kl, without the 'loss' that is ...
    """
    if not isinstance(terms, Mapping):
        raise UnbraidError(
            f"the terms of {owner} are of type {type(terms).__name__}, expected named numbers: "
            "return a dict, as in {'loss': loss}."
        )
    if "loss" not in terms:
        raise UnbraidError(
            f"the terms of {owner} are {', '.join(map(str, terms)) or 'none'}, without the 'loss' "
            "that is minimised: return it among them."
        )
    for name, value in terms.items():
        if not isinstance(value, Tensor):
            raise UnbraidError(
                f"the term '{name}' of {owner} is of type {type(value).__name__}, expected a "
                "tensor of one number: compute it with torch, or give torch.tensor of it."
            )
        if value.shape != ():
            raise UnbraidError(
                f"the term '{name}' of {owner} has the shape {tuple(value.shape)}, expected one "
                "number, of shape (): average over the batch, as in kl.mean()."
            )
    if not terms["loss"].requires_grad:
        raise UnbraidError(
            f"the loss of {owner} has no gradient, so that nothing could be learned: compute it "
            "from what the model's parameters give, without detach and torch.no_grad."
        )
