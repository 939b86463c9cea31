"""Which tests of the explorer share a page that takes seconds to make."""

from __future__ import annotations

import pytest

SHARED = {"written": "explorer", "box": "words"}  # fixtures, and the group of tests that use them


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have one process train and write the page, and all tests that look at it.

    xdist reads the groups before a folder's own ``pytest_collection_modifyitems``.
    """
    for fixture, group in SHARED.items():
        if fixture in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(group))
