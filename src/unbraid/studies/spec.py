"""What a study is asked to do: a TOML file of data, options, grids, seeds and measurements."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unbraid.core import registry
from unbraid.core.errors import UnbraidError, did_you_mean

TABLES = ("study", "data", "common", "grid", "metrics", "resources")
MOST_SEEDS = 100_000
SEED_DIGITS = 9
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Study:
    """The table ``[study]``: the name of the study's folder, and the seeds of every setting."""

    name: str
    seeds: Any = 0


@dataclass(frozen=True)
class Measure:
    """A table ``[[metrics]]``: what is measured of each run, as by ``unbraid evaluate``.

    Args:
        metrics: ``all``, or a list of names.
        protocol: a published set of settings.
        images: maximum number of images, or of labels that a choice may look at.
        samples: importance samples per image for the log-likelihood.
        seed: seed of every draw, split and predictor.
        representation: of an image: ``mean`` or ``sampled``.
    """

    metrics: Any = "all"
    protocol: str = "none"
    images: int = 10_000
    samples: int = 100
    seed: int = 0
    representation: Literal["mean", "sampled"] = "mean"


@dataclass(frozen=True)
class Resources:
    """The table ``[resources]``.

    Args:
        jobs: runs side by side; 0 is as many as there are cores for their threads, or cards for
            their gpus, and for Slurm as many as it starts.
        threads: CPU threads of each run; another number may round differently, so that it is part
            of what tells runs apart.
        gpus: of each run, a whole number or a share of one; 0 asks for none.
        timeout: of one attempt at a run, such as ``"2h"``; empty for none.
        retries: further attempts at a run whose process ended or whose files could not be read.
    """

    jobs: int = 0
    threads: int = 1
    gpus: float = 0
    timeout: str = ""
    retries: int = 2

    @property
    def seconds(self) -> float:
        """The timeout in seconds, 0 for none."""
        return duration(self.timeout)


@dataclass(frozen=True)
class Spec:
    """A study as its file describes it; what methods and data sets say of it is not yet asked.

    Args:
        raw: the content of the file.
        base: the folder that relative paths start from.
        name: of the study's folder.
        seeds: of every setting.
        data: options of each data set, with its ``name``.
        common: options of all runs.
        grids: options of each grid, with its ``method``; a list is values to try.
        measures: what is measured.
        resources: how it is run.
    """

    raw: Mapping[str, Any]
    base: Path
    name: str
    seeds: tuple[int, ...]
    data: tuple[Mapping[str, Any], ...]
    common: Mapping[str, Any]
    grids: tuple[Mapping[str, Any], ...]
    measures: tuple[Measure, ...] = ()
    resources: Resources = field(default_factory=Resources)


def read(path: Path) -> Spec:
    """Read the file of a study.

    Raises:
        UnbraidError: it cannot be read, is no TOML, or has a table or option that is not known.
    """
    try:
        # Windows' editors begin a file with a byte order mark, which TOML does not have
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UnbraidError(
            f"cannot read {path}: {error.strerror or error}, expected a study's TOML file, or "
            "the folder of a study that was run; check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnbraidError(f"{path} is no valid TOML: {error}; correct it.") from error
    try:
        return understood(raw, path.absolute().parent)
    except UnbraidError as error:
        raise UnbraidError(f"{path}: {error}") from error


def understood(raw: Mapping[str, Any], base: Path) -> Spec:
    """Return the study that the content of a file describes.

    Args:
        raw: the content.
        base: the folder that relative paths start from.
    """
    for name in raw:
        if name not in TABLES:
            raise UnbraidError(
                f"unknown table '{name}'{did_you_mean(name, TABLES)}: expected {', '.join(TABLES)}."
            )
    _check_plain(raw)
    study: Study = registry.build(Study, _table(raw, "study"), "[study]")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", study.name) or study.name == "runs":
        raise UnbraidError(
            f"the study's name is {study.name!r}, expected letters, digits, hyphens and dots, and "
            "not 'runs': it is the name of its folder."
        )
    resources: Resources = registry.build(Resources, _table(raw, "resources"), "[resources]")
    for option in ("jobs", "retries"):
        _at_least(getattr(resources, option), 0, option)
    _at_least(resources.threads, 1, "threads")
    _check_gpus(resources.gpus)
    duration(resources.timeout)
    grids = _tables(raw, "grid")
    data = _tables(raw, "data")
    for where, tables, key in (("[[grid]]", grids, "method"), ("[[data]]", data, "name")):
        if not tables:
            raise UnbraidError(f"there is no {where}: add one with its {key}.")
        for table in tables:
            if not isinstance(table.get(key), str):
                raise UnbraidError(f"a {where} has no {key}: each names its {key}, a text.")
    measures = [registry.build(Measure, table, "[metrics]") for table in _tables(raw, "metrics")]
    for measure in measures:
        for option, least in (("images", 1), ("samples", 1), ("seed", 0)):
            _at_least(getattr(measure, option), least, f"{option} of [metrics]")
    return Spec(
        raw,
        base,
        study.name,
        seeds_of(study.seeds),
        data,
        _table(raw, "common"),
        grids,
        tuple(measures),
        resources,
    )


def _check_plain(value: Any, name: str = "") -> None:
    """Raise an UnbraidError for what TOML has and no option takes.

    That is dates, infinity, NaN, and whole numbers of more than 64 bits.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            _check_plain(each, key)
    elif isinstance(value, list):
        for each in value:
            _check_plain(each, name)
    elif isinstance(value, int):
        if abs(value) >= 2**63:
            raise UnbraidError(
                f"'{name}' is a number of {value.bit_length()} bits, expected less than 64."
            )
    elif not isinstance(value, str) and not (isinstance(value, float) and math.isfinite(value)):
        raise UnbraidError(f"'{name}' is {value}, expected a text, a finite number or true/false.")


def seeds_of(value: Any) -> tuple[int, ...]:
    """Return seeds, given as a number, a list, or ranges in a text.

    >>> seeds_of("0-2, 7"), seeds_of([3, 1])
    ((0, 1, 2, 7), (3, 1))
    """
    parts = value.split(",") if isinstance(value, str) else value
    found: list[int] = []
    for part in parts if isinstance(parts, Sequence) else [parts]:
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", str(part), re.ASCII)
        if match is None or isinstance(part, bool):
            raise UnbraidError(f"seeds are {value!r}, expected whole numbers or ranges, '0-9, 12'.")
        longest = max(match[1], match[2] or "", key=lambda each: len(each.lstrip("0")))
        if len(longest.lstrip("0")) > SEED_DIGITS:
            raise UnbraidError(
                f"a seed of a study is {longest}, expected {10**SEED_DIGITS - 1:,} at most: choose "
                "a smaller one."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < MOST_SEEDS:
            raise UnbraidError(
                f"seeds {part!r} is no range from a lower to a higher one of at most "
                f"{MOST_SEEDS:,} seeds."
            )
        found += range(first, last + 1)
    if not found:
        raise UnbraidError("there are no seeds: give at least one.")
    return tuple(dict.fromkeys(found))


def duration(text: str) -> float:
    """Return a duration in seconds; 0 for an empty text.

    >>> duration("90m"), duration("")
    (5400.0, 0.0)
    """
    if not text:
        return 0.0
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*", text)
    if match is None or not float(match[1]):
        raise UnbraidError(f"timeout is {text!r}, expected a duration such as '90m' or '2h'.")
    return float(match[1]) * UNITS[match[2]]


def _at_least(value: int, least: int, name: str) -> None:
    if value < least:
        raise UnbraidError(f"{name} is {value}, expected {least} or more.")


def _check_gpus(gpus: float) -> None:
    if gpus < 0 or (gpus > 1 and gpus != int(gpus)):
        raise UnbraidError(f"gpus is {gpus:g}, expected a whole number, or a share below 1.")


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name, {})
    if not isinstance(found, Mapping):
        raise UnbraidError(f"'{name}' is {found!r}, expected a table [{name}].")
    return found


def _tables(raw: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """Return tables given once, as ``[name]``, or several times, as ``[[name]]``."""
    found = raw.get(name, [])
    several = [found] if isinstance(found, Mapping) else found
    if not isinstance(several, list) or not all(isinstance(each, Mapping) for each in several):
        raise UnbraidError(f"'{name}' is {found!r}, expected tables [[{name}]].")
    return tuple(several)
