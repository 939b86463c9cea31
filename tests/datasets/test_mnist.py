import hashlib
import multiprocessing
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset, mnist

# SHA-256 of the four IDX files as Yann LeCun and Corinna Cortes published them, unpacked.
PUBLISHED = {
    ("train", "images"): "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ("train", "labels"): "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ("test", "images"): "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ("test", "labels"): "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder that the tests of this file share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNBRAID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_byte_is_as_published(split: str) -> None:
    data = load_dataset("mnist", split=split)
    count = len(data)
    images = struct.pack(">4i", 0x0803, count, 28, 28) + data.images[:].tobytes()
    labels = struct.pack(">2i", 0x0801, count) + data.factor("digit").astype(np.uint8).tobytes()
    assert hashlib.sha256(images).hexdigest() == PUBLISHED[split, "images"]
    assert hashlib.sha256(labels).hexdigest() == PUBLISHED[split, "labels"]


def test_shapes_types_and_specs() -> None:
    for split, count in (("train", 60_000), ("test", 10_000)):
        data = load_dataset("mnist", split=split)
        assert data.images.shape == (count, 1, 28, 28)
        assert data.images[:3].dtype == np.uint8
        assert data.factors is not None
        assert data.factors.shape == (count, 1)
        assert data.factors.dtype == np.int64
        (spec,) = data.specs
        assert (spec.name, spec.kind, spec.values) == ("digit", "categorical", tuple(range(10)))
        assert (data.name, data.split) == ("mnist", split)


def test_warm_load_maps_the_cache_and_leaves_the_packed_file_alone(
    cold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_dataset("mnist")
    monkeypatch.setattr(mnist, "PACKED", cold / "missing.npz")
    images = load_dataset("mnist", split="test").images
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable


def test_truncated_cache_is_rebuilt(cold: Path) -> None:
    whole = load_dataset("mnist", split="test")
    expected, labels = whole.images[:].copy(), whole.factors
    for path in cold.glob("*.npy"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = load_dataset("mnist", split="test")
    np.testing.assert_array_equal(again.images, expected)
    np.testing.assert_array_equal(again.factors, labels)


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "file" / "cache"))
    data = load_dataset("mnist", split="test")
    assert data.images.shape == (10_000, 1, 28, 28)
    assert data.factor("digit")[:5].tolist() == [7, 2, 1, 0, 4]


def test_damaged_embedded_file(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(mnist.PACKED.read_bytes())
    damaged[4_000_000] ^= 1
    path = cold.with_name("mnist.npz")
    path.write_bytes(damaged)
    monkeypatch.setattr(mnist, "PACKED", path)
    with pytest.raises(UnbraidError, match=r"is damaged: the SHA-256 of its bytes is .*reinstall"):
        load_dataset("mnist")
    assert not cold.exists()


def test_missing_embedded_file(cold: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "PACKED", cold / "mnist.npz")
    with pytest.raises(UnbraidError, match=r"cannot read .*mnist\.npz: No such file.*reinstall"):
        load_dataset("mnist")


def test_takes_no_options() -> None:
    with pytest.raises(UnbraidError, match="unknown option 'size'"):
        load_dataset("mnist", size=32)


def test_attribution_lies_beside() -> None:
    text = mnist.PACKED.with_name("mnist.LICENSE.txt").read_text(encoding="utf-8")
    for words in ("Yann LeCun", "Corinna Cortes", "creativecommons.org/licenses/by-sa/3.0"):
        assert words in text


def _load_at_once(queue: Any, barrier: Any) -> None:
    barrier.wait()
    data = load_dataset("mnist", split="test")
    queue.put(hashlib.sha256(data.images[:].tobytes()).hexdigest())


def test_two_processes_loading_cold_at_once(cold: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    queue, barrier = spawn.Queue(), spawn.Barrier(2)
    workers = [spawn.Process(target=_load_at_once, args=(queue, barrier)) for _ in range(2)]
    for worker in workers:
        worker.start()
    hashes = {queue.get(timeout=120) for _ in workers}
    for worker in workers:
        worker.join()
    images = load_dataset("mnist", split="test").images
    assert hashes == {hashlib.sha256(images[:].tobytes()).hexdigest()}
    assert len(list(cold.iterdir())) == 2  # the images and the labels, and nothing half done


def test_a_folder_of_the_same_name_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = load_dataset("mnist", "test").notes
    (tmp_path / "mnist").mkdir()
    told = load_dataset("mnist", "test").notes
    assert told == (*before, "mnist is the data set of that name; the folder here is ./mnist.")
