"""Control: images that have the factors asked for, and a number for how well they do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unbraid.control.asking import edit, generate, swap
    from unbraid.control.controller import Controller, Native, open
    from unbraid.control.fitting import Fitted, fit
    from unbraid.control.requests import Request, build_request, parse

# Imported when first used: a request is understood without waiting for torch.
_HOME = {
    "Controller": "controller",
    "Fitted": "fitting",
    "Native": "controller",
    "Request": "requests",
    "build_request": "requests",
    "edit": "asking",
    "fit": "fitting",
    "generate": "asking",
    "open": "controller",
    "parse": "requests",
    "swap": "asking",
}

__all__ = [
    "Controller",
    "Fitted",
    "Native",
    "Request",
    "build_request",
    "edit",
    "fit",
    "generate",
    "open",
    "parse",
    "swap",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"unbraid.control.{_HOME[name]}"), name)
    raise AttributeError(f"module 'unbraid.control' has no attribute '{name}'")
