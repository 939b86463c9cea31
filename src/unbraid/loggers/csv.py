"""CSV: metrics.csv in the run folder, a row for each epoch and a column for each term."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unbraid.core.files import atomic, cannot_write
from unbraid.loggers import Logger
from unbraid.training import Progress

NAME = "metrics.csv"


class Log(Logger):
    """Writes what metrics.jsonl holds as a table, epochs before the log was asked for included.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.records: list[dict[str, Any]] = []
        self.columns: list[str] = []

    def start(self, progress: Progress, records: Sequence[dict[str, Any]]) -> None:
        """Write the epochs that are done."""
        self.records = list(records)
        self._write_all()

    def epoch(self, record: dict[str, Any]) -> None:
        """Append a row; a term that is new makes a new table."""
        self.records.append(record)
        if not record.keys() <= set(self.columns):
            self._write_all()
            return
        path = self.folder / NAME
        try:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(_rows([record], self.columns))
        except OSError as error:
            raise cannot_write(path, error) from error

    def _write_all(self) -> None:
        self.columns = list(dict.fromkeys(name for record in self.records for name in record))
        header = _rows([dict(zip(self.columns, self.columns, strict=True))], self.columns)
        with atomic(self.folder / NAME) as temporary:
            text = header + _rows(self.records, self.columns) if self.columns else ""
            temporary.write_text(text, encoding="utf-8")


def _rows(records: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    file = io.StringIO()
    csv.DictWriter(file, columns, restval="", lineterminator="\n").writerows(records)
    return file.getvalue()
