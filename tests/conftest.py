"""What tests share: one thread, a cache folder of their own, tiny data and a tiny finished run."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before numpy or torch is loaded, here and in every process a test starts: tiny models are
# quickest on one thread, and results do not hang on the number of cores.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest

from tests.skips import pytest_make_collect_report, pytest_runtest_makereport
from unbraid.datasets import Dataset, load_dataset

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]  # hooks

if TYPE_CHECKING:
    from unbraid.runs import Run


CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def bound_by_permissions() -> None:
    """Have this process and what it starts obey files' permissions, as root does not else.

    For ``subprocess``'s preexec_fn, or after a fork: the right to read and write anything is
    dropped for good (Linux).
    """
    if os.geteuid():
        return
    drop, version = 24, 0x20080522  # PR_CAPBSET_DROP of prctl(2), the third version of capset(2)
    rights = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, capabilities(7)
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(version, 0), (ctypes.c_uint32 * 6)()
    failed = libc.capget(header, held)
    for kind in range(3):  # effective, permitted, inheritable; the other half is for later rights
        held[kind] &= ~sum(1 << right for right in rights)
    failed |= any(libc.prctl(drop, right, 0, 0, 0) for right in rights)
    assert not failed | libc.capset(header, held)


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep caches out of the user's own folder; one for all tests, so MNIST unpacks once."""
    base = tmp_path_factory.getbasetemp()
    parallel = "PYTEST_XDIST_WORKER" in os.environ  # all workers share the folder above theirs
    folder = (base.parent if parallel else base) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNBRAID_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium: the one on the path, that ``UNBRAID_CHROMIUM`` names, or playwright's own.

    One for all tests of a process: playwright runs once in a thread.
    """
    api = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    there = (found for name in names if (found := shutil.which(name)))
    path = os.environ.get("UNBRAID_CHROMIUM") or next(there, None)
    with api.sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        except api.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield found
        found.close()


@pytest.fixture(scope="session")
def squares_npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 images of 16 by 16: a square in each of 10 rows and 10 columns, in 3 greys."""
    grey, row, column = np.indices((3, 10, 10)).reshape(3, -1)
    images = np.zeros((300, 16, 16), np.uint8)
    for image, g, r, c in zip(images, grey, row, column, strict=True):
        image[r + 1 : r + 6, c + 1 : c + 6] = 85 * (g + 1)
    path = tmp_path_factory.mktemp("data") / "squares.npz"
    np.savez(
        path,
        images=images,
        factors=np.stack([grey, row, column], 1),
        factor_names=np.array(["grey", "row", "column"]),
    )
    return path


@pytest.fixture(scope="session")
def squares(squares_npz: Path) -> Dataset:
    """All 300 squares, in the order of their factors."""
    return load_dataset(str(squares_npz), full=True)


@pytest.fixture(scope="session")
def tiny_run(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of a small VAE on the squares; copy its folder before changing it."""
    from unbraid.methods import configure
    from unbraid.runs import RunConfig, train_run
    from unbraid.training import TrainingConfig

    config = RunConfig(
        configure("vae", latent_dim=4, net="mlp"),
        "npz",
        {"path": str(squares_npz)},
        TrainingConfig(epochs=3, batch_size=16, precision="f32"),
    )
    run = train_run(config, tmp_path_factory.mktemp("runs") / "tiny")
    SHARED[run.folder] = stamps(run.folder)
    return run


SHARED: dict[Path, dict[str, int]] = {}


def stamps(folder: Path) -> dict[str, int]:
    """When each file of a folder was last written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def shared_run_is_left_alone() -> Iterator[None]:
    """Fail the test that writes into the tiny run, not one that later finds the file there."""
    yield
    for folder, before in SHARED.items():
        now = stamps(folder)
        SHARED[folder] = now
        assert now == before, f"this test wrote into {folder}: let it copy the run first"
