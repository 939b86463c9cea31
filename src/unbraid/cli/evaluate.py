"""``unbraid evaluate RUN [RUN ...]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unbraid.cli.tables import Output, parse_with_output, present, print_table
from unbraid.core.errors import UnbraidError

if TYPE_CHECKING:
    from unbraid.metrics import Score


def evaluate(args: list[str]) -> None:
    """Measure runs: ``unbraid evaluate RUN [RUN ...]``."""
    from unbraid.evaluation.scores import Config
    from unbraid.runs import evaluating

    first = next((i for i, arg in enumerate(args) if arg.startswith("-")), len(args))
    names, rest = args[:first], args[first:]
    about = "Measure disentanglement and likelihood of runs on held-out images."
    config, output = parse_with_output(Config, rest, "unbraid evaluate RUN [RUN ...]", about)
    if not names:
        raise UnbraidError("unbraid evaluate takes one or more run folders first.")
    try:
        found, unstored = evaluating.evaluate(names, config), None
    except evaluating.NotStored as error:  # the scores are printed all the same
        found, unstored = error.scores, error
    show_scores(found, output)
    if unstored:
        raise unstored


def show_scores(found: Mapping[str, Mapping[str, Score]], output: Output) -> None:
    """Print scores by run folder."""
    from unbraid.metrics import HEADER, note_lines, score_records, table_rows

    def text() -> None:
        for folder, scores in found.items():
            print_table(folder, HEADER, table_rows(scores), note_lines(scores))

    document = {
        folder: {name: score.to_json() for name, score in scores.items()}
        for folder, scores in found.items()
    }
    records = (
        {"run": folder} | record
        for folder, scores in found.items()
        for record in score_records(scores)
    )
    present(output, text, document, records)
