"""Images that belong together, such as frames of a clip, are in one part of a judge's data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.control.assessment import judge_data as module
from unbraid.control.assessment.judge_cache import for_data
from unbraid.control.assessment.judge_data import JudgeData, LabelledImages, judge_data
from unbraid.control.assessment.judge_training import Config
from unbraid.control.assessment.nearest import Nearest
from unbraid.control.assessment.report import measure
from unbraid.control.assessment.sources import source_of
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec


def clips(path: Path, sizes: list[int]) -> dict[str, Any]:
    """Write frames of clips, each a texture of its own with a label of its own; return options."""
    rng = np.random.default_rng(0)
    clip = np.repeat(np.arange(len(sizes)), sizes)
    textures = rng.integers(0, 200, (len(sizes), 16, 16))
    images = (textures[clip] + rng.integers(0, 40, (len(clip), 16, 16))).astype(np.uint8)
    kind = np.array(["cat", "dog"])[rng.permutation(len(sizes)) % 2][clip]
    np.savez(path, images=images, clip=[f"clip {k}" for k in clip], kind=kind)
    return {"path": str(path), "group": "clip"}


def groups_of(data: JudgeData) -> tuple[set[int], set[int], set[int]]:
    """Return the groups that the run, and the judge are trained on, and those of the test."""
    assert data.dataset.groups is not None
    assert data.train.groups is not None
    assert data.test.groups is not None
    parts = (data.dataset.groups[data.run_rows], data.train.groups, data.test.groups)
    run, train, test = (set(part.tolist()) for part in parts)
    return run, train, test


@pytest.mark.parametrize("full", [False, True])
def test_no_group_is_in_two_parts(tmp_path: Path, full: bool) -> None:
    options = clips(tmp_path / "clips.npz", [30] * 60)
    data = judge_data("npz", {**options, "full": full}, validation=0.2)
    run, train, test = groups_of(data)
    assert not run & train
    assert not run & test
    assert not train & test
    assert len(data.train) + len(data.test) == (360 if full else 180 + 300)
    assert len(data.train) >= 200
    assert len(data.test) == len(test) * 30 >= 100  # clips as a whole
    for part in (data.train, data.test):  # images go with their groups
        groups = np.asarray(part.groups)
        for group in np.unique(groups):
            frames = part.images[groups == group].astype(int)
            assert np.ptp(frames, axis=0).max() < 40
    if not full:  # the test split is for the test
        assert not set(np.asarray(data.dataset.groups).tolist()) & test


def test_the_judge_does_not_read_what_clips_alone_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels are drawn for clips, so that nothing in another clip's frames tells them."""
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    options = clips(tmp_path / "clips.npz", [15] * 120)
    judge, data = for_data("npz", options, 0.2, Config(passes=6))
    assert judge.errors["kind"]["value"] < 75  # 100 if it was trained on frames of these clips
    read = judge.read(data.train.images)[:, 0]
    assert (read == data.train.factors[:, data.columns[0]]).mean() > 0.9


@pytest.mark.parametrize(
    ("sizes", "own", "count", "of_test"),
    [
        ([100, 100, 100, 300], 300, 200, 200),  # two of the test split's three
        ([250, 250, 250], 250, 200, 250),  # a single one in the test split: any
        ([90, 95, 280], 465, 155, 185),  # one is too few for a test
        ([60, 60, 280], 400, 133, 120),
        ([150, 150], 150, 100, 0),  # 150 do not train a judge
        ([400], 400, 133, 0),
        ([30, 370], 400, 133, 0),
    ],
)
def test_whole_groups_are_for_the_test(
    sizes: list[int], own: int, count: int, of_test: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    found = module._whole_groups(groups, own, count, 200)
    assert found.sum() == of_test
    assert not set(groups[found].tolist()) & set(groups[~found].tolist())
    if of_test == 200:
        assert not found[own:].any()


def test_one_clip_cannot_be_divided(tmp_path: Path) -> None:
    options = clips(tmp_path / "clips.npz", [400, 400, 400, 20])
    with pytest.raises(UnbraidError, match=r"in 2 groups, which cannot be divided into 200 images"):
        judge_data("npz", options, validation=0.4)


def test_a_judge_of_groups_has_another_key() -> None:
    images = np.zeros((4, 1, 16, 16), np.uint8)
    plain = LabelledImages(images, np.zeros((4, 1)))
    grouped = dataclasses.replace(plain, groups=np.array([0, 0, 1, 1]))
    other = dataclasses.replace(plain, groups=np.array([0, 1, 1, 1]))
    assert len({part.digest() for part in (plain, grouped, other)}) == 3
    assert grouped.take(slice(2)).groups is not None
    assert plain.take([0]).groups is None


class PixelJudge:
    """Reads a number from a pixel, without an error."""

    names = ("a",)

    def read(self, images: Any) -> NDArray[np.float64]:
        array = np.asarray(images, float)
        return array[:, 0, 0, :1] / (255 if array.max() > 1 else 1)


def test_a_group_counts_as_one_draw() -> None:
    """Errors are those of clips, 50 frames each: the error of their mean is that of 20 clips."""
    specs = [FactorSpec("a", "continuous", range=(0.0, 1.0))]
    clip = np.repeat(np.arange(20), 50)
    rows = (np.random.default_rng(0).integers(20, 230, 20)[clip] + np.arange(1000) % 10) / 255
    images = np.zeros((1000, 1, 16, 16), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 5] = np.round(255 * rows), np.arange(1000) % 251

    def off(asked: NDArray[np.float64], _: Any) -> NDArray[np.float64]:
        drawn = np.zeros((len(asked), 1, 16, 16))
        drawn[:, 0, 0, 0] = 0.8 * asked[:, 0]  # more where more is asked for
        return drawn

    told = {
        grouped: measure(
            off,
            PixelJudge(),
            specs,
            Nearest([(images, rows[:, None])], specs, clip if grouped else None),
            1000,
            drawn="joint",
        )["figures"]["a"]
        for grouped in (False, True)
    }
    means = np.array([0.2 * rows[clip == k].mean() for k in range(20)])
    assert told[True]["standard_error"] == pytest.approx(means.std(ddof=1) / 20**0.5, rel=0.05)
    assert told[True]["standard_error"] > 4 * told[False]["standard_error"]
    assert told[True]["value"] == told[False]["value"]


def test_the_source_has_the_groups_of_all_its_images(tmp_path: Path) -> None:
    options = clips(tmp_path / "clips.npz", [30] * 60)
    data = judge_data("npz", options, validation=0.2)
    source = source_of("npz", options, data)
    assert isinstance(source, Nearest)
    assert source.groups is not None
    run, _, test = groups_of(data)
    assert set(source.groups[: len(data.test)].tolist()) == test
    assert set(source.groups[len(data.test) :].tolist()) == run
    found = source.together(source.requests(50, 0, "joint"), [0, 3, 0])
    assert found is not None
    assert found.shape == (50,)
