"""Scores as rows: text for a table, and numbers in full for CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from unbraid.core import notebook
from unbraid.metrics._score import Score

HEADER = ("metric", "value", "± se", "variant")


class Scores(dict[str, Score]):
    """Scores by metric, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return notebook.table(HEADER, table_rows(self)) + notebook.notes(note_lines(self))


def table_rows(scores: Mapping[str, Score]) -> list[tuple[str, str, str, str]]:
    """Return (metric, value, standard error, variant) of each number, as text.

    >>> table_rows({"mig": Score("mig", "20 bins", 0.5, math.nan, {})})
    [('mig', '0.500', 'undefined', '20 bins')]
    """
    return [
        (label, _text(value), _text(error), score.variant)
        for score in scores.values()
        for label, value, error in score.rows()
    ]


def _text(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"


def note_lines(scores: Mapping[str, Score]) -> list[str]:
    """Return the notes of scores as lines: those of all scores first, then those of each."""
    each = [score.notes for score in scores.values()]
    shared = set(each[0]).intersection(*each) if len(each) > 1 else set()
    lines = [note for note in each[0] if note in shared] if each else []
    return lines + [
        f"{score.metric}: {note}"
        for score in scores.values()
        for note in score.notes
        if note not in shared
    ]


def score_records(scores: Mapping[str, Score]) -> list[dict[str, Any]]:
    """Return the numbers of scores as flat records; ``part`` is empty where a score has no parts.

    >>> score_records({"mig": Score("mig", "20 bins", 0.5, 0.25, {})})[0]["standard_error"]
    0.25
    """
    return [
        {
            "metric": score.metric,
            "part": label.removeprefix(score.metric).strip(),
            "value": value,
            "standard_error": error,
            "variant": score.variant,
            "seed": score.settings.get("seed"),
        }
        for score in scores.values()
        for label, value, error in score.rows()
    ]
