"""The results of a study as one table in long form, made from the run folders."""

from __future__ import annotations

import csv
import importlib.util
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unbraid.core.files import atomic
from unbraid.runs.results import STATS, read_result
from unbraid.studies.cells import Cell, State
from unbraid.studies.study import TABLE, Study

CSV, PARQUET = TABLE, "results.parquet"
TERMS = ("total_correlation", "index_code_mi", "dimwise_kl")
KEY = ("representation", "metric", "protocol", "images")  # of a number among those of its run
NOT_MEASURED = "not measured"  # the status of a row of a metric that failed on a finished run
PRECISIONS = {"f32": "float32", "bf16": "bfloat16"}  # of options, as finished runs tell them
EVIDENCE = "log-likelihood"  # the metric that draws importance samples
WITHOUT = "without"  # what a row lacks, until it is filled
Row = dict[str, Any]
# before and after the columns of options
FIRST = ("run", "data", "method", "setting")
LAST = (
    "seed",
    "steps",
    "representation",
    "metric",
    "value",
    "standard_error",
    "protocol",
    "images",
    "status",
    "unbraid",
    "torch",
    "precision",
    "seconds",
)


def write_table(study: Study) -> list[Path]:
    """Write results.csv, and results.parquet where pyarrow is installed; return their paths."""
    seen = study.changed()  # before anything is read: what changes meanwhile is not in the table
    columns, rows = table(study)
    written = [write_rows(study.folder / CSV, columns, rows)]
    os.utime(written[0], ns=(seen, seen))
    if importlib.util.find_spec("pyarrow") is not None:
        written.append(_write_parquet(study.folder / PARQUET, columns, rows))
    return written


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> Path:
    """Write rows as CSV, and return the path; what they hold beside the columns is left out."""
    with (
        atomic(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> Path:
    import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    found = {name: [row.get(name) for row in rows] for name in columns}
    for name, values in found.items():
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1 and kinds != {int, float}:
            found[name] = [None if value is None else str(value) for value in values]
    with atomic(path) as temporary:
        parquet.write_table(pyarrow.table(found), temporary)
    return path


def table(study: Study) -> tuple[list[str], list[Row]]:
    """Return the columns of a study's table, and its rows.

    Each finished run has a row for each number that was measured; those that diverged or failed
    have the same rows without values, so that they are not forgotten, and so have metrics that
    failed on a finished run. Unfinished runs have none.
    """
    options = differing(study.cells)
    rows: list[Row] = []
    for cell, state in zip(study.cells, study.states(), strict=True):
        status = state.status(cell)
        if status == "unfinished":
            continue
        about = _about(cell, options) | {"status": status}
        found = _numbers(study, cell, state) if status == "finished" else [{WITHOUT: None}]
        rows += [about | row for row in found]
    # an option such as the precision may be a column of its own already
    return list(dict.fromkeys([*FIRST, *options, *LAST])), list(_filled(rows))


def _filled(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows; in the place of one that lacks numbers, those that others have, without values.

    Args:
        rows: those that lack numbers say so in ``WITHOUT``: by the options of the metric that
            failed, or None if it is the whole run.
    """
    measured = [row for row in rows if WITHOUT not in row]
    every = list(dict.fromkeys(map(_key, measured)))
    alike: dict[tuple[Any, ...], list[Row]] = {}
    own: dict[Any, set[tuple[Any, ...]]] = {}
    for row in measured:
        alike.setdefault(_kind(row["data"], row), []).append(row)
        own.setdefault(row["run"], set()).add(_key(row))
    for row in rows:
        if WITHOUT not in row:
            yield row
            continue
        about = {name: value for name, value in row.items() if name != WITHOUT}
        told = row[WITHOUT]
        keys = every
        if told is not None:
            rows_like = alike.get(_kind(row["data"], told), [])
            keys = _keys_like(told, rows_like, own.get(row["run"], set()))
        for key in keys:
            yield about | dict(zip(KEY, key, strict=True))
        if not keys:
            yield about if told is None else about | {"metric": told["metrics"]}


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in KEY)


def _kind(data: Any, of: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what numbers of one measurement have in common, of a row or of the options."""
    return data, of.get("protocol"), of.get("representation")


def _keys_like(
    told: Mapping[str, Any], rows: Sequence[Row], own: Collection[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Return the numbers that a measurement gave of other runs on the same data.

    Args:
        told: the options of the measurement.
        rows: those with numbers of this kind.
        own: numbers that the run has, as of fewer images.
    """
    found = [
        row
        for row in rows
        if _key(row) not in own
        and told["metrics"] in ("all", str(row.get("metric")).partition(" ")[0])
        and (told["protocol"] != "none" or (row.get("images") or 0) <= told["images"])
    ]
    most = max((row.get("images") or 0 for row in found), default=0)
    return list(dict.fromkeys(_key(row) for row in found if (row.get("images") or 0) == most))


def differing(cells: Sequence[Cell]) -> list[str]:
    """Return the options in which some runs of a study differ, but for seed and steps."""
    values: dict[str, set[str]] = {}
    for cell in cells:
        for part in ("method", "training"):
            for name, value in cell.config[part].items():
                values.setdefault(name, set()).add(repr(value))
    left_out = {"name", "seed", "steps", *FIRST}
    return [name for name, seen in values.items() if len(seen) > 1 and name not in left_out]


def _about(cell: Cell, options: Sequence[str]) -> Row:
    """Return what a row says of the run."""
    both = {**cell.config["training"], **cell.config["method"]}
    return {
        "run": cell.id,
        "data": cell.data,
        "method": cell.method,
        "setting": cell.setting,
        **{name: _plain(both[name]) for name in options if name in both},
        "seed": cell.seed,
        # of a run that was lost; a finished one tells its own
        "steps": cell.steps or None,
        "precision": PRECISIONS.get(both["precision"], both["precision"]),
    }


def _numbers(study: Study, cell: Cell, state: State) -> Iterator[Row]:
    """Yield the rows of a finished run: its training's own numbers, each score, what failed."""
    result = read_result(study.run_folder(cell))
    training, machine = result["training"], result.get("machine", {})
    about: Row = {
        "steps": training.get("steps"),
        "unbraid": machine.get("unbraid"),
        "torch": machine.get("torch"),
        "precision": training.get("precision"),
        "seconds": training.get("seconds"),
    }
    stats = result[STATS]
    for name in ("reconstruction", "kl", "elbo", "active_units"):
        if name in stats:
            yield about | {
                "metric": name.replace("_", " "),
                "value": stats[name],
                "protocol": "training",
                "images": stats.get("images"),
            }
    for name in TERMS:
        if term := stats.get("decomposition", {}).get(name):
            yield about | {
                "representation": "sampled",
                "metric": name.replace("_", " "),
                "value": term["value"],
                "standard_error": term["standard_error"],
                "protocol": "training",
                "images": stats.get("images"),
            }
    newest: dict[tuple[Any, ...], Row] = {}
    for row in (row for score in _asked(study, cell, state, result) for row in _of_score(score)):
        newest[tuple(row[name] for name in KEY)] = row
    found = list(newest.values())
    order = ("protocol", "metric", "representation")
    found.sort(key=lambda row: (*(str(row[name]) for name in order), row["images"] or 0))
    yield from (about | row for row in found)
    for told, _ in state.lost(cell):
        same = {name: told[name] for name in ("protocol", "representation")}
        yield about | same | {"status": NOT_MEASURED, WITHOUT: told}


def _asked(
    study: Study, cell: Cell, state: State, result: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the stored scores that the study asks for: other studies share the run.

    Of fewer images than are asked for, those on the most are taken: there were no more of them.
    Scores of a metric that failed are not of this measurement.
    """
    every: Sequence[Mapping[str, Any]] = list(result.get("scores", {}).values())
    asked: set[int] = set()
    wanted = [(told, state.unmeasured.get(key, {})) for key, told in cell.wanted.items()]
    for told, lost in (*wanted, *((each, ()) for each in study.compared)):
        by_metric: dict[Any, list[Mapping[str, Any]]] = {}
        for score in every:
            if measured_as(score, told) and not {"all", score["metric"]} & {*lost}:
                by_metric.setdefault(score["metric"], []).append(score)
        for found in by_metric.values():
            # none has the present name where the data were called otherwise before
            own = [score for score in found if _of_own_images(score, cell, result)] or found
            most = max(map(_images, own))
            asked |= {id(score) for score in own if _images(score) == most}
    return _of_own_seeds([score for score in every if id(score) in asked], study, cell)


def measured_as(score: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Whether a stored score was measured as a study tells, on as many images or fewer.

    Args:
        score: as result.json holds it.
        told: the options of ``unbraid evaluate``, of a single metric or of all.
    """
    settings = score.get("settings", {})
    return bool(
        told["protocol"] == score.get("protocol")
        and told["representation"] == score.get("representation", "mean")
        and told["metrics"] in ("all", score["metric"])
        and told["seed"] == settings.get("seed", told["seed"])
        and (score["metric"] != EVIDENCE or settings.get("samples") in (None, told["samples"]))
        and (told["protocol"] != "none" or _images(score) <= told["images"])
    )


def _images(score: Mapping[str, Any]) -> int:
    return int(score.get("data", {}).get("images", 0))


def _of_own_images(score: Mapping[str, Any], cell: Cell, result: Mapping[str, Any]) -> bool:
    """Whether a score is of the run's held-out images, not of ``unbraid evaluate --data``."""
    from unbraid.datasets import called

    options = dict(cell.config["data"])
    own = called(options.pop("name"), options), result.get("data", {}).get("split")
    about = score.get("data", {})
    return (about.get("name"), about.get("split")) == own


def _of_own_seeds(
    scores: Sequence[Mapping[str, Any]], study: Study, cell: Cell
) -> list[Mapping[str, Any]]:
    """Return scores without those that compare the run with others than seeds of its setting.

    Those that compare it with the most seeds come last.
    """
    key = (cell.data, cell.method, cell.setting)
    seeds = {c.id for c in study.cells if (c.data, c.method, c.setting) == key}
    others = [{Path(folder).name for folder in s.get("compared_with", ())} for s in scores]
    found = [(len(ids), score) for ids, score in zip(others, scores, strict=True) if ids <= seeds]
    return [score for _, score in sorted(found, key=lambda each: each[0])]


def _of_score(score: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for a score and one for each of its parts."""
    for part, estimate in {"": score, **(score.get("parts") or {})}.items():
        yield {
            "representation": score.get("representation", "mean"),
            "metric": " ".join(filter(None, (score["metric"], part))),
            "value": estimate["value"],
            "standard_error": estimate["standard_error"],
            "protocol": score.get("protocol"),
            "images": score.get("data", {}).get("images"),
        }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)
