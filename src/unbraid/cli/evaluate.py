"""``unbraid evaluate RUN [RUN ...]``."""

from __future__ import annotations

import json
from typing import Any

from unbraid.cli.tables import print_table
from unbraid.core.errors import UnbraidError
from unbraid.core.parsing import parse


def evaluate(args: list[str]) -> None:
    """Measure runs: ``unbraid evaluate RUN [RUN ...]``."""
    from unbraid.evaluation.scores import Config
    from unbraid.runs import evaluating

    first = next((i for i, arg in enumerate(args) if arg.startswith("-")), len(args))
    names, rest = args[:first], args[first:]
    config = parse(Config, rest, "unbraid evaluate RUN [RUN ...]")
    if not names:
        raise UnbraidError("unbraid evaluate takes one or more run folders first.")
    try:
        found, unstored = evaluating.evaluate(names, config), None
    except evaluating.NotStored as error:  # the scores are printed all the same
        found, unstored = error.scores, error
    show_scores(found, config)
    if unstored:
        raise unstored


def show_scores(found: dict[str, Any], config: Any) -> None:
    """Print scores by run folder, as a table or JSON."""
    if config.json:
        plain_scores = {
            folder: {name: score.to_json() for name, score in scores.items()}
            for folder, scores in found.items()
        }
        print(json.dumps(plain_scores, indent=2))
        return
    from unbraid.evaluation import scores as tables

    for folder, scores in found.items():
        header = ("metric", "value", "± se", "variant")
        print_table(folder, header, tables.table_rows(scores), tables.note_lines(scores))
