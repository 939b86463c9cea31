"""A judge of any data: it learns in seconds here, reads every kind of factor, and is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.control import scenes
from unbraid.cli import main
from unbraid.control.assessment import judge_cache
from unbraid.control.assessment.judge_cache import for_data
from unbraid.control.assessment.judge_data import judge_data, min_train_images
from unbraid.control.assessment.judge_heads import FactorHeads, factor_ranges
from unbraid.control.assessment.judge_network import JudgeNetwork, moments
from unbraid.control.assessment.judge_training import Config, train_judge
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.control.assessment.units import FactorUnits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec

torch = pytest.importorskip("torch")


def test_it_reads_every_kind_of_factor(scene_judge: LearnedJudge) -> None:
    rows = scenes.factors(500, seed=2)
    values = FactorUnits(scenes.SPECS).values(rows)
    found = scene_judge.errors_on(scenes.draw(rows, np.arange(500)), values)
    assert {name: error["unit"] for name, error in found.items()} == {
        "shape": "%",
        "x": "pixels right",
        "turn": "degrees",
        "light": "",
    }
    assert found["shape"]["value"] > 75  # by chance 33
    assert found["x"]["value"] < 0.6  # by chance 2
    assert found["turn"]["value"] < 30  # by chance 67
    assert found["light"]["value"] < 0.1  # by chance .2
    read = scene_judge.read(scenes.draw(rows, np.arange(500)) / 255)
    assert np.isfinite(read).all()
    assert set(np.unique(read[:, 0])) <= {0, 1, 2}


def test_it_says_what_it_hardly_reads() -> None:
    rows = scenes.factors(400, seed=2)
    values = FactorUnits(scenes.SPECS).values(rows)
    torch.manual_seed(0)  # one that is drawn otherwise may be right by chance
    judge = LearnedJudge(scenes.SPECS, (3, 24, 24), factor_ranges(scenes.SPECS, values))
    judge.errors = judge.errors_on(scenes.draw(rows, np.arange(400)), values)  # it learnt nothing
    chance = {name: error["chance"] for name, error in judge.errors.items()}
    assert chance["shape"] == pytest.approx(100 * np.bincount(rows[:, 0].astype(int)).max() / 400)
    assert chance["x"] == pytest.approx(2, abs=0.2)  # uniform from -4 to 4, always the middle
    assert chance["turn"] == pytest.approx((90 + 45) / 2, abs=8)  # of wedges and bars
    assert len(judge.notes) == 4
    assert "The judge hardly reads shape" in judge.notes[0]
    for name in judge.errors:
        judge.errors[name]["value"] = 99.0 if name == "shape" else 0.01
    assert not judge.notes


def test_the_best_constant_answer_is_the_median_where_most_are_alike() -> None:
    """Eight in ten have level 53, which is none of 25 that are spread over the levels."""
    spec = FactorSpec("age", "ordinal", values=tuple(range(101)))
    ages = np.concatenate([np.full(404, 53.0), np.arange(101.0)])[:, None]
    judge = LearnedJudge([spec], (1, 16, 16), factor_ranges([spec], ages))
    found = judge.errors_on(np.zeros((505, 1, 16, 16), np.uint8), ages)
    assert found["age"]["chance"] == pytest.approx(np.abs(ages - 53).mean())


def test_the_same_seed_learns_the_same() -> None:
    rows = scenes.factors(200, seed=1)
    images = scenes.draw(rows, np.arange(200))
    one, same, other = (
        train_judge(scenes.SPECS, images, rows, Config(passes=1, seed=seed)).read(images[:20])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_is_unknown_is_not_learnt_from() -> None:
    """Labels that are all unknown leave the other factors' judge as it is without them."""
    rows = scenes.factors(200, seed=1)
    images = scenes.draw(rows, np.arange(200))
    specs = scenes.SPECS[1:2]
    heads = FactorHeads(specs, factor_ranges(specs, rows[:, 1:2]))
    outputs = torch.randn(4, 1, requires_grad=True)
    targets = heads.targets(np.array([[0.5], [np.nan], [np.nan], [1.0]]))
    heads.loss(outputs, targets).backward()
    assert (outputs.grad[[1, 2]] == 0).all()
    assert (outputs.grad[[0, 3]] != 0).all()
    unknown = train_judge(specs, images, np.full((200, 1), np.nan), Config(passes=1))
    assert np.isfinite(unknown.read(images[:5])).all()
    assert unknown.errors_on(images, np.full((200, 1), np.nan)) == {}


def test_targets_and_readings_are_inverse() -> None:
    rows = scenes.factors(100, seed=3)
    values = FactorUnits(scenes.SPECS).values(rows)
    heads = FactorHeads(scenes.SPECS, factor_ranges(scenes.SPECS, values))
    targets = heads.targets(values)
    away = heads.units.difference(heads.values(targets.nan_to_num()), values)
    ring = rows[:, 0] == 2
    np.testing.assert_allclose(away[~ring], 0, atol=1e-4)
    assert np.isnan(away[ring, 2]).all()  # a ring has no angle
    circles = [head for head in heads.heads if head.kind == "circular"]
    assert [head.period for head in circles] == [360, 180]
    assert torch.isnan(targets[ring][:, [c for head in circles for c in range(5)[head.part]]]).all()


def test_an_angle_is_not_learnt_where_its_period_is_unknown() -> None:
    heads = FactorHeads(scenes.SPECS, factor_ranges(scenes.SPECS, np.zeros((1, 4))))
    targets = heads.targets(np.array([[np.nan, 0.0, 90.0, 0.5]]))
    angle = [head for head in heads.heads if head.column == 2]
    assert all(torch.isnan(targets[0, head.part]).all() for head in angle)
    assert torch.isfinite(targets[0, heads.heads[1].part]).all()


@pytest.mark.parametrize(
    "shape", [(1, 16, 16), (3, 28, 28), (1, 32, 32), (3, 64, 48), (4, 96, 96), (3, 128, 128)]
)
def test_images_of_16_to_128_pixels_are_read(shape: tuple[int, int, int]) -> None:
    net = JudgeNetwork(shape, 5)
    assert net(torch.rand(2, *shape)).shape == (2, 5)
    assert sum(weight.numel() for weight in net.parameters()) < 2_000_000


def test_images_too_small_are_refused() -> None:
    with pytest.raises(UnbraidError, match="a judge needs at least 16 by 16"):
        train_judge(
            scenes.SPECS[:1], np.zeros((20, 1, 8, 8), np.uint8), np.zeros((20, 1)), Config()
        )


def test_images_of_another_shape_are_refused(scene_judge: LearnedJudge) -> None:
    with pytest.raises(UnbraidError, match=r"expected \(N, 3, 24, 24\)"):
        scene_judge.read(np.zeros((2, 1, 24, 24), np.uint8))
    assert scene_judge.read(np.zeros((0, 3, 24, 24), np.uint8)).shape == (0, 4)


def test_moments_are_those_of_what_differs_from_the_border() -> None:
    dark = torch.zeros(1, 1, 32, 32)
    dark[0, 0, 4:8, 20:22] = 1  # 8 pixels, centred 5 right of the middle and 10 above it
    for image in (dark, 1 - dark):
        _, x, y, xx, yy, xy, _ = moments(image)[0].tolist()
        assert (x, y) == pytest.approx((3 * 5 / 16, 3 * 10 / 16), abs=1e-4)
        assert (xx, yy, xy) == pytest.approx((5 * 0.25 / 256, 5 * 1.25 / 256, 0), abs=1e-4)
    assert torch.isfinite(moments(torch.ones(2, 3, 16, 16))).all()


@pytest.mark.parametrize("option", ["passes", "batch_size", "seed"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(UnbraidError, match=f"{option} of the judge is -1"):
        Config(**{option: -1})


# -- images for judges ----------------------------------------------------------------------------


def test_no_image_set_aside_is_trained_on(bars_npz: Path) -> None:
    data = judge_data("npz", {"path": str(bars_npz)}, validation=0.2)
    assert len(data.train) + len(data.test) == 200 + 360
    assert len(data.test) == 186  # a third, of the test split first
    trained = {tuple(row) for row in np.asarray(data.dataset.factors)[data.run_rows].tolist()}
    learnt = {tuple(row) for row in data.train.factors.tolist()}
    measured = {tuple(row) for row in data.test.factors.tolist()}
    assert not trained & learnt
    assert not trained & measured
    assert not learnt & measured
    for part in (data.train, data.test):  # images go with their factors
        assert (part.images.max((1, 2, 3)) == 75 + 20 * part.factors[:, 2]).all()


def test_where_all_is_trained_on_only_what_validation_held_out_is_left(bars_npz: Path) -> None:
    options = {"path": str(bars_npz), "full": True}
    data = judge_data("npz", options, validation=0.3)
    assert len(data.train) + len(data.test) == 600
    assert "also among the training images" in data.notes[0]
    trained = {tuple(row) for row in np.asarray(data.dataset.factors)[data.run_rows].tolist()}
    assert not trained & {tuple(row) for row in data.train.factors.tolist()}
    with pytest.raises(
        UnbraidError, match=r"all labelled images of bars .* hold some out with --validation"
    ):
        judge_data("npz", options, validation=0.0)


def test_images_that_come_twice_are_left_out(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3000, 16, 16), np.uint8)
    images[1500:] = images[:1500]
    np.savez(tmp_path / "twice.npz", images=images, factors=np.arange(3000) % 3)
    data = judge_data("npz", {"path": str(tmp_path / "twice.npz")}, validation=0.5)
    trained = data.dataset.images[data.run_rows].reshape(-1, 256)
    seen = {image.tobytes() for image in trained}
    assert not any(image.tobytes() in seen for image in data.train.images)
    assert not any(image.tobytes() in seen for image in data.test.images)
    assert "left out" in data.notes[0]


def test_too_few_images_say_how_many_are_needed(squares_npz: Path) -> None:
    with pytest.raises(UnbraidError) as error:
        judge_data("npz", {"path": str(squares_npz)}, validation=0.1)
    assert "57 labelled images of squares are not training images of the run" in str(error.value)
    assert "a judge needs 300 of them (200 for training" in str(error.value)
    classes = FactorSpec("label", "categorical", values=tuple(range(50)))
    assert min_train_images([classes]) == 500


@pytest.mark.parametrize("every", [1, 2])  # image has a label
def test_the_share_it_advises_is_enough(tmp_path: Path, every: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1000, 16, 16), np.uint8)
    labels = np.where(np.arange(1000) % every, np.nan, np.arange(1000) // every % 3)
    np.savez(tmp_path / "few.npz", images=images, factors=labels)
    options = {"path": str(tmp_path / "few.npz")}
    with pytest.raises(UnbraidError, match="train with --validation") as error:
        judge_data("npz", options, validation=0.1)
    share = float(str(error.value).split("--validation ")[1].split(",")[0])
    assert len(judge_data("npz", options, validation=share).train) >= 200
    with pytest.raises(UnbraidError, match="a judge needs 300"):  # none smaller is
        judge_data("npz", options, validation=share - 0.02)


def test_a_share_that_is_not_enough_is_not_advised(tmp_path: Path) -> None:
    """Of more than 5,000 images held out, 5,000 are."""
    images = np.zeros((13_000, 16, 16), np.uint8)
    images[:, 0, :] = np.random.default_rng(0).integers(0, 256, (13_000, 16), np.uint8)
    labels = np.where(np.arange(13_000) % 100, np.nan, np.arange(13_000) // 100 % 3)
    np.savez(tmp_path / "many.npz", images=images, factors=labels)
    with pytest.raises(UnbraidError, match="for the test\\): give more images"):
        judge_data("npz", {"path": str(tmp_path / "many.npz")}, validation=0.1)


def test_a_test_split_alone_is_enough_for_a_judge(tmp_path: Path) -> None:
    """Half of 330 is less than the 200 that training needs, but 330 are more than the 300."""
    images = np.random.default_rng(0).integers(0, 256, (3300, 16, 16), np.uint8)
    np.savez(tmp_path / "alone.npz", images=images, factors=np.arange(3300) % 3)
    data = judge_data("npz", {"path": str(tmp_path / "alone.npz")}, validation=0.0)
    assert (len(data.train), len(data.test)) == (200, 130)


def test_data_without_factors_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", images=np.zeros((50, 16, 16), np.uint8))
    with pytest.raises(UnbraidError, match="plain has no factors"):
        judge_data("npz", {"path": str(tmp_path / "plain.npz")}, 0.1)
    np.savez(tmp_path / "one.npz", images=np.zeros((50, 16, 16), np.uint8), y=np.zeros(50, int))
    with pytest.raises(UnbraidError, match="no factor of one has several values"):
        judge_data("npz", {"path": str(tmp_path / "one.npz")}, 0.1)


def test_identities_are_not_judged(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2000, 16, 16), np.uint8)
    who = np.array([f"person {index // 2}" for index in range(2000)])
    np.savez(tmp_path / "who.npz", images=images, who=who, kind=np.arange(2000) % 3)
    data = judge_data("npz", {"path": str(tmp_path / "who.npz")}, 0.2)
    assert data.columns == (1,)
    assert "who has 1,000 levels" in data.notes[0]


# -- kept -----------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_kept_and_read_again(own_cache: Path, bars_npz: Path) -> None:
    steps: list[tuple[int, int]] = []
    config = Config(passes=2)
    given: tuple[Any, ...] = (str(bars_npz), None, 0.2, config)
    first, data = for_data(*given, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (10, 10)  # 374 images, 64 a step
    steps.clear()
    again, _ = for_data(*given, lambda done, total: steps.append((done, total)))
    assert not steps
    assert again.errors == first.errors
    assert again.facts == first.facts
    np.testing.assert_allclose(
        again.read(data.test.images), first.read(data.test.images), atol=1e-5
    )
    folder = next((own_cache / "judges").iterdir())
    (folder / "model.safetensors").write_bytes(b"broken")
    for_data(*given, lambda done, total: steps.append((done, total)))
    assert steps
    assert json.loads((folder / "judge.json").read_text())["measured_on"] == 186


def test_other_data_need_another_judge(own_cache: Path, bars_npz: Path, tmp_path: Path) -> None:
    config = Config(passes=1)
    for_data(str(bars_npz), None, 0.2, config)
    for_data(str(bars_npz), {"split_seed": 1}, 0.2, config)
    with np.load(bars_npz) as file:
        changed = {**file, "images": 255 - file["images"]}
    np.savez(tmp_path / "bars.npz", **changed)
    for_data(str(tmp_path / "bars.npz"), None, 0.2, config)
    assert len(list((own_cache / "judges").iterdir())) == 3


def test_the_command_says_how_well_it_reads(
    own_cache: Path, bars_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["judge", str(bars_npz), "--validation", "0.2", "--passes", "2"]
    assert main([*args, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["errors"]) == {"column", "row", "grey"}
    assert (told["learnt_from"], told["measured_on"]) == (374, 186)
    assert main([*args, "--data.split-seed", "0"]) == 0
    out = capsys.readouterr().out
    assert "186 held-out images" in " ".join(out.split())
    assert "% accuracy" in out


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "takes a data set or the path of images first"),
        (["--json"], "takes a data set or the path of images first, found '--json'"),
        (["mnits"], "unknown dataset 'mnits'"),
    ],
)
def test_mistakes_are_sentences(
    capsys: pytest.CaptureFixture[str], args: list[str], sentence: str
) -> None:
    assert main(["judge", *args]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert sentence in errors[0]


def test_help_explains_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "--help"]) == 0
    assert "--validation" in capsys.readouterr().out
    assert judge_cache.Options().passes == 0
