"""Control: images that have the factors asked for, and a number for how well they do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unbraid.control.requests import Request, build_request, parse

# Imported when first used: a request is understood without waiting for torch.
_HOME = {"Request": "requests", "build_request": "requests", "parse": "requests"}

__all__ = ["Request", "build_request", "parse"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"unbraid.control.{_HOME[name]}"), name)
    raise AttributeError(f"module 'unbraid.control' has no attribute '{name}'")
