import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import dsprites, load_dataset
from unbraid.datasets._factored import grid_factors

SIZES = (1, 3, 6, 40, 32, 32)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))


def row(*latents: int) -> int:
    return int(np.ravel_multi_index(latents, SIZES))


def image(*latents: int) -> NDArray[np.uint8]:
    full = load_dataset("dsprites", full=True)
    return full.images[np.array([row(*latents)])][0, 0]


def test_structure_is_the_published_one() -> None:
    data = load_dataset("dsprites", full=True)
    assert data.images.shape == (737_280, 1, 64, 64)
    assert data.factor_names == ("color", "shape", "scale", "orientation", "posX", "posY")
    assert tuple(len(spec.values or ()) for spec in data.specs) == SIZES
    assert data.factors is not None
    assert data.factors[0].tolist() == [0] * 6
    assert data.factors[1].tolist() == [0, 0, 0, 0, 0, 1]  # posY moves fastest
    assert data.factors[32].tolist() == [0, 0, 0, 0, 1, 0]
    assert data.factors[-1].tolist() == [0, 2, 5, 39, 31, 31]
    shape, scale, orientation, x = (data.specs[k].values or () for k in (1, 2, 3, 4))
    assert shape == ("square", "ellipse", "heart")
    np.testing.assert_allclose(scale, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert orientation[0] == 0
    assert orientation[1] == pytest.approx(0.16110732)
    assert orientation[-1] == pytest.approx(2 * np.pi)
    assert x[1] == pytest.approx(0.03225806)


def test_mean_is_that_of_the_original() -> None:
    mean = float(np.mean(dsprites.crops() > 0)) * dsprites.CROP**2 / 64**2
    assert mean == pytest.approx(0.042494423521889584, rel=2e-3)


def test_images_are_binary_and_never_cut_off() -> None:
    crops = dsprites.crops()
    assert set(np.unique(crops)) == {0, 255}
    for edge in (crops[..., 0], crops[..., -1], crops[..., 0, :], crops[..., -1, :]):
        assert not edge.any()


def test_position_moves_one_pixel_a_step() -> None:
    rows = np.arange(64)
    for shape in range(3):
        for x, y in ((0, 0), (31, 31), (7, 19)):
            lit = image(0, shape, 5, 0, x, y) > 0
            assert (lit * rows).sum() / lit.sum() == pytest.approx(16 + x, abs=0.25)
            assert (lit * rows[:, None]).sum() / lit.sum() == pytest.approx(16 + y, abs=0.25)


def test_shapes_have_the_size_their_scale_says() -> None:
    area = (dsprites.crops() > 0).sum((3, 4)).mean(2)  # (shape, scale)
    np.testing.assert_allclose(area, np.tile(dsprites.AREA * dsprites.SCALES**2, (3, 1)), rtol=0.02)


def test_orientation_turns_clockwise_on_the_screen() -> None:
    # The ellipse lies flat at 0; its measured principal axis must turn with the orientation.
    offsets = np.arange(33) - 16
    down, right = np.meshgrid(offsets, offsets, indexing="ij")
    for k in range(40):
        lit = dsprites.crops()[1, 5, k] > 0
        covariance = np.cov(right[lit], down[lit])
        axis = 0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1])
        off = (axis - dsprites.ORIENTATIONS[k] + np.pi / 2) % np.pi - np.pi / 2
        assert abs(off) < np.radians(3)


def test_heart_stands_on_its_tip_and_is_symmetric() -> None:
    heart = dsprites.crops()[2, 5, 0] > 0
    np.testing.assert_array_equal(heart, heart[:, ::-1])
    rows = np.flatnonzero(heart.any(1))
    assert heart[rows[-1]].sum() <= 3
    assert heart[rows[0]].sum() > 6
    assert not heart[rows[0], 16]  # the notch


def test_symmetries_hold_in_the_images() -> None:
    square = dsprites.SPECS[3].period_given("shape", "square")
    assert square == pytest.approx(np.pi / 2)
    assert dsprites.SPECS[3].period_given("shape", "heart") == pytest.approx(2 * np.pi)
    x, y = np.random.default_rng(0).normal(size=(2, 1000)) * 8
    for shape in ("square", "ellipse"):
        angle = dsprites.SPECS[3].period_given("shape", shape) or 0
        u, v = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
        np.testing.assert_allclose(dsprites.gauge(shape, x, y), dsprites.gauge(shape, u, v))


def test_first_and_last_orientation_are_the_same_image() -> None:
    np.testing.assert_array_equal(dsprites.crops()[:, :, 0], dsprites.crops()[:, :, 39])


def test_orientations_that_look_alike_are_as_documented() -> None:
    crops = dsprites.crops().reshape(3, 6, 40, -1)
    distinct = [[len(np.unique(sprites, axis=0)) for sprites in shape] for shape in crops]
    assert np.sum(distinct, axis=1).tolist() == [186, 222, 234]  # of 6 * 39 each


def test_gauge_is_one_on_the_outline_of_the_heart() -> None:
    t = np.linspace(0.1, 6.2, 300)
    size = (dsprites.AREA / (180 * np.pi)) ** 0.5
    x = 16 * np.sin(t) ** 3 * size
    y = (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t) - 5 / 6) * size
    np.testing.assert_allclose(dsprites.gauge("heart", x, y), 1, atol=2e-3)


def test_splits_are_disjoint_and_cover_everything() -> None:
    train, test = (load_dataset("dsprites", split) for split in ("train", "test"))
    assert (len(train), len(test)) == (663_552, 73_728)
    assert train.factors is not None
    assert test.factors is not None
    rows = [np.ravel_multi_index(tuple(d.factors.T), SIZES) for d in (train, test)]  # type: ignore[union-attr]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(737_280))
    other = load_dataset("dsprites", "test", split_seed=1)
    assert other.factors is not None
    assert not np.array_equal(other.factors, test.factors)


def test_rows_match_their_factors_however_they_are_asked_for() -> None:
    test = load_dataset("dsprites", "test")
    assert test.factors is not None
    some = test.images[np.array([5, 70_000, 5])]
    assert some.shape == (3, 1, 64, 64)
    assert some.flags.c_contiguous
    assert some.flags.writeable
    np.testing.assert_array_equal(some[1, 0], image(*test.factors[70_000]))
    np.testing.assert_array_equal(some[0], some[2])
    np.testing.assert_array_equal(test.images[5], some[0])
    np.testing.assert_array_equal(test.images[4:6][1], some[0])
    some[:] = 7  # a batch is the caller's: it must not reach the stored sprites
    assert set(np.unique(test.images[:10])) == {0, 255}


# Tiny files in the form of the original: a compressed npz with a pickled metadata member.

TINY = (1, 2, 1, 2, 3, 2)


def write_original(path: Path, images: NDArray[np.uint8], classes: NDArray[np.int64]) -> Path:
    metadata = np.array({"title": "dSprites dataset"}, dtype=object)
    np.savez_compressed(path, metadata=metadata, imgs=images, latents_classes=classes)
    return path


def tiny_original(path: Path) -> tuple[Path, NDArray[np.uint8]]:
    images = np.random.default_rng(0).integers(0, 2, (24, 64, 64), dtype=np.uint8)
    return write_original(path, images, grid_factors(np.arange(24), TINY)), images


def test_original_file_is_read_without_its_pickle(tmp_path: Path) -> None:
    path, images = tiny_original(tmp_path / "original.npz")
    packed = dsprites.read_original(path, TINY)
    source = dsprites.PackedSprites(packed, np.arange(24)[::-1])
    assert source.shape == (24, 1, 64, 64)
    np.testing.assert_array_equal(source[np.array([0, 3])], images[[23, 20], None] * 255)
    np.testing.assert_array_equal(source[2:4], images[[21, 20], None] * 255)
    (cached,) = (tmp_path / "cache").iterdir()
    head = cached.read_bytes()[:500]
    cached.unlink()
    cached.write_bytes(head)  # a cache file cut short is built anew
    np.testing.assert_array_equal(dsprites.read_original(path, TINY), packed)


def test_original_in_the_data_folder_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dsprites, "read_original", lambda path: np.zeros((737_280, 64, 8), "u1"))
    assert load_dataset("dsprites").name == "dsprites"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / dsprites.ORIGINAL.name).touch()
    for options in ({}, {"original": True}, {"path": str(tmp_path / "data")}):
        data = load_dataset("dsprites", "test", **options)
        assert (data.name, len(data)) == ("dsprites-original", 73_728)
    assert load_dataset("dsprites", original=False).name == "dsprites"


def test_broken_originals_are_refused_with_a_sentence(tmp_path: Path) -> None:
    path, images = tiny_original(tmp_path / "good.npz")
    grid = grid_factors(np.arange(24), TINY)
    cut = tmp_path / "cut.npz"
    cut.write_bytes(path.read_bytes()[:-2000])
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    wrong_order = write_original(tmp_path / "order.npz", images, grid[::-1])
    wrong_shape = write_original(tmp_path / "shape.npz", images[:, :32], grid)
    other = tmp_path / "other.npz"
    np.savez(other, x=np.arange(3))
    flipped = tmp_path / "flipped.npz"
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("imgs.npy").header_offset + 200
    content = bytearray(path.read_bytes())
    content[start : start + 500] = bytes(500)
    flipped.write_bytes(content)
    for broken in (cut, text, wrong_order, wrong_shape, other, flipped):
        with pytest.raises(UnbraidError, match=f"{broken.name} is not a complete dSprites file"):
            dsprites.read_original(broken, TINY)
    with pytest.raises(UnbraidError, match="published order"):
        load_dataset("dsprites", path=str(path))  # whole, but not 737,280 images


def test_mistaken_options(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match="there is no file"):
        load_dataset("dsprites", path=str(tmp_path / "nowhere.npz"))
    with pytest.raises(UnbraidError, match="drop one"):
        load_dataset("dsprites", path="x", original=False)
    with pytest.raises(UnbraidError, match="split_seed is -1"):
        load_dataset("dsprites", split_seed=-1)
    with pytest.raises(UnbraidError, match="unknown option 'orignal'"):
        load_dataset("dsprites", orignal=True)
