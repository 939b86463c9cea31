import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset, shapes3d
from unbraid.datasets._factored import grid_factors

SIZES = (2, 3, 2, 2, 4, 3)
COUNT = 288


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(shapes3d, "SIZES", SIZES)


def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64, 3), dtype=np.uint8)


def labels() -> NDArray[np.float64]:
    ranges = [(0, 0.9), (0, 0.9), (0, 0.9), (0.75, 1.25), (0, 3), (-30, 30)]
    values = [np.linspace(*ends, n) for ends, n in zip(ranges, SIZES, strict=True)]
    grid = grid_factors(np.arange(COUNT), SIZES)
    return np.stack([v[k] for v, k in zip(values, grid.T, strict=True)], axis=1)


def write(path: Path, **datasets: NDArray[np.generic]) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values, compression="gzip")
    return path


def test_images_and_factors(tmp_path: Path) -> None:
    stored, path = images(), write(tmp_path / "3dshapes.h5", images=images(), labels=labels())
    for _ in ("unpacked", "from the cache"):
        data = load_dataset("shapes3d", path=str(path), full=True)
        assert data.images.shape == (COUNT, 3, 64, 64)
        batch = data.images[np.array([7, 0, 287])]
        assert batch.flags.c_contiguous
        np.testing.assert_array_equal(batch, stored[[7, 0, 287]].transpose(0, 3, 1, 2))
    assert data.factors is not None
    np.testing.assert_array_equal(data.factors, grid_factors(np.arange(COUNT), SIZES))
    assert data.factor_names == (
        "floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation",
    )  # fmt: skip
    assert data.specs[5].values == (-30, 0, 30)
    assert data.specs[0].period == 1


def test_splits(tmp_path: Path) -> None:
    path = write(tmp_path / "3dshapes.h5", images=images(), labels=labels())
    train, test = (load_dataset("shapes3d", s, path=str(path)) for s in ("train", "test"))
    assert (len(train), len(test)) == (259, 29)
    assert test.factors is not None
    row = np.ravel_multi_index(tuple(test.factors[3]), SIZES)
    np.testing.assert_array_equal(test.images[3], images()[row].transpose(2, 0, 1))


def test_broken_files(tmp_path: Path) -> None:
    good = write(tmp_path / "good.h5", images=images(), labels=labels())
    cut = tmp_path / "cut.h5"
    cut.write_bytes(good.read_bytes()[:-50_000])
    text = tmp_path / "text.h5"
    text.write_text("not HDF5")
    broken = {
        cut: "",
        text: "",
        write(tmp_path / "few.h5", images=images()[:9], labels=labels()): "bytes came out of it",
        write(tmp_path / "small.h5", images=images()[:, :32], labels=labels()): "64x64x3",
        write(tmp_path / "order.h5", images=images(), labels=labels()[::-1]): "published order",
        write(tmp_path / "one.h5", images=images(), labels=labels()[:144]): "different values",
        write(tmp_path / "other.h5", images=images()): "labels",
    }
    for path, reason in broken.items():
        with pytest.raises(
            UnbraidError, match=f"{path.name} is not a complete 3D Shapes .*{reason}"
        ):
            load_dataset("shapes3d", path=str(path))


def test_missing_file_names_address_and_folder(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    with pytest.raises(UnbraidError) as error:
        load_dataset("shapes3d", original=True)
    assert shapes3d.FILE.urls[0] in str(error.value)
    assert str(tmp_path / "data") in str(error.value)


def test_without_h5py_the_sentence_tells_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UnbraidError, match="pip install h5py"):
        load_dataset("shapes3d", original=True)
