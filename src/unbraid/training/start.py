"""A new model, initialised from a seed, and a training in memory."""

from __future__ import annotations

from typing import Any, cast

from unbraid import methods
from unbraid.core import hardware, memory, registry
from unbraid.datasets import Dataset
from unbraid.methods import Method, MethodConfig
from unbraid.nn.nets import check_image_shape
from unbraid.training.config import TrainingConfig
from unbraid.training.loop import Loop
from unbraid.training.recorder import Recorder

LIGHTER = "choose a smaller batch_size, smaller images or a smaller model"


def new_model(config: MethodConfig, data: Dataset, seed: int) -> Method:
    """Return an untrained model for a data set, initialised from the seed alone."""
    shape = check_image_shape(data.image_shape)
    specs = data.specs if data.factors is not None else ()
    with hardware.Unallocated():
        size = hardware.parameters(methods.build(config, shape, specs, seed))
    hardware.check_fits(size, f"{methods.name_of(config)} with {size:,} parameters")
    return methods.build(config, shape, specs, seed)


def train(
    method: MethodConfig | str,
    data: Dataset,
    *,
    recorder: Recorder | None = None,
    **options: Any,
) -> Method:
    """Train a method on a data set in memory and return the model; nothing is written.

    Args:
        method: a method's config, or its name for the default one.
        data: a data set.
        recorder: told of steps and epochs.
        **options: fields of ``TrainingConfig``.

    Raises:
        UnbraidError: a bad option, a batch larger than the data, a term that is not finite.

    >>> import numpy as np
    >>> from unbraid import load_dataset
    >>> data = load_dataset("mnist", split="test").take(np.arange(300))
    >>> model = train("vae", data, epochs=1)
    >>> model.encode(data.images[:3]).shape
    torch.Size([3, 10])
    """
    config = methods.configure(method) if isinstance(method, str) else method
    training = cast(TrainingConfig, registry.build(TrainingConfig, options, "training"))
    with memory.enough("training", LIGHTER), hardware.able_to_learn():
        model = new_model(config, data, training.seed)
        return Loop(model, data, training, recorder or Recorder()).run().cpu()
