"""Control: the request met by a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unbraid.tour._page import paragraph

if TYPE_CHECKING:
    from unbraid.tour._report import Tour

TITLE = "Control: the request met by a model"
FIGURES = ()


def needs(tour: Tour) -> list[str]:
    """Return the trainings the chapter tells of."""
    return []


def write(tour: Tour) -> str:
    """Return the chapter."""
    return paragraph("The model that takes requests is not in this version yet.")
