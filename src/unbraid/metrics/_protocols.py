"""Named protocols: which metrics a study reported, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PROTOCOLS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    # Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of
    # Disentangled Representations", appendix; IRS as in the journal version.
    "locatello2019": {
        "betavae": {"train": 10_000, "test": 5_000, "repeats": 1},
        "factorvae": {"train": 10_000, "test": 5_000, "min_std": 0.05, "repeats": 1},
        "mig": {"estimator": "histogram", "bins": 20, "binning": "width"},
        "modularity": {"estimator": "histogram", "bins": 20, "binning": "width"},
        "explicitness": {"max_rows": 15_000},
        "dci": {"backend": "sklearn", "rounds": 100, "max_rows": 15_000},
        "sap": {"kind": "svm", "penalty": 0.01, "max_rows": 15_000},
        "irs": {"quantile": 0.99, "bin_levels": True, "factor_bins": 20},
    },
    # Chen et al. 2018: the posteriors' own densities at 10,000 samples, no histogram.
    "chen2018": {"mig": {"estimator": "density", "samples": 10_000}},
    # Hsu et al. 2023.
    "hsu2023": {"infomec": {"neighbours": 10, "range_share": 1 / 20, "max_iterations": 100}},
}

# How many draws of the factors fit predictors and how many test them, where a study says so.
SIZES: Mapping[str, tuple[int, int]] = {"locatello2019": (10_000, 5_000)}
