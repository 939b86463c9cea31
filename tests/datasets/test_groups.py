"""Images that belong together: whole in a split, and partners of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import unbraid
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, facts_of, load_dataset, report_of, whole_groups
from unbraid.methods import configure
from unbraid.runs import RunConfig, evaluation_data, train_run
from unbraid.training import TrainingConfig, split_rows

CLIPS, FRAMES = 40, 5


def frames() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return images (200, 16, 16) of squares that move right, each clip in its row, and clips."""
    clip, frame = np.indices((CLIPS, FRAMES)).reshape(2, -1)
    images = np.zeros((len(clip), 16, 16), np.uint8)
    for image, row, column in zip(images, clip % 10, frame * 2, strict=True):
        image[row : row + 5, column : column + 5] = 255
    return images, clip


def data_of(**options: Any) -> Dataset:
    images, clip = frames()
    columns = {"clip": [f"clip {each}" for each in clip], "row": clip % 10}
    return Dataset.from_arrays(images, columns, group="clip", **options)


def test_a_group_is_no_factor_and_goes_with_its_rows() -> None:
    data = data_of()
    assert data.factor_names == ("row",)
    assert data.groups is not None
    assert len(np.unique(data.groups)) == CLIPS
    rows = np.array([7, 3, 199])
    assert data.take(rows).groups is not None
    np.testing.assert_array_equal(data.take(rows).groups, data.groups[rows])


@pytest.mark.parametrize("rule", ["group", "next"])
@pytest.mark.parametrize("among", [None, np.arange(50, 150)])
def test_partners_are_of_the_same_group(rule: Any, among: Any) -> None:
    data = data_of()
    images, clip = frames()
    rows = np.arange(60, 140)
    found, changed = data.pairs(rows, rule, seed=3, among=among)
    np.testing.assert_array_equal(found, data.pairs(rows, rule, seed=3, among=among).images)
    assert changed.shape == (80, 1)
    assert not changed.any()  # the row of a clip stays
    same = (found[:, 0] == images[rows]).all((1, 2))
    assert not same.any()
    if rule == "next":
        frame = rows % FRAMES
        after = np.where(frame < FRAMES - 1, rows + 1, rows - 1)
        np.testing.assert_array_equal(found[:, 0], images[after])
        return
    counts = np.zeros((FRAMES, FRAMES))
    for seed in range(100):
        drawn = data.pairs(rows, rule, seed=seed, among=among).images[:, 0]
        column = drawn.any(1).argmax(1) // 2
        np.add.at(counts, (rows % FRAMES, column), 1)
        assert (drawn.any(2).argmax(1) == clip[rows] % 10).all()
    assert not counts.diagonal().any()
    others = counts[~np.eye(FRAMES, dtype=bool)]  # 1,600 draws of 4
    assert (abs(others - 400) < 100).all()


def test_splits_hold_whole_groups(tmp_path: Path) -> None:
    images, clip = frames()
    np.savez(tmp_path / "clips.npz", images=images, clip=clip, row=clip % 10)
    train, test = (
        load_dataset(str(tmp_path / "clips.npz"), split, group="clip")
        for split in ("train", "test")
    )
    assert (len(train), len(test)) == (180, 20)
    assert train.groups is not None
    assert test.groups is not None
    assert not set(train.groups) & set(test.groups)
    kept, held_out = split_rows(train, 0.1)
    assert len(held_out) == 15  # three clips; four would be more than a tenth of 180
    assert not set(train.groups[kept.numpy()]) & set(train.groups[held_out.numpy()])


def test_a_group_of_one_image_is_not_held_out_alone() -> None:
    """Estimators of batches need two images, and one has no spread."""
    clip = np.repeat(np.arange(9), [60] * 8 + [1])
    images = np.random.default_rng(0).integers(0, 256, (len(clip), 16, 16), np.uint8)
    data = Dataset.from_arrays(images, {"clip": clip, "row": clip % 3}, group="clip")
    kept, held_out = split_rows(data, 0.1)
    assert (len(kept), len(held_out)) == (len(clip), 0)
    unbraid.train("beta-tcvae", data, steps=2, batch_size=32, net="mlp", latent_dim=2)


def test_subfolders_and_columns_of_a_folder_are_groups(tmp_path: Path) -> None:
    images, clip = frames()
    for name, image in enumerate(images):
        place = tmp_path / "data" / f"clip{clip[name]:02}" / f"{name:03}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    data = load_dataset(str(tmp_path / "data"), group="folder", size=16, full=True)
    assert data.factors is None
    assert data.groups is not None
    np.testing.assert_array_equal(data.groups, clip)
    lines = ["file,scene,row", *(f"{n:03}.png,s{c},{c % 10}" for n, c in enumerate(clip))]
    (tmp_path / "data" / "labels.csv").write_text("\n".join(lines))
    data = load_dataset(str(tmp_path / "data"), group="scene", size=16)
    assert "scene" not in data.factor_names
    assert data.groups is not None
    assert len(np.unique(data.groups)) == 36
    assert len(data) == 180
    chosen = load_dataset(str(tmp_path / "data"), group="scene", columns="scene,row", size=16)
    assert chosen.factor_names == ("row",)


def test_the_report_tells_groups() -> None:
    data = data_of()
    assert report_of(data)[1] == "  40 groups of 5 images"
    assert report_of(data.take(np.arange(7)))[1] == "  2 groups of 2 to 5 images"
    assert facts_of(data)["groups"] == 40


@pytest.mark.parametrize("method", ["ada-gvae", "slow-vae"])
def test_methods_learn_from_pairs_without_a_known_factor(method: str, tmp_path: Path) -> None:
    images, clip = frames()
    data = Dataset.from_arrays(images, {"clip": clip}, group="clip")
    assert data.factors is None
    options: Any = {"pairs": "next", "latent_dim": 3, "net": "mlp", "progress": False}
    model = unbraid.train(method, data, epochs=2, batch_size=32, **options)
    again = unbraid.train(method, data, epochs=2, batch_size=32, **options)
    codes = model.encode(data.images[:])
    np.testing.assert_array_equal(codes, again.encode(data.images[:]))
    assert unbraid.save(model, tmp_path / "run").model().encode(data.images[:]).equal(codes)


@pytest.mark.parametrize("sizes", [(3, 54, 3), (3, 3, 54), (54, 3, 3)])
def test_held_out_groups_hold_about_what_is_asked_for(sizes: tuple[int, ...]) -> None:
    groups = np.repeat(np.array([7, 3, 12]), sizes)  # numbers with gaps, as those of a split
    for seed in range(5):
        assert whole_groups(groups, 6, seed).sum() in (3, 6)
        assert whole_groups(groups, 1, seed).sum() == 3  # the smallest: none holds a single row
    assert not whole_groups(groups, 0, 0).any()
    assert not whole_groups(np.full(60, 7), 6, 0).any()


def test_two_clips_are_one_to_train_on_and_one_to_test_on(tmp_path: Path) -> None:
    images, clip = frames()
    np.savez(tmp_path / "two.npz", images=images[:60], clip=clip[:60] // 6)
    for seed in range(3):
        data = load_dataset(str(tmp_path / "two.npz"), group="clip", split_seed=seed)
        kept, held_out = split_rows(data, 0.1)
        assert (len(data), len(kept), len(held_out)) == (30, 30, 0)
    np.savez(tmp_path / "one.npz", images=images[:60], clip=np.zeros(60))
    with pytest.raises(UnbraidError, match="all images are in one group"):
        load_dataset(str(tmp_path / "one.npz"), "test", group="clip")


def test_groups_in_both_splits_of_a_folder_are_told(tmp_path: Path) -> None:
    lines = ["file,clip,row"]
    for split, clips in (("train", "abc"), ("test", "cde")):
        (tmp_path / split).mkdir()
        for row, clip in enumerate(clips):
            Image.new("L", (8, 8)).save(tmp_path / split / f"{clip}.png")
            lines.append(f"{split}/{clip}.png,clip {clip},{row}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    for split in ("train", "test"):
        with pytest.warns(UserWarning, match="1 of 5 groups have images in both train and test"):
            assert len(load_dataset(str(tmp_path), split=split, group="clip")) == 3
    (tmp_path / "labels.csv").write_text("\n".join([*lines[:-3], *lines[-2:], "test/c.png,f,0"]))
    assert len(load_dataset(str(tmp_path), group="clip")) == 3
    assert len(load_dataset(str(tmp_path), group="clip", full=True)) == 6


def test_a_saved_model_keeps_the_groups_of_held_out_images(tmp_path: Path) -> None:
    model = unbraid.train("vae", data_of(), net="mlp", batch_size=20, steps=2, progress=False)
    unbraid.save(model, tmp_path / "run")
    found = unbraid.Run(tmp_path / "run").unseen()
    _, rows = split_rows(data_of(), 0.1)
    expected = data_of().take(rows.numpy())
    assert found.groups is not None
    np.testing.assert_array_equal(found.groups, expected.groups)
    np.testing.assert_array_equal(found.images[:], expected.images[:])


def test_correlated_data_hold_out_whole_groups() -> None:
    images, clip = frames()
    columns = {"clip": clip, "a": clip % 10, "b": (clip // 4) % 10}
    data = Dataset.from_arrays(images, columns, group="clip").correlated("a:b", 0.5)
    assert data.groups is not None
    assert data.held_out is not None
    assert data.held_out.groups is not None
    assert not set(data.groups) & set(data.held_out.groups)


def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(24):
        place = tmp_path / f"clip{10 * (number // 12) + 1}" / f"{number % 12}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((16, 16), 10 * number, np.uint8)).save(place)
    data = load_dataset(str(tmp_path), group="folder", size=16, full=True)
    assert np.asarray(data.images[:])[:, 0, 0, 0].tolist() == list(range(0, 240, 10))


def test_groups_of_any_names() -> None:
    images, clip = frames()
    for groups in ([f"c{each}" for each in clip], clip * 1e9, clip - 7, (clip * 10**12).tolist()):
        data = Dataset("clips", images[:, None], groups=groups)
        found = data.pairs(np.arange(200), "next").images[:, 0]
        assert (found.any((1,)).argmax(1) // 2 != -1).all()
        np.testing.assert_array_equal(found, data_of().pairs(np.arange(200), "next").images[:, 0])


def test_changed_groups_are_noticed(tmp_path: Path) -> None:
    images, clip = frames()
    np.savez(tmp_path / "clips.npz", images=images, clip=clip)
    options = {"path": str(tmp_path / "clips.npz"), "group": "clip", "full": True}
    config = RunConfig(configure("vae", net="mlp"), "npz", options, TrainingConfig(epochs=1))
    run = train_run(config, tmp_path / "run")
    assert len(run.unseen()) == 20
    assert evaluation_data.other_data(run, str(tmp_path / "clips.npz")).groups is not None
    np.savez(tmp_path / "other.npz", images=images, row=clip % 10)  # has no column of clips
    assert evaluation_data.other_data(run, str(tmp_path / "other.npz")).factor_names == ("row",)
    np.savez(tmp_path / "clips.npz", images=images, clip=clip[::-1] // 2)
    with pytest.raises(UnbraidError, match="other groups of images"):
        run.unseen()


def test_what_is_refused() -> None:
    images, clip = frames()
    with pytest.raises(UnbraidError, match=r"no column 'clop' \(did you mean 'clip'\?\)"):
        Dataset.from_arrays(images, {"clip": clip}, group="clop")
    unknown = [None if each == 3 else each for each in clip.tolist()]
    with pytest.raises(UnbraidError, match="5 of 200 rows have no group in the column 'clip'"):
        Dataset.from_arrays(images, {"clip": unknown}, group="clip")
    for text in ("NA", "n/a", "<NA>", "null", " "):  # as in every other column
        cells = [text if each == 3 else f"clip {each}" for each in clip.tolist()]
        with pytest.raises(UnbraidError, match="5 of 200 rows have no group in the column 'clip'"):
            Dataset.from_arrays(images, {"clip": cells}, group="clip")
    plain = Dataset.from_arrays(images, {"row": clip % 10})
    with pytest.raises(UnbraidError, match=r"no groups of images.*--data\.group"):
        plain.pairs(np.arange(4), "group")
    alone = Dataset.from_arrays(images, {"clip": np.maximum(clip, 3) + (clip > 38)}, group="clip")
    lonely = alone.take(np.arange(197))
    assert lonely.groups is not None
    single = lonely.take(np.append(np.arange(195), 195))
    with pytest.raises(UnbraidError, match="1 of 37 groups have a single image"):
        single.pairs(np.array([195]), "next")
    options: Any = {"pairs": "group", "net": "mlp", "progress": False}
    with pytest.raises(UnbraidError, match="1 of 37 groups have a single image"):  # before any step
        unbraid.train("ada-gvae", single, batch_size=8, steps=1, **options)
