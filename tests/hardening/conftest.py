"""Sound files to damage, made once; commands run in forks of this process, which has all loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hardening import materials as making
from tests.hardening import worker


@pytest.fixture(scope="session")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all materials."""
    worker.load_all()
    return making.make(tmp_path_factory.mktemp("materials"))
