"""Data in memory: arrays, torch and Hugging Face data sets, data frames."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

import unbraid
from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, as_dataset

GREY = np.random.default_rng(0).integers(0, 256, (12, 9, 8), np.uint8)
DIGIT = np.arange(12) % 3
ANGLE = np.where(np.arange(12) == 4, np.nan, np.arange(12) * 30.5)


def values(data: Dataset, name: str) -> list[Any]:
    spec = data.specs[data.factor_names.index(name)]
    stored = data.factor(name).tolist()
    return [v if spec.values is None or v != v else spec.values[int(v)] for v in stored]


# -- arrays ----------------------------------------------------------------------------------------


def test_arrays_and_a_mapping() -> None:
    data = Dataset.from_arrays(
        GREY,
        {"digit": DIGIT, "angle": ANGLE, "hand": ["left", None] * 6},
        units={"angle": "degrees"},
        kinds={"angle": "circular:360"},
        name="mine",
    )
    np.testing.assert_array_equal(data.images, GREY[:, None])
    assert data.factor_names == ("digit", "angle", "hand")
    assert [spec.kind for spec in data.specs] == ["categorical", "periodic", "categorical"]
    assert (data.specs[1].unit, data.specs[1].period) == ("degrees", 360)
    assert data.factors is not None
    assert data.factors.dtype == np.float64
    assert np.isnan(data.factors).sum(0).tolist() == [0, 1, 6]
    assert data.name == "mine"


@pytest.mark.parametrize(
    "images",
    [GREY[:, None], GREY[..., None], GREY / 255, torch.tensor(GREY), list(GREY)],
    ids=["nchw", "nhwc", "floats", "tensor", "list"],
)
def test_images_of_any_kind(images: Any) -> None:
    data = Dataset.from_arrays(images, DIGIT)
    np.testing.assert_array_equal(data.images, GREY[:, None])
    assert data.factor("label").tolist() == DIGIT.tolist()


def test_tensors_of_any_kind() -> None:
    images = (torch.tensor(GREY) / 255).to(torch.bfloat16).requires_grad_()
    data = Dataset.from_arrays(images, {"digit": torch.tensor(DIGIT)})
    assert abs(data.images[:].astype(int) - GREY[:, None]).max() <= 1
    assert values(data, "digit") == DIGIT.tolist()


def test_without_factors_and_with_an_array_of_several() -> None:
    assert Dataset.from_arrays(GREY).factors is None
    several = Dataset.from_arrays(GREY, np.stack([DIGIT, ANGLE], 1))
    assert [spec.kind for spec in several.specs] == ["categorical", "continuous"]


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ({"digit": DIGIT[:5]}, r"factor digit has shape \(5,\), expected \(12,\)"),
        (DIGIT[:5], "the factors of images: 5 rows, but there are 12 images"),
        ({"digit": np.zeros((12, 2))}, r"has shape \(12, 2\), expected \(12,\)"),
    ],
)
def test_factors_that_do_not_fit(factors: Any, sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        Dataset.from_arrays(GREY, factors)


# -- torch -----------------------------------------------------------------------------------------


class Items:
    """A torch data set, as far as anybody can tell."""

    def __init__(self, items: list[Any], classes: list[str] | None = None) -> None:
        self.items = items
        if classes:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> Any:
        return self.items[row]


def pictures(mode: str = "L") -> list[Image.Image]:
    return [Image.fromarray(image).convert(mode) for image in GREY]


@pytest.mark.parametrize(
    "images",
    [
        pictures(),
        list(GREY),
        [torch.tensor(image)[None] / 255 for image in GREY],
        [image[..., None] for image in GREY],
    ],
    ids=["pictures", "arrays", "tensors", "channels last"],
)
def test_torch_items_with_one_label(images: list[Any]) -> None:
    items = [(image, int(label)) for image, label in zip(images, DIGIT, strict=True)]
    data = Dataset.from_torch(Items(items, ["zero", "one", "two", "three"]))
    np.testing.assert_array_equal(data.images, GREY[:, None])
    assert data.name == "Items"
    assert data.specs[0].values == ("zero", "one", "two", "three")
    assert data.factor("label").tolist() == DIGIT.tolist()


@pytest.mark.parametrize(
    "item",
    [
        lambda row: (GREY[row], int(DIGIT[row]), float(ANGLE[row])),
        lambda row: (GREY[row], (torch.tensor(DIGIT[row]), float(ANGLE[row]))),
        lambda row: (GREY[row], torch.tensor([DIGIT[row], ANGLE[row]])),
        lambda row: (GREY[row], {"digit": DIGIT[row], "angle": ANGLE[row]}),
        lambda row: {"image": GREY[row], "digit": int(DIGIT[row]), "angle": ANGLE[row]},
    ],
)
def test_torch_items_with_several_labels(item: Any) -> None:
    items = Items([item(row) for row in range(12)])
    data = Dataset.from_torch(items, names=["digit", "angle"], kinds={"digit": "categorical"})
    assert values(data, "digit") == DIGIT.tolist()
    np.testing.assert_array_equal(values(data, "angle"), ANGLE)


def test_a_part_of_a_torch_data_set_knows_its_classes() -> None:
    whole = Items([(image, 1) for image in GREY], ["cat", "dog"])
    part = torch.utils.data.Subset(whole, [0, 5, 7])  # type: ignore[arg-type]
    data = as_dataset(part)
    assert len(data) == 3
    assert values(data, "label") == ["dog"] * 3


def test_tensors_have_their_channels_first_unless_there_would_be_too_many() -> None:
    colour = np.random.default_rng(1).integers(0, 256, (6, 9, 8, 3), np.uint8)
    last = [(torch.tensor(each), 0) for each in colour]
    first = [(torch.tensor(each).permute(2, 0, 1), 0) for each in colour]
    for items in (first, last):
        data = Dataset.from_torch(Items(items))
        np.testing.assert_array_equal(data.images, colour.transpose(0, 3, 1, 2))


def test_torch_items_without_labels_of_several_sizes() -> None:
    items = Items([Image.new("RGB", (8 + row, 9)) for row in range(5)])
    with pytest.raises(UnbraidError, match="images have 5 sizes, such as 8 x 9 and 9 x 9: bring"):
        Dataset.from_torch(items)
    data = Dataset.from_torch(items, size=16)
    assert data.images.shape == (5, 3, 16, 16)
    assert data.factors is None
    assert data.notes == (
        "5 images: 5 sizes from 8 x 9 to 12 x 9, centre-cropped and scaled to 16 x 16.",
    )
    arrays = Items([np.zeros((8, 8 + row), np.uint8) for row in range(2)])
    with pytest.raises(UnbraidError, match=r"images have 2 shapes, such as \(8, 8\) and \(8, 9\)"):
        Dataset.from_torch(arrays)
    assert Dataset.from_torch(arrays, size=8).images.shape == (2, 1, 8, 8)


def test_arrays_are_converted_as_pictures_are() -> None:
    mixed = [Image.new("RGB", (8 + row, 9)) for row in range(5)]
    with pytest.raises(UnbraidError, match=r"images have 5 sizes, .*: bring them to one with size"):
        Dataset.from_arrays(mixed)
    assert Dataset.from_arrays(mixed, size=16, channels=1).images.shape == (5, 1, 16, 16)
    grey = np.arange(4, dtype=np.uint8)[:, None, None] * np.full((8, 12), 20, np.uint8)
    for images in (grey, list(grey), torch.from_numpy(grey)):
        data = Dataset.from_arrays(images, size=6, channels=3)
        assert data.images.shape == (4, 3, 6, 6)
        np.testing.assert_array_equal(data.images[:][:, 1, 0, 0], [0, 20, 40, 60])
        assert Dataset.from_arrays(images, channels=3).images.shape == (4, 3, 8, 12)
        assert Dataset.from_arrays(images).images.shape == (4, 1, 8, 12)
    assert as_dataset((grey, {"a": range(4)}), size=6).images.shape == (4, 1, 6, 6)


def test_a_dark_image_among_others_of_several_sizes_stays_dark() -> None:
    dark, light = np.zeros((20, 20), np.uint8), np.full((30, 30), 200, np.uint8)
    dark[5:9] = 1
    images = Dataset.from_arrays([light, dark], size=20).images[:]
    np.testing.assert_array_equal(images[1, 0], dark)
    assert images[0].min() == 200
    masks = Dataset.from_arrays([light > 0, dark], size=20).images[:]  # of truth values alone
    np.testing.assert_array_equal(masks[1, 0], 255 * dark)
    faint = Dataset.from_arrays(np.full((2, 9, 9), 0.004), size=9)
    assert faint.images[:].max() == 1


def test_pictures_have_the_size_that_they_have_upright() -> None:
    wide, turned = Image.fromarray(GREY[0]), Image.fromarray(np.rot90(GREY[1]))
    turned.getexif()[0x112] = 6  # shown a quarter of a turn clockwise
    np.testing.assert_array_equal(Dataset.from_arrays([wide, turned]).images[:, 0], GREY[:2])
    flat = Image.fromarray(GREY[1])
    flat.getexif()[0x112] = 6
    with pytest.raises(UnbraidError, match="images have 2 sizes, such as 8 x 9 and 9 x 8: bring"):
        Dataset.from_arrays([wide, flat])


def test_images_of_two_channels_are_not_taken_for_transparent_ones() -> None:
    assert Dataset.from_arrays(np.zeros((3, 2, 9, 9))).image_shape == (2, 9, 9)
    with pytest.raises(UnbraidError, match=r"images have 2 channels, .* leave out size"):
        Dataset.from_arrays(np.zeros((3, 2, 9, 9)), size=8)


def test_a_picture_that_cannot_be_read_is_named_by_its_row() -> None:
    fine, deep = Image.new("L", (8, 8)), Image.new("F", (8, 8))
    for options in ({}, {"size": 8}):
        with pytest.raises(UnbraidError, match=r"image 1 cannot be read \(its pixels have 32 bits"):
            Dataset.from_arrays([fine, deep], **options)


def test_torch_items_that_differ() -> None:
    with pytest.raises(UnbraidError, match="items differ in how many labels"):
        Dataset.from_torch(Items([(GREY[0], [1, 2]), (GREY[1], [1, 2, 3])]))
    with pytest.raises(UnbraidError, match=r"items have 1 labels, but 2 names .* \(a, b\)"):
        Dataset.from_torch(Items([(GREY[0], 1)]), names=["a", "b"])
    with pytest.raises(UnbraidError, match="item 0 has the keys a, b, expected one called image"):
        Dataset.from_torch(Items([{"a": GREY[0], "b": 1}]))


def test_items_that_do_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free", lambda: 10**6)
    for image in (Image.new("RGB", (100, 100)), torch.zeros(3, 50, 50)):
        with pytest.raises(UnbraidError, match=r"first 31 images take 930,000 bytes of memory"):
            Dataset.from_torch(Items([(image, 1)] * 40))
    assert len(Dataset.from_torch(Items([(Image.new("RGB", (100, 100)), 1)] * 30))) == 30


# -- Hugging Face ----------------------------------------------------------------------------------


class ClassLabel:
    names = ("cat", "dog", "owl")


class Value:
    pass


class Sequence:
    pass


Image_ = type("Image", (), {})


class Table:
    """A split of Hugging Face's."""

    def __init__(self, **columns: tuple[Any, list[Any]]) -> None:
        self.features = {name: feature for name, (feature, _) in columns.items()}
        self.column_names = list(columns)
        self.columns = {name: cells for name, (_, cells) in columns.items()}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {name: cells[row] for name, cells in self.columns.items()}


@pytest.fixture
def table() -> Table:
    return Table(
        picture=(Image_(), pictures("RGB")),
        label=(ClassLabel(), [0, -1, 1] * 4),
        age=(Value(), [1.5, None, 2] * 4),
        boxes=(Sequence(), [[1, 2]] * 12),
    )


def test_huggingface(table: Table) -> None:
    data = as_dataset(table, name="pets")
    assert data.images.shape == (12, 3, 9, 8)
    assert data.factor_names == ("label", "age")
    assert data.specs[0].values == ("cat", "dog", "owl")
    assert [v if v == v else None for v in values(data, "label")] == ["cat", None, "dog"] * 4
    assert data.specs[1].kind == "continuous"
    assert "boxes were left out" in data.notes[0]
    assert as_dataset(table, kinds="age=ordinal").specs[1].kind == "ordinal"


@pytest.mark.parametrize("kind", [str, object])
def test_spaces_around_words_are_no_part_of_them(kind: Any) -> None:
    column = np.array(["left", "left ", " right"] * 4, kind)
    data = Dataset.from_arrays(GREY, {"hand": column})
    assert values(data, "hand") == ["left", "left", "right"] * 4


def test_classes_of_huggingface_as_groups(table: Table) -> None:
    table.columns["label"] = [0, 1, 2, 0] * 3
    data = as_dataset(table, group="label")
    assert data.factor_names == ("age",)
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 2, 0] * 3


def test_huggingface_in_the_format_of_torch() -> None:
    class Rows:
        column_names = ("image", "label", "count")
        features: ClassVar = {"image": Value(), "label": ClassLabel(), "count": Value()}

        def __len__(self) -> int:
            return 4

        def __getitem__(self, row: int) -> dict[str, Any]:
            label, count = torch.tensor(row % 3), torch.tensor(2 * row)
            return {"image": torch.zeros(1, 8, 8), "label": label, "count": count}

    data = as_dataset(Rows())
    assert data.factors is not None
    assert data.factors.tolist() == [[0, 0], [1, 1], [2, 2], [0, 3]]
    assert data.specs[1].values == (0, 2, 4, 6)


def test_huggingface_that_is_streamed() -> None:
    class Stream:
        column_names = None
        features = None

    with pytest.raises(UnbraidError, match=r"images is streamed, .*: load it without streaming"):
        as_dataset(Stream())


def test_huggingface_without_images(table: Table) -> None:
    del table.features["picture"]
    table.column_names.remove("picture")
    with pytest.raises(UnbraidError, match="has no column of images: its columns are label, age"):
        as_dataset(table)
    with pytest.raises(UnbraidError, match="has no column 'picture': its columns"):
        as_dataset(table, image="picture")
    table.column_names = {"train": [], "test": []}  # type: ignore[assignment]
    with pytest.raises(UnbraidError, match=r"several splits \(train, test\): give one, as in"):
        as_dataset(table)


# -- frames ----------------------------------------------------------------------------------------


class Frame:
    """A data frame, as far as it is used."""

    iloc = None

    def __init__(self, **columns: Any) -> None:
        self.cells = columns
        self.columns = list(columns)

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))

    def __getitem__(self, name: str) -> Any:
        return np.array(self.cells[name])

    def __array__(self) -> Any:
        raise AssertionError("a frame is not taken for an array of images")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    for row, picture in enumerate(pictures()):
        picture.crop((0, 0, 8, 8)).save(tmp_path / f"{row}.png")
    return tmp_path


def test_a_frame_with_a_column_of_files(files: Path) -> None:
    frame = Frame(file=[f"{row}.png" for row in range(12)], digit=DIGIT, angle=ANGLE)
    data = as_dataset(frame, root=files, size=8)
    np.testing.assert_array_equal(data.images, GREY[:, None, :8])
    assert data.factor_names == ("digit", "angle")
    with pytest.raises(
        UnbraidError, match=r"nosuch\.png cannot be read as an image .*delete it\.$"
    ):
        as_dataset(Frame(path=["nosuch.png"]), root=files)
    with pytest.raises(UnbraidError, match="no column 'file' of image files: its columns are a"):
        as_dataset(Frame(a=[1]))
    with pytest.raises(UnbraidError, match=r"no column 'fil' \(did you mean 'file'\?\)"):
        as_dataset(frame, images="fil")


def cells(*things: Any) -> np.ndarray:
    """Return a column of things that numpy would take for arrays."""
    column = np.empty(len(things), object)
    column[:] = things
    return column


def encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def test_a_frame_with_a_column_of_pictures() -> None:
    """As a Parquet file of Hugging Face is read, and as people make them."""
    made = pictures()
    expected = as_dataset(Frame(digit=DIGIT), images=made, size=8).images
    for column in (
        cells(*made),
        cells(*({"bytes": encoded(each), "path": None} for each in made)),
        cells(*(encoded(each) for each in made)),
    ):
        data = as_dataset(Frame(image=column, digit=DIGIT), size=8)
        np.testing.assert_array_equal(data.images, expected)
        assert data.factor_names == ("digit",)
    broken = cells(*(encoded(each) for each in made))
    broken[5] = broken[5][:40]
    with pytest.raises(UnbraidError, match=r"row 5 holds no image that can be read \(.*leave this"):
        as_dataset(Frame(image=broken))


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), {"bytes": None}])
def test_a_frame_with_a_cell_without_an_image(files: Path, missing: Any) -> None:
    for whole in (
        cells(*pictures()),
        cells(*(f"{row}.png" for row in range(12))),
        cells(*({"bytes": None, "path": f"{row}.png"} for row in range(12))),
    ):
        assert len(as_dataset(Frame(image=whole), root=files, size=8)) == 12
        whole[3] = missing
        with pytest.raises(UnbraidError, match=r"row 3 has (None|.*nan.*) in its column 'image'"):
            as_dataset(Frame(image=whole), root=files, size=8)


def test_a_frame_beside_its_images() -> None:
    data = Dataset.from_frame(Frame(digit=DIGIT), GREY)
    assert values(data, "digit") == DIGIT.tolist()
    assert Dataset.from_frame(Frame(digit=DIGIT), GREY, size=16).image_shape == (1, 16, 16)
    assert Dataset.from_arrays(GREY, Frame(digit=DIGIT)).factor_names == ("digit",)
    with pytest.raises(UnbraidError, match="has 12 rows for 5 images"):
        Dataset.from_frame(Frame(digit=DIGIT), GREY[:5])


# -- anything --------------------------------------------------------------------------------------


def test_anything() -> None:
    data = Dataset.from_arrays(GREY)
    assert unbraid.as_dataset(data) is data
    assert as_dataset(GREY).image_shape == (1, 9, 8)
    assert as_dataset((GREY, DIGIT)).factor_names == ("label",)
    assert as_dataset(list(GREY), name="mine").name == "mine"
    for thing in (3, "photos", {"a": 1}, None):
        with pytest.raises(UnbraidError, match="expected a data set: an array of images"):
            as_dataset(thing)


def test_numbers_among_words_of_a_list_are_refused_as_in_an_array() -> None:
    mixed = [1, "y"] * 3
    for given in (mixed, tuple(mixed), np.array(mixed, object)):
        with pytest.raises(UnbraidError, match=r"a mixes numbers \(such as 1\) and words \('y'"):
            Dataset.from_arrays(np.zeros((6, 8, 8)), {"a": given})
    with pytest.raises(UnbraidError, match=r"label mixes numbers \(such as 1\) and words"):
        Dataset.from_arrays(np.zeros((6, 8, 8)), mixed)
    unknown = Dataset.from_arrays(np.zeros((4, 8, 8)), {"a": ["x", float("nan"), "y", None]})
    assert unknown.specs[0].values == ("x", "y")
    np.testing.assert_array_equal(unknown.factor("a"), [0, np.nan, 1, np.nan])


def test_classes_of_one_name_are_told_apart() -> None:
    items = Items([(np.zeros((8, 8)), at % 3) for at in range(4)], ["crane", "maillot", "crane"])
    assert Dataset.from_torch(items).specs[0].values == ("crane", "maillot", "crane (2)")
