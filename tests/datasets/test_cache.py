import errno
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.datasets._cache import cached

ARRAY = np.arange(600, dtype=np.uint8).reshape(10, 60)


def refuse() -> NDArray[np.uint8]:
    raise AssertionError("the cache should have been used")


def build() -> NDArray[np.uint8]:
    return ARRAY.copy()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_second_call_maps_the_file(folder: Path) -> None:
    first, second = cached("a-v1", build), cached("a-v1", refuse)
    for array in (first, second):
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, ARRAY)
    assert [file.name for file in folder.iterdir()] == ["a-v1.npy"]


def test_another_key_builds_anew(folder: Path) -> None:
    cached("a-v1", build)
    np.testing.assert_array_equal(cached("a-v2", lambda: ARRAY + 1), ARRAY + 1)


@pytest.mark.parametrize("size", [0, 5, 100, 400, 728 + 1000])
def test_file_of_the_wrong_size_is_rebuilt(folder: Path, size: int) -> None:
    cached("a", build)
    path = folder / "a.npy"
    whole = path.read_bytes()
    path.write_bytes((whole + bytes(2000))[:size])
    np.testing.assert_array_equal(cached("a", build), ARRAY)
    assert path.read_bytes() == whole


def test_garbage_and_pickles_are_rebuilt(folder: Path) -> None:
    folder.mkdir()
    path = folder / "a.npy"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    np.testing.assert_array_equal(cached("a", build), ARRAY)
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(cached("a", build), ARRAY)


def test_cache_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "file" / "cache"))
    array = cached("a", build)
    np.testing.assert_array_equal(array, ARRAY)
    assert not array.flags.writeable


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("UNBRAID_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    np.testing.assert_array_equal(cached("a", build), ARRAY)


def test_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, array: NDArray[np.uint8], allow_pickle: bool) -> None:
        path.write_bytes(array.tobytes()[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    np.testing.assert_array_equal(cached("a", build), ARRAY)
    assert list(folder.iterdir()) == []


def test_what_build_raises_is_raised(folder: Path) -> None:
    with pytest.raises(AssertionError, match="should have been used"):
        cached("a", refuse)
    assert not folder.exists()


def _build_at_once(queue: Any, barrier: Any) -> None:
    barrier.wait()
    queue.put(int(cached("big", lambda: np.ones((4000, 1000), np.uint8)).sum()))


def test_two_processes_at_once(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    queue, barrier = spawn.Queue(), spawn.Barrier(2)
    workers = [spawn.Process(target=_build_at_once, args=(queue, barrier)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [queue.get(timeout=60), queue.get(timeout=60)] == [4_000_000] * 2
    for worker in workers:
        worker.join()
    assert [file.name for file in folder.iterdir()] == ["big.npy"]
