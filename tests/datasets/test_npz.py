import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (20, 9, 8), np.uint8)
COLOUR = RANDOM.integers(0, 256, (20, 9, 8, 3), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.npz"


def saved(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def images(path: Path, array: NDArray[Any], **options: Any) -> Any:
    return load_dataset(saved(path, images=array), full=True, **options).images[:]


def test_layouts(path: Path) -> None:
    np.testing.assert_array_equal(images(path, GREY), GREY[:, None])
    first = COLOUR.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(images(path, COLOUR), first)
    np.testing.assert_array_equal(images(path, first), first)
    np.testing.assert_array_equal(images(path, COLOUR[..., :1]), first[:, :1])


def test_ambiguous_layout(path: Path) -> None:
    both = COLOUR[:, :4]  # 20 images of 4 x 8 with 3 channels, or of 8 x 3 with 4
    with pytest.raises(UnbraidError, match=r"either of axes 1 and 3 can be .* set layout to"):
        images(path, both)
    assert images(path, both, layout="nhwc").shape == (20, 3, 4, 8)
    assert images(path, both, layout="nchw").shape == (20, 4, 8, 3)
    with pytest.raises(UnbraidError, match="neither of axes 1 and 3"):
        images(path, np.zeros((2, 8, 8, 8), np.uint8))
    with pytest.raises(UnbraidError, match="have 9 channels as nchw, expected 1 to 4"):
        images(path, COLOUR, layout="nchw")
    with pytest.raises(
        UnbraidError, match=r"'layout' of dataset npz is 'chw'.*'auto', 'nhwc', 'nchw'"
    ):
        images(path, COLOUR, layout="chw")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_whole_numbers(path: Path, dtype: type) -> None:
    np.testing.assert_array_equal(images(path, GREY.astype(dtype))[:, 0], GREY)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_reals_are_rounded(path: Path, dtype: type) -> None:
    np.testing.assert_array_equal(images(path, (GREY / 255).astype(dtype))[:, 0], GREY)
    halves = np.full((2, 4, 4), 0.7 / 255, np.float32)
    assert (images(path, halves) == 1).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int32])
def test_truth_values_are_black_and_white(path: Path, dtype: type) -> None:
    np.testing.assert_array_equal(images(path, (GREY > 99).astype(dtype))[:, 0], (GREY > 99) * 255)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (GREY * 1.0, r"type float64 range from 0 to 255, expected 0 to 1: rescale"),
        (GREY / 127.5 - 1, r"range from -1 to 1, expected 0 to 1"),
        (GREY.astype(int) + 9, r"type int64 range from 9 to 264, expected 0 to 255"),
        (np.where(GREY > 250, np.inf, 0), r"range from 0 to inf"),
        (np.where(np.arange(20)[:, None, None] < 3, np.nan, GREY / 255), r"3 of 20 .* contain NaN"),
        (GREY * 1j, r"type complex128, expected whole numbers"),
        (GREY.astype(str), r"type <U3, expected whole numbers"),
        (GREY[0], r"shape \(9, 8\), expected \(N, H, W\)"),
        (GREY[:0], r"shape \(0, 9, 8\), expected at least one image"),
    ],
)
def test_what_are_no_images(path: Path, array: NDArray[Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        images(path, array)


def test_a_fixed_tenth_is_held_out_with_its_factors(path: Path) -> None:
    name = saved(path, images=GREY, labels=np.arange(20))
    train, test = load_dataset(name), load_dataset(name, split="test")
    assert (len(train), len(test)) == (18, 2)
    rows = np.concatenate([train.factor("label"), test.factor("label")])
    assert sorted(rows.tolist()) == list(range(20))
    np.testing.assert_array_equal(test.images[:, 0], GREY[test.factor("label")])
    other = load_dataset(name, split="test", split_seed=1)
    assert other.factor("label").tolist() != test.factor("label").tolist()
    assert load_dataset(name, split="test", full=True).factor("label").tolist() == list(range(20))


def test_too_few_to_hold_out(path: Path) -> None:
    with pytest.raises(UnbraidError, match="3 images are too few"):
        load_dataset(saved(path, images=GREY[:3]), split="test")


@pytest.mark.parametrize(
    ("images_key", "factors_key"),
    [("images", "factors"), ("imgs", "labels"), ("x", "y"), ("arr_0", "arr_1")],
)
def test_usual_keys(path: Path, images_key: str, factors_key: str) -> None:
    name = saved(path, **{images_key: GREY, factors_key: np.arange(20)})
    data = load_dataset(name, full=True)
    np.testing.assert_array_equal(data.images[:, 0], GREY)
    assert data.factor("label").tolist() == list(range(20))
    assert data.name == "mine"


@pytest.mark.parametrize("key", ["{0}_{1}", "{1}_{0}"])
def test_files_with_both_splits(path: Path, key: str) -> None:
    """As Keras and MedMNIST write them; a class that only one split has is known to both."""
    words = {"x": "x", "y": "y"} if key == "{0}_{1}" else {"x": "images", "y": "labels"}
    names = {(a, b): key.format(words[a], b) for a in "xy" for b in ("train", "test")}
    name = saved(
        path,
        **{names["x", "train"]: GREY, names["y", "train"]: np.arange(20) % 3},
        **{names["x", "test"]: GREY[:4], names["y", "test"]: np.full((4, 1), 7)},
    )
    train, test = load_dataset(name), load_dataset(name, split="test")
    np.testing.assert_array_equal(train.images, GREY[:, None])
    np.testing.assert_array_equal(test.images, GREY[:4, None])
    assert train.specs == test.specs
    assert test.specs[0].values == (0, 1, 2, 7)
    assert test.factor("label").tolist() == [3] * 4
    assert len(load_dataset(name, split="test", full=True)) == 24
    assert load_dataset(name, names="a,b,c,d").specs[0].values == ("a", "b", "c", "d")


def test_a_train_split_alone_has_a_tenth_held_out(path: Path) -> None:
    name = saved(path, x_train=GREY, y_train=np.arange(20))
    assert [len(load_dataset(name, split=split)) for split in ("train", "test")] == [18, 2]


def test_a_split_of_dark_images_stays_dark(path: Path) -> None:
    dark = np.eye(9, 8, dtype=np.uint8)[None]
    name = saved(path, x_train=GREY, x_test=dark)
    np.testing.assert_array_equal(load_dataset(name, split="test").images[:, 0], dark)
    masks = saved(path, x_train=dark, x_test=dark)
    assert load_dataset(masks, split="test").images.max() == 255


def test_images_of_a_third_split_are_told(path: Path) -> None:
    name = saved(path, train_images=GREY, test_images=GREY[:4], val_images=GREY[:2])
    data = load_dataset(name, full=True)
    assert len(data) == 24
    assert any("also holds val_images, which is not read" in note for note in data.notes)
    assert load_dataset(saved(path, train_images=GREY, test_images=GREY[:4])).notes == ()


def test_splits_of_different_shapes(path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"have shapes \(1, 9, 8\) and \(1, 9, 7\), expected"):
        load_dataset(saved(path, x_train=GREY, x_test=GREY[:, :, 1:]))


def test_names_for_several_categories(path: Path) -> None:
    name = saved(path, images=GREY, factors=np.zeros((20, 2), int))
    with pytest.raises(UnbraidError, match=r"2 of its factors .* are categories that are numbers"):
        load_dataset(name, names="a")


def test_keys_given(path: Path) -> None:
    name = saved(path, images=COLOUR, mine=GREY, classes=np.arange(20), labels=np.zeros(20))
    data = load_dataset(name, images_key="mine", factors_key="classes", full=True)
    np.testing.assert_array_equal(data.images[:, 0], GREY)
    assert data.factor("label").tolist() == list(range(20))


def test_wrong_keys(path: Path) -> None:
    name = saved(path, pixels=GREY, classes=np.arange(20))
    with pytest.raises(
        UnbraidError,
        match=r"none of the arrays images, imgs.*: the arrays in it are pixels, classes;",
    ):
        load_dataset(name)
    with pytest.raises(
        UnbraidError, match=re.escape("'pixel' (did you mean 'pixels'?): the arrays")
    ):
        load_dataset(name, images_key="pixel")
    with pytest.raises(UnbraidError, match="no array 'labels': the arrays in it are"):
        load_dataset(name, images_key="pixels", factors_key="labels")
    assert load_dataset(name, images_key="pixels").factor_names == ("classes",)


def test_categories(path: Path) -> None:
    name = saved(path, images=GREY, factors=np.arange(20) % 3 * 10 + 5)
    data = load_dataset(name, full=True)
    assert data.factors is not None
    assert data.factors.dtype == np.int64
    assert data.factor("label").tolist() == (np.arange(20) % 3).tolist()
    assert (data.specs[0].kind, data.specs[0].values) == ("categorical", (5, 15, 25))


def test_words(path: Path) -> None:
    data = load_dataset(saved(path, images=GREY, y=["dog", "cat"] * 10), full=True)
    assert data.specs[0].values == ("cat", "dog")
    assert data.factor("label")[:2].tolist() == [1, 0]


def test_reals(path: Path) -> None:
    factors = RANDOM.normal(size=(20, 2)).astype(np.float32)
    data = load_dataset(saved(path, images=GREY, factors=factors), full=True)
    np.testing.assert_array_equal(data.factors, factors)
    assert data.factors is not None
    assert data.factors.dtype == np.float64
    assert [spec.kind for spec in data.specs] == ["continuous"] * 2
    low, high = factors[:, 1].min().item(), factors[:, 1].max().item()
    assert data.specs[1].range == (low, high)
    assert data.factor_names == ("factor_0", "factor_1")


@pytest.mark.parametrize("kind", ["U", "S"])
def test_factor_names(path: Path, kind: str) -> None:
    names = np.array(["shape", "size"], kind)
    arrays = {"images": GREY, "factors": np.zeros((20, 2), int), "factor_names": names}
    assert load_dataset(saved(path, **arrays)).factor_names == ("shape", "size")
    given = load_dataset(str(path), factor_names=("a", "b"))
    assert given.factor_names == ("a", "b")


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c"), ("a", "a")])
def test_wrong_number_of_names(path: Path, names: tuple[str, ...]) -> None:
    name = saved(path, images=GREY, factors=np.zeros((20, 2), int))
    with pytest.raises(
        UnbraidError, match=f"has 2 factors, but factor_names has {', '.join(names)}"
    ):
        load_dataset(name, factor_names=names)


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        (np.arange(19), ": 19 rows, but there are 20 images"),
        (np.zeros((20, 2, 2)), r"shape \(20, 2, 2\) and type float64, expected \(N,\) or \(N, F\)"),
        (np.where(np.arange(20) > 17, np.inf, 0.5), "infinite in 2 of 20 rows, .* row 18"),
        (np.zeros(20, complex), "type complex128"),
        (np.array(3), r"shape \(\)"),
    ],
)
def test_wrong_factors(path: Path, factors: NDArray[Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        load_dataset(saved(path, images=GREY, factors=factors))


def test_objects_are_never_unpickled(path: Path) -> None:
    objects = np.array([{}] * 20, dtype=object)
    with pytest.raises(
        UnbraidError, match="it is none, or holds pickled Python objects, and loading those"
    ):
        load_dataset(saved(path, images=objects))
    with pytest.raises(UnbraidError, match="holds pickled Python objects"):
        load_dataset(saved(path, images=GREY, factors=objects))
    data = load_dataset(saved(path, images=GREY, metadata=objects))  # not asked for, not read
    assert len(data) == 18


def test_arrays_with_a_value_an_image_are_factors_each_of_its_kind(path: Path) -> None:
    angle = RANDOM.uniform(0, 90, 20)
    angle[3] = np.nan
    arrays = {"digit": np.arange(20) % 3, "angle": angle, "hand": ["left", ""] * 10}
    arrays |= {"row": np.arange(20), "palette": np.zeros((256, 3)), "objects": np.array([{}] * 20)}
    data = load_dataset(saved(path, images=GREY, **arrays), full=True, units="angle=deg")
    assert data.factor_names == ("digit", "angle", "hand", "row")
    assert [spec.kind for spec in data.specs] == ["categorical", "continuous"] + 2 * ["categorical"]
    assert data.specs[1].unit == "degrees"
    assert data.factors is not None
    assert data.factors.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(data.factors).sum(0), [0, 1, 10, 0])
    assert data.specs[2].values == ("left",)


def test_arrays_beside_the_usual_one_are_named(path: Path) -> None:
    name = saved(path, images=GREY, labels=np.arange(20) % 2, angle=RANDOM.normal(size=20))
    data = load_dataset(name)
    assert data.factor_names == ("label",)
    assert "also holds angle, with a value an image: to take them as factors" in data.notes[0]
    both = load_dataset(name, factors_key="labels,angle")
    assert both.factor_names == ("labels", "angle")
    renamed = load_dataset(name, factors_key="labels,angle", factor_names=("a", "b"))
    assert renamed.factor_names == ("a", "b")


def test_records(path: Path) -> None:
    records = np.zeros(20, [("shape", "U8"), ("size", "f4"), ("count", "i4")])
    records["shape"], records["size"] = ["disc", "ring"] * 10, np.linspace(0.1, 0.9, 20)
    records["count"] = np.arange(20) % 4
    data = load_dataset(saved(path, images=GREY, factors=records), full=True)
    assert data.factor_names == ("shape", "size", "count")
    kinds = ["categorical", "continuous", "categorical"]
    assert [spec.kind for spec in data.specs] == kinds
    with pytest.raises(UnbraidError, match="expected"):
        load_dataset(saved(path, images=GREY, factors=np.zeros(20, [("a", "f4", 2)])))


def test_a_class_among_reals_is_a_class(path: Path) -> None:
    factors = np.stack([np.arange(20) % 3, RANDOM.normal(size=20)], 1)
    data = load_dataset(saved(path, images=GREY, factors=factors), full=True)
    assert [spec.kind for spec in data.specs] == ["categorical", "continuous"]
    given = load_dataset(str(path), full=True, kinds="factor_0=continuous")
    assert given.specs[0].kind == "continuous"


def test_all_unknown(path: Path) -> None:
    data = load_dataset(saved(path, images=GREY, factors=np.full(20, np.nan)), full=True)
    assert data.factors is None
    assert "label was left out, as it is empty" in data.notes[0]


def test_single_array(path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, GREY)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(UnbraidError, match=r"holds a single array, expected a \.npz file"):
        load_dataset(str(path))


def test_member_that_is_no_array(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images", "text")
    with pytest.raises(UnbraidError, match="'images' is not an array"):
        load_dataset(str(path))


@pytest.mark.parametrize("data", [b"", b"PK", b"text that is no archive", bytes(3000)])
def test_garbage(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(UnbraidError, match=r"cannot read .*mine\.npz as a \.npz file"):
        load_dataset(str(path))


def test_truncated_and_flipped(path: Path) -> None:
    np.savez_compressed(path, images=GREY)
    whole = path.read_bytes()
    path.write_bytes(whole[:-200])
    with pytest.raises(UnbraidError, match="cannot read"):
        load_dataset(str(path))
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    with pytest.raises(UnbraidError, match="cannot read"):
        load_dataset(str(path))


def test_missing_file(path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"cannot read .*: No such file or directory"):
        load_dataset("npz", path=str(path))


@pytest.mark.parametrize("kind", ["f4", "f8", ">f4"])
def test_reals_may_lie_a_rounding_outside(tmp_path: Path, kind: str) -> None:
    images = np.random.default_rng(0).random((20, 16, 16)).astype(kind)
    images[0, 0, :3] = -1e-7, 1 + 1e-6, 1 + 9e-4
    path = tmp_path / "x.npz"
    np.savez(path, images=images)
    found = load_dataset(str(path), full=True).images
    exact = np.rint(images.clip(0, 1).astype("f8") * 255)
    assert np.abs(found[:, 0] - exact).max() <= 1  # a tie of f4 may round the other way
    assert found[0, 0, 0, :3].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.25, 1.002, "range from 0.25 to 1.002, expected 0 to 1"),
        (-0.002, 1.0, "range from -0.002 to 1, expected 0 to 1"),
        (0.0, 255.0, "range from 0 to 255, expected 0 to 1"),
    ],
)
def test_reals_further_out_are_told_with_their_range(
    tmp_path: Path, low: float, high: float, told: str
) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=np.linspace(low, high, 20 * 256).reshape(20, 16, 16))
    with pytest.raises(UnbraidError, match=told):
        load_dataset(str(path))
