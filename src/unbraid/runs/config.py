"""What decides a run: the method, the data and the training, as config.json stores them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import unbraid
from unbraid import methods, recipes
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, specs_to_json
from unbraid.core.signals import Signal
from unbraid.datasets import absolute
from unbraid.methods import MethodConfig
from unbraid.nn.nets import ImageShape
from unbraid.training import TrainingConfig

FORMAT = 1
IN_MEMORY = "in_memory"  # an option in place of a data set's: the data cannot be loaded again


@dataclass(frozen=True)
class RunConfig:
    """A method, a data set and a training, each with its options.

    Args:
        method: the method's config.
        data: the data set's name.
        data_options: the options it is loaded with.
        training: the options of the training.
        recipe: the name of the recipe that they are of, if any; ``config.json`` says which of them
            are not the recipe's.

    Raises:
        UnbraidError: a part of another type.

    >>> RunConfig(methods.configure("vae"), "mnist").training.epochs
    10
    """

    method: MethodConfig
    data: str
    data_options: dict[str, Any] = field(default_factory=dict)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    recipe: str = ""

    def __post_init__(self) -> None:
        methods.checked_config(self.method)
        if not isinstance(self.data, str):
            raise UnbraidError(
                f"data is of type {type(self.data).__name__}, expected the name or path of a data "
                "set: train on data in memory with unbraid.train, and save the model with "
                "unbraid.save."
            )
        if not isinstance(self.data_options, Mapping):
            raise UnbraidError(
                f"data_options is {self.data_options!r}, expected a dict of options of the data "
                "set: give {} for none."
            )
        if not isinstance(self.training, TrainingConfig):
            raise UnbraidError(
                f"training is {self.training!r}, expected its options: give "
                "unbraid.TrainingConfig(), with options such as epochs=5."
            )
        plain = {name: registry.plain_value(each) for name, each in self.data_options.items()}
        object.__setattr__(self, "data_options", plain)

    @staticmethod
    def checked(config: Any) -> RunConfig:
        """Return what a user gave as a run's config.

        Raises:
            UnbraidError: anything else.
        """
        if isinstance(config, RunConfig):
            return config
        name = config if isinstance(config, str) else "vae"
        raise UnbraidError(
            f"config is of type {type(config).__name__}, expected a run's config: give one such as "
            f"unbraid.RunConfig(unbraid.configure('{name}'), 'mnist')."
        )

    def to_json(
        self,
        image_shape: ImageShape,
        specs: Sequence[FactorSpec] = (),
        signal: Signal | None = None,
    ) -> dict[str, Any]:
        """Return the content of config.json as it will be read back, with tuples as lists."""
        described: dict[str, Any] = {
            "format": FORMAT,
            "unbraid": unbraid.__version__,
            "method": {"name": methods.stored_name(self.method), **asdict(self.method)},
            "data": {"name": self.data, **absolute(self.data_options)},
            "training": asdict(self.training),
            "image_shape": list(image_shape),
            "signal": (signal or Signal.image(image_shape)).to_json(),
            "factors": specs_to_json(specs),
        }
        if self.recipe:
            parts = (described[part] for part in ("method", "data", "training"))
            described["recipe"] = recipes.record(self.recipe, *parts)
        read_back: dict[str, Any] = json.loads(json.dumps(described))
        return read_back
