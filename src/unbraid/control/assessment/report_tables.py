"""Tables of the report of control."""

from __future__ import annotations

from typing import Any, NamedTuple

from unbraid.control.assessment.summary import better

DISTRIBUTIONS: dict[str, str] = {
    "joint": "joint distribution of factors as in the data",
    "independent": "independent factors, including combinations that are not in the data",
}


class Table(NamedTuple):
    """A table as text."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(folder: str, report: dict[str, Any]) -> list[Table]:
    """Return the tables of a report, one for each distribution of requests.

    >>> figure = {"value": 98.0, "standard_error": 0.3, "real": 97.9, "unit": "%"}
    >>> report = {"figures": {"digit accuracy": figure}, "leakage": {}, "setting": "corrected"}
    >>> table = tables("runs/mine", {"requests": 10, "drawn": "independent", **report})[0]
    >>> table.title
    'runs/mine, 10 random requests, corrected'
    >>> table.rows
    [('digit accuracy (higher)', '98.00', '0.30', '97.90', '%')]
    """
    errors = report.get("judge", {}).get("errors", {})
    columns = ("figure", "value", "± se", "real", *(("judge",) if errors else ()), "unit")
    others = [drawn for drawn in DISTRIBUTIONS if drawn in report]
    found = []
    for drawn in [report.get("drawn", ""), *others]:
        part = report[drawn] if drawn in others else report
        title = f"{folder}, {report['requests']:,} random requests, {report['setting']}"
        if others:
            title += f"; {DISTRIBUTIONS[drawn]}"
        found.append(Table(title, columns, table_rows(part, errors)))
    return found


def table_rows(report: dict[str, Any], errors: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (figure, value, standard error, real, judge's error if known, unit) as text."""

    def row(name: str, value: str, error: str, real: str, judge: str, unit: str) -> tuple[str, ...]:
        return (name, value, error, real, *((judge,) if errors else ()), unit)

    rows = []
    for name, figure in report["figures"].items():
        numbers = (f"{figure[key]:.2f}" for key in ("value", "standard_error", "real"))
        value, error, real = numbers
        factor = name.removesuffix(" accuracy").removesuffix(" changes")
        judge = f"{errors[factor]['value']:.2f}" if factor in errors else ""
        rows.append(row(f"{name} ({better(name)})", value, error, real, judge, figure["unit"]))
    for name, value in report["leakage"].items():
        rows.append(row(f"  leakage of {name}", f"{value:.2f}", "", "1.00", "", "x real"))
    return rows
