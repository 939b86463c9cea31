from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import load_dataset, mpi3d

SIZES = (2, 2, 2, 3, 3, 2, 2)
COUNT = 288


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    def specs(variant: str) -> tuple[FactorSpec, ...]:
        return tuple(
            FactorSpec(str(n), "ordinal", values=tuple(range(size))) for n, size in enumerate(SIZES)
        )

    monkeypatch.setattr(mpi3d, "factor_specs", specs)


def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.usefixtures("tiny")
def test_stored_and_compressed_files(tmp_path: Path, save: object) -> None:
    stored, path = images(), tmp_path / "mpi3d_toy.npz"
    save(path, images=stored)  # type: ignore[operator]
    data = load_dataset("mpi3d", path=str(tmp_path), full=True)
    assert data.name == "mpi3d-toy"
    assert data.images.shape == (COUNT, 3, 64, 64)
    batch = data.images[np.array([7, 0, 287])]
    np.testing.assert_array_equal(batch, stored[[7, 0, 287]].transpose(0, 3, 1, 2))
    assert batch.flags.c_contiguous
    assert isinstance(data.images.images, np.memmap)  # type: ignore[attr-defined]
    unpacked = (tmp_path / "cache").exists()
    assert unpacked == (save is np.savez_compressed)  # a stored file is read where it lies
    train, test = (load_dataset("mpi3d", s, path=str(path)) for s in ("train", "test"))
    assert (len(train), len(test)) == (259, 29)
    assert test.factors is not None
    row = np.ravel_multi_index(tuple(test.factors[3]), SIZES)
    np.testing.assert_array_equal(test.images[3], stored[row].transpose(2, 0, 1))


def test_published_structure() -> None:
    simple, everyday = mpi3d.factor_specs("real"), mpi3d.factor_specs("complex")
    assert [len(s.values or ()) for s in simple] == [6, 6, 2, 3, 3, 40, 40]
    assert [len(s.values or ()) for s in everyday] == [4, 4, 2, 3, 3, 40, 40]
    assert simple[0].name == "object_color"
    assert simple[6].name == "vertical_axis"


def test_broken_files(tmp_path: Path) -> None:
    shape = (COUNT, 64, 64, 3)
    good = tmp_path / "good.npz"
    np.savez_compressed(good, images=images())
    cut, text = tmp_path / "cut.npz", tmp_path / "text.npz"
    cut.write_bytes(good.read_bytes()[:-5000])
    text.write_text("not an archive")
    few, other, floats = tmp_path / "few.npz", tmp_path / "other.npz", tmp_path / "floats.npz"
    np.savez(few, images=images()[:10])
    np.savez(other, x=np.arange(3))
    np.savez_compressed(floats, images=np.zeros(shape, np.float32))
    reasons = {cut: "", text: "", few: r"\(10, 64, 64, 3\)", other: "images.npy", floats: "float32"}
    for path, reason in reasons.items():
        with pytest.raises(
            UnbraidError, match=f"{path.name} is not a complete MPI3D file.*{reason}"
        ):
            mpi3d.read_images(path, shape)
    with pytest.raises(UnbraidError, match="expected uint8"):
        load_dataset("mpi3d", path=str(good))


def test_unknown_variant_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"no variant 'realistc' \(did you mean 'realistic'\?\)"):
        load_dataset("mpi3d", variant="realistc")
    with pytest.raises(UnbraidError) as error:
        load_dataset("mpi3d", variant="real")
    assert "mpi3d_real.npz" in str(error.value)
    assert str(tmp_path / "data") in str(error.value)
    with pytest.raises(UnbraidError, match=mpi3d.PAGE):
        load_dataset("mpi3d", variant="complex", download=True)
