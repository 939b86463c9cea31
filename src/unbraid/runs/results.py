"""result.json of a run: the only module that reads and writes it.

Each score is stored under a key of what made it: the metric, its settings, the protocol, the images
and the runs it is compared with. Other settings or another protocol thus add a score, and the same
ones replace it. Every change is made under a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unbraid.core.errors import UnbraidError
from unbraid.core.files import read_object, write_json
from unbraid.core.store import held
from unbraid.datasets import Dataset
from unbraid.metrics import Score
from unbraid.runs.fingerprints import fingerprint

NAME = "result.json"
STATS = "reconstruction_stats"
NO_PROTOCOL = "none"
UNKNOWN = "unknown"  # the protocol of scores that earlier versions stored
NOT_HELD_OUT = (
    "no images were held out: these are of images the model was trained on, and say nothing of "
    "others"
)


@dataclass(frozen=True)
class Measured:
    """What scores were measured on and how: with a score's settings, all that made it.

    Args:
        data: name, split, number and fingerprint of the images, as ``described`` returns.
        protocol: the published set of settings, ``"none"`` without one.
        compared_with: folders of the other runs, for metrics that compare several.
        representation: of the codes, ``"mean"`` or ``"sampled"``.
    """

    data: Mapping[str, Any]
    protocol: str = NO_PROTOCOL
    compared_with: tuple[str, ...] = ()
    representation: str = "mean"


def described(data: Dataset) -> dict[str, Any]:
    """Return what result.json says of the images that scores were measured on."""
    found = fingerprint(data)
    content = f"{found.content} {found.values} {' '.join(found.factors)}"
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    about = {"name": data.name, "split": data.split, "images": len(data), "fingerprint": digest}
    return about | trained_on(data)


def trained_on(data: Dataset) -> dict[str, str]:
    """Return a note for results of a run's ``unseen`` images, if it has none or they are unlike.

    They are unlike those it was trained on where factors were correlated in these.
    """
    if data.split == "train":
        return {"note": NOT_HELD_OUT}
    correlation = data.correlation if data.split != "validation" else None
    return {"note": correlation.note} if correlation else {}


# -- the file -------------------------------------------------------------------------------------


def read_result(folder: Path) -> dict[str, Any]:
    """Read a finished run's result.json, in today's form whichever version wrote it.

    Raises:
        UnbraidError: there is no such file, or it is not what a training writes.
    """
    path = folder / NAME
    result = upgraded(read_object(path), path)
    for part in (STATS, "training"):
        _check_object(result.get(part), part, path)
    return result


def stats_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the single numbers of a result's reconstruction: loss, KL, ELBO, active units ...

    >>> stats_of({STATS: {"kl": 7.5, "kl_by_latent": [7.5]}})
    {'kl': 7.5}
    """
    names = ("reconstruction", "kl", "elbo", "squared_error", "active_units")
    found = result[STATS]
    return {name: found[name] for name in names if isinstance(found.get(name), int | float)}


def update_result(
    folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Change a run's result.json under a lock, so that concurrent processes lose nothing.

    Args:
        folder: the run folder.
        change: gets the present content, in today's form ({} without a file), and returns the new
            content; it should be quick.

    Returns:
        The new content.
    """
    path = folder / NAME
    with held(path):
        for stray in folder.glob(".result-*"):  # what a killed process was writing
            stray.unlink(missing_ok=True)
        result = change(upgraded(read_object(path), path) if path.is_file() else {})
        write_json(path, result)
    return result


def upgraded(result: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the content of result.json in today's form.

    Earlier versions had ``figures`` for ``reconstruction_stats``, and ``metrics`` with one score a
    metric for ``scores``.

    Raises:
        UnbraidError: scores that are not objects.
    """
    names = {"figures": STATS}
    found = {names.get(key, key): value for key, value in result.items()}
    old, about = found.pop("metrics", {}), found.pop("metrics_data", {})
    _check_object(old, "metrics", path)
    _check_object(found.get("scores", {}), "scores", path)
    for name, score in [*old.items(), *found.get("scores", {}).items()]:
        _check_object(score, name, path)
    if old:
        stored: dict[str, Any] = {}
        for name, score in old.items():
            data = score.get("data", about)
            record = {**score, "metric": name, "protocol": UNKNOWN, "data": data}
            stored[key_of(record)] = record
        found["scores"] = {**stored, **found.get("scores", {})}
    return found


def _check_object(value: Any, part: str, path: Path) -> None:
    if not isinstance(value, dict):
        kinds: dict[type, str] = {type(None): "nothing", list: "a list", str: "a text"}
        raise UnbraidError(
            f"{path} holds {kinds.get(type(value), 'a number')} as its '{part}', expected an "
            "object; restore it or delete it."
        )


# -- scores ---------------------------------------------------------------------------------------


def key_of(record: Mapping[str, Any]) -> str:
    """Return the key of a stored score: its metric, and a hash of all that made it.

    Versions of libraries do not count: the same measurement by a newer one replaces the older.

    >>> key_of({"metric": "mig", "settings": {"bins": 20}, "protocol": "none"})
    'mig 21272a55'
    """
    facts = [
        record.get("metric"),
        _settings(record),
        record.get("protocol"),
        _images(record),
        list(record.get("compared_with", ())),
    ]
    if "representation" in record:  # other than the mean, which earlier versions did not name
        facts.append(record["representation"])
    text = json.dumps(facts, sort_keys=True, default=str)
    return f"{facts[0]} {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a score without the versions of libraries."""
    found = record.get("settings", {})
    return {key: found[key] for key in found if key != "versions"} if found else {}


def _images(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells the images of a score from others: their name may change."""
    data = record.get("data") or {}
    return {key: data[key] for key in ("split", "images", "fingerprint") if key in data}


def with_scores(
    result: Mapping[str, Any], scores: Mapping[str, Score], measured: Measured
) -> dict[str, Any]:
    """Return the content of result.json with scores added, the newest ones last.

    Args:
        result: the present content, in today's form.
        scores: by metric.
        measured: what they were measured on, and how.
    """
    stored = dict(result.get("scores", {}))
    for score in scores.values():
        record = {**score.to_json(), "protocol": measured.protocol, "data": dict(measured.data)}
        if measured.compared_with:
            record["compared_with"] = list(measured.compared_with)
        if measured.representation != "mean":
            record["representation"] = measured.representation
        for key, old in list(stored.items()):
            if key == key_of(record) or _same_but_for_protocol(old, record):
                del stored[key]
        stored[key_of(record)] = record
    return {**result, "scores": stored}


def _same_but_for_protocol(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a score of an earlier version, which stored no protocol, is measured again."""
    return (
        old.get("protocol") == UNKNOWN
        and old.get("metric") == new["metric"]
        and _settings(old) == _settings(new)
        and all(new["data"].get(key) == value for key, value in _images(old).items())
    )


def scores_by_metric(
    result: Mapping[str, Any], protocol: str = NO_PROTOCOL, representation: str = "mean"
) -> dict[str, dict[str, Any]]:
    """Return the newest stored score of each metric under a protocol.

    Scores of earlier versions, whose protocol is unknown, stand in where there are no others.

    Args:
        result: what ``Run.result`` returns.
        protocol: the published set of settings, ``"none"`` for each metric's own.
        representation: of the codes, ``"mean"`` or ``"sampled"``.
    """
    stored: Sequence[dict[str, Any]] = list(result.get("scores", {}).values())
    return {
        str(score["metric"]): score
        for wanted in (UNKNOWN, protocol)
        for score in stored
        if score.get("protocol") == wanted
        and "metric" in score
        and score.get("representation", "mean") == representation
    }
