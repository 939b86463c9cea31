"""Control: images that have the requested factors, and a report of how well they do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unbraid.control.api import edit, generate, swap
    from unbraid.control.closed_loop import ClosedLoop
    from unbraid.control.controller import Controller, Redrawing
    from unbraid.control.language.parser import build_request, parse
    from unbraid.control.language.request import Request
    from unbraid.control.linear_gaussian.controller import Fitted, fit
    from unbraid.control.loading import open
    from unbraid.control.native import Native
    from unbraid.control.recordings import edit as edit_recording
    from unbraid.control.recordings import swap as swap_recordings

# Imported on first use: parsing a request does not import torch.
_MODULES = {
    "ClosedLoop": "closed_loop",
    "Controller": "controller",
    "Fitted": "linear_gaussian.controller",
    "Native": "native",
    "Redrawing": "controller",
    "Request": "language.request",
    "build_request": "language.parser",
    "edit": "api",
    "edit_recording": "recordings",
    "fit": "linear_gaussian.controller",
    "generate": "api",
    "open": "loading",
    "parse": "language.parser",
    "swap": "api",
    "swap_recordings": "recordings",
}

__all__ = [
    "ClosedLoop",
    "Controller",
    "Fitted",
    "Native",
    "Redrawing",
    "Request",
    "build_request",
    "edit",
    "edit_recording",
    "fit",
    "generate",
    "open",
    "parse",
    "swap",
    "swap_recordings",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        home = importlib.import_module(f"unbraid.control.{_MODULES[name]}")
        return getattr(home, name.removesuffix("_recording").removesuffix("_recordings"))
    raise AttributeError(f"module 'unbraid.control' has no attribute '{name}'")
