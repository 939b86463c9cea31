"""Methods: each file or folder here is one, found by its name; others come from elsewhere.

A method's module defines a frozen dataclass ``Config`` (its options, a subclass of
``MethodConfig``) and an nn.Module ``Model`` (a subclass of ``Method``). See CONTRIBUTING.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unbraid import recipes
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.latents import Prior
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import ROWS, Images, Method, MethodConfig, require
from unbraid.methods._capabilities import HasLikelihood, HasPosterior, TakesFactors
from unbraid.methods._factor_codes import FactorCodes
from unbraid.methods._labelled import LabelledConfig
from unbraid.methods._names import find, model_of, name_of, named, register, stored_name
from unbraid.methods._step import LABELS, Batch, Context, Need, Phase, Rate, Terms
from unbraid.methods._weights import drawing_weights
from unbraid.nn.nets import ImageShape

__all__ = [
    "LABELS",
    "ROWS",
    "Autoencoder",
    "AutoencoderConfig",
    "Batch",
    "Context",
    "FactorCodes",
    "HasLikelihood",
    "HasPosterior",
    "Images",
    "LabelledConfig",
    "Method",
    "MethodConfig",
    "Need",
    "Phase",
    "Prior",
    "Rate",
    "TakesFactors",
    "Terms",
    "build",
    "checked_config",
    "configure",
    "find",
    "labels_of",
    "model_of",
    "name_of",
    "named",
    "needs_of",
    "register",
    "require",
    "stored_name",
]


def configure(name: str, *, recipe: str = "", data: str = "", **options: Any) -> MethodConfig:
    """Return the config of the named method.

    Args:
        name: of the method.
        recipe: published settings that options not given have; ``unbraid recipes`` lists them.
        data: the data set that the recipe's are for; its first one if not given.
        options: fields of the method's ``Config``.

    Raises:
        UnbraidError: unknown method, recipe or option, a recipe that has no settings for the
            method, or a value out of range.

    >>> configure("beta-vae", beta=8.0, latent_dim=6).latent_dim
    6
    >>> configure("beta-vae", recipe="locatello2019", beta=8.0).net
    'conv-2019'
    """
    if recipe:
        options = {**recipes.load(recipe, name).method_options(name, data), **options}
    owner = f"method {name}"
    config: MethodConfig = registry.build(find(name)[0], options, owner, "methods")
    return config


def needs_of(config: MethodConfig) -> frozenset[Need]:
    """Return what the method of a config is given besides images, see ``Method.needs``."""
    return model_of(config).needs


def labels_of(config: MethodConfig) -> LabelledConfig | None:
    """Return which labels the method of a config is given; None if it needs none.

    Raises:
        UnbraidError: it needs labels, and its config does not say how many.
    """
    if not needs_of(config) & LABELS:
        return None
    if not isinstance(config, LabelledConfig):
        raise UnbraidError(
            f"{name_of(config)} needs labels, but its Config does not say which: have it extend "
            "unbraid.methods.LabelledConfig."
        )
    return config


def build(
    config: MethodConfig | str,
    image_shape: ImageShape,
    specs: tuple[FactorSpec, ...] = (),
    seed: int | None = None,
) -> Method:
    """Return the untrained model of a config for images of shape (C, H, W).

    Args:
        config: the method's options, or its name for the default ones.
        image_shape: (C, H, W).
        specs: the factors of the data; only methods that learn from labels need them.
        seed: of the weights, those with which a training of this seed begins; if not given, they
            are drawn by torch's generator, as those of torch's own layers.

    Raises:
        UnbraidError: what is no method, images of an unfit shape, or no factors for a method that
            learns from them.

    >>> build(configure("vae", latent_dim=2), (1, 28, 28)).sample(3).shape
    torch.Size([3, 1, 28, 28])
    """
    config = checked_config(configure(config) if isinstance(config, str) else config)
    shape = _checked_shape(image_shape)
    seed = None if seed is None else registry.whole_number(seed, "seed")
    kind = model_of(config)
    given: tuple[Any, ...] = (config, shape)
    if kind.needs & LABELS:
        if not specs:
            raise UnbraidError(
                f"{name_of(config)} learns from labels, but there are none: choose a data set "
                "whose factors are known, or a method that needs none, such as vae."
            )
        given += (specs,)
    try:
        with drawing_weights(seed):
            return kind(*given)
    except (TypeError, RuntimeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            raise
        raise UnbraidError(
            f"the networks of {name_of(config)} for images of shape {shape} would be larger "
            "than any memory: choose smaller numbers."
        ) from error


def checked_config(config: Any, name: str = "method") -> MethodConfig:
    """Return the config of a method as it is.

    Args:
        config: what a user gave as one.
        name: what it is, as an error names it.

    Raises:
        UnbraidError: anything else.
    """
    if isinstance(config, MethodConfig):
        return config
    found = repr(config) if isinstance(config, str) else f"of type {type(config).__name__}"
    example = config if isinstance(config, str) else "vae"
    raise UnbraidError(
        f"{name} is {found}, expected the config of a method: give one that unbraid.configure "
        f"returns, such as unbraid.configure('{example}')."
    )


def _checked_shape(shape: Any) -> ImageShape:
    """Return the shape of images as three numbers, the first of which can be channels."""
    parts = tuple(shape) if isinstance(shape, Iterable) and not isinstance(shape, str) else ()
    if len(parts) != 3:
        raise UnbraidError(
            f"the shape of images is {shape!r}, expected three numbers, (C, H, W): give the "
            "channels, too, as in (1, 28, 28)."
        )
    first, middle, last = (registry.whole_number(part, "a side of images") for part in parts)
    if first > 4 >= last:
        raise UnbraidError(
            f"the shape of images is {shape!r}, expected (C, H, W): put the channels first, as in "
            f"{(last, first, middle)}."
        )
    return first, middle, last
