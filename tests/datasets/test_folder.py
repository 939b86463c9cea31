import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, load_dataset
from unbraid.figures import new_figure
from unbraid.figures import save as write_figure
from unbraid.methods import configure
from unbraid.pictures import write_png
from unbraid.runs import RunConfig, train_run
from unbraid.training import TrainingConfig

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def save(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.new("RGB", (8, 8), RED)).save(path, **options)
    return path


def noise(height: int, width: int, *channels: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), np.uint8)


def only(path: Path, **options: Any) -> Any:
    """The pixels (C, H, W) of the one image in a folder."""
    images = load_dataset(str(path), full=True, **options).images
    assert len(images) == 1
    return images[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """Ten noisy PNGs of 16 x 16 in a folder."""
    folder = tmp_path / "photos"
    for each in range(10):
        save(folder / f"{each}.png", Image.fromarray(noise(16, 16, 3, seed=each)))
    return folder


def test_images_of_the_right_size_come_unchanged_in_order_of_their_paths(ten: Path) -> None:
    data = load_dataset(str(ten), full=True, size=16)
    expected = np.stack([noise(16, 16, 3, seed=each).transpose(2, 0, 1) for each in range(10)])
    np.testing.assert_array_equal(data.images, expected)
    assert (data.name, data.factors, data.specs) == ("photos", None, ())


def test_a_fixed_tenth_is_held_out(ten: Path) -> None:
    train, test = (load_dataset(str(ten), split=split, size=16) for split in ("train", "test"))
    assert (len(train), len(test)) == (9, 1)
    everything = np.concatenate([train.images[:], test.images[:]])
    assert len(np.unique(everything, axis=0)) == 10
    again = load_dataset(str(ten), split="test", size=16)
    np.testing.assert_array_equal(test.images, again.images)


def test_too_few_to_hold_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(UnbraidError, match=r"1 images are too few .* full=True"):
        load_dataset(str(tmp_path), split="test")
    assert len(load_dataset(str(tmp_path), split="train")) == 1


@pytest.mark.parametrize("suffix", ["png", "PNG", "jpg", "bmp", "gif", "tif", "webp", "ppm", "tga"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a.{suffix}")
    image = only(tmp_path, size=8)
    assert image.shape == (3, 8, 8)
    np.testing.assert_allclose(image.transpose(1, 2, 0), np.broadcast_to(RED, (8, 8, 3)), atol=3)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255]),
        ("L", 77, [77]),
        ("LA", (77, 255), [77]),
        ("LA", (0, 0), [255]),
        ("I;16", 65535, [255]),
        ("I;16", 77 * 257, [77]),
        ("P", 1, [0, 255, 0]),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 255), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 0), [255, 255, 255]),
        ("RGBA", (0, 0, 0, 51), [204, 204, 204]),
    ],
)
def test_modes(tmp_path: Path, mode: str, colour: Any, expected: list[int]) -> None:
    image = Image.new(mode, (8, 8), colour)
    if mode == "P":
        image.putpalette([*RED, *GREEN])
    save(tmp_path / "a.png", image)
    assert only(tmp_path, size=8)[:, 4, 4].tolist() == expected


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (8, 8), np.uint16)
    save(tmp_path / f"a.{suffix}", Image.fromarray(values))
    np.testing.assert_array_equal(only(tmp_path, size=8)[0], np.rint(values / 257))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_files_in_which_0_is_white(tmp_path: Path, dtype: Any) -> None:
    shades = np.arange(64).reshape(8, 8)
    stored = (shades * (257 if dtype is np.uint16 else 1)).astype(dtype)
    path = save(tmp_path / "a.tif", Image.fromarray(stored))
    tag = b"\x06\x01\x03\x00\x01\x00\x00\x00"  # PhotometricInterpretation, a short, followed by it
    assert path.read_bytes().count(tag + b"\x01") == 1
    path.write_bytes(path.read_bytes().replace(tag + b"\x01", tag + b"\x00"))
    np.testing.assert_array_equal(only(tmp_path, size=8)[0], 255 - shades)
    with Image.open(path) as picture:
        held = Dataset.from_arrays([picture]).images[:]
    np.testing.assert_array_equal(held[0, 0], 255 - shades)


def test_transparent_shade_of_sixteen_bits_over_a_background(tmp_path: Path) -> None:
    values = np.full((8, 8), 40_000, np.uint16)
    values[:4] = 300
    save(tmp_path / "a.png", Image.fromarray(values), transparency=300)
    found = only(tmp_path, size=8, background="#808080")[0, :, 0].tolist()
    assert found == [128] * 4 + [round(40_000 / 257)] * 4


def test_transparent_palette_over_a_background(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([*RED, *GREEN])
    save(tmp_path / "a.gif", image, transparency=1)
    assert only(tmp_path, size=8, background="#010203")[:, 0, 0].tolist() == [1, 2, 3]


def test_cmyk_jpeg(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)))
    red, green, blue = only(tmp_path, size=8)[:, 4, 4].tolist()
    assert red > 200
    assert max(green, blue) < 50


def test_exif_rotation(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:4] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate a quarter clockwise to show it
    save(tmp_path / "a.jpg", Image.fromarray(pixels), exif=exif, quality=100)
    image = only(tmp_path, size=8)[0]
    assert image[:, 4:].min() > 240  # white at the right
    assert image[:, :4].max() < 15


@pytest.mark.parametrize(
    "image", [Image.new("F", (8, 8), 0.5), Image.new("I", (8, 8), 100_000)], ids=["F", "I"]
)
def test_32_bits_are_refused(tmp_path: Path, image: Image.Image) -> None:
    save(tmp_path / "a.tif", image)
    with pytest.raises(UnbraidError, match=r"a\.tif cannot be read .*32 bits, expected 8 or 16"):
        only(tmp_path)


def test_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert tuple(only(tmp_path, size=8)[:, 0, 0]) == RED


def test_fit(tmp_path: Path) -> None:
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = GREEN
    save(tmp_path / "a.png", Image.fromarray(wide))
    cropped = only(tmp_path, size=8)
    np.testing.assert_array_equal(cropped.transpose(1, 2, 0), np.broadcast_to(GREEN, (8, 8, 3)))
    padded = only(tmp_path, size=24, fit="pad", background="red").transpose(1, 2, 0)
    np.testing.assert_array_equal(padded[8:16], wide)
    assert (padded[:8] == RED).all()
    stretched = only(tmp_path, size=24, fit="stretch").transpose(1, 2, 0)
    np.testing.assert_array_equal(stretched, np.repeat(wide, 3, axis=0))


def test_mixed_sizes_come_out_alike(tmp_path: Path) -> None:
    for each, size in enumerate([(1, 1), (5, 70), (300, 40), (64, 64)]):
        save(tmp_path / f"{each}.png", Image.new("RGB", size, RED))
    images = load_dataset(str(tmp_path), full=True).images[:]
    assert images.shape == (4, 3, 64, 64)
    assert (images.transpose(0, 2, 3, 1) == RED).all()


def test_large_jpeg_keeps_its_content(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 256, axis=0)
    save(tmp_path / "a.jpg", Image.fromarray(ramp), quality=95)
    np.testing.assert_allclose(only(tmp_path, size=16)[0, 8], np.arange(16) * 16 + 7.5, atol=2)


def test_channels(tmp_path: Path) -> None:
    for split in ("train", "test"):
        save(tmp_path / split / "grey.png", Image.new("L", (8, 8), 9))
    grey_palette = Image.new("P", (8, 8), 1)
    grey_palette.putpalette([0, 0, 0, 9, 9, 9])
    save(tmp_path / "test" / "palette.png", grey_palette)
    path = str(tmp_path)
    assert load_dataset(path).image_shape == (1, 64, 64)
    assert load_dataset(path, channels=3).image_shape == (3, 64, 64)
    save(tmp_path / "test" / "colour.png")
    for split in ("train", "test"):  # one image in colour decides for both splits
        assert load_dataset(path, split=split).image_shape == (3, 64, 64)
    assert load_dataset(path, split="test", channels=1).images[0, 0, 0, 0] == 76  # luma of red


def labels(data: Dataset) -> list[str]:
    (spec,) = data.specs
    assert spec.kind == "categorical"
    assert spec.values is not None
    return [str(spec.values[index]) for index in data.factor("label")]


def test_subfolders_are_labels(tmp_path: Path) -> None:
    for name in ("dog/1.png", "dog/deep/2.png", "cat/1.png", "cat/.hidden.png", ".git/1.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    data = load_dataset(str(tmp_path), full=True)
    assert labels(data) == ["cat", "dog", "dog"]
    assert data.factors is not None
    assert data.factors.dtype == np.int64


def test_a_subfolder_called_like_an_unknown_cell_is_a_label(tmp_path: Path) -> None:
    for country in ("DE", "NA", "null"):
        for each in range(2):
            save(tmp_path / country / f"{each}.png")
    data = load_dataset(str(tmp_path), full=True)
    assert labels(data) == ["DE", "DE", "NA", "NA", "null", "null"]
    groups = load_dataset(str(tmp_path), full=True, group="folder").groups
    assert groups is not None
    assert groups.tolist() == [0, 0, 1, 1, 2, 2]


def test_train_and_test_subfolders_are_splits(tmp_path: Path) -> None:
    for name in ("train/b/1.png", "train/a/1.png", "Test/b/1.png", "other/c/1.png"):
        save(tmp_path / name)
    save(tmp_path / "beside.png")
    links = {
        "latest": "train",
        "first": "train/a",
        "self": ".",
        "loop": "loop",
        "x.png": "beside.png",
    }
    for link, target in links.items():  # to what is read, or to nothing
        (tmp_path / link).symlink_to(target)
    said = r"skipped 2 images beside the folders train and test, .* \(beside\.png, other/c/1\.png;"
    with pytest.warns(UserWarning, match=said):
        assert labels(load_dataset(str(tmp_path), split="train")) == ["a", "b"]
    with pytest.warns(UserWarning, match=said):
        assert labels(load_dataset(str(tmp_path), split="test")) == ["b"]
    with pytest.warns(UserWarning, match=said):
        assert labels(load_dataset(str(tmp_path), split="test", full=True)) == ["a", "b", "b"]


def test_one_subfolder_is_no_label_and_is_stepped_into(tmp_path: Path) -> None:
    for name in ("archive/set/a/1.png", "archive/set/b/1.png", "__MACOSX/set/a/1.png"):
        save(tmp_path / name)
    assert labels(load_dataset(str(tmp_path), full=True)) == ["a", "b"]
    assert load_dataset(str(tmp_path / "archive/set/a"), full=True).factors is None


def test_images_beside_labelled_subfolders(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "stray.png"):
        save(tmp_path / name)
    with pytest.raises(UnbraidError, match=r"stray\.png is beside the subfolders"):
        load_dataset(str(tmp_path))


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match=r"found no images in .*: it holds no files, expected"):
        load_dataset(str(tmp_path))
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.heic").touch()
    with pytest.raises(UnbraidError, match=r"it holds 2 files \(\.heic, \.txt\), expected some"):
        load_dataset(str(tmp_path))


def test_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnbraidError, match="is not a folder: give the folder"):
        load_dataset("folder", path=str(tmp_path / "missing"))


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp"])
def test_truncated_among_good_ones(ten: Path, suffix: str) -> None:
    image = Image.fromarray(noise(64, 64, 3))
    truncate(save(ten / f"bad.{suffix}", image, **({"lossless": True} if suffix == "webp" else {})))
    with pytest.raises(UnbraidError, match=rf"bad\.{suffix} cannot be read .*skip_broken=True"):
        load_dataset(str(ten), full=True, size=16)
    with pytest.warns(UserWarning, match=rf"left out 1 of 11 files: .*bad\.{suffix}"):
        data = load_dataset(str(ten), full=True, size=16, skip_broken=True)
    assert len(data) == 10


def test_several_broken_files_are_counted_and_labels_stay_with_their_images(tmp_path: Path) -> None:
    for name, colour in (("a/1", RED), ("a/2", RED), ("b/3", GREEN), ("b/4", GREEN)):
        save(tmp_path / f"{name}.png", Image.new("RGB", (8, 8), colour))
    (tmp_path / "a" / "1.png").write_bytes(b"no picture")
    (tmp_path / "b" / "3.png").write_bytes(b"")
    with pytest.raises(
        UnbraidError, match=r"1\.png .*its format is unknown\), nor can 1 more of 4 files"
    ):
        load_dataset(str(tmp_path), full=True)
    with pytest.warns(UserWarning, match="left out 2 of 4 files"):
        data = load_dataset(str(tmp_path), full=True, skip_broken=True)
    assert labels(data) == ["a", "b"]
    assert [tuple(pixel) for pixel in data.images[:][:, :, 0, 0]] == [RED, GREEN]


def test_all_broken(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UnbraidError, match="no image is left: replace them"):
        load_dataset(str(tmp_path), full=True, skip_broken=True)


def test_good_files_raise_no_warning(ten: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_dataset(str(ten), skip_broken=True)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"size": 0}, "size is 0, expected 1 to 1024"),
        ({"size": 5000}, "size is 5000, expected 1 to 1024"),
        ({"fit": "squash"}, "'squash', expected one of 'crop', 'pad', 'stretch'"),
        ({"channels": 2}, "is 2, expected one of 'auto', 1, 3"),
        ({"background": "whit"}, "background is 'whit', expected a colour's name"),
        ({"split_seed": -1}, "split_seed is -1"),
        (
            {"sizes": 3},
            re.escape("unknown option 'sizes' of dataset folder (did you mean 'size'?)"),
        ),
    ],
)
def test_bad_options(ten: Path, option: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        load_dataset(str(ten), **option)


def test_what_was_done_to_the_images_is_said_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    pictures = tmp_path / "set"
    save(pictures / "a.jpg", Image.new("RGB", (16, 32), RED), exif=exif)
    save(pictures / "b.png", Image.new("RGBA", (20, 10), (*GREEN, 99)))
    save(pictures / "c.png", Image.fromarray(np.zeros((8, 8), np.uint16)))
    save(pictures / "d.gif", save_all=True, append_images=[Image.new("RGB", (8, 8), GREEN)])
    (note,) = load_dataset(str(pictures), full=True, size=8, background="black").notes
    assert note == (
        "4 images: 3 sizes from 8 x 8 to 32 x 16, centre-cropped and scaled to 8 x 8; 1 with "
        "transparency laid over black; 1 turned upright by their EXIF tag; 1 of 16 bits scaled to "
        "8; 1 in grey turned to RGB; 1 animations or stacks of which the first frame is taken."
    )
    (note,) = load_dataset(str(pictures), full=True, size=8, fit="pad", channels=1).notes
    assert "scaled and padded with white to 8 x 8" in note
    assert "3 in colour turned grey" in note


# -- what is no data ------------------------------------------------------------------------------


def run_folder(path: Path) -> None:
    """What a run in a folder of images looks like to its reader, figures included."""
    path.mkdir(parents=True)
    (path / "config.json").write_text('{"unbraid": "0.1.0", "method": {}, "training": {}}')
    save(path / "traverse.png")


def test_runs_reports_and_figures_in_the_folder_are_no_data(ten: Path) -> None:
    before = load_dataset(str(ten), full=True, size=16)
    for name in ("runs/vae-photos-0", "runs/other", "elsewhere/deep/run"):
        run_folder(ten / name)
    report = ten / "report"
    save(report / "figures" / "a.png")
    (report / "index.html").write_text('<meta name="generator" content="unbraid tour 0.1.0">')
    figure = new_figure(2, 2)
    write_figure(figure, ten / "show.png")
    write_png(ten / "generated.png", np.zeros((8, 8, 3), np.uint8))
    data = load_dataset(str(ten), full=True, size=16)
    np.testing.assert_array_equal(data.images, before.images)
    assert data.factors is None
    (note,) = data.notes
    assert "skipped 6 runs, reports or figures written by unbraid" in note
    assert before.notes == ()
    (inner,) = load_dataset(str(ten.parent), full=True, size=16).notes
    assert "photos/elsewhere/deep/run" in inner


def test_runs_beside_the_one_folder_of_images(tmp_path: Path) -> None:
    for name in ("images/cat/1.png", "images/dog/1.png"):
        save(tmp_path / name)
    run_folder(tmp_path / "runs" / "vae")
    data = load_dataset(str(tmp_path), full=True)
    assert labels(data) == ["cat", "dog"]
    assert "1 run, report or figure written by unbraid (runs)" in data.notes[0]


def test_a_run_beside_class_folders_is_no_class(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/1.png", "runs/1.png"):
        save(tmp_path / name)
    run_folder(tmp_path / "runs" / "vae")
    data = load_dataset(str(tmp_path), full=True)
    assert labels(data) == ["cat", "dog", "runs"]  # a class may be called so


def test_a_picture_of_the_users_may_be_called_like_a_figure(tmp_path: Path) -> None:
    for name in ("cat/show.png", "run/a.png"):
        save(tmp_path / name)
    (tmp_path / "run" / "config.json").write_text('{"method": "of a camera"}')
    (tmp_path / "cat" / "config.json").write_text("no JSON")
    assert len(load_dataset(str(tmp_path), full=True)) == 2


def test_training_beside_the_images_leaves_the_data_as_it_was(ten: Path) -> None:
    def images() -> Any:
        return load_dataset(str(ten), size=16).images

    before = images()
    config = RunConfig(
        configure("ae", latent_dim=2, net="mlp"),
        "folder",
        {"path": str(ten), "size": 16},
        TrainingConfig(epochs=1, batch_size=4, precision="f32"),
    )
    run = train_run(config, ten / "runs" / "ae-photos-0")
    np.testing.assert_array_equal(images(), before)
    np.testing.assert_array_equal(run.dataset().images, before)


def test_links_to_class_folders_are_followed(tmp_path: Path) -> None:
    pool, root = tmp_path / "pool", tmp_path / "set"
    for name in ("cats/1.png", "dogs/1.png", "dogs/2.png"):
        save(pool / name)
    (root).mkdir()
    for name in ("cats", "dogs"):
        (root / name).symlink_to(pool / name)
    data = load_dataset(str(root), full=True)
    assert labels(data) == ["cats", "dogs", "dogs"]


def test_links_in_a_circle_and_to_what_is_read_already(tmp_path: Path) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        save(tmp_path / "set" / name)
    (tmp_path / "set" / "dog" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "kitty").symlink_to(tmp_path / "set" / "cat")
    (tmp_path / "set" / "root").symlink_to(tmp_path)
    with pytest.warns(UserWarning, match=r"3 links to folders that are read already \(.*kitty"):
        data = load_dataset(str(tmp_path / "set"), full=True)
    assert labels(data) == ["cat", "dog"]


def test_pictures_that_cannot_be_read_are_counted_and_named(ten: Path) -> None:
    for name in ("a.heic", "b.HEIC", "c.psd", "notes.txt", "README"):
        (ten / name).touch()
    with pytest.warns(
        UserWarning,
        match=r"skipped 3 pictures in formats that are not supported \(2 \.heic, 1 \.psd; "
        r"convert them to PNG or JPEG\), 2 other files \(1 README, 1 \.txt\)",
    ):
        assert len(load_dataset(str(ten), full=True)) == 10


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
def test_avif_is_read_where_pillow_can(tmp_path: Path) -> None:
    save(tmp_path / "a.avif", quality=100)
    assert only(tmp_path, size=8)[0].mean() > 240


def test_name(ten: Path) -> None:
    assert load_dataset(str(ten), full=True, title="mine").name == "mine"
