"""The chapters of the tour, in their order: words, and calls of what computes and draws.

Each file here has ``TITLE``, ``FIGURES`` (the names of its figures), ``needs(tour)`` (the names of
its trainings) and ``write(tour)``, which returns HTML. Nothing is imported from a chapter.
"""

from __future__ import annotations

import importlib
from types import ModuleType

CHAPTERS = (
    "ch01_latent_size",
    "ch02_ae_codes",
    "ch03_vae_prior",
    "ch04_sampling",
    "ch05_factors",
    "ch06_infogan",
    "ch07_beta_vae",
    "ch08_beta_tcvae",
    "ch09_control",
    "ch10_speech",
)


def load(name: str) -> ModuleType:
    """Import and return a chapter."""
    return importlib.import_module(f"{__name__}.{name}")


def anchor(name: str) -> str:
    """Return by what links of the page find a chapter.

    >>> anchor("ch01_latent_size")
    'latent-size'
    """
    return name.partition("_")[2].replace("_", "-")
