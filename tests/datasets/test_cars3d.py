import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import cars3d, load_dataset

NAMES = ["car_002_mesh", "car_000_mesh", "car_001_mesh"]  # list.txt need not be sorted


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(cars3d, "CARS", 3)


def car(seed: int) -> NDArray[np.uint8]:
    """Return smooth views of one car, (128, 128, 3, 24, 4), cheap to compress."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3, 24, 4), dtype=np.uint8)
    return small.repeat(16, 0).repeat(16, 1)


def mat(**variables: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=True)
    return file.getvalue()


def contents() -> dict[str, bytes]:
    mask = np.zeros((4, 4), np.uint8)
    cars = {f"data/cars/{name}.mat": mat(im=car(n), mask=mask) for n, name in enumerate(NAMES)}
    others = {
        "data/sprites/sprites_1.mat": b"another data set",
        "data/shapes48.mat": b"another data set",
        "data/cars/list.txt": "\n".join(NAMES).encode() + b"\n",
    }
    return cars | others


def write(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def expected(row: tuple[int, int, int]) -> NDArray[np.uint8]:
    elevation, azimuth, which = row
    return car(which)[..., azimuth, elevation].transpose(2, 0, 1)


def test_archive_and_extracted_folder_give_the_same(tmp_path: Path) -> None:
    archive = write(tmp_path / "nips2015-analogy-data.tar.gz", contents())
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    data = load_dataset("cars3d", path=str(archive), full=True, size=128)
    assert data.images.shape == (4 * 24 * 3, 3, 128, 128)
    assert data.factor_names == ("elevation", "azimuth", "car")
    assert data.factors is not None
    for row in (0, 1, 3, 100, 287):
        np.testing.assert_array_equal(data.images[row], expected(tuple(data.factors[row])))
    for folder in (tmp_path / "out", tmp_path / "out" / "data" / "cars", tmp_path):
        again = load_dataset("cars3d", path=str(folder), full=True, size=128)
        np.testing.assert_array_equal(again.images[:], data.images[:])


def test_usual_size_and_splits(tmp_path: Path) -> None:
    archive = write(tmp_path / "cars.tar.gz", contents())
    train, test = (load_dataset("cars3d", s, path=str(archive)) for s in ("train", "test"))
    assert (len(train), len(test)) == (259, 29)
    assert test.image_shape == (3, 64, 64)
    assert test.factors is not None
    # Blocks of 16 equal pixels stay themselves when each 2 x 2 is averaged.
    np.testing.assert_array_equal(test.images[5], expected(tuple(test.factors[5]))[:, ::2, ::2])


def test_another_order_of_the_cars_is_not_read_from_the_cache(tmp_path: Path) -> None:
    folder = tmp_path / "cars"
    folder.mkdir()
    for name, content in contents().items():
        if name.startswith("data/cars/"):
            (folder / Path(name).name).write_bytes(content)
    first = load_dataset("cars3d", path=str(folder), size=8, full=True).images[:3]
    (folder / "list.txt").write_text("\n".join(NAMES[::-1]))
    other = load_dataset("cars3d", path=str(folder), size=8, full=True).images[:3]
    np.testing.assert_array_equal(other, first[::-1])


def test_broken_files(tmp_path: Path) -> None:
    good = contents()
    name = f"data/cars/{NAMES[0]}.mat"
    archive = write(tmp_path / "good.tar.gz", good)
    cut, text = tmp_path / "cut.tar.gz", tmp_path / "text.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-20_000])
    text.write_text("not an archive")
    reasons = {
        cut: "",
        text: "",
        write(tmp_path / "few.tar.gz", {k: v for k, v in good.items() if k != name}): "2 cars",
        write(tmp_path / "noise.tar.gz", {**good, name: b"not a mat file" * 20}): "",
        write(tmp_path / "half.tar.gz", {**good, name: good[name][:-500]}): "",
        write(tmp_path / "shape.tar.gz", {**good, name: mat(im=np.zeros((9, 9)))}): "float64",
        write(tmp_path / "key.tar.gz", {**good, name: mat(x=np.zeros(3))}): "im",
    }
    for path, reason in reasons.items():
        with pytest.raises(
            UnbraidError, match=f"{path.name} is not a complete Cars3D file.*{reason}"
        ):
            load_dataset("cars3d", path=str(path))


def test_mistaken_options(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match="size is 256, expected 8 to 128"):
        load_dataset("cars3d", size=256)
    with pytest.raises(UnbraidError) as error:
        load_dataset("cars3d")
    assert cars3d.FILE.urls[0] in str(error.value)
    assert str(tmp_path / "data") in str(error.value)
