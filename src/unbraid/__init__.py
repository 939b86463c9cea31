"""unbraid: train, measure and control disentangled representations.

>>> import unbraid
>>> data = unbraid.load_dataset("mnist")
>>> config = unbraid.configure("beta-vae", latent_dim=10, beta=4.0)
>>> model = unbraid.train(config, data, epochs=5)  # doctest: +SKIP
>>> codes = model.encode(data.images)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unbraid.comparison import compare
    from unbraid.control import edit, generate, swap
    from unbraid.core.errors import UnbraidError
    from unbraid.core.factors import FactorSpec
    from unbraid.core.signals import Signal
    from unbraid.datasets import Dataset, as_dataset, load_dataset
    from unbraid.explorer.api import explore
    from unbraid.figures import draw
    from unbraid.hub import from_pretrained
    from unbraid.library import save, train, train_run
    from unbraid.measuring import evaluate
    from unbraid.methods import Method, build, configure
    from unbraid.runs import Run, RunConfig, load
    from unbraid.training import TrainingConfig

__version__ = "0.1.0"

# Where each public name lives. They are imported when first used: the command line must answer
# --help without waiting for torch.
_HOME = {
    "Dataset": "datasets",
    "FactorSpec": "core.factors",
    "Method": "methods",
    "Run": "runs",
    "RunConfig": "runs",
    "Signal": "core.signals",
    "TrainingConfig": "training",
    "UnbraidError": "core.errors",
    "as_dataset": "datasets",
    "build": "methods",
    "compare": "comparison",
    "configure": "methods",
    "draw": "figures",
    "edit": "control.api",
    "evaluate": "measuring",
    "explore": "explorer.api",
    "from_pretrained": "hub",
    "generate": "control.api",
    "load": "runs",
    "load_dataset": "datasets",
    "save": "library",
    "swap": "control.api",
    "train": "library",
    "train_run": "library",
}
# Parts that may be named without being imported first, as in unbraid.metrics.evaluate.
_PARTS = (
    "control",
    "datasets",
    "figures",
    "hub",
    "methods",
    "metrics",
    "nn",
    "recipes",
    "sklearn",
    "strokes",
)

__all__ = [
    "Dataset",
    "FactorSpec",
    "Method",
    "Run",
    "RunConfig",
    "Signal",
    "TrainingConfig",
    "UnbraidError",
    "__version__",
    "as_dataset",
    "build",
    "compare",
    "configure",
    "draw",
    "edit",
    "evaluate",
    "explore",
    "from_pretrained",
    "generate",
    "load",
    "load_dataset",
    "save",
    "swap",
    "train",
    "train_run",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"unbraid.{_HOME[name]}"), name)
    if name in _PARTS:
        return importlib.import_module(f"unbraid.{name}")
    raise AttributeError(f"module 'unbraid' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
