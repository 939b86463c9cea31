"""Data sets: each file here is one, found by its name; ``load_dataset`` opens any of them.

A data set module defines a frozen dataclass ``Config`` (its options, each with a default where
there can be one) and ``load(config, split) -> Dataset``. It may import numpy, not torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from unbraid.datasets._correlated import Correlation, correlated_options, correlation_of
from unbraid.datasets._dataset import Dataset, ImageSource
from unbraid.datasets._groups import GROUPED, check_partners, whole_groups
from unbraid.datasets._loading import (
    SPLITS,
    anchored,
    as_dataset,
    config_of,
    label_spec,
    load_dataset,
    resolve,
)
from unbraid.datasets._names import called
from unbraid.datasets._pairs import Pairs

if TYPE_CHECKING:
    from unbraid.datasets._association import associations
    from unbraid.datasets._codes import Coded, read_codes
    from unbraid.datasets._factored import Rows
    from unbraid.datasets._factors import sample_factors
    from unbraid.datasets._glyphs import prepare_glyphs
    from unbraid.datasets._images import CHANNELS, as_images
    from unbraid.datasets._measured import measured_factors, remeasured
    from unbraid.datasets._morphology import measure
    from unbraid.datasets._moved import NAMING, OWN, PATHS, absolute, moved
    from unbraid.datasets._report import facts_of, report_of

__all__ = [
    "CHANNELS",
    "GROUPED",
    "NAMING",
    "OWN",
    "PATHS",
    "SPLITS",
    "Coded",
    "Correlation",
    "Dataset",
    "ImageSource",
    "Pairs",
    "Rows",
    "absolute",
    "anchored",
    "as_dataset",
    "as_images",
    "associations",
    "called",
    "check_partners",
    "config_of",
    "correlated_options",
    "correlation_of",
    "facts_of",
    "label_spec",
    "load_dataset",
    "measure",
    "measured_factors",
    "moved",
    "prepare_glyphs",
    "read_codes",
    "remeasured",
    "report_of",
    "resolve",
    "sample_factors",
    "whole_groups",
]

# Where each other public name lives. These are imported when first used: some bring scipy.
_HOME = {
    "CHANNELS": "_images",
    "NAMING": "_moved",
    "OWN": "_moved",
    "PATHS": "_moved",
    "Coded": "_codes",
    "Rows": "_factored",
    "absolute": "_moved",
    "as_images": "_images",
    "associations": "_association",
    "facts_of": "_report",
    "measure": "_morphology",
    "measured_factors": "_measured",
    "remeasured": "_measured",
    "moved": "_moved",
    "prepare_glyphs": "_glyphs",
    "read_codes": "_codes",
    "report_of": "_report",
    "sample_factors": "_factors",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"unbraid.datasets.{_HOME[name]}"), name)
    raise AttributeError(f"module 'unbraid.datasets' has no attribute '{name}'")
