"""A skipped test under CI is a failure, unless it is listed here with the reason why it may be."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

# what a skip's reason starts with -> why CI may go without the test
ALLOWED = {
    "mount is not allowed here": "a machine that lends no root: a limit on files stands in for it",
}


def skipped_reason(report: Any) -> str | None:
    """Return why a test or a file of tests was skipped, None if it was not."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    found = report.longrepr
    reason = found[2] if isinstance(found, tuple) else str(found)
    return str(reason).removeprefix("Skipped: ")


def refuse(report: Any) -> None:
    """Make a skip a failure, under CI and if its reason is not listed."""
    reason = skipped_reason(report)
    if reason is None or os.environ.get("CI") != "true":
        return
    if not reason.startswith(tuple(ALLOWED)):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI, where all tests run: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Look at a test's outcome."""
    report = yield
    refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Look at a file's, which importorskip may skip as a whole."""
    report = yield
    refuse(report)
    return report
