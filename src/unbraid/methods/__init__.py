"""Methods: each file here is one, found by its name.

A method's module defines a frozen dataclass ``Config`` (its options, a subclass of
``MethodConfig``) and an nn.Module ``Model`` (a subclass of ``Method``). See CONTRIBUTING.
"""

from __future__ import annotations

from typing import Any

from unbraid import registry
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import (
    ROWS,
    Context,
    Images,
    Method,
    MethodConfig,
    Phase,
    Terms,
    name_of,
    require,
)
from unbraid.methods._labelled import LabelledConfig
from unbraid.nets import ImageShape

__all__ = [
    "ROWS",
    "Autoencoder",
    "AutoencoderConfig",
    "Context",
    "Images",
    "LabelledConfig",
    "Method",
    "MethodConfig",
    "Phase",
    "Terms",
    "build",
    "configure",
    "name_of",
    "require",
]


def configure(name: str, **options: Any) -> MethodConfig:
    """Return the config of the named method.

    Raises:
        UnbraidError: unknown method or option, or a value out of range.

    >>> configure("beta-vae", beta=8.0, latent_dim=6).latent_dim
    6
    """
    module = registry.load("methods", name)
    config: MethodConfig = registry.build(module.Config, options, f"method {name}")
    return config


def build(
    config: MethodConfig, image_shape: ImageShape, specs: tuple[FactorSpec, ...] = ()
) -> Method:
    """Return the untrained model of a config for images of shape (C, H, W).

    Args:
        config: the method's options.
        image_shape: (C, H, W).
        specs: the factors of the data; only methods that learn from labels need them.

    Raises:
        UnbraidError: images of an unfit shape, or no factors for a method that learns from them.

    >>> build(configure("vae", latent_dim=2), (1, 28, 28)).sample(3).shape
    torch.Size([3, 1, 28, 28])
    """
    kind: type[Method] = registry.load("methods", name_of(config)).Model
    given: tuple[Any, ...] = (config, image_shape)
    if kind.labelled:
        if not specs:
            raise UnbraidError(
                f"{name_of(config)} learns from labels, but there are none: choose a data set "
                "whose factors are known, or a method that needs none, such as vae."
            )
        given += (specs,)
    try:
        return kind(*given)
    except (TypeError, RuntimeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            raise
        raise UnbraidError(
            f"the networks of {name_of(config)} for images of shape {image_shape} would be larger "
            "than any memory: choose smaller numbers."
        ) from error
