"""Tables of the report of control."""

from __future__ import annotations

from typing import Any, NamedTuple

from unbraid.control.assessment.summary import better
from unbraid.control.assessment.units import as_text

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
    parts = _parts(report)
    found = []
    for drawn, part in parts:
        title = f"{folder}, {report['requests']:,} random requests, {report['setting']}"
        if len(parts) > 1:
            title += f"; {DISTRIBUTIONS[drawn]}"
        found.append(Table(title, columns, table_rows(part, errors)))
    return found


def _parts(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return each distribution of requests with its part of a report, the report's own first."""
    others = [(drawn, report[drawn]) for drawn in DISTRIBUTIONS if drawn in report]
    return [(report.get("drawn", ""), report), *others]


def records(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of a report as flat records, in full.

    >>> figure = {"value": 98.0, "standard_error": 0.3, "real": 97.9, "unit": "%"}
    >>> report = {"figures": {"digit accuracy": figure}, "leakage": {"x": 1.5}}
    >>> [(each["figure"], each["value"]) for each in records(report)]
    [('digit accuracy', 98.0), ('leakage of x', 1.5)]
    """
    errors = report.get("judge", {}).get("errors", {})
    found: list[dict[str, Any]] = []
    for drawn, part in _parts(report):
        for name, figure in part["figures"].items():
            numbers = {key: figure[key] for key in ("value", "standard_error", "real")}
            judge = errors.get(_factor(name), {}).get("value")
            about = {"judge": judge, "unit": figure["unit"]}
            found.append({"requests": drawn, "figure": name, **numbers, **about})
        found += [
            {
                "requests": drawn,
                "figure": f"leakage of {name}",
                "value": value,
                "real": 1.0,
                "unit": "x real",
            }
            for name, value in part["leakage"].items()
        ]
    return found


def _factor(figure: str) -> str:
    """Return the factor that a figure of a report is of."""
    return figure.removesuffix(" accuracy").removesuffix(" changes")


def table_rows(report: dict[str, Any], errors: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return (figure, value, standard error, real, judge's error if known, unit) as text."""

    def row(name: str, value: str, error: str, real: str, judge: str, unit: str) -> tuple[str, ...]:
        return (name, value, error, real, *((judge,) if errors else ()), unit)

    rows = []
    for name, figure in report["figures"].items():
        known = [errors[factor]["value"]] if (factor := _factor(name)) in errors else []
        numbers = as_text(figure["value"], figure["standard_error"], figure["real"], *known)
        value, error, real, *judged = numbers
        judge = judged[0] if judged else ""
        rows.append(row(f"{name} ({better(name)})", value, error, real, judge, figure["unit"]))
    for name, value in report["leakage"].items():
        rows.append(row(f"  leakage of {name}", f"{value:.2f}", "", "1.00", "", "x real"))
    return rows
