import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset, smallnorb
from unbraid.datasets._download import RemoteFile

COUNT = 12


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(smallnorb, "COUNT", COUNT)


def matrix(values: NDArray[np.generic]) -> bytes:
    """Return the bytes of the published format: at least three sizes, whatever the dimensions."""
    magic = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}[str(values.dtype)]
    sizes = [*values.shape, *[1] * (3 - values.ndim)]
    header = struct.pack(f"<ii{len(sizes)}i", magic, values.ndim, *sizes)
    return header + values.astype(values.dtype.newbyteorder("<")).tobytes()


def write(folder: Path, split: str = "train", packed: bool = True) -> NDArray[np.uint8]:
    rng = np.random.default_rng(len(split))
    pairs = rng.integers(0, 256, (COUNT, 2, 96, 96), dtype=np.uint8)
    category = np.arange(COUNT, dtype=np.int32) % 5
    info = np.stack([rng.integers(0, n, COUNT) for n in (10, 9, 18, 6)], axis=1).astype(np.int32)
    info[:, 2] *= 2
    info[0] = 8, 3, 34, 5
    for part, values in (("dat", pairs), ("cat", category), ("info", info)):
        name = smallnorb.remote_file(split, part).name
        if packed:
            (folder / name).write_bytes(gzip.compress(matrix(values)))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(matrix(values))
    return pairs


@pytest.mark.parametrize("packed", [True, False])
def test_images_and_factors(tmp_path: Path, packed: bool) -> None:
    pairs = {split: write(tmp_path, split, packed) for split in ("train", "test")}
    for split in ("train", "test"):
        data = load_dataset("smallnorb", split, path=str(tmp_path), size=96)
        np.testing.assert_array_equal(data.images[:], pairs[split][:, :1])
        assert data.factors is not None
        assert data.factors[0].tolist() == [0, 8, 3, 17, 5]
        assert data.factors[6, 0] == 1
    assert data.factor_names == ("category", "instance", "elevation", "azimuth", "lighting")
    assert data.specs[3].values is not None
    assert data.specs[3].values[17] == 340


def test_cameras_and_sizes(tmp_path: Path) -> None:
    pairs = write(tmp_path)
    both = load_dataset("smallnorb", path=str(tmp_path), size=96, camera="both").images[:]
    np.testing.assert_array_equal(both, pairs)
    right = load_dataset("smallnorb", path=str(tmp_path), size=48, camera="right").images[:]
    means = pairs[:, 1:].reshape(COUNT, 1, 48, 2, 48, 2).mean((3, 5))
    np.testing.assert_allclose(right, means, atol=0.501)
    usual = load_dataset("smallnorb", path=str(tmp_path)).images[:]
    assert usual.shape == (COUNT, 1, 64, 64)
    # 3 x 3 old pixels make 2 x 2 new ones: the first is that of 1.5 x 1.5 old ones.
    corner = pairs[:, 0, :2, :2] @ np.array([1, 0.5]) @ np.array([1, 0.5]) / 2.25
    np.testing.assert_allclose(usual[:, 0, 0, 0], corner, atol=0.501)


def test_broken_files(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / smallnorb.remote_file("train", "dat").name
    good = path.read_bytes()
    short = gzip.compress(gzip.decompress(good)[:-1])
    wrong_size = gzip.compress(matrix(np.zeros((COUNT, 96, 96), np.uint8)))
    wrong_kind = gzip.compress(matrix(np.zeros((COUNT, 2, 96, 96), np.int32)))
    reasons = {
        good[:-1000]: "",
        short: "cannot reshape",
        wrong_size: r"shape \(12, 96, 96\)",
        wrong_kind: "starts with 0x1e3d4c54",
        b"": "",
        b"neither gzip nor a matrix": "starts with",
    }
    for content, reason in reasons.items():
        path.write_bytes(content)
        with pytest.raises(UnbraidError, match=f"is not a complete Small NORB file.*{reason}"):
            load_dataset("smallnorb", path=str(tmp_path))
    path.write_bytes(good)
    info = tmp_path / smallnorb.remote_file("train", "info").name
    info.write_bytes(gzip.compress(matrix(np.full((COUNT, 4), 99, np.int32))))
    with pytest.raises(UnbraidError, match="factors go outside"):
        load_dataset("smallnorb", path=str(tmp_path))


def test_mistaken_options(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"no camera 'lefft' \(did you mean 'left'\?\)"):
        load_dataset("smallnorb", camera="lefft")
    with pytest.raises(UnbraidError, match="size is 128, expected 8 to 96"):
        load_dataset("smallnorb", size=128)
    with pytest.raises(UnbraidError, match=r"expected the folder of its \.mat\.gz files"):
        load_dataset("smallnorb", path=str(tmp_path / "nowhere" / "file.mat.gz"))
    with pytest.raises(UnbraidError, match=r"there is no file .*training-dat"):
        load_dataset("smallnorb", path=str(tmp_path))
    with pytest.raises(UnbraidError, match=r"is not in .*download=True"):
        load_dataset("smallnorb")


def test_every_published_file_has_a_checksum() -> None:
    for split in ("train", "test"):
        for part in ("dat", "cat", "info"):
            remote = smallnorb.remote_file(split, part)
            assert isinstance(remote, RemoteFile)
            assert len(remote.sha256 or "") == 64
            assert all(url.endswith(f"-{part}.mat.gz") for url in remote.urls)
