"""What is recorded of failures in a study, and which of them are tried again."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.studies.cells import Cell, read_state, write_state

# Failures of the machine, which the next run would meet too: disk full, quota, read-only
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
AGAIN = ("died", "files")  # kinds of failure that another attempt may not meet


class Timeout(Exception):
    """An attempt took longer than the study allows."""


class Passing(Exception):
    """A metric failed in a way that another attempt may not meet; ``failure`` is the record."""

    def __init__(self, failure: Mapping[str, Any]) -> None:
        super().__init__(failure["message"])
        self.failure = failure


def described(error: Exception, step: int) -> dict[str, Any]:
    """Return what is recorded of a failure.

    Args:
        error: what happened.
        step: the last step of training that was done; 0 before the first and after training.
    """
    from unbraid.training import Diverged

    if isinstance(error, Passing):
        return dict(error.failure)
    kind = "error"
    if isinstance(error, Diverged):
        kind = "diverged"
    elif isinstance(error, Timeout):
        kind = "timeout"
    elif any(memory.ran_out(each) for each in _chain(error)):
        kind = "out of memory"
    elif number_of(error) is not None:
        kind = "files"
    found = {"kind": kind, "type": type(error).__name__, "message": str(error), "step": step}
    if not isinstance(error, UnbraidError | Timeout):
        found["traceback"] = "".join(traceback.format_exception(error))[-4000:]
    return found


def record_failure(folder: Path, cell: Cell, failure: Mapping[str, Any], retries: int) -> bool:
    """Add a failure to the state of a claimed run; return whether it may be tried again.

    Once a run is trained, a failure is final for what was to be measured, not for the run.
    """
    state = read_state(folder)
    attempt = len(state.before) + len(state.failures) + 1
    kept = [each for each in state.failures if each.get("kind") in AGAIN]
    again = failure["kind"] in AGAIN and len(kept) < retries
    failures = (*state.failures, {**failure, "attempt": attempt})
    state = replace(state.renewed(cell), failures=failures)
    if state.trained and not again:
        lost = {key: {cell.wanted[key]["metrics"]: failure} for key in state.left(cell)}
        write_state(folder, replace(state, unmeasured={**state.unmeasured, **lost}))
    else:
        write_state(folder, replace(state, failed=not again))
    return again


def ends(error: Exception) -> bool:
    """Whether a failure in measuring ends an attempt, so that no other metric is measured."""
    from unbraid.training import Interrupted

    return isinstance(error, Interrupted | Timeout) or number_of(error) in FATAL


def number_of(error: BaseException) -> int | None:
    """Return the number of the operating system's error behind an exception, None without one."""
    return next((e.errno for e in _chain(error) if isinstance(e, OSError) and e.errno), None)


def _chain(error: BaseException) -> Iterator[Exception]:
    found: BaseException | None = error
    with suppress(RecursionError):
        while isinstance(found, Exception):
            yield found
            found = found.__cause__
