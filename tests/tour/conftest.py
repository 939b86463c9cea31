"""A finished report on 500 images, made once for all tests of the tour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unbraid.tour import Config, run


def quick(out: Path, **options: Any) -> Config:
    """The least that a tour can train."""
    return Config(out=out, quick=True, seeds=2, epochs=1, images=500, jobs=1, **options)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have one process make the report, and all tests that look at it.

    xdist reads the groups before a folder's own ``pytest_collection_modifyitems``.
    """
    if "report" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("report"))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished report."""
    return run(quick(tmp_path_factory.mktemp("tour") / "report"))
