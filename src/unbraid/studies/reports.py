"""What a study says of itself in lines: how far it is, what failed, where its files are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from unbraid.core.errors import UnbraidError, one_line
from unbraid.studies import cells
from unbraid.studies.cells import Cell, State, read_state, write_state
from unbraid.studies.study import TABLE, Study

SHOWN = 3  # runs named for each kind of failure


def status_lines(study: Study) -> list[str]:
    """Return how far a study is, and its failures in groups of the same kind and message."""
    states = study.states()
    counts: Counter[str] = Counter(
        state.status(cell) for cell, state in zip(study.cells, states, strict=True)
    )
    running = [
        cell
        for cell, state in zip(study.cells, states, strict=True)
        if state.status(cell) == "unfinished" and cells.is_claimed(study.run_folder(cell))
    ]
    lines = [f"{study.name}: {len(study.cells)} runs in {study.folder.parent / 'runs'}"]
    if not study.folder.is_dir():
        lines.append(f"  {study.folder} does not exist yet: unbraid study run starts the study")
    counts["running"] = len(running)
    counts["unfinished"] -= len(running)
    for name in ("finished", "running", "unfinished", "diverged", "failed"):
        if counts[name]:
            lines.append(f"  {counts[name]:>6} {name}")
        if name == "finished" and (lost := _without_metrics(study, states)):
            lines.append(f"  {lost:>6} of these without some metric")
    return lines + _failures(study, states)


def _failures(study: Study, states: list[State]) -> list[str]:
    """Return lines on failed runs and metrics, the most frequent failures first."""
    groups: dict[tuple[str, ...], dict[str, tuple[Cell, Mapping[str, Any]]]] = {}
    for cell, state in zip(study.cells, states, strict=True):
        found = [(f"{told['metrics']} not measured: ", each) for told, each in state.lost(cell)]
        if state.failed:
            found.append(("", state.failures[-1]))
        for what, each in found:
            message = re.sub(r"\d[\d,.]*", "#", str(each.get("message")))  # steps, sizes
            key = (what, each["kind"], str(each.get("type")), message.replace(cell.id, "RUN"))
            groups.setdefault(key, {})[cell.id] = cell, each
    lines = []
    for (what, kind, name, _), runs in sorted(groups.items(), key=lambda each: -len(each[1])):
        members = list(runs.values())
        message = one_line(str(members[0][1].get("message")))
        about = f"{kind} ({name})" if name else kind
        lines.append(f"{len(members)} runs: {what}{about}: {message}")
        for cell, each in members[:SHOWN]:
            step = f", step {each['step']:,}" if each.get("step") else ""
            attempt = f" (attempt {each['attempt']}{step})" if "attempt" in each else ""
            lines.append(f"  {cell.id} {cell.label}{attempt}")
        if len(members) > SHOWN:
            lines.append(f"  and {len(members) - SHOWN} more")
    return lines


def _without_metrics(study: Study, states: list[State]) -> int:
    """Return how many finished runs lack a metric, which failed."""
    pairs = zip(study.cells, states, strict=True)
    return sum(state.status(c) == "finished" and bool(state.lost(c)) for c, state in pairs)


def ended(study: Study) -> list[str]:
    """Return what is said at the end of a study's runs."""
    states = study.states()
    counts: Counter[str] = Counter(
        state.status(cell) for cell, state in zip(study.cells, states, strict=True)
    )
    told = [f"{counts[name]} {name}" for name in ("diverged", "failed") if counts[name]]
    if lost := _without_metrics(study, states):
        told.insert(0, f"{lost} of them without some metric")
    line = f"{counts['finished']} of {len(study.cells)} runs finished"
    lines = [", ".join([line, *told])]
    if told:
        lines.append(f"unbraid study status {study.folder} says why")
    return [*lines, str(study.folder / TABLE)]


def forget_failures(study: Study, diverged: bool = False, keep: bool = False) -> list[str]:
    """Let the runs that failed, and metrics that did, be tried again; return the runs' ids.

    Args:
        study: of the runs.
        diverged: those that diverged, too.
        keep: change nothing, and only return which runs these are.
    """
    found = []
    for cell in study.cells:
        folder = study.run_folder(cell)
        state = read_state(folder)
        status = state.status(cell)
        if not (diverged if status == "diverged" else status == "failed" or state.lost(cell)):
            continue
        if keep:
            found.append(cell.id)
            continue
        with cells.claimed(folder) as mine:
            if mine:
                write_state(folder, read_state(folder).forgiven(cell))
                found.append(cell.id)
    return found


def shard_of(text: str) -> tuple[int, int]:
    """Return index and number of shards, given as ``i/n``.

    >>> shard_of("0/8")
    (0, 8)
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if match is None or int(match[1]) >= int(match[2]):
        raise UnbraidError(
            f"--shard is {text!r}, expected i/n with i from 0 to n-1, such as 0/8 to 7/8."
        )
    return int(match[1]), int(match[2])
