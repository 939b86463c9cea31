"""How each ATen operator becomes operators of the page, see ``explorer/lowering.py``.

``OPERATORS`` maps names to functions of (lowering, call) that return the result's value, or a list
of values where there are several. They are in a file for each kind.
"""

from unbraid.explorer.operators import (
    elementwise,
    indexing,
    layers,
    moving,
    norms,
    rows,
    sampling,
)
from unbraid.explorer.operators.table import OPERATORS

__all__ = ["OPERATORS", "elementwise", "indexing", "layers", "moving", "norms", "rows", "sampling"]
